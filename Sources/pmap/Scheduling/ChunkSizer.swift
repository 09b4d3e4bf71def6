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

    /// The same at the end.
    private static let lastStartShare = 0.2

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
    var size: Int {
        let wanted = cost.start / cost.perItem * (1 / Self.startShare - 1)
        return wanted < Double(ceiling) ? max(Int(wanted.rounded(.up)), 1) : ceiling
    }

    /// The items of the next chunk.
    ///
    /// - Parameters:
    ///   - left: items that are known to be left.
    ///   - workers: that share them.
    func size(left: Int, workers: Int) -> Int {
        let share = Double(left) / (2 * Double(workers))
        // Smaller ones would cost more in starts than they save in waiting for the last.
        let least = cost.start / cost.perItem * (1 / Self.lastStartShare - 1)
        let guided = max(share, least).rounded(.up)
        let next = guided < Double(size) ? Int(guided) : size
        return max(min(next, left), 1)
    }
}
