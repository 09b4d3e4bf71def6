import Shared

runProgram(pmapSyntax, failure: 1) { options, operands in
    let messages = Messages(program: pmapSyntax.program)
    if let pool = try PoolSettings(options, operands: operands) {
        return try runCommand(pool, messages: messages)
    }
    var settings = try Settings(options, operands: operands)
    for doubt in settings.doubts { messages.say(doubt.what, doubt.why) }
    settings.refuseStreamsAsJobserver(messages)
    let slots = joinJobserver(&settings, messages: messages)
    let input = try openInput(settings)
    if settings.command.delivery == .standardInput { keepFreedMemory(upTo: 32 << 20) }
    settings.inputIsTerminal = input.contains { $0.descriptor.isTerminal }
    settings.outputIsTerminal = FileDescriptor.standardOutput.isTerminal
    settings.errorsAreTerminal = FileDescriptor.standardError.isTerminal
    if settings.inputIsTerminal, settings.errorsAreTerminal, settings.progressStyle != .none {
        messages.say("reading items from the terminal; end with Ctrl-D")
    }
    if settings.isDryRun {
        return try printCommands(settings, input: input, messages: messages)
    }
    try run(settings, input: input, jobserver: slots, messages: messages)
}

/// Runs the command over the items, and exits or dies of a signal.
private func run(
    _ settings: Settings, input: [InputFile], jobserver: consuming SlotPipe?,
    messages: Messages
) throws -> Never {
    var workerLimit = settings.workers.number(cpus: usableCPUs())
    if let name = settings.workersFile { workerLimit = try workerCount(inFile: name) }
    let files = try RecordFiles(settings, input: input)
    let form = settings.servesSlots && jobserver == nil ? try JobserverForm.preferred() : nil
    let signals = try Signals(others: [SIGTSTP, SIGCONT, SIGWINCH] + statusSignals)
    let diesOfBrokenPipe = signals.diesOfBrokenPipe
    var pipe = jobserver
    var server: SlotServer?
    if let form {
        let made = try SlotServer(
            slots: workerLimit, form: form, folder: settings.temporaryFolder)
        pipe = try made.open()
        try made.announce()
        server = consume made
    }
    let kernel = try Kernel(signals: signals)
    var client: Jobserver<Kernel>?
    if let pipe = pipe.take() { client = Jobserver(kernel, pipe) }
    let slots = SlotSupply(kernel, client, server, below: PoolWatch())
    // The pool is never destroyed: that would need metadata of generic types, and making it in
    // Swift's runtime took a sixth of the start-up time.
    let pool = UnsafeMutablePointer<Pool<Kernel>>.allocate(capacity: 1)
    unsafe pool.initialize(
        to: try Pool(
            kernel, settings, input: input, records: Records(kernel, settings, files),
            slots: slots, workerLimit: workerLimit, messages: messages))
    do throws(WriteError) {
        switch try unsafe pool.pointee.run() {
        case .exit(let status): exit(status)
        case .signal(let signal): die(of: signal)
        }
    } catch {
        if error.cause == .brokenPipe && diesOfBrokenPipe { die(of: SIGPIPE) }
        throw error
    }
}
