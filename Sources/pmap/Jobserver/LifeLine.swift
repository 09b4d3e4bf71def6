import Shared

/// A pool's end of the pipe by which it ends the maps below it (`--pool`).
///
/// To pass a signal on to the command is not enough: the background jobs of a script ignore
/// SIGINT and SIGQUIT, and SIGKILL leaves nobody to pass it on. So every map below watches the
/// other end of this pipe, as a `PoolWatch`. Nobody reads what is in it: how many bytes there
/// are is the message, for all of them.
struct LifeLine: ~Copyable {
    /// The name of the pipe in the folder of a `NamedPipe`.
    static let name = "alive"
    /// The environment variable in which what is below finds it.
    static let variable = "PMAP_POOL_ALIVE"

    private let path: String?
    private var reading: OpenFile?
    private let writing: OpenFile
    /// The copy that the command inherits, in the form without a name.
    private var inherited: Int32?
    private(set) var hasToldEnd = false

    /// - Parameter folder: where a named pipe is made, that of a `NamedPipe`, which removes it;
    ///   if nil, all that is below inherits the pipe.
    init(folder: String?) throws(Errno) {
        guard let folder else {
            let pipe = try Pipe()
            inherited = try inheritedCopy(of: pipe.reading.descriptor)
            path = nil
            writing = OpenFile(owning: pipe.writing.release())
            reading = OpenFile(owning: pipe.reading.release())
            return
        }
        let path = "\(folder)/\(Self.name)"
        if unsafe path.withCString({ unsafe mkfifo($0, 0o600) }) == -1 { throw .last }
        reading = try openedFile(path, O_RDONLY | O_NONBLOCK)
        writing = try openedFile(path, O_WRONLY)
        self.path = path
    }

    /// Names it to what is started from now on.
    func announce() throws(Errno) {
        var text = path ?? ""
        if let inherited {
            text = "\(inherited),\(FileDescriptor(inherited).status?.st_ino ?? 0)"
        }
        try setVariable(Self.variable, to: Array(text.utf8))
    }

    /// The command was started, and has its copy.
    mutating func commandHasStarted() {
        if let number = inherited { try? FileDescriptor(number).close() }
        inherited = nil
    }

    /// Ends all that watch it.
    mutating func tellEnd() {
        if hasToldEnd { return }
        hasToldEnd = true
        put(PoolWatch.end)
    }

    /// Leaves all that watch it alone, whatever becomes of this process.
    func release() {
        if !hasToldEnd { put(PoolWatch.released) }
    }

    private func put(_ message: Int) {
        // It holds 4096 bytes at least, so this never waits.
        try? writing.descriptor.writeAll([UInt8](repeating: newToken, count: message))
    }

    /// Waits until nobody watches it any more, or a signal comes.
    ///
    /// - Parameters:
    ///   - time: at most.
    ///   - system: tells of the signals.
    mutating func waitUntilUnwatched(atMost time: Duration, _ system: some System) {
        reading = nil
        let deadline = system.now + time
        while system.now < deadline {
            // A pipe without readers is reported as an error (poll(2)).
            var requests = [
                pollfd(fd: writing.descriptor.rawValue, events: 0, revents: 0),
                pollfd(fd: system.signalDescriptor.rawValue, events: Int16(POLLIN), revents: 0),
            ]
            let rest = Int((deadline - system.now) / .milliseconds(1)) + 1
            _ = unsafe poll(&requests, 2, Int32(clamping: rest))
            if requests[0].revents != 0 { return }
            if system.receivedSignals().contains(where: { Signals.ends($0.number) }) { return }
        }
    }
}

/// The end of a `LifeLine` that a map has, or another pool. It stays open to the end.
struct PoolWatch {
    let descriptor: FileDescriptor

    /// Bytes in the pipe: those below are to end, or may go on without their pool.
    fileprivate static let end = 1
    fileprivate static let released = 2

    /// - Returns: nil if the environment names no pool, or one that is gone.
    init?() {
        guard let text = variable(LifeLine.variable) else { return nil }
        if text.hasPrefix("/") {
            guard let file = try? openedFile(text, O_RDONLY | O_NONBLOCK),
                let status = file.descriptor.status, status.st_mode & S_IFMT == S_IFIFO
            else { return nil }
            descriptor = file.release()
            return
        }
        // A program in between may have closed it, and the number may be another file's.
        let numbers = text.split(separator: ",")
        guard numbers.count == 2, let number = Int32(numbers[0]), let inode = UInt64(numbers[1]),
            let status = FileDescriptor(number).status, status.st_mode & S_IFMT == S_IFIFO,
            status.st_ino == inode
        else { return nil }
        descriptor = FileDescriptor(number)
    }

    /// Whether the pool wants those below to end, or was killed. Asked once the pipe has an
    /// event.
    var mustEnd: Bool { cs_bytes_waiting(descriptor.rawValue) <= Self.end }
}
