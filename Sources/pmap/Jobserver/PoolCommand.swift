import Shared

/// The settings of `--pool`.
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
                slots = try parsed(option, value, WorkerCount.expected, { WorkerCount($0) })
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

/// Runs one command with a pool of slots that all processes below share (`--pool`).
///
/// - Returns: the exit status. If a signal killed the command, this process dies of the same signal
///   and does not return.
func runCommand(_ settings: PoolSettings, messages: Messages) throws -> Int32 {
    let above = PoolWatch()
    let form = try JobserverForm.preferred()
    let signals = try Signals(others: statusSignals)
    let spawner = try Spawner(
        defaultSignals: signals.workerDefaults, mask: signals.workerMask, leadsGroup: false)
    let kernel = try Kernel(signals: signals)
    let server = try SlotServer(
        slots: settings.slots.number(cpus: usableCPUs()), form: form,
        folder: settings.temporaryFolder)
    let pipe = try server.open()
    var line = try LifeLine(folder: server.folder)
    try announce(server, line)
    var slots = SlotSupply(kernel, Jobserver(kernel, pipe), server, below: above)
    try kernel.watch(kernel.signalDescriptor, for: .reading, token: Event.signals.token)
    if let watch = slots.clientWatch {
        try kernel.watch(watch, for: .reading, token: Event.clientLeft.token)
    }
    if let watch = slots.poolWatch {
        try kernel.watch(watch, for: .reading, token: Event.poolEnded.token)
    }
    let process: pid_t
    do throws(Errno) {
        process = try spawner.start(
            ArgumentVector(settings.command.map(\.bytes)), input: .standardInput,
            output: .standardOutput, errors: .standardError)
    } catch {
        messages.say(settings.command[0].text, error.reason)
        return error == .noEntry ? 127 : 126
    }
    line.commandHasStarted()
    let status = wait(for: process, kernel, &slots, &line)
    if line.hasToldEnd { line.waitUntilUnwatched(atMost: longestWaitForMaps, kernel) }
    line.release()
    slots.close()
    if cs_exited(status) == 0 { die(of: cs_term_signal(status)) }
    return cs_exit_status(status)
}

/// How long a pool that was told to end waits for the maps below it, after its command has ended:
/// the default of `--kill-after`, and a little more.
private let longestWaitForMaps = Duration.seconds(3)

/// Sets the variables that name the pool. make and maps below change the two others for the
/// processes that they start, which have slots of their own; so pmap can tell which processes the
/// command itself started.
private func announce(
    _ server: borrowing SlotServer, _ line: borrowing LifeLine
) throws(Errno) {
    try server.announce()
    try line.announce()
    try setVariable("PMAP_POOL", to: Array(server.address.text.utf8))
    for name in ["MAKELEVEL", "PMAP_SLOT", "PMAP_CHUNK"] { unsafe unsetenv(name) }
}

/// - Returns: how the command ended, as a status of wait(2).
private func wait(
    for process: pid_t, _ kernel: Kernel, _ slots: inout SlotSupply<Kernel>,
    _ line: inout LifeLine
) -> Int32 {
    while true {
        for event in kernel.waitForEvents(milliseconds: -1).map({ Event(token: $0) }) {
            if case .clientLeft = event { slots.replaceLostTokens() }
            if case .poolEnded = event, slots.mustEndWithPool() {
                kill(process, SIGTERM)
                line.tellEnd()
            }
        }
        for signal in kernel.receivedSignals() {
            // The terminal sends its signals to the command too. Signal the command first: it might
            // be waiting for the maps, and would otherwise end before its signal arrives.
            if signal.isSentByProcess && signal.number != SIGCHLD {
                kill(process, signal.number)
            }
            if Signals.ends(signal.number) { line.tellEnd() }
        }
        var status: Int32 = 0
        let waited = try? retrying { unsafe waitpid(process, &status, WNOHANG) }
        if waited == process { return status }
    }
}
