/// Finds how many items a chunk should have, for `-c auto`.
///
/// While much work is left, chunks are so large that starting the worker takes a twentieth of a
/// chunk's time. Toward the end chunks shrink with the number of items left, as in guided
/// self-scheduling: C. D. Polychronopoulos and D. J. Kuck, "Guided Self-Scheduling: A Practical
/// Scheduling Scheme for Parallel Supercomputers", IEEE Transactions on Computers C-36(12), 1987.
/// They give each of P processors 1/P of the items left. Here a worker gets half of that, because
/// the costs of items may differ a thousandfold, as in S. F. Hummel, E. Schonberg and L. E. Flynn,
/// "Factoring", Communications of the ACM 35(8), 1992.
struct ChunkSizer {
    /// The share of a chunk's time that starting its worker may take.
    static let startShare = 0.05

    private var cost = ChunkCost(memory: 0.9)
    /// The largest chunk allowed so far. It rises only after smaller chunks have finished.
    private var ceiling = 1

    /// Learns from a finished chunk.
    mutating func note(items: Int, seconds: Double, spawning: Double) {
        cost.note(items: items, seconds: seconds, spawning: spawning)
        // If chunks take only milliseconds, a mistake costs little, so grow faster.
        let factor = seconds < 0.005 ? 16 : seconds < 0.05 ? 4 : 2
        ceiling = max(ceiling, min(items, 1 << 40) * factor)
    }

    /// The number of items in a chunk while many are left.
    var size: Int { size(slowest: 0) }

    private func size(slowest: Double) -> Int {
        let perItem = max(cost.perItem, slowest)
        let wanted = cost.start / perItem * (1 / Self.startShare - 1)
        return wanted < Double(ceiling) ? max(Int(wanted.rounded(.up)), 1) : ceiling
    }

    /// Returns the number of items for the next chunk.
    ///
    /// No chunk takes more than its share of the items known to be left, however cheap its items
    /// seem: they may be the slow ones.
    ///
    /// - Parameters:
    ///   - left: items that are known to be left.
    ///   - workers: the number of workers that share them.
    ///   - slowest: the least seconds for each item of a running chunk. It lets a slow chunk count
    ///     before it has finished.
    func size(left: Int, workers: Int, slowest: Double = 0) -> Int {
        let share = (Double(left) / (2 * Double(workers))).rounded(.up)
        let size = size(slowest: slowest)
        return max(share < Double(size) ? Int(share) : size, 1)
    }
}
