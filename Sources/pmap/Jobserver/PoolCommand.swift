import Shared

/// What the command line asks for with `--pool`.
struct PoolSettings {
    private(set) var slots = WorkerCount.percentOfCPUs(100)
    private(set) var temporaryFolder = defaultTemporaryFolder()
    let command: ArgumentList

    /// - Returns: nil without `--pool`.
    init?(
        _ options: GivenOptions<OptionID>, operands: ArgumentList
    ) throws(UsageError) {
        if options[.pool] == nil { return nil }
        command = operands
        for (option, value) in options {
            switch option.id {
            case .pool: break
            case .workers:
                slots = try parsed(option, value, WorkerCount.expected, WorkerCount.init)
            case .temporaryFolder: temporaryFolder = value ?? temporaryFolder
            default:
                throw UsageError(
                    "--pool and \(option.name)",
                    "--pool runs one command and reads no items; only -j and --tmpdir go with it")
            }
        }
        if operands.isEmpty {
            throw UsageError("no command", "try '\(pmapSyntax.program) --help'")
        }
    }
}

/// Runs one command with a pool of slots that all below it share (`--pool`).
///
/// - Returns: the exit status. Does not return where the command died of a signal: then so
///   does this process.
func runCommand(_ settings: PoolSettings, messages: Messages) throws -> Int32 {
    let form = try JobserverForm.preferred()
    let signals = try Signals(others: statusSignals)
    let status: Int32
    do {
        var pool = try Jobserver.serving(
            settings.slots.number(cpus: usableCPUs()), form, folder: settings.temporaryFolder)
        try announce(&pool)
        let spawner = try Spawner(
            defaultSignals: signals.workerDefaults, mask: signals.workerMask, leadsGroup: false)
        var poller = try Poller()
        try poller.add(signals.descriptor, for: .reading, token: 0)
        if let watch = pool.watchDescriptor { try poller.add(watch, for: .reading, token: 1) }
        let process: pid_t
        do throws(Errno) {
            process = try spawner.start(
                ArgumentVector(settings.command.map(\.bytes)), input: .standardInput,
                output: .standardOutput, errors: .standardError)
        } catch {
            messages.say(settings.command[0].text, error.reason)
            return error == .noEntry ? 127 : 126
        }
        while true {
            let ready = poller.wait(milliseconds: -1)
            if ready.contains(1) { pool.replaceLostTokens() }
            if let ended = passOn(signals, to: process) {
                status = ended
                break
            }
        }
    }
    // The pipe is removed by now.
    if cs_exited(status) == 0 { die(of: cs_term_signal(status)) }
    return cs_exit_status(status)
}

/// Names the pool to the command, and tells pmap what was started by the command itself:
/// make and maps set the two others for what has a slot of its own.
private func announce(_ pool: inout Jobserver) throws(Errno) {
    try setVariable("PMAP_POOL", to: Array(try pool.announce().utf8))
    for name in ["MAKELEVEL", "PMAP_SLOT", "PMAP_CHUNK"] { unsafe unsetenv(name) }
}

/// Passes on the signals that processes send; what is typed on a terminal goes to the
/// command without help.
///
/// - Returns: how the command has ended, as wait(2) has it, if it has.
private func passOn(_ signals: borrowing Signals, to process: pid_t) -> Int32? {
    for signal in signals.received() where signal.isSentByProcess && signal.number != SIGCHLD {
        kill(process, signal.number)
    }
    var status: Int32 = 0
    let waited = try? retrying { unsafe waitpid(process, &status, WNOHANG) }
    return waited == process ? status : nil
}
