import Shared

/// Starts workers: posix_spawn(3) with all that does not change from one to the next.
@safe
struct Spawner: ~Copyable {
    private var environment = WorkerEnvironment()
    private var attributes = posix_spawnattr_t()
    private let nothing: OpenFile

    /// - Parameters:
    ///   - signals: what the worker must find at its default action: what pmap
    ///   itself ignores or handles, and did not inherit as ignored.
    ///   - mask: the signals that are blocked in it; nil for those that are in pmap.
    ///   - leadsGroup: whether it leads a process group of its own.
    init(
        defaultSignals signals: [Int32] = [], mask: sigset_t? = nil, leadsGroup: Bool
    ) throws(Failure) {
        do {
            nothing = try OpenFile(path: "/dev/null")
        } catch {
            throw Failure("/dev/null", error.reason)
        }
        var defaults = sigset_t()
        unsafe sigemptyset(&defaults)
        for signal in signals { unsafe sigaddset(&defaults, signal) }
        unsafe posix_spawnattr_init(&attributes)
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        var flags = Int32(POSIX_SPAWN_SETSIGDEF)
        if leadsGroup { flags |= Int32(POSIX_SPAWN_SETPGROUP) }
        if var mask {
            unsafe posix_spawnattr_setsigmask(&attributes, &mask)
            flags |= Int32(POSIX_SPAWN_SETSIGMASK)
        }
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    deinit {
        var attributes = self.attributes
        unsafe posix_spawnattr_destroy(&attributes)
    }

    /// Starts a worker.
    ///
    /// - Parameters:
    ///   - arguments: argv.
    ///   - chunk: the value of PMAP_CHUNK, which is not set if nil; `slot` is that of PMAP_SLOT.
    ///   - input: its standard input, /dev/null if nil.
    /// - Returns: its process ID.
    mutating func start(
        _ arguments: ArgumentVector, chunk: Int?, slot: Int,
        input: FileDescriptor?, output: FileDescriptor, errors: FileDescriptor
    ) throws(Errno) -> pid_t {
        environment.set(chunk: chunk, slot: slot)
        return try unsafe start(
            arguments, [input ?? nothing.descriptor, output, errors], environment.pointers)
    }

    /// Starts a command with the environment that this process has now.
    func start(
        _ arguments: ArgumentVector, input: FileDescriptor?, output: FileDescriptor,
        errors: FileDescriptor
    ) throws(Errno) -> pid_t {
        try unsafe start(arguments, [input ?? nothing.descriptor, output, errors], cs_environ())
    }

    private func start(
        _ arguments: ArgumentVector, _ standard: [FileDescriptor],
        _ environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    ) throws(Errno) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in standard.enumerated() {
            let error = unsafe posix_spawn_file_actions_adddup2(
                &actions, descriptor.rawValue, Int32(number))
            if error != 0 { throw Errno(error) }
        }
        return try unsafe arguments.withPointers { argv throws(Errno) in
            try unsafe spawn(argv, &actions, environment)
        }
    }

    private func spawn(
        _ argv: [UnsafeMutablePointer<CChar>?], _ actions: inout posix_spawn_file_actions_t,
        _ environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    ) throws(Errno) -> pid_t {
        var process: pid_t = 0
        var attributes = self.attributes
        let name = unsafe argv[0]!
        var error = unsafe posix_spawnp(
            &process, name, &actions, &attributes, argv, environment)
        if error == ENOEXEC, let script = unsafe executablePath(of: bytesOfCString(name)) {
            // A script without `#!`: execvp(3) has the shell run it, posix_spawnp does not.
            unsafe error = try script.withCString { path throws(Errno) in
                let shell: Argument = "/bin/sh"
                let prefix = unsafe [shell.cString, path].map {
                    unsafe UnsafeMutablePointer(mutating: $0)
                }
                return unsafe posix_spawn(
                    &process, shell.cString, &actions,
                    &attributes, prefix.map(Optional.some) + argv.dropFirst(), environment)
            }
        }
        if error != 0 { throw Errno(error) }
        return process
    }
}
