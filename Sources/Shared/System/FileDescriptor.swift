/// A number that names an open file. It never closes the file: see `OpenFile` for that.
public struct FileDescriptor: Equatable, Sendable {
    public let rawValue: Int32

    public init(_ rawValue: Int32) { self.rawValue = rawValue }

    public static let standardInput = FileDescriptor(0)
    public static let standardOutput = FileDescriptor(1)
    public static let standardError = FileDescriptor(2)

    /// read(2), retried on interrupt.
    ///
    /// - Returns: the number of bytes read, 0 at the end of the file.
    /// - Throws: `Errno.wouldBlock` too, when the descriptor is non-blocking and has nothing.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try retrying { unsafe systemRead(rawValue, buffer.baseAddress, buffer.count) }
    }

    /// write(2), retried on interrupt.
    ///
    /// - Returns: the number of bytes written, which may be fewer than given.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(Errno) -> Int {
        try retrying { unsafe systemWrite(rawValue, bytes.baseAddress, bytes.count) }
    }

    /// Writes all bytes. It continues after a short write, and waits if a non-blocking descriptor
    /// is full.
    public func writeAll(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            do {
                let written = try unsafe write(rest)
                unsafe rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            } catch .wouldBlock {
                try wait(for: POLLOUT)
            }
        }
    }

    /// As above.
    public func writeAll(_ bytes: [UInt8]) throws(Errno) {
        try unsafe bytes.withUnsafeBufferPointer { memory throws(Errno) in
            try unsafe writeAll(UnsafeRawBufferPointer(memory))
        }
    }

    /// Writes all bytes at an offset in a file: pwrite(2).
    public func writeAll(_ bytes: [UInt8], at offset: Int) throws(Errno) {
        try unsafe bytes.withUnsafeBufferPointer { memory throws(Errno) in
            var done = 0
            while done < bytes.count {
                let rest = unsafe UnsafeBufferPointer(rebasing: memory[done...])
                done += try retrying {
                    unsafe pwrite(rawValue, rest.baseAddress, rest.count, off_t(offset + done))
                }
            }
        }
    }

    /// Reads `count` bytes at an offset in a file: pread(2).
    ///
    /// - Throws: `Errno.inputOutput` if the file ends before that.
    public func readAll(_ count: Int, at offset: Int) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let done = try unsafe bytes.withUnsafeMutableBufferPointer { memory throws(Errno) in
            try unsafe read(into: UnsafeMutableRawBufferPointer(memory), at: offset)
        }
        if done < count { throw Errno.inputOutput }
        return bytes
    }

    /// Reads at an offset in a file until the buffer is full or the file ends: pread(2).
    ///
    /// - Returns: the number of bytes read. It is less than the buffer's size only at the end of
    ///   the file.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(Errno) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let added = try retrying {
                unsafe pread(rawValue, rest.baseAddress, rest.count, off_t(offset + done))
            }
            if added == 0 { break }
            done += added
        }
        return done
    }

    /// close(2). Some file systems report a failed write only here. It is never retried: after
    /// EINTR, Linux has already closed the descriptor.
    public func close() throws(Errno) {
        if systemClose(rawValue) == 0 { return }
        let error = Errno.last
        if error != .interrupted { throw error }
    }

    /// Waits until poll(2) reports one of the events, an error or a hang-up.
    public func wait(for events: Int32) throws(Errno) {
        var request = pollfd(fd: rawValue, events: Int16(events), revents: 0)
        _ = try retrying { unsafe poll(&request, 1, -1) }
    }

    /// Whether it is a terminal, by isatty(3).
    public var isTerminal: Bool { isatty(rawValue) == 1 }

    /// Whether what is written to it vanishes: it is /dev/null, and open for writing.
    public var takesAndDropsAll: Bool {
        // Linux fixes the device's numbers, 1 and 3: Documentation/admin-guide/devices.txt.
        let null = dev_t(1 << 8 | 3)
        guard let status, status.st_mode & S_IFMT == S_IFCHR, status.st_rdev == null
        else { return false }
        return fcntl(rawValue, F_GETFL) & O_ACCMODE != O_RDONLY
    }

    /// The result of fstat(2), or nil if the descriptor names no open file.
    public var status: stat? {
        var status = stat()
        return unsafe fstat(rawValue, &status) == 0 ? status : nil
    }

    /// Makes reads and writes through this open file description never wait. Use it only for a pipe
    /// that this process made: an inherited one is shared with other processes. It clears the other
    /// status flags.
    public func setNonBlocking() throws(Errno) {
        _ = try retrying { fcntl(rawValue, F_SETFL, O_NONBLOCK) }
    }
}

/// An open file. It is closed once, at the latest when it goes out of scope.
public struct OpenFile: ~Copyable {
    public let descriptor: FileDescriptor

    /// Takes ownership of a descriptor. Nothing else may close it.
    public init(owning descriptor: FileDescriptor) { self.descriptor = descriptor }

    /// open(2), close-on-exec.
    public init(path: Argument, flags: Int32 = O_RDONLY) throws(Errno) {
        let number = try retrying { unsafe open(path.cString, flags | O_CLOEXEC, 0o666) }
        descriptor = FileDescriptor(number)
    }

    /// As above.
    public init(path: Path, flags: Int32 = O_RDONLY) throws(Errno) {
        let number = try unsafe path.withCString { path throws(Errno) in
            try retrying { unsafe open(path, flags | O_CLOEXEC, 0o666) }
        }
        descriptor = FileDescriptor(number)
    }

    /// Creates an unnamed file for reading and writing. If the system supports it, the file never
    /// has a name (see `openNameless`). Otherwise it has one for a moment: mkstemp(3), then
    /// unlink(2).
    public init(unlinkedIn folder: Argument) throws(Errno) {
        if let number = unsafe openNameless(in: folder.cString) {
            descriptor = FileDescriptor(number)
            return
        }
        var name = folder.bytes + Array("/pmaputils.XXXXXX".utf8) + [0]
        descriptor = FileDescriptor(
            try retrying {
                unsafe name.withUnsafeMutableBytes { bytes in
                    let path = unsafe bytes.assumingMemoryBound(to: CChar.self).baseAddress!
                    let number = unsafe mkstemp(path)
                    if number >= 0 { unsafe unlink(path) }
                    return number
                }
            })
        _ = fcntl(descriptor.rawValue, F_SETFD, FD_CLOEXEC)
    }

    /// Passes ownership of the descriptor to the caller, which must close it.
    public consuming func release() -> FileDescriptor {
        let descriptor = self.descriptor
        discard self
        return descriptor
    }

    deinit { try? descriptor.close() }
}

/// A pipe(2), both ends close-on-exec.
@frozen
public struct Pipe: ~Copyable {
    public var reading: OpenFile
    public var writing: OpenFile

    public init() throws(Errno) {
        var ends: (Int32, Int32) = (-1, -1)
        _ = try retrying {
            unsafe withUnsafeMutableBytes(of: &ends) { bytes in
                unsafe makeClosingPipe(bytes.assumingMemoryBound(to: Int32.self).baseAddress)
            }
        }
        reading = OpenFile(owning: FileDescriptor(ends.0))
        writing = OpenFile(owning: FileDescriptor(ends.1))
    }
}
