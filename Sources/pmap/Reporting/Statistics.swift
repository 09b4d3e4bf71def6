import Shared

/// The numbers for `--stats`, collected in bounded memory. Each attempt to run a chunk counts as a
/// chunk here.
struct Statistics {
    /// A finished attempt to run a chunk.
    struct Sample {
        var number: Int
        /// nil if they are not counted.
        var items: Int?
        /// Bytes of input.
        var bytes: Int
        var slot: Int
        var seconds: Double
        /// The part of `seconds` until the worker was started, as far as pmap can see it.
        var spawning: Double
        /// Seconds since the start of the run.
        var end: Double
        var cpuSeconds: Double
        var bytesOut: Int
    }

    /// What the size of chunks is measured in.
    let unit: ChunkSizer.Unit
    /// Processes that were started.
    var starts = 0
    private(set) var chunks = 0
    private(set) var items = 0
    private(set) var bytes = 0
    private(set) var bytesOut = 0
    /// The sum of the squares of the chunks' sizes.
    private var squares = 0.0
    private(set) var cpuSeconds = 0.0
    /// Seconds in which output waited for its reader.
    var readerSeconds = 0.0
    private(set) var times = Histogram()
    private(set) var cost = ChunkCost(memory: 1)
    /// For each slot, from the first: seconds in which it had a worker, and the end of its last
    /// worker.
    private(set) var busy: [Double] = []
    private(set) var lastEnds: [Double] = []
    /// The slowest chunks, the slowest first, with their items as text.
    private(set) var slowest: [(number: Int, seconds: Double, items: String)] = []

    private static let shownSlowest = 3

    /// - Parameter text: the chunk's items, shortened; evaluated only if it may be shown.
    mutating func note(_ sample: Sample, text: @autoclosure () -> String) {
        chunks += 1
        items += sample.items ?? 0
        bytes += sample.bytes
        bytesOut += sample.bytesOut
        let size = unit == .items ? sample.items ?? 0 : sample.bytes
        squares += Double(size) * Double(size)
        cpuSeconds += sample.cpuSeconds
        times.add(sample.seconds)
        cost.note(items: size, seconds: sample.seconds, spawning: sample.spawning)
        while busy.count < sample.slot {
            busy.append(0)
            lastEnds.append(0)
        }
        busy[sample.slot - 1] += sample.seconds
        lastEnds[sample.slot - 1] = sample.end
        let place = slowest.firstIndex { $0.seconds < sample.seconds } ?? slowest.count
        if place < Self.shownSlowest {
            slowest.insert((sample.number, sample.seconds, text()), at: place)
            if slowest.count > Self.shownSlowest { slowest.removeLast() }
        }
    }

    /// The average size of the chunk that an item or a byte was in.
    var typicalSize: Int {
        let total = unit == .items ? items : bytes
        return total > 0 ? Int((squares / Double(total)).rounded()) : 0
    }

    /// - Parameter isPersistent: whether workers get more than one chunk.
    init(unit: ChunkSizer.Unit = .items, isPersistent: Bool = false) {
        self.unit = unit
        self.isPersistent = isPersistent
    }

    private let isPersistent: Bool

    /// The share of the slots' total time in which they had a worker.
    func utilisation(wall: Double) -> Double {
        let all = wall * Double(busy.count)
        return all > 0 ? min(busy.reduce(0, +) / all, 1) : 0
    }

    /// The share of the slots' total time that went into starting workers.
    func startShare(wall: Double) -> Double {
        let all = wall * Double(busy.count)
        return all > 0 ? min(cost.knownStart * Double(chunks) / all, 1) : 0
    }

    /// The share of the slots' total time after their last worker had ended.
    func endShare(wall: Double) -> Double {
        let all = wall * Double(busy.count)
        return all > 0 ? lastEnds.reduce(0) { $0 + max(wall - $1, 0) } / all : 0
    }

    /// Returns the table of `--stats`. Each line ends with a newline.
    ///
    /// - Parameter wall: the elapsed time of the run, in seconds.
    func table(progress: Progress, wall: Double, advice: String) -> String {
        var rows = [
            ("chunks", "\(progress.chunksDone), \(progress.failed) failed"),
            progress.itemsDone.map { ("items", "\($0)") } ?? ("bytes in", "\(bytes)"),
            ("bytes out", "\(bytesOut)"),
            ("wall", seconds(wall)),
            (
                "workers' CPU",
                "\(seconds(cpuSeconds)), \(tenths(wall > 0 ? cpuSeconds / wall : 0)) CPUs"
            ),
        ]
        if isPersistent {
            // Each slot needs one start; the others replaced a worker.
            let restarts = max(starts - busy.count, 0)
            let each = tenths(Double(chunks) / Double(max(starts, 1)))
            rows.append(("workers", "\(starts) started, \(each) chunks each, \(restarts) restarts"))
        }
        rows += lines(slots(wall: wall)).enumerated().map { ($0 == 0 ? "slots busy" : "", $1) }
        if chunks > 0 {
            rows.append(
                (
                    "chunk seconds",
                    "min \(number(times.smallest)), median \(number(times.quantile(0.5))), "
                        + "95 % \(number(times.quantile(0.95))), max \(number(times.largest))"
                ))
            rows.append(
                (
                    isPersistent ? "handing over" : "starting",
                    "\(percent(startShare(wall: wall))) of the slots' time, "
                        + "\(number(cost.knownStart)) s a \(isPersistent ? "chunk" : "worker")"
                ))
        }
        for (place, chunk) in slowest.enumerated() {
            rows.append(
                (
                    place == 0 ? "slowest chunks" : "",
                    "\(chunk.number): \(seconds(chunk.seconds)): \(chunk.items)"
                ))
        }
        rows.append(("advice", advice))
        return rows.map { name, value in
            name + String(repeating: " ", count: 16 - name.count) + value + "\n"
        }.joined()
    }

    /// Returns `1: 98 %` for each slot. If there are many slots, returns the least, the median and
    /// the most instead.
    private func slots(wall: Double) -> [String] {
        let shares = busy.map { wall > 0 ? min($0 / wall, 1) : 0 }
        if shares.count <= 32 {
            return shares.enumerated().map { "\($0 + 1): \(percent($1))" }
        }
        let sorted = shares.sorted()
        return [
            "least \(percent(sorted[0]))", "median \(percent(sorted[sorted.count / 2]))",
            "most \(percent(sorted[sorted.count - 1]))",
        ]
    }

    /// Joins the words, eight on each line.
    private func lines(_ words: [String]) -> [String] {
        stride(from: 0, to: words.count, by: 8).map {
            words[$0..<min($0 + 8, words.count)].joined(separator: "  ")
        }
    }
}

private func seconds(_ time: Double) -> String { "\(decimal(.seconds(time))) s" }

/// Formats seconds with three decimal places, or six below a hundredth.
private func number(_ time: Double) -> String {
    if time >= 0.01 { return decimal(.seconds(time)) }
    let digits = "\(Int((time * 1e6).rounded()))"
    return "0." + String(repeating: "0", count: 6 - digits.count) + digits
}

func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
