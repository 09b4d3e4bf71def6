/// A tree of losers. It finds the smallest of the next records of several sequences with one
/// comparison at each level (Knuth, The Art of Computer Programming, volume 3, section 5.4.1).
struct LoserTree {
    private let count: Int
    /// Element 0 is the winner. The children of node n are 2n and 2n+1. The leaf of a sequence is
    /// the number of the sequence plus `count`.
    private var losers: [Int]

    /// - Parameter count: the number of sequences. They are numbered from 0. Each must play once
    ///   before there is a winner.
    init(_ count: Int) {
        self.count = count
        losers = Array(repeating: -1, count: max(1, count))
    }

    var winner: Int { losers[0] }

    /// Plays the next record of a sequence up the tree. Each loser stays at the node where it lost.
    ///
    /// - Parameter wins: whether the first sequence's record comes before the second's.
    @inline(__always)
    mutating func play(_ sequence: Int, _ wins: (Int, Int) -> Bool) {
        var winner = sequence
        var node = (sequence + count) / 2
        while node > 0 {
            let other = losers[node]
            if other < 0 {
                // While the tree is built, the first sequence at a node waits there for its
                // opponent.
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
