/// What a chunk costs: so much to start its worker, and so much for each item. Both are
/// read off the chunks themselves, by a line fitted to their seconds over their items:
/// weighted least squares, the weight of a chunk of n items being 1/n, as the variance of a
/// sum of n items grows with n.
struct ChunkCost {
    /// How much an observation counts once another has come.
    private let memory: Double
    /// Weighted sums over chunks of n items and t seconds.
    private var ones = 0.0
    private var n = 0.0
    private var t = 0.0
    private var nn = 0.0
    private var nt = 0.0
    private var spawning = 0.0
    private var spawns = 0.0
    /// No start takes longer than a whole chunk. It rises slowly, should the machine slow down.
    private var shortest = Double.infinity
    private var fittedStart: Double?

    /// Below this share of its largest value, the spread of sizes says nothing.
    private static let leastSpread = 0.05

    /// - Parameter memory: 1 where all chunks count alike; less where what is long ago is
    ///   to be forgotten.
    init(memory: Double) { self.memory = memory }

    /// - Parameters:
    ///   - items: of a chunk.
    ///   - seconds: from before its worker was started to its end.
    ///   - spawning: seconds of them until it was started, as far as pmap saw.
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

    /// Seconds that it takes to start a worker: as fitted once chunks of several sizes were
    /// seen, but no less than spawning takes.
    var start: Double {
        guard spawns > 0 else { return 0 }
        return max(min(fittedStart ?? shortest, shortest), min(spawning / spawns, shortest))
    }

    /// The same where it is not known better than that no chunk took less: what is sure.
    var knownStart: Double {
        guard spawns > 0 else { return 0 }
        return fittedStart == nil ? min(spawning / spawns, shortest) : start
    }

    /// Seconds for an item beside that; a sliver of a chunk's time at least.
    var perItem: Double { perItem(start: start) }

    func perItem(start: Double) -> Double {
        guard nn > 0 else { return 0 }
        return max(nt - start * spawns, nt * 0.01) / nn
    }
}
