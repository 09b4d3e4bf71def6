/// The sorted runs of a list of entries. Input that is sorted, or is a few sorted pieces, such as
/// numbered lines and sorted files, has few runs. They are merged during the visit, so no sort is
/// needed.
@safe
struct EntryRuns: ~Copyable {
    /// The index of the next entry, and the index after the last entry.
    private typealias Run = (next: Int, end: Int)

    private let order: Order
    private let runs: UnsafeMutablePointer<Run>
    private var count = 0

    /// The most runs to merge. Sorting is faster than merging more runs than this.
    private static let limit = 16
    /// The fewest entries to merge. Fewer are also faster to sort, if only because a merge must be
    /// set up.
    static let fewestEntries = 1000

    /// - Returns: nil if there are too many runs, which usually shows after a few entries.
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

    /// Calls `body` with the index of each entry, in order.
    consuming func visit(_ list: borrowing EntryList, _ body: (Int) throws -> Void) rethrows {
        let runs = unsafe runs
        let order = order
        func wins(_ a: Int, over b: Int) -> Bool {
            let (a, b) = unsafe (runs[a], runs[b])
            // An exhausted run loses to every other run.
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
