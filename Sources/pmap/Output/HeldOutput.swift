import Shared

/// The output of one chunk that waits for its turn, in the order in which it came.
struct HeldOutput {
    enum Piece {
        case memory([UInt8])
        case file(SpillFile.Extent)
    }

    private var pieces: [Piece] = []
    private var first = 0
    /// Bytes that go to a file once they are worth a write.
    fileprivate(set) var tail: [UInt8] = []
    /// The worker has ended, and what it printed may be written.
    var isFinished = false

    var isEmpty: Bool { first == pieces.count && tail.isEmpty }

    mutating func append(_ piece: Piece) { pieces.append(piece) }

    /// Adds to the last piece where it is a small one in memory.
    ///
    /// - Returns: whether it did.
    mutating func extendLast(_ bytes: [UInt8]) -> Bool {
        guard first < pieces.count, case .memory(var last) = pieces[pieces.count - 1],
            last.count < 64 << 10
        else { return false }
        pieces[pieces.count - 1] = .memory([])
        last += bytes
        pieces[pieces.count - 1] = .memory(last)
        return true
    }

    /// Takes out the first piece; nil at the end.
    mutating func takeFirst() -> Piece? {
        if first == pieces.count {
            if tail.isEmpty { return nil }
            defer { tail = [] }
            return .memory(tail)
        }
        let piece = pieces[first]
        pieces[first] = .memory([])
        first += 1
        if first == pieces.count {
            pieces = []
            first = 0
        }
        return piece
    }

    /// Puts back what is left of the first piece.
    mutating func putBack(_ piece: Piece) {
        if first > 0 {
            first -= 1
            pieces[first] = piece
        } else {
            pieces.insert(piece, at: 0)
        }
    }
}

/// The memory, and past its limit the file, in which the output of all chunks waits.
struct Backlog: ~Copyable {
    private let limit: Int
    private var spill: SpillFile
    /// Bytes of output in memory.
    private var memoryBytes = 0
    /// Bytes of tables and arrays, whatever the chunks printed.
    private var tableBytes = 0

    /// What a chunk that is held costs beside its output, and so each piece of it.
    private static let overhead = 128
    /// Bytes that are worth a write.
    private static let spillSize = 128 << 10

    init(limit: Int, folder: Argument) {
        self.limit = limit
        spill = SpillFile(folder: folder)
    }

    /// Whether nothing more should be held: memory is full, and the file is too.
    var isFull: Bool { tableBytes >= limit || (spill.failure != nil && memoryBytes >= limit) }

    /// Why output cannot wait in a file, if it cannot.
    var spillFailure: Errno? { spill.failure }

    mutating func open() -> HeldOutput {
        tableBytes += Self.overhead
        return HeldOutput()
    }

    /// Forgets a chunk's output.
    mutating func close(_ held: consuming HeldOutput) {
        clear(&held)
        tableBytes -= Self.overhead
    }

    mutating func clear(_ held: inout HeldOutput) {
        while let piece = held.takeFirst() {
            switch piece {
            case .memory(let bytes): memoryBytes -= bytes.count
            case .file(let extent):
                tableBytes -= Self.overhead
                spill.release(extent)
            }
        }
    }

    mutating func append(_ bytes: [UInt8], to held: inout HeldOutput) {
        if held.tail.isEmpty, memoryBytes + bytes.count <= limit {
            memoryBytes += bytes.count
            if !held.extendLast(bytes) { held.append(.memory(bytes)) }
            return
        }
        memoryBytes += bytes.count
        held.tail += bytes
        if held.tail.count >= Self.spillSize { moveToFile(&held) }
    }

    /// Moves the tail to the file; it stays in memory where that fails.
    mutating func moveToFile(_ held: inout HeldOutput) {
        guard memoryBytes > limit, held.tail.count > Self.overhead,
            let extent = spill.append(held.tail)
        else { return }
        memoryBytes -= held.tail.count
        tableBytes += Self.overhead
        held.tail = []
        held.append(.file(extent))
    }

    /// Takes out the first bytes of a chunk, some 256 KiB at the most where they come from
    /// the file; nil at the end.
    mutating func takeFirst(from held: inout HeldOutput) throws(Errno) -> [UInt8]? {
        switch held.takeFirst() {
        case nil: return nil
        case .memory(let bytes):
            memoryBytes -= bytes.count
            return bytes
        case .file(var extent):
            let bytes = try spill.takeFirst(256 << 10, of: &extent)
            if extent.count > 0 {
                held.putBack(.file(extent))
            } else {
                tableBytes -= Self.overhead
            }
            return bytes
        }
    }
}
