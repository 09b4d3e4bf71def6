import Shared

/// Counts by key in limited memory. Each time the table is full, its entries are written to disk as
/// a sorted run.
@safe
struct Counts: ~Copyable {
    var table: CountTable
    private var spilled: RunFile?
    private let limit: MemoryLimit
    private let folder: Argument

    /// Keys of up to 15 bytes that wait to be added as a batch. By then the cache has fetched their
    /// places in the index. If there are many distinct keys, that fetch is half of the time.
    let pending: UnsafeMutablePointer<CountTable.Pending>
    var pendingCount = 0
    static let batch = 256

    /// The number of lines counted; nil if it passes 2^64-1.
    private(set) var total: UInt64? = 0

    /// The offsets at which the next lines end, with room for 64 more.
    let ends: UnsafeMutablePointer<Int>

    /// - Parameters:
    ///   - limit: the memory to use. A single key may take more.
    ///   - folder: the directory for runs on disk.
    init(limit: MemoryLimit = MemoryLimit(.max), folder: Argument = "/tmp") throws(Errno) {
        self.limit = limit
        self.folder = folder
        table = try CountTable(limit: limit.freely)
        unsafe pending = .allocate(capacity: Self.batch + 64)
        unsafe ends = .allocate(capacity: Self.batch + 64)
    }

    deinit {
        unsafe pending.deallocate()
        unsafe ends.deallocate()
    }

    /// Adds to the count of a key of any length. 16 bytes from the start of the key must be
    /// readable.
    ///
    /// - Throws: `Errno.overflow` if a count in memory would pass 2^64-1. For counts on disk, the
    ///   merge finds that out later.
    mutating func add(_ key: UnsafeRawBufferPointer, _ amount: UInt64 = 1) throws {
        while try unsafe !table.add(key, amount) { try makeRoom() }
    }

    /// Queues a key of up to 15 bytes for `addPending`. At most 64 keys may be queued between two
    /// calls of `addPendingIfMany`.
    @inline(__always)
    mutating func addSoon(
        _ key: UnsafeRawPointer, length: Int, _ amount: UInt64, line: Int = 0
    ) {
        unsafe pending[pendingCount] = unsafe table.prepare(
            inlineWords(key, length: length), amount, line: UInt32(truncatingIfNeeded: line))
        pendingCount &+= 1
    }

    /// Adds the queued keys if there are enough for a batch.
    @inline(__always)
    mutating func addPendingIfMany() throws {
        if pendingCount >= Self.batch { try addPending() }
    }

    /// Adds the queued keys.
    ///
    /// - Throws: a `LineOverflow` if a count would pass 2^64-1.
    mutating func addPending() throws {
        if table.isLarge {
            for number in 0..<pendingCount { unsafe table.prefetchEntry(of: pending[number]) }
        }
        var number = 0
        while true {
            let isAdded: Bool
            do throws(Errno) {
                try unsafe table.addKnown(pending, count: pendingCount, &number)
                if number == pendingCount { break }
                isAdded = try unsafe table.insert(pending[number])
            } catch {
                let line = unsafe Int(pending[number].line)
                throw error == .overflow ? LineOverflow(line: line) : error
            }
            if isAdded { number += 1 } else { try makeRoom() }
        }
        pendingCount = 0
    }

    mutating func addToTotal(_ amount: UInt64) {
        guard let (sum, overflow) = total?.addingReportingOverflow(amount) else { return }
        total = overflow ? nil : sum
    }

    /// Lets the table grow up to the limit, or moves it to disk.
    private mutating func makeRoom() throws {
        if spilled == nil, table.raise(limit: limit.bytes) { return }
        try spill()
    }

    /// Moves the table to disk.
    private mutating func spill() throws {
        if spilled == nil { spilled = try RunFile(folder: folder) }
        try table.withEntries { entries in
            try spilled?.appendRun { file in
                try entries.visit(in: .byKey) { try unsafe file.write($0.key, $0.count) }
            }
        }
        table.removeAll()
    }

    /// Returns the counts, in memory or as runs on disk.
    mutating func finish() throws -> Counted {
        try addPending()
        if spilled == nil { return .memory(try table.takeEntries()) }
        try spill()
        table.shrink()
        return .disk(spilled.take()!)
    }
}

/// The final counts. In memory, each key occurs once, in no particular order. On disk, a key may
/// occur once in each run.
enum Counted: ~Copyable {
    case memory(EntryList)
    case disk(RunFile)
}

/// A count that passes 2^64-1, in a line of the current block.
struct LineOverflow: Error {
    let line: Int
}
