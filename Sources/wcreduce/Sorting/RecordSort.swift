import Shared

/// Sorts records in limited memory. If they do not fit, it writes sorted runs to disk and merges
/// them.
struct RecordSort: ~Copyable {
    private let order: Order
    /// Only this many records, the first in order, are kept.
    private let wanted: Int
    private let limit: Int
    private let folder: Argument
    private var entries: EntryList
    private var spilled: RunFile?
    private var reserve = MemoryReserve()

    /// - Parameter limit: the memory for the records, in bytes.
    init(order: Order, wanted: Int = .max, limit: Int, folder: Argument) throws(Errno) {
        self.order = order
        self.wanted = wanted
        self.limit = limit
        self.folder = folder
        entries = try EntryList()
        reserve.setAside()
    }

    mutating func add(_ record: Record) throws {
        let size = unsafe EntryList.entrySize + KeyStore.size(ofKey: record.key.count)
        if entries.bytesUsed + size > limit, entries.count > 0 { try makeRoom() }
        if try append(record) { return }
        // If memory runs out below the limit, do as at the limit.
        try spill()
        try unsafe entries.append(any: record.key, record.count)
    }

    /// - Returns: false, with nothing changed, if memory runs out while there are entries to spill.
    private mutating func append(_ record: Record) throws(Errno) -> Bool {
        do throws(Errno) {
            try unsafe entries.append(any: record.key, record.count)
            return true
        } catch {
            if error == .noMemory, entries.count > 0 { return false }
            throw error
        }
    }

    /// Calls `body` with each record that is kept, in order.
    mutating func visit(_ body: (Record) throws -> Void) throws {
        guard spilled != nil else {
            entries.keepFirst(wanted, in: order)
            return try entries.visit(in: order, body)
        }
        try spill()
        entries.shrink()
        guard var file = spilled.take() else { return }
        var rest = wanted
        try mergeRuns(of: &file, order: order, memory: limit) { record in
            if rest > 0 { try body(record) }
            rest -= 1
        }
    }

    /// Drops the unwanted entries if at most half are wanted. Otherwise moves all entries to disk.
    private mutating func makeRoom() throws {
        if wanted > entries.count / 2 { return try spill() }
        entries.keepFirst(wanted, in: order)
        if let kept = try? copyOfEntries() { entries = kept } else { try spill() }
    }

    /// A copy of the entries without the bytes of dropped keys.
    private func copyOfEntries() throws -> EntryList {
        var kept = try EntryList()
        try entries.visit { try unsafe kept.append(any: $0.key, $0.count) }
        return kept
    }

    private mutating func spill() throws {
        reserve.release()
        if spilled == nil { spilled = try RunFile(folder: folder) }
        entries.keepFirst(wanted, in: order)
        try spilled?.appendRun { file in
            try entries.visit(in: order) { try unsafe file.write($0.key, $0.count) }
        }
        entries.removeAll()
    }
}

/// Merges all runs of a file, in several passes if there are many. Calls `body` with each key once,
/// in order, with the sum of its counts.
///
/// - Parameter memory: the bytes to use for buffers. Slightly more may be used.
func mergeRuns(
    of file: inout RunFile, order: Order, memory: Int, _ body: (Record) throws -> Void
) throws {
    let fanIn = RunMerge.fanIn(memory: memory)
    while file.runs.count > fanIn {
        // Merge the oldest runs first, and no more than needed to leave enough for one last pass.
        let runs = file.takeRuns(min(fanIn, file.runs.count - fanIn + 1))
        try merge(runs, of: &file) { file, merged in
            try file.appendRun { file in
                try merged.visit { try unsafe file.write($0.key, $0.count) }
            }
        }
    }
    let runs = file.takeRuns(file.runs.count)
    try merge(runs, of: &file) { _, merged in try merged.visit(body) }

    func merge(
        _ runs: [RunFile.Run], of file: inout RunFile,
        _ work: (inout RunFile, inout RunMerge) throws -> Void
    ) throws {
        do {
            var merged = try RunMerge(runs, of: file.descriptor, order: order, memory: memory)
            try work(&file, &merged)
        } catch let error as Errno where error != .noMemory {
            throw RunFile.failure(file.folder, error)
        } catch let overflow as SumOverflow {
            throw Failure("'\(overflow.key)'", "the sum of its counts passes 2^64-1")
        }
    }
}
