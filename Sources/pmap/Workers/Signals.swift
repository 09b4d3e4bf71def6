import Shared
import Synchronization

/// Delivers signals as bytes in a pipe, so that one call can wait for signals and everything else.
struct Signals: ~Copyable {
    /// Signals that would kill pmap by default and that come from a user, a time limit or a batch
    /// system. pmap ends its workers first.
    private static let ending = [
        SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU,
        SIGPOLL, SIGPWR, SIGSTKFLT,
    ]
    private static let realTime = cs_first_real_time_signal()...cs_last_real_time_signal()
    /// Ignored, so that a write without a reader or past a size limit fails with an errno(3).
    private static let ignored = [SIGPIPE, SIGXFSZ]

    private let pipe: Pipe
    /// The signals in `ignored` that were not ignored before.
    let workerDefaults: [Int32]
    /// The signals that were blocked when pmap was started. Its workers get the same mask.
    let workerMask: sigset_t

    /// A signal that has arrived.
    struct Arrival: Equatable {
        let number: Int32
        /// False if the kernel sent it, for example for keys typed on a terminal.
        let isSentByProcess: Bool
    }

    /// Installs the handlers for the signals that end pmap, for SIGCHLD and for others.
    ///
    /// A signal that was ignored when pmap was started (nohup(1), `&`) stays ignored, also in its
    /// workers. SIGCHLD is the exception: if it were ignored, the kernel would discard the status
    /// of workers.
    init(others: [Int32]) throws(Errno) {
        let pipe = try Pipe()
        try pipe.reading.descriptor.setNonBlocking()
        try pipe.writing.descriptor.setNonBlocking()
        signalPipe.store(pipe.writing.descriptor.rawValue, ordering: .relaxed)
        setAction(SIGCHLD, handler)
        var handled = [SIGCHLD]
        for signal in Self.ending + others + Self.realTime where handleUnlessIgnored(signal) {
            handled.append(signal)
        }
        let crashes = [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP]
        for signal in crashes where handleUnlessIgnored(signal, once: true) {
            handled.append(signal)
        }
        var ignored = sigaction()
        unsafe cs_set_ignored(&ignored)
        workerDefaults = Self.ignored.filter { !setAction($0, ignored) }
        workerMask = unblock(handled)
        self.pipe = consume pipe
    }

    var descriptor: FileDescriptor { pipe.reading.descriptor }

    /// Whether this signal is handled and ends pmap.
    static func ends(_ signal: Int32) -> Bool {
        switch signal {
        case SIGCHLD, SIGCONT, SIGTSTP, SIGUSR1, SIGWINCH: false
        default: true
        }
    }

    /// Whether a signal that ends pmap has come.
    static var mustEnd: Bool { endingSignalCame.load(ordering: .relaxed) }

    /// Whether pmap dies of SIGPIPE when the reader of its output is gone.
    var diesOfBrokenPipe: Bool { workerDefaults.contains(SIGPIPE) }

    /// Returns the signals since the last call. Equal ones may have merged.
    func received() -> [Arrival] {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            (try? unsafe descriptor.read(into: buffer)) ?? 0
        }
        return bytes[..<count].map { byte in
            Arrival(number: Int32(byte & ~kernelMark), isSentByProcess: byte & kernelMark == 0)
        }
    }

    /// Stops this process until it is continued, as SIGTSTP does by default.
    func stop() {
        var action = sigaction()
        unsafe cs_set_default(&action)
        setAction(SIGTSTP, action)
        raise(SIGTSTP)
        setAction(SIGTSTP, handler)
    }
}

/// The state of the handler, which cannot get arguments.
private let signalPipe = Atomic<Int32>(-1)
private let endingSignalCame = Atomic<Bool>(false)

/// This bit is set if no process sent the signal. There are only 64 signals, so it is free.
private let kernelMark: UInt8 = 0x80

private var handler: sigaction {
    var action = sigaction()
    unsafe cs_set_informed_handler(&action) { signal, information, _ in
        // Only async-signal-safe operations: atomics and write(2); errno is restored. If the pipe
        // is full, it already holds this signal.
        let saved = errno
        var byte = UInt8(truncatingIfNeeded: signal)
        if unsafe cs_sent_by_process(information) == 0 {
            // A bug in pmap. The instruction runs again, and kills this process.
            if isCrash(signal) { return }
            byte |= kernelMark
        }
        if Signals.ends(signal) { endingSignalCame.store(true, ordering: .relaxed) }
        while unsafe write(signalPipe.load(ordering: .relaxed), &byte, 1) == -1 && errno == EINTR {}
        errno = saved
    }
    action.sa_flags = SA_RESTART | SA_SIGINFO
    return action
}

/// Whether a bug in this process may raise the signal.
private func isCrash(_ signal: Int32) -> Bool {
    switch signal {
    case SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP: true
    default: false
    }
}

/// - Parameter once: whether the signal gets its default action after its first arrival.
/// - Returns: false if the signal was ignored; then it still is.
private func handleUnlessIgnored(_ signal: Int32, once: Bool = false) -> Bool {
    var action = handler
    if once { action.sa_flags |= CInt(bitPattern: SA_RESETHAND) }
    var before = sigaction()
    unsafe sigaction(signal, &action, &before)
    if unsafe cs_is_ignored(&before) == 0 { return true }
    unsafe sigaction(signal, &before, nil)
    return false
}

/// - Returns: whether the signal was ignored before.
@discardableResult
private func setAction(_ signal: Int32, _ action: sigaction) -> Bool {
    var action = action
    var before = sigaction()
    unsafe sigaction(signal, &action, &before)
    return unsafe cs_is_ignored(&before) != 0
}

/// - Returns: the previous mask.
@discardableResult
private func unblock(_ signals: [Int32]) -> sigset_t {
    var mask = sigset_t()
    var before = sigset_t()
    unsafe sigemptyset(&mask)
    for signal in signals { unsafe sigaddset(&mask, signal) }
    unsafe sigprocmask(SIG_UNBLOCK, &mask, &before)
    return before
}

/// Ends this process by a signal, which its parent expects after sending that signal.
func die(of signal: Int32) -> Never {
    var action = sigaction()
    unsafe cs_set_default(&action)
    setAction(signal, action)
    unblock([signal])
    // A core file of pmap would not help the user after SIGQUIT.
    var noCore = rlimit()
    unsafe setrlimit(coreResource, &noCore)
    raise(signal)
    exit(128 + signal)
}
