import Shared

// MARK: Signals

extension Pool {
    func handle(_ signal: Int32) {
        switch signal {
        case SIGCHLD: reap()
        case SIGCONT: signalWorkers(SIGCONT)
        case SIGWINCH: display.windowChanged()
        case SIGTSTP: suspend()
        case let signal where Signals.ending.contains(signal):
            if ending == nil {
                end(.signal(signal))
            } else {
                signalWorkers(SIGKILL)
            }
        default: display.show(currentProgress, messages: messages)
        }
    }

    private func signalWorkers(_ number: Int32) {
        for worker in workers.values { worker.signal(number) }
    }

    /// Stops the workers and then this process; goes on with both. Time that passes
    /// meanwhile is nobody's.
    private func suspend() {
        display.leaveTerminal()
        signalWorkers(SIGTSTP)
        let before = monotonicTime()
        signals.stop()
        let pause = monotonicTime() - before
        display.resume(after: pause)
        for worker in workers.values {
            if worker.timeoutTime < .never { worker.timeoutTime += pause }
            if worker.killTime < .never { worker.killTime += pause }
        }
        signalWorkers(SIGCONT)
    }

    /// Waits for every worker that has ended.
    func reap() {
        var status: Int32 = 0
        var usage = rusage()
        while case let process = unsafe wait4(-1, &status, WNOHANG, &usage), process > 0 {
            // A child that pmap did not start came with the process it was made of.
            guard let worker = workers[process] else { continue }
            var outcome = Outcome(waitStatus: status)
            // What was told to end has not done its work, whatever it exits with.
            if worker.isHalted && outcome.isSuccess { outcome = .killed(signal: SIGTERM) }
            if worker.isOutputLost && outcome.isSuccess { outcome = .killed(signal: SIGKILL) }
            worker.outcome = worker.isTimedOut ? .timedOut : outcome
            worker.ended = monotonicTime()
            worker.usage = usage
            worker.input = nil
            ended.append(worker)
        }
    }

    /// Ends the run: tells the workers to end and waits for them, but no longer than that
    /// takes.
    func end(_ why: Ending) {
        if ending != nil { return }
        ending = why
        let number =
            switch why {
            case .signal(let signal): signal
            case .outputFailed: SIGTERM
            }
        let killTime = monotonicTime() + settings.killAfter
        for worker in workers.values { worker.end(with: number, killTime: killTime) }
        look(at: killTime)
    }
}

// MARK: Finishing

extension Pool {
    /// How long a pipe that outlives its worker may be silent, and stay open at all.
    private static let linger = Duration.seconds(1)
    private static let longestLinger = Duration.seconds(5)

    func finishWorkers() throws(WriteError) {
        let workers = ended
        ended = []
        var next = 0
        // Where the output fails in between, the others still have to be finished.
        defer { ended += workers[next...] }
        while next < workers.count {
            let worker = workers[next]
            next += 1
            if worker.errorsRestUntil < .never {
                readErrors(worker)
                watchErrors(of: worker)
            }
            if worker.isDone || ending != nil {
                try finish(worker)
                continue
            }
            ended.append(worker)
            if worker.closingTime == .never,
                worker.output == nil || output.takes(worker.chunk.number)
            {
                let now = monotonicTime()
                worker.lastClosingTime = min(worker.lastClosingTime, now + Self.longestLinger)
                worker.closingTime = min(now + Self.linger, worker.lastClosingTime)
                look(at: worker.closingTime)
            }
        }
    }

    private func finish(_ worker: Worker) throws(WriteError) {
        // One read has all that the worker left in the pipe, which holds 64 KiB.
        readErrors(worker)
        endErrorLine(worker)
        worker.output = nil
        worker.errors = nil
        workers[worker.process] = nil
        workersBySlot[worker.slot] = nil
        slots.insert(worker.slot)
        jobserver?.give()
        nextStart = .zero
        try? readWorkersFile(isFirst: false)
        guard ending == nil, let outcome = worker.outcome else { return }
        learn(from: worker)
        report(outcome, of: worker)
        if willRetry(worker, outcome) {
            output.restart(chunk: worker.chunk.number)
            wait(
                with: Job(chunk: worker.chunk, attempt: worker.job.attempt + 1, failure: outcome))
            return
        }
        progress.chunksDone += 1
        progress.itemsDone += worker.chunk.itemCount
        if worker.isHalted { tally.noteHalted() } else { tally.note(outcome) }
        records.addRow(worker.logRow)
        display.eraseForOutput()
        try output.finish(
            chunk: worker.chunk.number, keeps: outcome.isSuccess || settings.retries == nil,
            rest: worker.lines?.ending() ?? [])
        if !outcome.isSuccess { try failed(worker, outcome) }
    }

    private func willRetry(_ worker: Worker, _ outcome: Outcome) -> Bool {
        guard let retries = settings.retries, !startsNoMore else { return false }
        return outcome.mayBeRetried && worker.job.attempt <= retries
    }

    /// A chunk failed for good.
    private func failed(_ worker: Worker, _ outcome: Outcome) throws(WriteError) {
        addFailed(worker.chunk.bytes)
        if outcome == .exited(status: 255) { try startNoMore() }
        if settings.halt == .never || worker.isHalted { return }
        try startNoMore()
        if settings.halt == .soon { return }
        let killTime = monotonicTime() + settings.killAfter
        for other in workers.values where !other.isHalted && other.outcome == nil {
            other.isHalted = true
            other.end(with: SIGTERM, killTime: killTime)
        }
        look(at: killTime)
    }

    private func report(_ outcome: Outcome, of worker: Worker) {
        if settings.verbosity > 1 {
            let seconds = decimal(worker.ended - worker.started)
            say("worker \(worker.process)", "\(outcome.text) after \(seconds) s")
        }
        let what = "worker \(worker.process) \(outcome.text)"
        switch outcome {
        case .exited(status: 255):
            say("chunk \(worker.chunk.number)", "\(what); no more chunks are started")
        case .killed where !worker.isHalted, .timedOut:
            say("chunk \(worker.chunk.number)", what)
        default: break
        }
    }

    /// Closes what a process that outlives the worker holds open, silent for a while.
    func abandonPipes(_ worker: Worker) {
        worker.closingTime = .never
        say(
            "chunk \(worker.chunk.number)",
            "a process that worker \(worker.process) left behind holds its output open; closed")
        worker.output = nil
        worker.errors = nil
    }
}
