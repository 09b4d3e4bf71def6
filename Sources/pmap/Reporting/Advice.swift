/// Suggests options for the next run, from the numbers of this one.
struct Advice {
    /// The option that limited the size of the chunks.
    enum Limit {
        case items(Int)
        case bytes(Int)
        /// `-c auto`, or `-i` without a size, and the average size of the chunk that an item or a
        /// byte was in.
        case automatic(ChunkSizer.Unit, Int)
    }

    var limit: Limit
    /// Whether workers get more than one chunk, so that the cost of a chunk is that of handing it
    /// over.
    var isPersistent = false
    var workers: Int
    var cpus: Int
    var chunks: Int
    var items: Int
    /// Bytes of input, and of output.
    var bytes: Int
    var bytesOut = 0
    /// Seconds spent starting one worker, and the total run time of all workers.
    var start: Double
    var busy: Double
    /// The average number of CPUs that the workers kept busy.
    var cpusUsed: Double
    /// Shares of the time of all slots: with a worker, starting one, and idle at the end.
    var utilisation: Double
    var startShare: Double
    var endShare: Double
    /// The share of the run's time in which output waited for its reader.
    var readerShare = 0.0
    /// How many items fit on one command line, estimated from those seen.
    var mostItems = Int.max

    /// - Parameters:
    ///   - room: nil if items are not arguments.
    ///   - items: the number of items seen.
    ///   - bytes: their bytes of input, including newlines.
    static func mostItems(in room: ArgumentRoom?, items: Int, bytes: Int) -> Int {
        guard let room, items > 0 else { return .max }
        let cost = room.cost(ofLength: max(bytes - items, 0) / items)
        return max(room.total / max(cost, 1), 1)
    }

    /// One sentence that gives a number for each of the two options.
    var sentence: String {
        if chunks == 0 { return "none: no worker ran to its end." }
        if unit == .items, items == 1 { return "none: one item tells too little." }
        if readerShare > 0.5 {
            return
                "the workers waited for the reader of their output for \(percent(readerShare)) of "
                + "the time: have them print less"
                + (unit == .bytes ? ", as larger blocks may (-b), " : " ") + "or it do less."
        }
        let (size, why) = chunkAdvice
        let (workers, whyWorkers) = workerAdvice
        let reasons = [why, whyWorkers].compactMap(\.self)
        let options = "\(size) -j \(workers)"
        if reasons.isEmpty { return "keep \(options): \(whyToKeep)." }
        return "try \(options): \(reasons.joined(separator: ", and "))."
    }

    private var starting: String { isPersistent ? "handing over chunks" : "starting workers" }

    private var whyToKeep: String {
        if startShare > unit.startShare {
            return "\(starting) took \(percent(startShare)) of the slots' time, but there are "
                + "too few items for larger chunks"
        }
        if utilisation < 0.8 {
            return "the slots were busy for \(percent(utilisation)) of their time, "
                + "which no other number would change"
        }
        return isPersistent
            ? "the slots were busy, and handing over chunks was cheap"
            : "the slots were busy and the starts cheap"
    }

    // MARK: -c

    /// If workers print more than this share of what they read, it is worth while to try whether
    /// they print less with larger blocks, as those that count do.
    private static let muchOutput = 0.1
    /// No larger block is advised for that reason.
    private static let largeBlock = 64 << 20

    private var chunkAdvice: (option: String, why: String?) {
        let size = Double(measure) / Double(chunks)
        let start = Double(chunks) * start
        // At the cheapest size, a start takes its allowed share of the chunk's time.
        let perUnit = max(busy - start, busy * 0.01) / Double(max(measure, 1))
        let cheapest = self.start * (1 / unit.startShare - 1) / perUnit
        // At least four chunks for each worker, the default of Python's Pool.map.
        let largest = min(Double(measure) / Double(4 * workers), most)
        if startShare > unit.startShare, min(cheapest, largest) > size * 1.5 {
            // With chunks of one size only, the estimate may be far off if starts take most of the
            // time.
            let isUnsure = startShare > 0.5 && chunks == items
            return (
                isUnsure ? "-c auto" : option(min(cheapest, largest)),
                "\(starting) took \(percent(startShare)) of the slots' time"
            )
        }
        if chunks < workers, size > 1 {
            let smaller = max(largest, min(cheapest, size))
            if smaller < size * 0.8 {
                return (option(smaller), "\(chunks) chunks are too few for \(workers) workers")
            }
        }
        if endShare > 0.1, size > 1 {
            let smaller = max(min(size / 2, largest), min(cheapest, size))
            if smaller < size * 0.8 {
                return (
                    option(smaller),
                    "slots had nothing left to do for \(percent(endShare)) of their time"
                )
            }
        }
        let printed = Double(bytesOut) / Double(max(bytes, 1))
        let larger = min(largest, Double(Self.largeBlock))
        if unit == .bytes, printed > Self.muchOutput, larger > size * 1.5 {
            return (
                option(larger),
                "workers that count print less with larger blocks: these printed "
                    + "\(percent(printed)) of what they read"
            )
        }
        if case .automatic(.items, let size) = limit {
            return ("-c \(min(max(size, 1), mostItems))", "that is what -c auto came to")
        }
        if case .automatic(.bytes, let size) = limit {
            return ("-b \(sizeText(max(size, 1)))", "that is what it came to without -b")
        }
        return (current, nil)
    }

    /// The size of the whole input, in the unit of the option.
    private var measure: Int { unit == .bytes ? bytes : items }

    private var unit: ChunkSizer.Unit {
        switch limit {
        case .items: .items
        case .bytes: .bytes
        case .automatic(let unit, _): unit
        }
    }

    /// The most that fits on one command line, in the same unit.
    private var most: Double {
        unit == .bytes ? .infinity : Double(mostItems)
    }

    private var current: String {
        switch limit {
        case .items(let number): "-c \(number)"
        case .bytes(let number): "-b \(sizeText(number))"
        case .automatic(.items, _): "-c auto"
        case .automatic(.bytes, _): ""
        }
    }

    private func option(_ size: Double) -> String {
        let number = max(Int(size.rounded(.up)), 1)
        if unit == .bytes { return "-b \(sizeText(number))" }
        return "-c \(number)"
    }

    // MARK: -j

    private var workerAdvice: (number: Int, why: String?) {
        let perWorker = cpusUsed / (Double(workers) * max(utilisation, 0.01))
        if workers < cpus, perWorker > 0.7, chunks > workers {
            return (cpus, "there are \(cpus) CPUs")
        }
        if perWorker < 0.5, utilisation > 0.7, startShare < 0.1, chunks >= 4 * workers {
            let wanted = min(Double(cpus) * 0.9 / max(perWorker, 0.01), 4 * Double(workers))
            if wanted >= Double(workers) * 1.5 {
                return (Int(wanted), "workers waited for \(percent(1 - perWorker)) of their time")
            }
        }
        if workers > cpus, cpusUsed > 0.95 * Double(cpus) {
            return (cpus, "all \(cpus) CPUs were busy")
        }
        return (workers, nil)
    }
}

/// Formats a number of bytes as `-b` takes it, rounded up to four digits.
private func sizeText(_ bytes: Int) -> String {
    var size = bytes
    for unit in ["", "K", "M"] {
        if size < 10_000 { return "\(size)\(unit)" }
        size = (size + 1023) / 1024
    }
    return "\(size)G"
}
