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
    judge(plan, kernel, runPool(kernel, settings, plan, done: [:]))
    if plan.isResumed { resume(plan, settings, after: kernel) }
}

private func judge(
    _ plan: Plan, _ kernel: SimulatedKernel, _ end: Result<Judge.RunEnd, WriteError>,
    doneBefore: [Int: [UInt8]] = [:], wasCutOtherwise: Bool = false
) {
    kernel.story("ended: \(end)")
    kernel.story("--failed lists: \(kernel.failedText)")
    Judge.checkSurvivors(kernel)
    kernel.finish()
    let judge = Judge(
        plan: plan, kernel: kernel, end: end, doneBefore: doneBefore,
        wasCutOtherwise: wasCutOtherwise)
    judge.judge()
}

/// Runs the same again with what is left of the log after a crash at some moment.
private func resume(_ plan: Plan, _ settings: Settings, after first: SimulatedKernel) {
    var random = Random(seed: plan.seed, stream: 3000)
    let rows = first.log.split(separator: UInt8(ascii: "\n"))
    let kept = rows.prefix(rows.isEmpty ? 0 : random.int(0...rows.count))
    var done: [Int: ChunkMark] = [:]
    for row in kept {
        let text = String(decoding: row, as: UTF8.self)
        guard let logged = LoggedChunk(row: text[...]) else {
            first.fail("a row of the log is none")
        }
        if logged.isDone { done[logged.number] = logged.mark }
    }
    var items: [Int: [UInt8]] = [:]
    for attempt in first.attempts where done[attempt.chunk] != nil {
        items[attempt.chunk] = attempt.items
    }
    let kernel = SimulatedKernel(plan)
    kernel.story("resumed with \(done.count) chunks done")
    judge(
        plan, kernel, runPool(kernel, settings, plan, done: done), doneBefore: items,
        wasCutOtherwise: first.faultsHit.contains("read items")
            || first.faultsHit.contains("start") && plan.faults.contains { $0.error == E2BIG })
}

private func runPool(
    _ kernel: SimulatedKernel, _ settings: Settings, _ plan: Plan, done: [Int: ChunkMark]
) -> Result<Judge.RunEnd, WriteError> {
    var jobserver: Jobserver<SimulatedKernel>?
    if let server = plan.jobserver {
        jobserver = Jobserver(
            kernel, reading: SimulatedKernel.tokensReading,
            writing: SimulatedKernel.tokensWriting, sharesFirstSlot: plan.sharesFirstSlot,
            served: server == .share
                ? ServedSlots(
                    count: kernel.slots!.tokens + 1,
                    watch: plan.seesCloses ? SimulatedKernel.closeWatch : nil) : nil)
    }
    let pool =
        plan.jobserver == .pool ? PoolWatch(descriptor: SimulatedKernel.poolWatch) : nil
    let failed =
        plan.listsFailed
        ? FailedItems(
            kernel, SimulatedKernel.failed, name: "failed", isRegular: true, replaces: false,
            delimiter: UInt8(ascii: "\n")) : nil
    let records = Records(
        kernel, settings, log: plan.outputIsNothing ? nil : SimulatedKernel.log, done: done,
        failed: failed, inputIsFile: plan.inputIsFile)
    do {
        var pool = try Pool(
            kernel, settings, input: [kernel.inputFile], records: records,
            slots: SlotSupply(kernel, jobserver, nil, below: pool),
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
