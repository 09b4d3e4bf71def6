import Shared

/// Standard output, written to without ever waiting for its reader.
struct Sink: ~Copyable {
    /// How a write is kept from waiting.
    private enum Kind {
        /// An open file description of our own, non-blocking; others share the inherited one.
        case reopened
        /// A file, whose writes take no longer than the disk does.
        case file
        /// poll(2) says there is room: PIPE_BUF bytes at least where it is a pipe.
        case shared
    }

    private let kind: Kind
    private let own: OpenFile?
    let descriptor: FileDescriptor
    /// Whether splice(2) can move bytes into it.
    private var takesSplices: Bool

    init() {
        let type = (FileDescriptor.standardOutput.status?.st_mode ?? 0) & S_IFMT
        let isPipe = type == S_IFIFO
        if isPipe || FileDescriptor.standardOutput.isTerminal,
            let file = try? OpenFile(
                path: "/proc/self/fd/1", flags: O_WRONLY | O_NONBLOCK | O_NOCTTY)
        {
            kind = .reopened
            descriptor = file.descriptor
            own = consume file
        } else {
            kind = type == S_IFREG ? .file : .shared
            descriptor = .standardOutput
            own = nil
        }
        takesSplices = isPipe
        if isPipe { enlargePipe(descriptor, to: Pool.pipeSize) }
    }

    /// - Throws: a `WriteError` of `Errno.wouldBlock` if there is no room now.
    func write(_ bytes: UnsafeRawBufferPointer) throws(WriteError) -> Int {
        do throws(Errno) {
            if kind != .shared { return try unsafe descriptor.write(bytes) }
            var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
            if try retrying({ unsafe poll(&request, 1, 0) }) == 0 { throw Errno.wouldBlock }
            return try unsafe descriptor.write(
                UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(PIPE_BUF))))
        } catch {
            throw WriteError(error)
        }
    }

    /// Moves bytes from a worker's pipe without copying them, where the kernel can.
    ///
    /// - Returns: the bytes moved, 0 at the end of the input, nil if it must be copied.
    mutating func splice(from input: FileDescriptor) throws(WriteError) -> Int? {
        guard takesSplices else { return nil }
        do {
            return try moveBytes(from: input, to: descriptor, atMost: 1 << 20)
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
            try FileDescriptor.standardOutput.close()
        } catch {
            throw WriteError(error)
        }
    }
}
