/// The sorted stretches of entries that came in order, or in few pieces that are in order, as
/// numbered lines and sorted files do. Merged while they are visited, they need not be sorted.
@safe
struct EntryRuns: ~Copyable {
    /// The numbers of the next entry and of the one behind the last.
    private typealias Run = (next: Int, end: Int)

    private let order: Order
    private let runs: UnsafeMutablePointer<Run>
    private var count = 0

    /// More stretches are sooner sorted than merged.
    private static let limit = 16
    /// Fewer entries too, if only for what the merge needs.
    static let fewestEntries = 1000

    /// - Returns: nil where there are too many stretches; mostly that is soon seen.
    init?(of list: borrowing EntryList, in order: Order) {
        self.order = order
        unsafe runs = .allocate(capacity: Self.limit)
        var start = 0
        for index in 0..<list.count
        where index + 1 == list.count || !list.precedes(index, index + 1, in: order) {
            if count == Self.limit { return nil }
            unsafe runs[count] = (start, index + 1)
            count += 1
            start = index + 1
        }
    }

    deinit { unsafe runs.deallocate() }

    /// Calls with the number of each entry, in order.
    consuming func visit(_ list: borrowing EntryList, _ body: (Int) throws -> Void) rethrows {
        let runs = unsafe runs
        let order = order
        func wins(_ a: Int, over b: Int) -> Bool {
            let (a, b) = unsafe (runs[a], runs[b])
            // A stretch that has ended loses to all others.
            if a.next == a.end { return false }
            return b.next == b.end || list.precedes(a.next, b.next, in: order)
        }
        var tree = LoserTree(count)
        for run in 0..<count { tree.play(run, wins) }
        for _ in 0..<list.count {
            let run = tree.winner
            try body(unsafe runs[run].next)
            unsafe runs[run].next += 1
            tree.play(run, wins)
        }
    }
}
