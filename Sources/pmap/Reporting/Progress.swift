import Shared

/// How much of the work is done.
struct Progress: Equatable {
    var chunksDone = 0
    /// nil until the end of the input has been read.
    var chunksTotal: Int?
    /// Includes the items done by an earlier run; nil if they are not counted.
    var itemsDone: Int? = 0
    var itemsTotal: Int?
    /// The items of `itemsDone` that an earlier run did. They do not count for the rate.
    var itemsSkipped = 0
    /// The same of bytes of input.
    var bytesDone = 0
    var bytesTotal: Int?
    var bytesSkipped = 0
    var running = 0
    var failed = 0
    var elapsed = Duration.zero
    /// Items per second, from `RateEstimate`.
    var rate = 0.0
    /// Bytes per second, likewise.
    var byteRate = 0.0

    /// What is done of what, in items; in bytes of input, if only their total is known.
    private var work: (done: Int, total: Int)? {
        if let itemsTotal, let itemsDone { return (itemsDone, itemsTotal) }
        return bytesTotal.map { (bytesDone, $0) }
    }

    /// What is not done yet, in items, or in bytes if items are not counted. If only the total of the
    /// bytes is known, the items are estimated from it.
    var workLeft: Int? {
        guard let itemsDone else { return bytesTotal.map { $0 - bytesDone } }
        if let itemsTotal { return itemsTotal - itemsDone }
        guard let bytesTotal, bytesDone > 0 else { return nil }
        return Int(Double(bytesTotal - bytesDone) * Double(itemsDone) / Double(bytesDone))
    }

    /// Estimated seconds until all is done, from `TimeLeft`; nil if unknown.
    var secondsLeft: Double?

    /// How many of `parts` equal parts are done, rounded down; nil until the total is known.
    func share(of parts: Int) -> Int? {
        guard let work else { return nil }
        if work.done >= work.total { return parts }
        return Int(Double(work.done) * Double(parts) / Double(work.total))
    }

    /// Notes a chunk that is done.
    mutating func note(_ chunk: Chunk) {
        chunksDone += 1
        bytesDone += chunk.byteCount
        itemsDone = chunk.itemCount.flatMap { count in itemsDone.map { $0 + count } }
    }

    /// Whole percent of the work that is done; nil until the total is known.
    var percent: String? { share(of: 100).map { "\($0)%" } }
    /// nil if each chunk has one item, so that `items` says it all.
    var chunks: String? {
        if chunksDone == itemsDone && chunksTotal == itemsTotal { return nil }
        return counted(chunksDone, of: chunksTotal, "chunk")
    }
    /// The items that are done; the bytes, if items are not counted.
    var items: String { amount(separator: "/") }

    /// - Parameter separator: stands before the total; nil to leave the total out.
    private func amount(separator: String?) -> String {
        guard let separator else {
            return itemsDone.map { plural($0, "item") } ?? "\(megabytes(bytesDone)) MB"
        }
        if let itemsDone { return counted(itemsDone, of: itemsTotal, "item", separator) }
        return bytesTotal.map { "\(megabytes(bytesDone))\(separator)\(megabytes($0)) MB" }
            ?? "\(megabytes(bytesDone)) MB"
    }

    /// Items per second; bytes, if items are not counted.
    var speed: String { itemsDone == nil ? "\(tenths(byteRate / 1e6)) MB" : tenths(rate) }
    var timeLeft: String? { secondsLeft.map { "\(clock($0.rounded(.up))) left" } }

    private func counted(
        _ number: Int, of total: Int?, _ what: String, _ separator: String = "/"
    ) -> String {
        total.map { "\(number)\(separator)\(plural($0, what))" } ?? plural(number, what)
    }

    /// One line of text, without its newline.
    var statusLine: String {
        let fields: [String?] = [
            chunks, items, "\(running) running", "\(failed) failed",
            speed + (itemsDone == nil ? "/s" : " items/s"),
            timeLeft,
        ]
        return fields.compactMap(\.self).joined(separator: ", ")
    }

    /// The last line of a run, without its newline: `60 items in 12.3 s, 4.9 items/s`.
    var summary: String {
        let isPart = work.map { $0.done < $0.total } ?? false
        var text = amount(separator: isPart ? " of " : nil)
        if chunks != nil { text += " (\(plural(chunksDone, "chunk")))" }
        if itemsSkipped > 0 { text += ", \(itemsSkipped) of them done before," }
        let seconds = elapsed / .seconds(1)
        // Rounded down, as a clock is read.
        let tenthsOfSeconds = Int(seconds * 10)
        text += " in "
        text += seconds < 60 ? "\(tenthsOfSeconds / 10).\(tenthsOfSeconds % 10) s" : clock(seconds)
        if seconds <= 0 { return text }
        let speed =
            itemsDone.map { "\(tenths(Double($0 - itemsSkipped) / seconds)) items/s" }
            ?? "\(tenths(Double(bytesDone - bytesSkipped) / seconds / 1e6)) MB/s"
        return text + ", " + speed
    }

    /// One JSON object without a newline. The manual page lists its keys.
    ///
    /// - Parameter isFinal: whether this is the last object.
    func json(isFinal: Bool) -> String {
        func number(_ value: Int?) -> String { value.map(String.init) ?? "null" }
        let members: KeyValuePairs = [
            "elapsed": decimal(elapsed),
            "chunks_done": "\(chunksDone)", "chunks_total": number(chunksTotal),
            "items_done": number(itemsDone), "items_total": number(itemsTotal),
            "bytes_done": "\(bytesDone)", "bytes_total": number(bytesTotal),
            "running": "\(running)", "failed": "\(failed)",
            "items_per_second": itemsDone == nil ? "null" : decimal(.seconds(rate)),
            "seconds_left": (isFinal ? nil : secondsLeft).map { decimal(.seconds(min($0, 1e12))) }
                ?? "null",
            "finished": "\(isFinal)",
        ]
        return "{" + members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
    }
}

/// Items per second, as an exponential average whose time constant is a quarter of the elapsed
/// time, but at least 10 seconds. So it follows changes at any scale of the work, and one slow item
/// among quick ones does not make it jump. Idle time counts in full, but does not reduce the weight
/// of older work.
struct RateEstimate {
    /// Weighted sums.
    private var items = 0.0
    private var seconds = 0.0
    private var lastCount = 0
    private var lastTime = Duration.zero
    /// Seconds since an item was done.
    private var idle = 0.0

    /// - Parameters:
    ///   - count: items done so far.
    ///   - time: time since the start.
    mutating func note(count: Int, at time: Duration) {
        let passed = (time - lastTime) / .seconds(1)
        idle = max(passed, 0)
        guard passed > 0, count > lastCount else { return }
        let horizon = max(10, time / .seconds(4))
        let kept = exp(-passed / horizon)
        // The average weight of the time that has passed.
        let weight = (1 - kept) * horizon / passed
        items = items * kept + Double(count - lastCount) * weight
        seconds = seconds * kept + passed * weight
        lastCount = count
        lastTime = time
        idle = 0
    }

    var perSecond: Double { items > 0 ? items / (seconds + idle) : 0 }
}

private func megabytes(_ bytes: Int) -> String { tenths(Double(bytes) / 1e6) }

/// Formats a number: one decimal place below 100, none above.
func tenths(_ number: Double) -> String {
    if number >= 100 { return "\(Int(min(number.rounded(), 1e15)))" }
    let scaled = Int((number * 10).rounded())
    return "\(scaled / 10).\(scaled % 10)"
}

/// A number and a noun: `1 chunk`, `2 chunks`.
func plural(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
}

/// Formats whole seconds, rounded down, as `42s`, `3m05s`, `2h07m` or `4d03h`.
func clock(_ seconds: Double) -> String {
    let total = Int(min(seconds, 1e12))
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
    switch total {
    case ..<60: return "\(total)s"
    case ..<3600: return "\(total / 60)m\(two(total % 60))s"
    case ..<86400: return "\(total / 3600)h\(two(total / 60 % 60))m"
    default: return "\(total / 86400)d\(two(total / 3600 % 24))h"
    }
}
