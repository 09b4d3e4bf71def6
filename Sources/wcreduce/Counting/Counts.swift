import Shared

/// Counts by key within a bound of memory: a table and, each time it is full, a sorted run
/// of what it held on disk.
@safe
struct Counts: ~Copyable {
    var table: CountTable
    private var spilled: RunFile?
    private let limit: MemoryLimit
    private let folder: Argument

    /// Keys of up to 15 bytes that wait to be added together: by then the cache has fetched
    /// their places, which is half of the time where there are many different keys.
    let pending: UnsafeMutablePointer<CountTable.Pending>
    var pendingCount = 0
    static let batch = 256

    /// The lines counted; nil past 2^64-1.
    private(set) var total: UInt64? = 0

    /// Where the lines end that are counted next, and 64 places more.
    let ends: UnsafeMutablePointer<Int>

    /// - Parameters:
    ///   - limit: a single key may take more.
    ///   - folder: where runs go.
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

    /// Adds to the count of a key of any length. 16 bytes may be read from its start.
    ///
    /// - Throws: `Errno.overflow` past 2^64-1, in memory; on disk that comes to light later.
    mutating func add(_ key: UnsafeRawBufferPointer, _ amount: UInt64 = 1) throws {
        while try unsafe !table.add(key, amount) { try makeRoom() }
    }

    /// As above, for keys of up to 15 bytes, up to 64 of them until `addPending` is called.
    @inline(__always)
    mutating func addSoon(
        _ key: UnsafeRawPointer, length: Int, _ amount: UInt64, line: Int = 0
    ) {
        unsafe pending[pendingCount] = unsafe table.prepare(
            inlineWords(key, length: length), amount, line: UInt32(truncatingIfNeeded: line))
        pendingCount &+= 1
    }

    /// Adds what waits, once it is worth it.
    @inline(__always)
    mutating func addPendingIfMany() throws {
        if pendingCount >= Self.batch { try addPending() }
    }

    /// Adds what waits.
    ///
    /// - Throws: a `LineOverflow` past 2^64-1.
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

    /// Has the table grow to the limit, or moves it to disk.
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

    /// Hands out what was counted: in memory, or as runs on disk.
    mutating func finish() throws -> Counted {
        try addPending()
        if spilled == nil { return .memory(try table.takeEntries()) }
        try spill()
        table.shrink()
        return .disk(spilled.take()!)
    }
}

/// What was counted: each key once, in no particular order; or as often as there are runs.
enum Counted: ~Copyable {
    case memory(EntryList)
    case disk(RunFile)
}

/// A count past 2^64-1, in a line of the block that is at work.
struct LineOverflow: Error {
    let line: Int
}
