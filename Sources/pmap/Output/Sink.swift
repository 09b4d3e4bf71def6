import Shared

/// Standard output, written without ever waiting for its reader.
struct Sink<S: System>: ~Copyable {
    private let system: S
    private let file: OutputFile
    private let bar: BarLine<S>
    /// Whether splice(2) may move bytes into it.
    private var takesSplices: Bool

    /// - Parameter bar: erased before each write, because it may be on the same terminal.
    init(_ system: S, bar: BarLine<S>) {
        self.system = system
        self.bar = bar
        file = system.openOutput()
        takesSplices = file.takesSplices
    }

    var descriptor: FileDescriptor { file.descriptor }
    var isNothing: Bool { file.kind == .nothing }

    /// Writes some of the bytes.
    ///
    /// - Returns: the number of bytes written, at least one.
    /// - Throws: a `WriteError` of `Errno.wouldBlock` if there is no room now.
    func write(_ bytes: UnsafeRawBufferPointer) throws(WriteError) -> Int {
        bar.makeWayForOutput()
        do throws(Errno) {
            if file.kind != .shared { return try unsafe system.write(bytes, to: file.descriptor) }
            if !system.isReady(file.descriptor, for: .writing) { throw Errno.wouldBlock }
            return try unsafe system.write(
                UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(PIPE_BUF))), to: file.descriptor)
        } catch {
            throw WriteError(error)
        }
    }

    /// Moves bytes from a worker's pipe without copying them, if the kernel can.
    ///
    /// - Returns: the bytes moved, 0 at the end of the input, nil if they must be copied.
    /// - Throws: a `WriteError` of `Errno.wouldBlock` if there is no room or no input now.
    mutating func splice(from input: FileDescriptor) throws(WriteError) -> Int? {
        guard takesSplices else { return nil }
        bar.makeWayForOutput()
        do {
            return try system.splice(from: input, to: file.descriptor, atMost: largePipeSize)
        } catch .invalid {
            takesSplices = false
            return nil
        } catch {
            throw WriteError(error)
        }
    }

    /// Moves the first bytes of held output without copying them in this process, if the kernel can.
    ///
    /// - Returns: the bytes moved, nil if they must be copied.
    /// - Throws: a `WriteError` of `Errno.wouldBlock` if there is no room now.
    mutating func send(_ stored: StoredOutput) throws(WriteError) -> Int? {
        let count: Int?
        switch stored {
        case .pipe(let pipe): count = try splice(from: pipe.ends.reading)
        case .file(let file): count = try send(file)
        }
        // There is less than was put there.
        if count == 0 { throw WriteError(.inputOutput) }
        return count
    }

    private mutating func send(_ chunkFile: ChunkFile) throws(WriteError) -> Int? {
        guard takesSplices else { return nil }
        do throws(Errno) {
            return try system.send(
                chunkFile.descriptor, at: chunkFile.start,
                atMost: min(chunkFile.count, largePipeSize), to: file)
        } catch .invalid {
            takesSplices = false
            return nil
        } catch {
            throw WriteError(error)
        }
    }

    /// Closes standard output.
    func close() throws(WriteError) {
        do {
            try system.closeOutput()
        } catch {
            throw WriteError(error)
        }
    }
}
