/// Finds how many items a chunk should have, for `-c auto`.
///
/// In the middle of the work a chunk is so large that starting its worker takes a twentieth
/// of its time. Toward the end chunks shrink with what is left, as in guided
/// self-scheduling: C. D. Polychronopoulos and D. J. Kuck, "Guided Self-Scheduling: A
/// Practical Scheduling Scheme for Parallel Supercomputers", IEEE Transactions on Computers
/// C-36(12), 1987. They give each of P processors 1/P of what is left; here it is half of
/// that, since the costs of items may differ a thousandfold, as in S. F. Hummel,
/// E. Schonberg and L. E. Flynn, "Factoring", Communications of the ACM 35(8), 1992.
struct ChunkSizer {
    /// Of a chunk's time, what starting its worker may take.
    static let startShare = 0.05

    private var cost = ChunkCost(memory: 0.9)
    /// No chunk is larger before a smaller one has shown that it may be.
    private var ceiling = 1

    /// Learns from a chunk that was done.
    mutating func note(items: Int, seconds: Double, spawning: Double) {
        cost.note(items: items, seconds: seconds, spawning: spawning)
        // A mistake costs little where chunks take milliseconds.
        let factor = seconds < 0.005 ? 16 : seconds < 0.05 ? 4 : 2
        ceiling = max(ceiling, min(items, 1 << 40) * factor)
    }

    /// The items of a chunk while plenty are left.
    var size: Int { size(slowest: 0) }

    private func size(slowest: Double) -> Int {
        let perItem = max(cost.perItem, slowest)
        let wanted = cost.start / perItem * (1 / Self.startShare - 1)
        return wanted < Double(ceiling) ? max(Int(wanted.rounded(.up)), 1) : ceiling
    }

    /// The items of the next chunk.
    ///
    /// No chunk takes more than its share of what is known to be left, however cheap its items
    /// seem: they may be the slow ones.
    ///
    /// - Parameters:
    ///   - left: items that are known to be left.
    ///   - workers: that share them.
    ///   - slowest: seconds that an item of a running chunk takes at least. A chunk that is
    ///     slow so teaches while it runs.
    func size(left: Int, workers: Int, slowest: Double = 0) -> Int {
        let share = (Double(left) / (2 * Double(workers))).rounded(.up)
        let size = size(slowest: slowest)
        return max(share < Double(size) ? Int(share) : size, 1)
    }
}
