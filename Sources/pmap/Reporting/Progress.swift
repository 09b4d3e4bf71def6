import Shared

/// How far the work is.
struct Progress: Equatable {
    var chunksDone = 0
    /// nil until the end of the input was seen.
    var chunksTotal: Int?
    /// With those that an earlier run did.
    var itemsDone = 0
    var itemsTotal: Int?
    /// Items of `itemsDone` that an earlier run did: nobody worked for them now.
    var itemsSkipped = 0
    var running = 0
    var failed = 0
    var elapsed = Duration.zero
    /// Items a second, as `RateEstimate` has them.
    var rate = 0.0

    /// Seconds until all is done if it goes on as now; nil where that cannot be told.
    var secondsLeft: Double? {
        guard let itemsTotal, rate > 0, itemsDone < itemsTotal else { return nil }
        return Double(itemsTotal - itemsDone) / rate
    }

    /// How much is done, in parts of a whole, rounded down; nil until the total is known.
    func share(of parts: Int) -> Int? {
        guard let itemsTotal else { return nil }
        if itemsDone >= itemsTotal { return parts }
        return Int(Double(itemsDone) * Double(parts) / Double(itemsTotal))
    }

    var chunks: String { "\(chunksDone)\(total(chunksTotal)) chunks" }
    var items: String { "\(itemsDone)\(total(itemsTotal)) items" }
    /// nil once nothing runs any more.
    var timeLeft: String? { running > 0 ? secondsLeft.map { "\(clock($0)) left" } : nil }

    private func total(_ number: Int?) -> String { number.map { "/\($0)" } ?? "" }

    /// One line of text without its end.
    var statusLine: String {
        let fields: [String?] = [
            chunks, items, "\(running) running", "\(failed) failed", "\(tenths(rate)) items/s",
            timeLeft,
        ]
        return fields.compactMap(\.self).joined(separator: ", ")
    }

    /// One JSON object without a newline; its keys are those of the manual page.
    ///
    /// - Parameter isFinal: whether no other follows.
    func json(isFinal: Bool) -> String {
        func number(_ value: Int?) -> String { value.map(String.init) ?? "null" }
        let members: KeyValuePairs = [
            "elapsed": decimal(elapsed),
            "chunks_done": "\(chunksDone)", "chunks_total": number(chunksTotal),
            "items_done": "\(itemsDone)", "items_total": number(itemsTotal),
            "running": "\(running)", "failed": "\(failed)",
            "items_per_second": decimal(.seconds(rate)),
            "seconds_left": secondsLeft.map { decimal(.seconds(min($0, 1e12))) } ?? "null",
            "finished": "\(isFinal)",
        ]
        return "{" + members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
    }
}

/// Items a second, smoothed: what was done weighs the less the longer ago it was, by 1/e
/// over a quarter of the time so far, 10 seconds at least. So it follows a change, and one
/// slow item among quick ones does not make it jump, whatever the scale of the work. Time
/// in which nothing is done counts in full, but makes nothing forgotten.
struct RateEstimate {
    /// Sums in which each moment has its weight.
    private var items = 0.0
    private var seconds = 0.0
    private var lastCount = 0
    private var lastTime = Duration.zero
    /// Seconds since something was done.
    private var idle = 0.0

    /// - Parameters:
    ///   - count: items done so far.
    ///   - time: since the start.
    mutating func note(count: Int, at time: Duration) {
        let passed = (time - lastTime) / .seconds(1)
        idle = max(passed, 0)
        guard passed > 0, count > lastCount else { return }
        let horizon = max(10, time / .seconds(4))
        let kept = exp(-passed / horizon)
        // The weight of the time that passed, on average over it.
        let weight = (1 - kept) * horizon / passed
        items = items * kept + Double(count - lastCount) * weight
        seconds = seconds * kept + passed * weight
        lastCount = count
        lastTime = time
        idle = 0
    }

    var perSecond: Double { items > 0 ? items / (seconds + idle) : 0 }
}

/// A number with one decimal place below 100, none above.
func tenths(_ number: Double) -> String {
    if number >= 100 { return "\(Int(min(number.rounded(), 1e15)))" }
    let scaled = Int((number * 10).rounded())
    return "\(scaled / 10).\(scaled % 10)"
}

/// Seconds as `42s`, `3m05s`, `2h07m`, `4d03h`.
func clock(_ seconds: Double) -> String {
    let total = Int(min(seconds.rounded(.up), 1e12))
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
    switch total {
    case ..<60: return "\(total)s"
    case ..<3600: return "\(total / 60)m\(two(total % 60))s"
    case ..<86400: return "\(total / 3600)h\(two(total / 60 % 60))m"
    default: return "\(total / 86400)d\(two(total / 3600 % 24))h"
    }
}
