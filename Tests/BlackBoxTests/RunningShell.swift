import CSystem
import Foundation
import Testing

/// A command line that runs, for tests that send it signals while it does.
///
///     let running = try RunningShell("exec pmap -v sleep 60 <items")
///     try running.wait(untilErrorsContain: "sleep")
///     running.send(.terminate)
///     #expect(try running.finish().status == Signal.terminate.status)
///
/// It leads a session of its own, so that each of its processes can be found and killed, and
/// has no terminal. Descriptors are close-on-exec from the start: with Foundation's Process
/// they leak into commands that other tests start at that moment, and end of file comes late.
final class RunningShell {
    let processID: pid_t
    private let command: String
    private let folder: TemporaryFolder
    private let outputEnd: Int32
    private let errorEnd: Int32
    private var output = Stream()
    private var errors = Stream()
    private var isAwaited = false

    private struct Stream {
        var bytes = Data()
        var isOpen = true
    }

    /// The parameters are those of `shell`.
    init(
        _ command: String, in folder: TemporaryFolder? = nil, input: Data? = nil,
        environment: [String: String] = [:]
    ) throws {
        self.command = command
        self.folder = try folder ?? TemporaryFolder()
        let (outputEnd, outputSource) = try makePipe()
        let (errorEnd, errorSource) = try makePipe()
        defer {
            close(outputSource)
            close(errorSource)
        }
        self.outputEnd = outputEnd
        self.errorEnd = errorEnd
        let inputSource = try openInput(input)
        defer { close(inputSource) }

        let sources = [inputSource, outputSource, errorSource]
        processID = try spawn(
            ["sh", "-c", "cd '\(self.folder.path)' || exit 99\n\(command)"],
            .descriptors(sources),
            environment: completed(environment, home: self.folder.path))
    }

    deinit {
        killAll()
        if !isAwaited { _ = awaitEnd() }
        close(outputEnd)
        close(errorEnd)
    }

    /// Sends a signal to the process that `processID` names and to no other.
    func send(_ signal: Signal) { kill(processID, signal.number) }

    /// Waits until the text has come on standard output.
    func wait(
        untilOutputContains text: String, timeout: Double = 60,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let wanted = Data(text.utf8)
        try wait(timeout, sourceLocation) { output.bytes.range(of: wanted) != nil }
    }

    /// Waits until the text has come on standard error.
    func wait(
        untilErrorsContain text: String, timeout: Double = 60,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let wanted = Data(text.utf8)
        try wait(timeout, sourceLocation) { errors.bytes.range(of: wanted) != nil }
    }

    /// Waits for the end of the command and of its output, kills what it left behind.
    func finish(
        timeout: Double = 60, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> ShellResult {
        try wait(timeout, sourceLocation) { false }
        let status = awaitEnd()
        killAll()
        return ShellResult(
            output: output.bytes, errors: String(decoding: errors.bytes, as: UTF8.self),
            status: status)
    }

    /// Reads what comes until the condition holds or both pipes are at their end.
    private func wait(
        _ timeout: Double, _ sourceLocation: SourceLocation, until isDone: () -> Bool
    ) throws {
        let deadline = now() + timeout
        while !isDone(), output.isOpen || errors.isOpen {
            var requests = [
                pollfd(fd: output.isOpen ? outputEnd : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errors.isOpen ? errorEnd : -1, events: Int16(POLLIN), revents: 0),
            ]
            let rest = max(0, deadline - now())
            let ready = poll(&requests, 2, Int32((rest * 1000).rounded(.up)))
            if ready == 0 {
                killAll()
                Issue.record(
                    """
                    still running after \(timeout) s, and killed: \(command)
                    standard error: \(String(decoding: errors.bytes.suffix(500), as: UTF8.self))
                    """, sourceLocation: sourceLocation)
                return
            }
            if requests[0].revents != 0 { try read(outputEnd, into: &output) }
            if requests[1].revents != 0 { try read(errorEnd, into: &errors) }
        }
    }

    private func read(_ descriptor: Int32, into stream: inout Stream) throws {
        var piece = [UInt8](repeating: 0, count: 65536)
        let count = Foundation.read(descriptor, &piece, piece.count)
        if count > 0 {
            stream.bytes.append(contentsOf: piece[..<count])
        } else if count == 0 {
            stream.isOpen = false
        } else if errno != EINTR {
            throw CallError("read")
        }
    }

    private func awaitEnd() -> Int32 {
        var status: Int32 = 0
        while waitpid(processID, &status, 0) == -1, errno == EINTR {}
        isAwaited = true
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }

    private func killAll() {
        // Once it was awaited its number, but not its session's, may be somebody else's.
        if !isAwaited { kill(processID, SIGKILL) }
        killSession(processID)
    }
}

/// Kills each process of a session: workers of pmap lead process groups of their own.
func killSession(_ session: pid_t) {
    for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
        if let process = pid_t(entry), getsid(process) == session { kill(process, SIGKILL) }
    }
}

private func makePipe() throws -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    guard pipe2(&ends, O_CLOEXEC) == 0 else { throw CallError("pipe2") }
    return (ends[0], ends[1])
}

/// /dev/null, or an unlinked file that holds the bytes.
private func openInput(_ bytes: Data?) throws -> Int32 {
    guard let bytes else { return open("/dev/null", O_RDONLY | O_CLOEXEC) }
    let folder = try TemporaryFolder()
    try folder.write("input", bytes)
    let descriptor = open(folder.path(of: "input"), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw CallError("open") }
    return descriptor
}

func completed(_ environment: [String: String], home: String) -> [String] {
    let inherited = ProcessInfo.processInfo.environment
    var variables = ["HOME": home, "LC_ALL": "C"]
    variables["PATH"] = programFolder + ":" + (inherited["PATH"] ?? "/usr/bin:/bin")
    variables["TMPDIR"] = inherited["TMPDIR"]
    variables.merge(instrumentVariables(of: inherited)) { $1 }
    variables.merge(environment) { _, given in given }
    return variables.map { "\($0)=\($1)" }
}

/// POSIX_SPAWN_SETSID of <spawn.h>, which needs _GNU_SOURCE.
private let newSession: Int32 = 0x80

/// What a command has for its descriptors 0, 1 and 2.
enum StandardFiles {
    case descriptors([Int32])
    /// A terminal's path; it becomes the controlling one.
    case terminal(String)
}

/// Starts /bin/sh with signals as a fresh login has them: none blocked, none ignored.
func spawn(
    _ words: [String], _ files: StandardFiles, environment: [String]
) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
    }
    switch files {
    case .descriptors(let sources):
        for (target, source) in sources.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, source, Int32(target))
        }
    case .terminal(let path):
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
        for target: Int32 in [1, 2] { posix_spawn_file_actions_adddup2(&actions, 0, target) }
    }
    // What the tests themselves were started with is no business of the command.
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    var all = sigset_t()
    var none = sigset_t()
    sigfillset(&all)
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | newSession
    posix_spawnattr_setflags(&attributes, Int16(flags))

    let argv = words.map { strdup($0) } + [nil]
    let envp = environment.map { strdup($0) } + [nil]
    defer { for pointer in argv + envp { free(pointer) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, "/bin/sh", &actions, &attributes, argv, envp)
    guard code == 0 else { throw CallError("posix_spawn", code) }
    return process
}

/// Seconds on a clock that nobody sets.
func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
