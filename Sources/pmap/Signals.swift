import Shared
import Synchronization

/// Signals as bytes in a pipe, so that one poll(2) waits for them and for everything else.
struct Signals: ~Copyable {
    /// Those that end pmap, unless it was started with them ignored (nohup(1), `&`).
    static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    private let pipe: Pipe
    /// Signals that pmap was started to ignore, and its workers are too.
    private let inheritedIgnored: Set<Int32>

    /// Installs the handlers, and ignores SIGPIPE, so that writing tells of a reader gone.
    init() throws(Errno) {
        let pipe = try Pipe()
        try pipe.reading.descriptor.setNonBlocking()
        try pipe.writing.descriptor.setNonBlocking()
        let inherited = Set((Self.ending + [SIGPIPE]).filter(isIgnored))
        signalPipe.store(pipe.writing.descriptor.rawValue, ordering: .relaxed)
        self.pipe = consume pipe
        inheritedIgnored = inherited
        for signal in Self.ending where !inherited.contains(signal) { handle(signal) }
        handle(SIGCHLD)
        handle(SIGUSR1)
        ignore(SIGPIPE)
    }

    var descriptor: FileDescriptor { pipe.reading.descriptor }

    /// What a worker must find at its default action.
    var workerDefaults: [Int32] { inheritedIgnored.contains(SIGPIPE) ? [] : [SIGPIPE] }

    /// Whether a reader that is gone ends pmap by SIGPIPE.
    var diesOfBrokenPipe: Bool { !inheritedIgnored.contains(SIGPIPE) }

    /// What came since it was asked last. Equal ones may have merged into one.
    func received() -> [Int32] {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            (try? unsafe descriptor.read(into: buffer)) ?? 0
        }
        return bytes[..<count].map(Int32.init)
    }
}

/// Where the handler writes: the one thing that it cannot be given otherwise.
private let signalPipe = Atomic<Int32>(-1)

private func handle(_ signal: Int32) {
    var action = sigaction()
    unsafe cs_set_handler(&action) { signal in
        // Async-signal-safe: a load, write(2), and errno as it was. A full pipe holds
        // the signal already.
        let saved = errno
        var byte = UInt8(truncatingIfNeeded: signal)
        while unsafe write(signalPipe.load(ordering: .relaxed), &byte, 1) == -1 && errno == EINTR {}
        errno = saved
    }
    action.sa_flags = SA_RESTART
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

/// Ends this process by a signal, as its parent expects of one that was sent it.
func die(of signal: Int32) -> Never {
    var action = sigaction()
    unsafe cs_set_default(&action)
    unsafe sigaction(signal, &action, nil)
    var mask = sigset_t()
    unsafe sigemptyset(&mask)
    unsafe sigaddset(&mask, signal)
    unsafe sigprocmask(SIG_UNBLOCK, &mask, nil)
    // A core file of pmap would say nothing of why SIGQUIT was sent.
    var noCore = rlimit()
    unsafe setrlimit(coreResource, &noCore)
    raise(signal)
    exit(128 + signal)
}
