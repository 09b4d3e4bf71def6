import Shared

/// Merges sorted runs on disk into one sequence.
@safe
struct RunMerge: ~Copyable {
    private let order: Order
    private let readers: UnsafeMutablePointer<RunReader>
    private let count: Int
    private var tree: LoserTree

    /// - Parameter memory: the bytes that all buffers take together. Slightly more may be used.
    init(
        _ runs: [RunFile.Run], of descriptor: FileDescriptor, order: Order, memory: Int
    ) throws(Errno) {
        self.order = order
        count = runs.count
        let bufferSize = max(RunMerge.smallestBuffer, min(1 << 20, memory / max(1, runs.count)))
        unsafe readers = .allocate(capacity: max(1, runs.count))
        var opened = 0
        do throws(Errno) {
            for run in runs {
                let reader = try RunReader(run, of: descriptor, bufferSize: bufferSize)
                unsafe (readers + opened).initialize(to: reader)
                opened += 1
                try unsafe readers[opened - 1].advance()
            }
        } catch {
            unsafe readers.deinitialize(count: opened)
            unsafe readers.deallocate()
            throw error
        }
        tree = LoserTree(count)
        for reader in 0..<count { play(reader) }
    }

    deinit {
        unsafe readers.deinitialize(count: count)
        unsafe readers.deallocate()
    }

    static let smallestBuffer = 64 << 10

    /// The number of runs that can be merged at once in this many bytes, at least 2.
    static func fanIn(memory: Int) -> Int { max(2, min(256, memory / (128 << 10))) }

    /// Calls `body` with each key once, in order, with the sum of its counts.
    ///
    /// - Throws: also `SumOverflow`, if a sum passes 2^64-1.
    mutating func visit(_ body: (Record) throws -> Void) throws {
        var held = try GrowableMemory(capacity: 1 << 12)
        while count > 0, let winner = unsafe readers[tree.winner].current {
            // The reader advances before the sum is complete, so copy the key out of its buffer.
            let length = unsafe winner.key.count
            let needed = length + InputBuffer.padding
            if held.count < needed { try held.grow(to: needed) }
            unsafe held.start.copyMemory(from: winner.key.baseAddress!, byteCount: length)
            let key = unsafe UnsafeRawBufferPointer(start: held.start, count: length)
            var sum = unsafe Record(count: winner.count, key: key)
            try advanceWinner()
            while let next = unsafe readers[tree.winner].current, next.hasKey(of: sum) {
                let (total, overflow) = sum.count.addingReportingOverflow(next.count)
                if overflow { throw unsafe SumOverflow(key: readable(key.prefix(40))) }
                sum.count = total
                try advanceWinner()
            }
            try body(sum)
        }
    }

    private mutating func advanceWinner() throws(Errno) {
        let winner = tree.winner
        // Not a subscript: Swift 6.3 cannot compile that for the thread sanitizer.
        try unsafe (readers + winner).pointee.advance()
        play(winner)
    }

    private mutating func play(_ reader: Int) {
        tree.play(reader) { unsafe Self.wins(readers, $0, over: $1, order) }
    }

    /// Whether the next record of run `a` comes before that of run `b`. An exhausted run loses to
    /// every other run.
    private static func wins(
        _ readers: UnsafeMutablePointer<RunReader>, _ a: Int, over b: Int, _ order: Order
    ) -> Bool {
        guard let first = unsafe readers[a].current else { return false }
        guard let second = unsafe readers[b].current else { return true }
        return order.precedes(first, second)
    }
}

/// A key whose counts add up to more than 2^64-1.
struct SumOverflow: Error {
    let key: String
}
