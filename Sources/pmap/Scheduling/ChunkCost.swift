/// The cost of a chunk: a fixed time to start its worker, and a time for each item. Both are
/// estimated by fitting a line to the seconds of finished chunks over their items, with weighted
/// least squares. A chunk of n items has weight 1/n, because the variance of a sum of n items grows
/// with n.
struct ChunkCost {
    /// The factor by which each new observation reduces the weight of all earlier ones.
    private let memory: Double
    /// Weighted sums over chunks of n items and t seconds.
    private var ones = 0.0
    private var n = 0.0
    private var t = 0.0
    private var nn = 0.0
    private var nt = 0.0
    private var spawning = 0.0
    private var spawns = 0.0
    /// The shortest chunk so far, since no start takes longer than a whole chunk. It rises slowly,
    /// in case the machine slows down.
    private var shortest = Double.infinity
    private var fittedStart: Double?

    /// If the spread of sizes is below this share of its largest value, no line is fitted.
    private static let leastSpread = 0.05

    /// - Parameter memory: 1 if all chunks count the same; less if older chunks count less.
    init(memory: Double) { self.memory = memory }

    /// - Parameters:
    ///   - items: the number of items in a chunk.
    ///   - seconds: the time from before the start of its worker until the worker's end.
    ///   - spawning: the part of `seconds` until the worker was started, as far as pmap can see it.
    mutating func note(items: Int, seconds: Double, spawning: Double) {
        let count = Double(max(items, 1))
        ones = ones * memory + 1 / count
        n = n * memory + 1
        t = t * memory + seconds / count
        nn = nn * memory + count
        nt = nt * memory + seconds
        self.spawning = self.spawning * memory + spawning
        spawns = spawns * memory + 1
        shortest = min(seconds, shortest * 1.01)
        let spread = ones * nn - n * n
        if spread > Self.leastSpread * ones * nn {
            let slope = (ones * nt - n * t) / spread
            fittedStart = (t - slope * n) / ones
        }
    }

    /// Seconds to start a worker. The fitted value is used once chunks of several sizes were seen,
    /// but never less than the time for spawning.
    var start: Double {
        guard spawns > 0 else { return 0 }
        return max(min(fittedStart ?? shortest, shortest), min(spawning / spawns, shortest))
    }

    /// Like `start`, but before a line is fitted, only the time for spawning, which is certain.
    var knownStart: Double {
        guard spawns > 0 else { return 0 }
        return fittedStart == nil ? min(spawning / spawns, shortest) : start
    }

    /// Seconds for each item, without the start; at least a small part of a chunk's time.
    var perItem: Double { perItem(start: start) }

    func perItem(start: Double) -> Double {
        guard nn > 0 else { return 0 }
        return max(nt - start * spawns, nt * 0.01) / nn
    }
}
