import Shared

/// The pool's end of a pipe through which it ends the maps below it (`--pool`).
///
/// Passing a signal on to the command is not enough: background jobs of a script ignore SIGINT and
/// SIGQUIT, and a pool killed by SIGKILL cannot pass anything on. So every map below watches the
/// other end of this pipe, as a `PoolWatch`. The message is the number of bytes in the pipe. No map
/// reads them, so that all maps see them.
struct LifeLine: ~Copyable {
    /// The name of the pipe in the folder of a `NamedPipe`.
    static let name = "alive"
    /// The environment variable that tells the processes below where the pipe is.
    static let variable = "PMAP_POOL_ALIVE"

    private let path: String?
    private var reading: OpenFile?
    private let writing: OpenFile
    /// The copy that the command inherits, if the pipe has no name.
    private var inherited: Int32?
    private(set) var hasToldEnd = false

    /// - Parameter folder: the folder for a named pipe, which belongs to a `NamedPipe` and is
    ///   removed by it; if nil, all processes below inherit the pipe.
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

    /// Tells all processes that are started from now on where the pipe is.
    func announce() throws(Errno) {
        var text = path ?? ""
        if let inherited {
            text = "\(inherited),\(FileDescriptor(inherited).status?.st_ino ?? 0)"
        }
        try setVariable(Self.variable, to: Array(text.utf8))
    }

    /// Call this after the command was started: it has its copy.
    mutating func commandHasStarted() {
        if let number = inherited { try? FileDescriptor(number).close() }
        inherited = nil
    }

    /// Ends all maps that watch the pipe.
    mutating func tellEnd() {
        if hasToldEnd { return }
        hasToldEnd = true
        put(PoolWatch.end)
    }

    /// Lets all maps that watch the pipe go on when this process ends.
    func release() {
        if !hasToldEnd { put(PoolWatch.released) }
    }

    private func put(_ message: Int) {
        // A pipe holds at least 4096 bytes, so this never blocks.
        try? writing.descriptor.writeAll([UInt8](repeating: newToken, count: message))
    }

    /// Waits until no process watches the pipe any more, or a signal comes.
    ///
    /// - Parameters:
    ///   - time: the longest wait.
    ///   - system: reports the signals.
    mutating func waitUntilUnwatched(atMost time: Duration, _ system: some System) {
        reading = nil
        let deadline = system.now + time
        while system.now < deadline {
            // poll(2) reports an error for a pipe without readers.
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

/// The end of a `LifeLine` that a map or another pool below it has. It is never closed.
struct PoolWatch {
    let descriptor: FileDescriptor

    /// Bytes in the pipe: `end` tells the processes below to end; `released` lets them go on
    /// without their pool.
    fileprivate static let end = 1
    fileprivate static let released = 2

    /// Whether the pool wants the processes below to end, or was killed. Valid after the pipe has
    /// had an event.
    func mustEnd(_ system: some TokenSystem) -> Bool {
        system.unreadBytes(in: descriptor) <= Self.end
    }
}

extension PoolWatch {
    /// - Returns: nil if the environment names no pool, or the pool has ended.
    init?() {
        guard let text = variable(LifeLine.variable) else { return nil }
        if text.hasPrefix("/") {
            guard let file = try? openedFile(text, O_RDONLY | O_NONBLOCK),
                let status = file.descriptor.status, status.st_mode & S_IFMT == S_IFIFO
            else { return nil }
            descriptor = file.release()
            return
        }
        // A program in between may have closed the pipe, and its number may now be another file's.
        let numbers = text.split(separator: ",")
        guard numbers.count == 2, let number = Int32(numbers[0]), let inode = UInt64(numbers[1]),
            let status = FileDescriptor(number).status, status.st_mode & S_IFMT == S_IFIFO,
            status.st_ino == inode
        else { return nil }
        descriptor = FileDescriptor(number)
    }
}
