import Shared

/// Starts workers: posix_spawn(3) with all that does not change from one to the next.
@safe
struct Spawner: ~Copyable {
    private let command: Command
    private var environment = WorkerEnvironment()
    private var attributes = posix_spawnattr_t()
    private let nothing: OpenFile
    /// argv[0...], without the items.
    private let words: [UnsafeMutablePointer<CChar>?]

    /// - Parameter signals: what the worker must find at its default action: what pmap
    ///   itself ignores or handles, and did not inherit as ignored.
    init(_ command: Command, defaultSignals signals: [Int32]) throws(Errno) {
        self.command = command
        unsafe words = command.words.map { unsafe UnsafeMutablePointer(mutating: $0.cString) }
        nothing = try OpenFile(path: "/dev/null")
        var defaults = sigset_t()
        var mask = sigset_t()
        unsafe sigemptyset(&defaults)
        unsafe sigemptyset(&mask)
        for signal in signals { unsafe sigaddset(&defaults, signal) }
        unsafe posix_spawnattr_init(&attributes)
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETPGROUP)
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    deinit {
        var attributes = self.attributes
        unsafe posix_spawnattr_destroy(&attributes)
    }

    /// Starts the command on a chunk, as the leader of a process group of its own.
    ///
    /// - Parameters:
    ///   - input: its standard input, /dev/null where nil.
    /// - Returns: its process ID.
    mutating func start(
        _ chunk: Chunk, slot: Int, delimiter: UInt8,
        input: FileDescriptor?, output: FileDescriptor, errors: FileDescriptor
    ) throws(Errno) -> pid_t {
        environment.set(chunk: chunk.number, slot: slot)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        let standard = [input ?? nothing.descriptor, output, errors]
        for (number, descriptor) in standard.enumerated() {
            let error = unsafe posix_spawn_file_actions_adddup2(
                &actions, descriptor.rawValue, Int32(number))
            if error != 0 { throw Errno(error) }
        }
        if command.feedsStandardInput { return try unsafe spawn(words + [nil], &actions) }
        var items = chunk.bytes
        return unsafe try items.withTerminatedItems(delimiter: delimiter, count: chunk.itemCount) {
            pointers throws(Errno) in
            try unsafe spawn(words + pointers + [nil], &actions)
        }
    }

    private func spawn(
        _ argv: [UnsafeMutablePointer<CChar>?], _ actions: inout posix_spawn_file_actions_t
    ) throws(Errno) -> pid_t {
        var process: pid_t = 0
        var attributes = self.attributes
        var error = unsafe posix_spawnp(
            &process, words[0]!, &actions, &attributes, argv, environment.pointers)
        if error == ENOEXEC, let script = executablePath(of: command.words[0]) {
            // A script without `#!`: execvp(3) has the shell run it, posix_spawnp does not.
            unsafe error = script.withCString { path in
                let shell = ["/bin/sh" as Argument, unsafe Argument(path)]
                let prefix = unsafe shell.map { unsafe UnsafeMutablePointer(mutating: $0.cString) }
                return unsafe posix_spawn(
                    &process, "/bin/sh", &actions, &attributes,
                    prefix.map(Optional.some) + argv.dropFirst(), environment.pointers)
            }
        }
        if error != 0 { throw Errno(error) }
        return process
    }
}

/// The path of the file that execvp(3) would find under a name.
private func executablePath(of name: Argument) -> String? {
    let text = name.text
    if text.contains("/") { return text }
    let search = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/bin:/usr/bin"
    return search.split(separator: ":", omittingEmptySubsequences: false)
        .map { $0.isEmpty ? text : "\($0)/\(text)" }
        .first { path in unsafe path.withCString { unsafe access($0, X_OK) == 0 } }
}

extension [UInt8] {
    /// Ends each item with NUL in the delimiter's place, and hands out where each begins.
    fileprivate mutating func withTerminatedItems<Result>(
        delimiter: UInt8, count itemCount: Int,
        _ body: ([UnsafeMutablePointer<CChar>?]) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        if last != delimiter { append(delimiter) }
        return try unsafe withUnsafeMutableBufferPointer { bytes throws(Errno) in
            var items: [UnsafeMutablePointer<CChar>?] = unsafe []
            unsafe items.reserveCapacity(itemCount)
            let base = unsafe UnsafeMutableRawBufferPointer(bytes)
                .assumingMemoryBound(to: CChar.self).baseAddress!
            var start = 0
            while start < bytes.count,
                let end = unsafe bytes[start...].firstIndex(of: delimiter)
            {
                unsafe bytes[end] = 0
                unsafe items.append(base + start)
                start = end + 1
            }
            return try unsafe body(items)
        }
    }
}
