import Shared

/// Output that waits for its turn, in the order of its arrival.
struct HeldOutput {
    enum Piece {
        case memory([UInt8])
        case file(SpillExtent)
    }

    private var pieces: [Piece] = []
    private var first = 0
    /// The last bytes. They go to a file when there are enough of them for a write.
    fileprivate(set) var tail: [UInt8] = []

    var isEmpty: Bool { first == pieces.count && tail.isEmpty }
    fileprivate var endsInTail: Bool { !tail.isEmpty }

    fileprivate mutating func append(_ piece: Piece) { pieces.append(piece) }

    /// Appends the bytes to the last piece if it is a small one in memory.
    ///
    /// - Returns: whether it was.
    fileprivate mutating func extendLast(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard first < pieces.count, case .memory(var last) = pieces[pieces.count - 1],
            last.count < 64 << 10
        else { return false }
        pieces[pieces.count - 1] = .memory([])
        unsafe last += bytes
        pieces[pieces.count - 1] = .memory(last)
        return true
    }

    /// Removes and returns the first piece; nil if there is none.
    fileprivate mutating func takeFirst() -> Piece? {
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

    /// Puts back the rest of the first piece.
    fileprivate mutating func putBack(_ piece: Piece) {
        if first > 0 {
            first -= 1
            pieces[first] = piece
        } else {
            pieces.insert(piece, at: 0)
        }
    }
}

/// The output of all chunks that waits: in memory, and in a file when memory is full.
struct Backlog<S: System>: ~Copyable {
    private let limit: Int
    private var spill: SpillFile<S>
    /// Bytes of output in memory.
    private(set) var memoryBytes = 0
    /// Bytes of tables and arrays, which do not depend on the size of the output.
    private var tableBytes = 0

    /// Bytes that a held chunk takes besides its output, and each piece in a file too.
    private static var overhead: Int { 128 }
    /// Bytes by which the oldest chunk may exceed the limit if it must be held.
    private static var allowance: Int { 8 << 20 }
    /// The smallest write to the file, in bytes.
    private static var spillSize: Int { 128 << 10 }
    /// Bytes read from the file at a time.
    private static var readSize: Int { 256 << 10 }

    init(_ system: S, limit: Int, folder: Argument) {
        self.limit = limit
        spill = SpillFile(system, folder: folder)
    }

    /// Bytes of waiting output, in memory and in the file.
    var bytes: Int { memoryBytes + spill.liveBytes }

    /// Whether nothing more should be held: memory is full, and so is the file.
    var isFull: Bool { tableBytes >= limit || (spill.failure != nil && memoryBytes >= limit) }

    /// Whether nothing more may be held, not even from the chunk that all others wait for.
    var isOverfull: Bool { spill.failure != nil && memoryBytes >= limit + Self.allowance }

    /// Why output cannot wait in a file; nil if it can.
    var spillFailure: Errno? { spill.failure }

    /// Counts a chunk whose output may have to wait.
    mutating func open() { tableBytes += Self.overhead }

    /// Stops counting such a chunk.
    mutating func close() { tableBytes -= Self.overhead }

    /// Drops the output.
    ///
    /// - Returns: the number of bytes dropped.
    mutating func clear(_ held: inout HeldOutput) -> Int {
        let before = bytes
        while let piece = held.takeFirst() { release(piece) }
        return before - bytes
    }

    private mutating func release(_ piece: HeldOutput.Piece) {
        switch piece {
        case .memory(let bytes): memoryBytes -= bytes.count
        case .file(let extent):
            tableBytes -= Self.overhead
            spill.release(extent)
        }
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer, to held: inout HeldOutput) {
        if unsafe bytes.isEmpty { return }
        memoryBytes += bytes.count
        if !held.endsInTail, memoryBytes <= limit {
            if unsafe !held.extendLast(bytes) { unsafe held.append(.memory(Array(bytes))) }
            return
        }
        unsafe held.tail += bytes
        if held.tail.count >= Self.spillSize { moveToFile(&held) }
    }

    /// Appends held output to other output.
    mutating func move(_ held: inout HeldOutput, to other: inout HeldOutput) {
        if held.isEmpty { return }
        if other.isEmpty {
            swap(&held, &other)
            return
        }
        if other.endsInTail {
            other.append(.memory(other.tail))
            other.tail = []
        }
        while let piece = held.takeFirst() { other.append(piece) }
    }

    /// Moves the tail to the file. If that fails, it stays in memory.
    mutating func moveToFile(_ held: inout HeldOutput) {
        guard memoryBytes > limit, held.tail.count > Self.overhead,
            let extent = spill.append(held.tail)
        else { return }
        memoryBytes -= held.tail.count
        tableBytes += Self.overhead
        held.tail = []
        held.append(.file(extent))
    }

    /// Removes and returns the first bytes; nil at the end. From the file it takes at most about
    /// 256 KiB at a time.
    mutating func takeFirst(from held: inout HeldOutput) throws(Errno) -> [UInt8]? {
        guard let piece = held.takeFirst() else { return nil }
        if case .file(var extent) = piece {
            let bytes: [UInt8]
            do {
                bytes = try spill.takeFirst(Self.readSize, of: &extent)
            } catch {
                held.putBack(piece)
                throw error
            }
            if extent.count > 0 {
                held.putBack(.file(extent))
            } else {
                tableBytes -= Self.overhead
            }
            return bytes
        }
        release(piece)
        if case .memory(let bytes) = piece { return bytes }
        return nil
    }
}
