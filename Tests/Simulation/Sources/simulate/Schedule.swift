import Shared

/// Runs pmap's core on one plan, and judges what it did.
func run(_ plan: Plan) {
    let kernel = SimulatedKernel(plan)
    let settings: Settings
    do {
        settings = try parse(plan.commandLine)
    } catch {
        kernel.fail("the options are refused: \(error)")
    }
    kernel.story(plan.commandLine.joined(separator: " "))
    let end = runPool(kernel, settings, plan)
    kernel.finish()
    Judge(plan: plan, kernel: kernel, end: end).judge()
    kernel.story("ended: \(end)")
}

private func runPool(
    _ kernel: SimulatedKernel, _ settings: Settings, _ plan: Plan
) -> Result<Judge.RunEnd, WriteError> {
    var jobserver: Jobserver<SimulatedKernel>?
    if plan.tokens != nil {
        jobserver = Jobserver(
            kernel, reading: SimulatedKernel.tokensReading,
            writing: SimulatedKernel.tokensWriting, sharesFirstSlot: false)
    }
    let records = Records(
        kernel, settings, log: SimulatedKernel.log, done: [:], failed: SimulatedKernel.failed)
    do {
        var pool = try Pool(
            kernel, settings, items: SimulatedKernel.items, records: records,
            slots: SlotSupply(kernel, jobserver, nil),
            workerLimit: settings.workers.number(cpus: 4), messages: Messages(program: "pmap"))
        switch try pool.run() {
        case .exit(let status): return .success(.exit(status))
        case .signal(let signal): return .success(.signal(signal))
        }
    } catch let error as WriteError {
        return .failure(error)
    } catch {
        return .failure(WriteError(.noMemory))
    }
}

/// The settings of a command line.
private func parse(_ words: [String]) throws -> Settings {
    // As long as the process: `Argument` points into it.
    let vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
        capacity: words.count + 1)
    for (index, word) in words.enumerated() { unsafe vector[index] = strdup(word) }
    unsafe vector[words.count] = nil
    let invocation = try unsafe pmapSyntax.parse(vector, count: Int32(words.count))
    guard case .run(let options, let operands) = invocation else { throw Errno.invalid }
    return try Settings(options, operands: operands)
}
