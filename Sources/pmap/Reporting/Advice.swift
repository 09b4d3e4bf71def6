/// What a run tells of the options to run it with again.
struct Advice {
    /// The option that made the chunks as large as they are.
    enum Limit {
        case items(Int)
        case bytes(Int)
        /// `-c auto`, and the size that most items met.
        case automatic(Int)
    }

    var limit: Limit
    var workers: Int
    var cpus: Int
    var chunks: Int
    var items: Int
    /// Of input.
    var bytes: Int
    /// Seconds for starting a worker, and for all workers together.
    var start: Double
    var busy: Double
    /// CPUs that the workers kept busy, on average.
    var cpusUsed: Double
    /// Shares of the slots' time: with a worker, starting one, with nothing left to do.
    var utilisation: Double
    var startShare: Double
    var endShare: Double
    /// Items that fit on one command line, judged by those that were seen.
    var mostItems = Int.max

    /// - Parameters:
    ///   - room: nil if items are no arguments.
    ///   - items: so many were seen, which took `bytes` of input, newlines counted.
    static func mostItems(in room: ArgumentRoom?, items: Int, bytes: Int) -> Int {
        guard let room, items > 0 else { return .max }
        let cost = room.cost(ofLength: max(bytes - items, 0) / items)
        return max(room.total / max(cost, 1), 1)
    }

    /// One sentence with a number for each of the two options.
    var sentence: String {
        if chunks == 0 { return "none: no worker ran to its end." }
        if items == 1 { return "none: one item tells too little." }
        let (size, why) = chunkAdvice
        let (workers, whyWorkers) = workerAdvice
        let reasons = [why, whyWorkers].compactMap(\.self)
        let options = "\(size) -j \(workers)"
        if reasons.isEmpty { return "keep \(options): \(whyToKeep)." }
        return "try \(options): \(reasons.joined(separator: ", and "))."
    }

    private var whyToKeep: String {
        if startShare > ChunkSizer.startShare {
            return "starting workers took \(percent(startShare)) of the slots' time, but there are "
                + "too few items for larger chunks"
        }
        if utilisation < 0.8 {
            return "the slots were busy for \(percent(utilisation)) of their time, "
                + "which no other number would change"
        }
        return "the slots were busy and the starts cheap"
    }

    // MARK: -c

    private var chunkAdvice: (option: String, why: String?) {
        let size = Double(measure) / Double(chunks)
        let start = Double(chunks) * start
        // Units whose work takes as long as 19 starts: so that one is a twentieth of it all.
        let perUnit = max(busy - start, busy * 0.01) / Double(max(measure, 1))
        let cheapest = self.start * (1 / ChunkSizer.startShare - 1) / perUnit
        // Python's default for Pool.map: four chunks to each worker.
        let largest = min(Double(measure) / Double(4 * workers), most)
        if startShare > ChunkSizer.startShare, min(cheapest, largest) > size * 1.5 {
            // What a line can tell of one size only may be far off if starts are most of it.
            let isUnsure = startShare > 0.5 && chunks == items
            return (
                isUnsure ? "-c auto" : option(min(cheapest, largest)),
                "starting workers took \(percent(startShare)) of the slots' time"
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
        if case .automatic(let size) = limit {
            return ("-c \(min(max(size, 1), mostItems))", "that is what -c auto came to")
        }
        return (current, nil)
    }

    /// All of the input, in the unit of the option.
    private var measure: Int {
        if case .bytes = limit { bytes } else { items }
    }

    /// The same of what fits on one command line.
    private var most: Double {
        if case .bytes = limit { return .infinity }
        return Double(mostItems)
    }

    private var current: String {
        switch limit {
        case .items(let number): "-c \(number)"
        case .bytes(let number): "-b \(sizeText(number))"
        case .automatic: "-c auto"
        }
    }

    private func option(_ size: Double) -> String {
        let number = max(Int(size.rounded(.up)), 1)
        if case .bytes = limit { return "-b \(sizeText(number))" }
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

/// Bytes as `-b` takes them, rounded up to four digits.
private func sizeText(_ bytes: Int) -> String {
    var size = bytes
    for unit in ["", "K", "M"] {
        if size < 10_000 { return "\(size)\(unit)" }
        size = (size + 1023) / 1024
    }
    return "\(size)G"
}
