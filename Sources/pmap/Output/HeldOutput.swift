import Shared

/// Output that waits for its turn, in the order of its arrival.
struct HeldOutput {
    enum Piece {
        case memory([UInt8])
        case extent(SpillExtent)
        case stored(StoredOutput)
    }

    private var pieces: [Piece] = []
    private var first = 0
    /// Bytes of the pieces in memory.
    fileprivate var bytesInMemory = 0
    /// The last bytes. They go to a file when there are enough of them for a write.
    fileprivate(set) var tail: [UInt8] = []

    var isEmpty: Bool { first == pieces.count && tail.isEmpty }
    fileprivate var endsInTail: Bool { !tail.isEmpty }

    fileprivate mutating func append(_ piece: Piece) {
        if case .memory(let bytes) = piece { bytesInMemory += bytes.count }
        pieces.append(piece)
    }

    private var lastStored: StoredOutput? {
        guard first < pieces.count, case .stored(let last) = pieces[pieces.count - 1] else {
            return nil
        }
        return last
    }

    /// The file of the chunk, if the tail comes directly after it.
    fileprivate var file: ChunkFile? {
        get { if case .file(let file)? = lastStored { file } else { nil } }
        set { if let newValue { pieces[pieces.count - 1] = .stored(.file(newValue)) } }
    }

    /// The last pipe of the chunk, if the tail comes directly after it.
    fileprivate var pipe: HeldPipe? {
        get { if case .pipe(let pipe)? = lastStored { pipe } else { nil } }
        set { if let newValue { pieces[pieces.count - 1] = .stored(.pipe(newValue)) } }
    }

    /// Appends the bytes to the last piece if it is a small one in memory.
    ///
    /// - Returns: whether it was.
    fileprivate mutating func extendLast(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard first < pieces.count, case .memory(var last) = pieces[pieces.count - 1],
            last.count < 64 << 10
        else { return false }
        pieces[pieces.count - 1] = .memory([])
        unsafe last += bytes
        bytesInMemory += bytes.count
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
        if case .memory(let bytes) = piece { bytesInMemory -= bytes.count }
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

/// Output of one chunk that splice(2) can move to standard output.
enum StoredOutput {
    case pipe(HeldPipe)
    case file(ChunkFile)

    /// The number of bytes that are not written yet.
    var count: Int {
        switch self {
        case .pipe(let pipe): pipe.count
        case .file(let file): file.count
        }
    }

    /// Notes that the first bytes are written.
    mutating func removeFirst(_ count: Int) {
        switch self {
        case .pipe(var pipe):
            pipe.count -= count
            self = .pipe(pipe)
        case .file(var file):
            file.start += count
            self = .file(file)
        }
    }
}

/// Output that is being written: bytes in memory, and then those of a pipe or a file.
struct OutgoingOutput {
    var bytes: [UInt8] = []
    /// How many of the bytes are written.
    var written = 0
    var stored: StoredOutput?

    /// The number of bytes that are not written yet.
    var count: Int { bytes.count - written + (stored?.count ?? 0) }
}

/// The output of all chunks that waits: in memory, in pipes, and in files.
struct Backlog<S: System>: ~Copyable {
    private let limit: Int
    private var pipes: HeldPipes<S>
    private var spill: SpillFiles<S>
    /// Bytes of output in this process's own memory.
    private var ownBytes = 0
    /// Bytes in pipes and in files of chunks.
    private var storedBytes = 0
    /// Bytes of tables and arrays, which do not depend on the size of the output.
    private var tableBytes = 0

    /// Bytes that a held chunk takes besides its output, and each piece in a pipe or a file too.
    private static var overhead: Int { 128 }
    /// Bytes by which the oldest chunk may exceed the limit if it must be held.
    private static var allowance: Int { 8 << 20 }
    /// The smallest write to a file, in bytes.
    private let spillSize: Int
    /// Bytes of a chunk in memory from which on the rest goes to pipes or to a file of the chunk,
    /// even if there is more memory. To move output there and out takes less time than to copy it.
    private let mostBytesOfChunk: Int
    /// Bytes read from a pipe or a file at a time.
    private static var readSize: Int { 256 << 10 }

    init(_ system: S, limit: Int, folder: Argument) {
        self.limit = limit
        spillSize = min(max(limit, 4 << 10), 128 << 10)
        mostBytesOfChunk = min(limit / 64, 1 << 20)
        pipes = HeldPipes(system, pipeSize: max(mostBytesOfChunk, 1))
        spill = SpillFiles(system, folder: folder)
    }

    /// Bytes of waiting output, wherever it is.
    var bytes: Int { ownBytes + storedBytes + spill.commonBytes }

    /// Bytes of memory that output takes, or may take: pipes need not be full.
    var memoryBytes: Int { ownBytes + pipes.memoryBytes }

    /// Whether nothing more should be held: memory is full, and so is the disk.
    var isFull: Bool { tableBytes >= limit || (spill.failure != nil && memoryBytes >= limit) }

    /// Whether nothing more may be held, not even from the chunk that all others wait for.
    var isOverfull: Bool { spill.failure != nil && memoryBytes >= limit + Self.allowance }

    /// Why output cannot wait in a file; nil if it can, or need not.
    var spillFailure: Errno? { memoryBytes >= limit ? spill.failure : nil }

    /// Counts a chunk whose output may have to wait.
    mutating func open() { tableBytes += Self.overhead }

    /// Stops counting such a chunk.
    mutating func close() { tableBytes -= Self.overhead }

    // MARK: Holding

    mutating func append(_ bytes: UnsafeRawBufferPointer, to held: inout HeldOutput) {
        if unsafe bytes.isEmpty { return }
        ownBytes += bytes.count
        if !held.endsInTail, memoryBytes <= limit, !usesFile(&held) {
            if unsafe !held.extendLast(bytes) { unsafe held.append(.memory(Array(bytes))) }
            return
        }
        unsafe held.tail += bytes
        if held.tail.count >= spillSize { moveToFile(&held) }
    }

    /// Whether the chunk has a file of its own, or has so much output that it gets one now.
    private mutating func usesFile(_ held: inout HeldOutput) -> Bool {
        if held.file != nil { return spill.failure == nil }
        guard held.bytesInMemory >= mostBytesOfChunk, let file = spill.makeChunkFile() else {
            return false
        }
        add(.file(file), to: &held)
        return true
    }

    private mutating func add(_ stored: StoredOutput, to held: inout HeldOutput) {
        tableBytes += Self.overhead
        storedBytes += stored.count
        held.append(.stored(stored))
    }

    /// Moves output from a worker's pipe into other pipes or into the file of its chunk, if the chunk
    /// has much output.
    ///
    /// - Returns: the bytes moved, 0 at the end of the output; nil if they must be read instead.
    /// - Throws: `Errno.wouldBlock` if the pipe is empty.
    mutating func splice(
        from pipe: FileDescriptor, to held: inout HeldOutput
    ) throws(Errno) -> Int? {
        if held.endsInTail { return nil }
        if held.file == nil {
            if held.pipe == nil, held.bytesInMemory < mostBytesOfChunk { return nil }
            if let count = try spliceToPipe(from: pipe, to: &held) { return count }
            if !usesFile(&held) { return nil }
        }
        guard var file = held.file, let count = try spill.splice(from: pipe, to: &file) else {
            return nil
        }
        held.file = file
        storedBytes += count
        return count
    }

    /// Moves output into the last pipe of its chunk, or into a new one if that is full.
    ///
    /// - Returns: the bytes moved, 0 at the end of the output; nil if no pipe takes them.
    private mutating func spliceToPipe(
        from source: FileDescriptor, to held: inout HeldOutput
    ) throws(Errno) -> Int? {
        if let count = try spliceToLastPipe(from: source, to: &held) { return count }
        guard let pipe = pipes.make(room: limit - memoryBytes) else { return nil }
        add(.pipe(pipe), to: &held)
        return try spliceToLastPipe(from: source, to: &held)
    }

    private mutating func spliceToLastPipe(
        from source: FileDescriptor, to held: inout HeldOutput
    ) throws(Errno) -> Int? {
        guard var last = held.pipe, let count = try pipes.splice(from: source, to: &last) else {
            return nil
        }
        held.pipe = last
        storedBytes += count
        return count
    }

    /// Appends held output to other output.
    mutating func move(_ held: inout HeldOutput, to other: inout HeldOutput) {
        if held.isEmpty { return }
        if other.isEmpty {
            swap(&held, &other)
            return
        }
        while let piece = held.takeFirst() {
            if case .memory(let bytes) = piece, bytes.count < spillSize,
                other.endsInTail || other.file != nil
            {
                // The chunk goes on using its file.
                other.tail += bytes
                continue
            }
            if other.endsInTail {
                other.append(.memory(other.tail))
                other.tail = []
            }
            other.append(piece)
        }
    }

    /// Moves the tail to a file: that of the chunk if it has one or gets one, else the common one.
    /// If that fails, the tail stays in memory.
    mutating func moveToFile(_ held: inout HeldOutput) {
        guard memoryBytes > limit || held.file != nil, held.tail.count > Self.overhead else {
            return
        }
        if held.file == nil, held.tail.count >= spillSize, let file = spill.makeChunkFile() {
            add(.file(file), to: &held)
        }
        if var file = held.file {
            if !spill.append(held.tail, to: &file) { return }
            held.file = file
            storedBytes += held.tail.count
        } else {
            guard let extent = spill.append(held.tail) else { return }
            held.append(.extent(extent))
            tableBytes += Self.overhead
        }
        ownBytes -= held.tail.count
        held.tail = []
    }

    // MARK: Taking

    /// Removes the first output to be written next; false at the end.
    mutating func takeFirst(
        from held: inout HeldOutput, into outgoing: inout OutgoingOutput
    ) throws(Errno) -> Bool {
        guard let piece = held.takeFirst() else { return false }
        switch piece {
        case .memory(let bytes):
            ownBytes -= bytes.count
            outgoing.bytes = bytes
        case .extent(var extent):
            do {
                outgoing.bytes = try spill.takeFirst(Self.readSize, of: &extent)
            } catch {
                held.putBack(piece)
                throw error
            }
            if extent.count > 0 {
                held.putBack(.extent(extent))
            } else {
                tableBytes -= Self.overhead
            }
        case .stored(let stored):
            take(stored)
            outgoing.stored = stored
        }
        return true
    }

    private mutating func take(_ stored: StoredOutput) {
        tableBytes -= Self.overhead
        storedBytes -= stored.count
    }

    private mutating func putBack(_ stored: StoredOutput, to held: inout HeldOutput) {
        tableBytes += Self.overhead
        storedBytes += stored.count
        held.putBack(.stored(stored))
    }

    private mutating func close(_ stored: StoredOutput) {
        switch stored {
        case .pipe(let pipe): pipes.close(pipe)
        case .file(let file): spill.close(file)
        }
    }

    /// Removes and returns the first bytes, at most about 256 KiB of a pipe or a file; nil at the
    /// end.
    mutating func takeBytes(from held: inout HeldOutput) throws(Errno) -> [UInt8]? {
        var taken = OutgoingOutput()
        guard try takeFirst(from: &held, into: &taken) else { return nil }
        if taken.stored == nil { return taken.bytes }
        defer {
            if let stored = taken.stored, stored.count > 0 {
                putBack(stored, to: &held)
            } else {
                close(&taken)
            }
        }
        try readFirst(of: &taken)
        return taken.bytes
    }

    /// Reads the next bytes of a pipe or a file that is being written, if they must be copied.
    func readFirst(of outgoing: inout OutgoingOutput) throws(Errno) {
        switch outgoing.stored {
        case .pipe(var pipe)?:
            outgoing.bytes = try pipes.readFirst(Self.readSize, of: &pipe)
            outgoing.stored = .pipe(pipe)
        case .file(var file)?:
            outgoing.bytes = try spill.readFirst(Self.readSize, of: &file)
            outgoing.stored = .file(file)
        case nil: return
        }
        outgoing.written = 0
    }

    /// Closes the pipe or the file of output that is written or dropped.
    mutating func close(_ outgoing: inout OutgoingOutput) {
        if let stored = outgoing.stored { close(stored) }
        outgoing = OutgoingOutput()
    }

    /// Drops the output.
    ///
    /// - Returns: the number of bytes dropped.
    mutating func clear(_ held: inout HeldOutput) -> Int {
        let before = bytes
        while let piece = held.takeFirst() {
            switch piece {
            case .memory(let bytes): ownBytes -= bytes.count
            case .extent(let extent):
                tableBytes -= Self.overhead
                spill.release(extent)
            case .stored(let stored):
                take(stored)
                close(stored)
            }
        }
        return before - bytes
    }
}
