import Shared

/// Merges sorted runs into one sequence by a tree of losers (Knuth, The Art of Computer
/// Programming, volume 3, section 5.4.1): one comparison a level for each record.
@safe
struct RunMerge: ~Copyable {
    private let order: Order
    private let readers: UnsafeMutablePointer<RunReader>
    private let count: Int
    /// `losers[0]` is the winner; a node's children are 2n and 2n+1, and the leaves' numbers
    /// are those of the readers plus `count`.
    private var losers: [Int]

    /// - Parameter memory: bytes that the buffers take together, or a little more.
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
        losers = Array(repeating: -1, count: max(1, count))
        for reader in 0..<count { play(reader) }
    }

    deinit {
        unsafe readers.deinitialize(count: count)
        unsafe readers.deallocate()
    }

    static let smallestBuffer = 64 << 10

    /// How many runs can be merged at once in so many bytes: at least 2.
    static func fanIn(memory: Int) -> Int { max(2, min(256, memory / (128 << 10))) }

    /// Calls with each key once, in order, with the sum of its counts.
    ///
    /// - Throws: `SumOverflow` too, past 2^64-1.
    mutating func visit(_ body: (Record) throws -> Void) throws {
        var held: [UInt8] = []
        while count > 0, let winner = unsafe readers[losers[0]].current {
            // The reader goes on before the sum is known, so the key moves out of its buffer.
            let length = unsafe winner.key.count
            held.removeAll(keepingCapacity: true)
            unsafe held.append(contentsOf: winner.key)
            held.append(contentsOf: repeatElement(0, count: 16))
            try unsafe held.withUnsafeBytes { bytes in
                let key = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<length])
                var sum = unsafe Record(count: winner.count, key: key)
                try advanceWinner()
                while let next = unsafe readers[losers[0]].current, next.hasKey(of: sum) {
                    let (total, overflow) = sum.count.addingReportingOverflow(next.count)
                    if overflow { throw unsafe SumOverflow(key: readable(key.prefix(40))) }
                    sum.count = total
                    try advanceWinner()
                }
                try body(sum)
            }
        }
    }

    private mutating func advanceWinner() throws(Errno) {
        let winner = losers[0]
        // By a subscript, Swift 6.3 cannot compile it for the thread sanitizer.
        try unsafe (readers + winner).pointee.advance()
        play(winner)
    }

    /// Has a reader play its way up; the losers stay where they lost.
    private mutating func play(_ reader: Int) {
        var winner = reader
        var node = (reader + count) / 2
        while node > 0 {
            let other = losers[node]
            if other < 0 {
                // While the tree is built the first to come waits for its opponent.
                losers[node] = winner
                return
            }
            if wins(other, over: winner) {
                losers[node] = winner
                winner = other
            }
            node /= 2
        }
        losers[0] = winner
    }

    /// A run that has ended loses to all others.
    private func wins(_ a: Int, over b: Int) -> Bool {
        guard let first = unsafe readers[a].current else { return false }
        guard let second = unsafe readers[b].current else { return true }
        return order.precedes(first, second)
    }
}

/// A key whose counts together pass 2^64-1.
struct SumOverflow: Error {
    let key: String
}
