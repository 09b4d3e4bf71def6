/// A tree of losers, which finds the least of several sequences' next records by one
/// comparison a level (Knuth, The Art of Computer Programming, volume 3, section 5.4.1).
struct LoserTree {
    private let count: Int
    /// The first is the winner; a node's children are 2n and 2n+1, and the leaves' numbers
    /// are those of the sequences plus `count`.
    private var losers: [Int]

    /// - Parameter count: sequences, numbered from 0; each must play once.
    init(_ count: Int) {
        self.count = count
        losers = Array(repeating: -1, count: max(1, count))
    }

    var winner: Int { losers[0] }

    /// Has a sequence play its way up; the losers stay where they lost.
    ///
    /// - Parameter wins: whether the first sequence's record comes before the second's.
    @inline(__always)
    mutating func play(_ sequence: Int, _ wins: (Int, Int) -> Bool) {
        var winner = sequence
        var node = (sequence + count) / 2
        while node > 0 {
            let other = losers[node]
            if other < 0 {
                // While the tree is built the first to come waits for its opponent.
                losers[node] = winner
                return
            }
            if wins(other, winner) {
                losers[node] = winner
                winner = other
            }
            node /= 2
        }
        losers[0] = winner
    }
}
