import Shared
import Synchronization

/// Signals as bytes in a pipe, so that one poll(2) waits for them and for everything else.
struct Signals: ~Copyable {
    /// Those that end pmap, unless it was started with them ignored (nohup(1), `&`).
    static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    /// Writing to a reader that is gone or past a size limit is told by errno(3) instead.
    private static let ignored = [SIGPIPE, SIGXFSZ]

    private let pipe: Pipe
    /// Signals that pmap was started to ignore, and its workers are too.
    private let inheritedIgnored: Set<Int32>
    /// The signals that were blocked when pmap was started, as they are in its workers.
    let workerMask: sigset_t

    /// A signal that came.
    struct Arrival {
        let number: Int32
        /// Or by the kernel, as those that are typed on a terminal are.
        let isSentByProcess: Bool
    }

    /// Installs the handlers: for the signals that end pmap, SIGCHLD and these.
    ///
    /// - Parameter others: SIGTSTP is left alone where pmap was started to ignore it.
    init(others: [Int32]) throws(Errno) {
        let pipe = try Pipe()
        try pipe.reading.descriptor.setNonBlocking()
        try pipe.writing.descriptor.setNonBlocking()
        let inherited = Set((Self.ending + Self.ignored + [SIGTSTP]).filter(isIgnored))
        signalPipe.store(pipe.writing.descriptor.rawValue, ordering: .relaxed)
        let handled = (Self.ending + [SIGCHLD] + others).filter { !inherited.contains($0) }
        for signal in handled { handle(signal) }
        for signal in Self.ignored { ignore(signal) }
        workerMask = unblock(handled)
        inheritedIgnored = inherited
        self.pipe = consume pipe
    }

    var descriptor: FileDescriptor { pipe.reading.descriptor }

    /// What a worker must find at its default action.
    var workerDefaults: [Int32] { Self.ignored.filter { !inheritedIgnored.contains($0) } }

    /// Whether a reader that is gone ends pmap by SIGPIPE.
    var diesOfBrokenPipe: Bool { !inheritedIgnored.contains(SIGPIPE) }

    /// What came since it was asked last. Equal ones may have merged into one.
    func received() -> [Arrival] {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            (try? unsafe descriptor.read(into: buffer)) ?? 0
        }
        return bytes[..<count].map { byte in
            Arrival(number: Int32(byte & ~kernelMark), isSentByProcess: byte & kernelMark == 0)
        }
    }

    /// Stops this process, as SIGTSTP does where nobody handles it, until it is continued.
    func stop() {
        var action = sigaction()
        unsafe cs_set_default(&action)
        unsafe sigaction(SIGTSTP, &action, nil)
        raise(SIGTSTP)
        handle(SIGTSTP)
    }
}

/// Where the handler writes: the one thing that it cannot be given otherwise.
private let signalPipe = Atomic<Int32>(-1)

/// Set in the byte of a signal that no process sent: there are 64 signals.
private let kernelMark: UInt8 = 0x80

private func handle(_ signal: Int32) {
    var action = sigaction()
    unsafe cs_set_informed_handler(&action) { signal, information, _ in
        // Async-signal-safe: a load, write(2), and errno as it was. A full pipe holds
        // the signal already.
        let saved = errno
        var byte = UInt8(truncatingIfNeeded: signal)
        if unsafe cs_sent_by_process(information) == 0 { byte |= kernelMark }
        while unsafe write(signalPipe.load(ordering: .relaxed), &byte, 1) == -1 && errno == EINTR {}
        errno = saved
    }
    action.sa_flags = SA_RESTART | SA_SIGINFO
    unsafe sigaction(signal, &action, nil)
}

private func ignore(_ signal: Int32) {
    var action = sigaction()
    unsafe cs_set_ignored(&action)
    unsafe sigaction(signal, &action, nil)
}

private func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    unsafe sigaction(signal, nil, &action)
    return unsafe cs_is_ignored(&action) != 0
}

/// - Returns: the mask as it was before.
@discardableResult
private func unblock(_ signals: [Int32]) -> sigset_t {
    var mask = sigset_t()
    var before = sigset_t()
    unsafe sigemptyset(&mask)
    for signal in signals { unsafe sigaddset(&mask, signal) }
    unsafe sigprocmask(SIG_UNBLOCK, &mask, &before)
    return before
}

/// Ends this process by a signal, as its parent expects of one that was sent it.
func die(of signal: Int32) -> Never {
    var action = sigaction()
    unsafe cs_set_default(&action)
    unsafe sigaction(signal, &action, nil)
    unblock([signal])
    // A core file of pmap would say nothing of why SIGQUIT was sent.
    var noCore = rlimit()
    unsafe setrlimit(coreResource, &noCore)
    raise(signal)
    exit(128 + signal)
}
