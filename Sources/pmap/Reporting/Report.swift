import Shared

/// Everything that pmap reports about a run: messages and progress on standard error, the log, the
/// list of failed items, the summary at the end, and the exit status.
struct Report<S: System>: ~Copyable {
    private let system: S
    private let settings: Settings
    private var display: StatusDisplay<S>
    private var records: Records<S>
    private var statistics: Statistics?
    private(set) var tally = Tally()
    private(set) var progress = Progress()
    /// The pace of the work, for the estimate of the time left.
    private(set) var pace = TimeLeft()
    private var failures = FailureSummary()
    private let began: Duration
    private var saidSpillFailure = false
    private var saidAnswersAtEnd = false

    /// - Parameters:
    ///   - terminal: the one on standard error, if progress may use it.
    ///   - bar: its line, which standard output may share.
    init(
        _ system: S, _ settings: Settings, _ records: consuming Records<S>, terminal: Terminal?,
        bar: BarLine<S>, messages: Messages
    ) {
        self.system = system
        self.settings = settings
        display = StatusDisplay(
            system, style: settings.progressStyle, terminal: terminal, bar: bar,
            inputIsTyped: settings.inputIsTerminal, interval: settings.progressInterval,
            messages: messages)
        self.records = records
        statistics =
            settings.showsStatistics
            ? Statistics(
                unit: settings.cutsBlocks ? .bytes : .items,
                isPersistent: settings.persistence != nil) : nil
        began = system.now
    }

    // MARK: Standard error

    /// Prints a message of pmap's own.
    mutating func say(_ what: String, _ why: String) { display.say(what, why) }

    /// Prints an error of pmap's own, and counts it for the exit status.
    mutating func sayError(_ what: String, _ why: String) {
        say(what, why)
        tally.noteOwnError()
    }

    /// Prints what a worker wrote to its standard error.
    mutating func passOn(_ lines: some Collection<UInt8>) { display.write(lines) }

    mutating func leaveTerminal() { display.leaveTerminal() }

    /// Notes that pmap was stopped for some time.
    mutating func resume(after pause: Duration) { display.resume(after: pause) }

    mutating func windowChanged() { display.windowChanged() }

    /// Whether the progress must be updated now.
    var isUpdateDue: Bool { display.isUpdateDue }

    /// Shows the progress.
    ///
    /// - Parameter outputEndsLine: whether standard output is at the start of a line.
    mutating func update(_ progress: Progress, outputEndsLine: Bool) {
        display.update(progress, outputEndsLine: outputEndsLine)
    }

    /// Shows the bar again, if it has made way for other text.
    mutating func restoreBar(outputEndsLine: Bool) {
        display.restoreBar(outputEndsLine: outputEndsLine)
    }

    /// Prints a status line now.
    mutating func showStatus(_ progress: Progress) { display.show(progress) }

    /// When `update` must be called next, on the monotonic clock.
    var nextUpdate: Duration { display.deadline ?? .never }

    /// Notes that a process was started for a worker.
    mutating func startedProcess() { statistics?.starts += 1 }

    /// With `-v`, prints the worker's process ID and what it gets: a command or, if it is
    /// persistent, items.
    mutating func started(_ worker: Worker, _ chunk: Chunk) {
        if settings.verbosity == 0 { return }
        let text =
            settings.persistence == nil
            ? settings.command.shortForm(chunk, slot: worker.slot, delimiter: settings.delimiter)
            : settings.command.shortItems(chunk, delimiter: settings.delimiter)
        say("worker \(worker.process)", text)
    }

    /// Reports a persistent worker that prints nothing before its input ends.
    mutating func answersAtEnd(_ worker: Worker) {
        if saidAnswersAtEnd { return }
        saidAnswersAtEnd = true
        say(
            "worker \(worker.process)",
            "answered only when its input ended, so its chunks need new workers, which is slow; "
                + "make it print each line at once: sed -u, grep --line-buffered, python3 -u, "
                + "jq --unbuffered, fflush() in gawk, mawk -W interactive, $|=1 in perl, "
                + "stdbuf -oL for most others")
    }

    /// Reports a persistent worker that printed more than its answers.
    mutating func wrongAnswers(_ worker: Worker) {
        let last = worker.assignment?.chunk.number
        say(
            last.map { "chunk \($0)" } ?? "worker \(worker.process)",
            "worker \(worker.process) gave more answers than it got items, so its answers since "
                + "chunk \(worker.firstChunk) may belong to other items; no more chunks are started"
        )
        tally.noteWrongAnswers()
    }

    /// Notes that a worker that had nothing to do is gone.
    mutating func left(_ worker: Worker, _ outcome: Outcome) {
        if settings.verbosity > 1 {
            say("worker \(worker.process)", "\(outcome.text) after \(worker.chunksDone) chunks")
        } else if outcome.isKilled, worker.state.reason == nil {
            say("worker \(worker.process)", "\(outcome.text) between two chunks")
        }
    }

    /// Notes that a signal stopped a worker.
    mutating func stopped(_ worker: Worker, by signal: Int32) {
        if signal != SIGTTIN && signal != SIGTTOU { return }
        say(
            worker.assignment.map { "chunk \($0.chunk.number)" } ?? "slot \(worker.slot)",
            "worker \(worker.process) wants the terminal, which workers cannot use, and is "
                + "stopped; give it its input, or end it")
    }

    mutating func spillFailed(_ failure: Errno) {
        if saidSpillFailure { return }
        saidSpillFailure = true
        say(
            settings.temporaryFolder.text,
            "\(failure.reason); output waits in memory, and workers do when that is full")
    }

    /// Reports that the input cannot be read any further.
    mutating func inputFailed(_ file: String, _ why: String) {
        sayError(file, why)
        records.noteCutInput()
    }

    // MARK: Chunks

    /// Whether an earlier run has done part of the work.
    var resumes: Bool { records.resumes }

    /// What the log of an earlier run says about a chunk.
    enum EarlierRun: Equatable {
        /// The chunk must be run.
        case notDone
        case done
        /// A chunk with this number was done, but its items differ.
        case differs
    }

    func earlierRun(of chunk: Chunk) -> EarlierRun {
        guard let mark = records.markOfDone(chunk: chunk.number) else { return .notDone }
        return mark == self.mark(of: chunk) ? .done : .differs
    }

    private func mark(of chunk: Chunk) -> ChunkMark {
        ChunkMark(chunk, delimiter: settings.delimiter, isBlock: settings.cutsBlocks)
    }

    /// Notes that a chunk is skipped, because an earlier run has done it.
    mutating func skipped(_ chunk: Chunk) {
        failures.noteDone()
        progress.note(chunk)
        progress.itemsSkipped += chunk.itemCount ?? 0
        progress.bytesSkipped += chunk.byteCount
    }

    /// Reports that a chunk differs from the one in the log.
    mutating func differs(_ chunk: Chunk) {
        let there = records.markOfDone(chunk: chunk.number)?.items
        var difference = "has other items there than here"
        if let there, let here = chunk.itemCount, there != here {
            difference = "has \(there) items there and \(here) here"
        }
        sayError(
            settings.logFile?.text ?? "",
            "chunk \(chunk.number) \(difference); resume with the same input and chunk size")
    }

    /// Reports an item that no command can take.
    mutating func refused(_ item: RefusedItem) {
        sayError("item \(item.number)", item.why)
        progress.itemsDone = progress.itemsDone.map { $0 + 1 }
        progress.bytesDone += item.bytes.count
        addFailed(.memory(item.bytes, itemCount: 1), header: [], place: 2 * item.chunkBefore + 1)
    }

    /// Notes that nothing could be done for some time but wait for standard output's reader.
    mutating func waitedForReader(_ time: Duration) {
        statistics?.readerSeconds += time / .seconds(1)
    }

    /// Notes that an attempt to run a chunk has ended, for good or not.
    ///
    /// - Parameter isExpected: whether a signal has ended pmap too. The user knows that, so nothing
    ///   is said.
    mutating func ended(_ attempt: EndedAttempt, isExpected: Bool) {
        let (chunk, outcome) = (attempt.chunk, attempt.outcome)
        addStatistics(attempt)
        if settings.verbosity > 1 {
            let text = settings.persistence != nil && outcome.isSuccess ? "answered" : outcome.text
            say("worker \(attempt.process)", "\(text) after \(decimal(attempt.runTime)) s")
        }
        if isExpected { return }
        let what = "worker \(attempt.process) \(outcome.text)"
        switch (outcome, attempt.reason) {
        case (_, .halt), (_, .lostInput): break
        case (.exited(status: 255), _):
            say("chunk \(chunk.number)", withItems("\(what); no more chunks are started", chunk))
        case (.killed, _), (.timedOut, _), (.tooFewAnswers, _):
            say("chunk \(chunk.number)", withItems(what, chunk))
        default: break
        }
    }

    /// Adds the chunk's items to a text.
    private func withItems(_ text: String, _ chunk: Chunk) -> String {
        let items = settings.command.shortItems(chunk, delimiter: settings.delimiter)
        return "\(text); item\(chunk.itemCount == 1 ? "" : "s"): \(items)"
    }

    /// Announces the output of a failed chunk, which is printed next.
    mutating func willShowOutput(of attempt: EndedAttempt) {
        say(
            "chunk \(attempt.chunk.number)",
            withItems("\(attempt.outcome.text) and printed what follows", attempt.chunk))
    }

    /// Notes that a chunk is done or has failed for good. Its row is logged after its output is
    /// written.
    ///
    /// - Parameter isExpected: as in `ended`.
    mutating func finished(_ attempt: EndedAttempt, isExpected: Bool) {
        let (chunk, outcome, use) = (attempt.chunk, attempt.outcome, attempt.use)
        progress.note(chunk)
        if attempt.reason == nil {
            pace.note(
                work: chunk.itemCount ?? chunk.byteCount,
                seconds: (attempt.end - attempt.assignment.begun) / .seconds(1),
                slot: attempt.slot)
        }
        switch attempt.reason {
        case .halt: tally.noteHalted()
        case .lostInput: tally.noteLostInput()
        default: tally.note(outcome)
        }
        switch attempt.reason {
        // pmap ended this worker, which says nothing about its items.
        case .halt, .endOfRun: break
        case .lostInput: noteFailed(chunk, "did not get all of its input")
        case nil where isExpected && outcome.isKilled: break
        default: noteEnd(of: chunk, outcome)
        }
        let (command, delimiter) = (settings.command, settings.delimiter)
        let isBlock = settings.cutsBlocks
        record { records throws(Failure) in
            try records.addRow(
                LogRow(
                    chunk: chunk.number, slot: attempt.slot, process: Int(attempt.process),
                    start: attempt.assignment.begunSince1970, wallTime: attempt.runTime,
                    userTime: use.userTime, systemTime: use.systemTime,
                    maximumResidentSize: use.maximumResidentSize, outcome: outcome,
                    attempts: attempt.assignment.job.attempt, bytes: attempt.assignment.bytesOut,
                    mark: ChunkMark(chunk, delimiter: delimiter, isBlock: isBlock),
                    shownItems: command.shortItems(chunk, delimiter: delimiter)),
                chunk: chunk)
        }
    }

    /// Notes that a chunk which failed before is not retried, because no more workers are started.
    mutating func gaveUp(_ job: Job) {
        if let outcome = job.failure {
            progress.note(job.chunk)
            tally.note(outcome)
            noteEnd(of: job.chunk, outcome)
        }
        notDone(job.chunk)
    }

    /// Reports that the command cannot be started, for a permanent reason.
    mutating func cannotRun(_ chunk: Chunk, _ command: [UInt8], _ error: Errno, _ why: String) {
        say(readable(command), why)
        progress.note(chunk)
        tally.noteNotStarted(error)
        noteFailed(chunk, "could not be run")
    }

    private mutating func noteEnd(of chunk: Chunk, _ outcome: Outcome) {
        if outcome.isSuccess { return failures.noteDone() }
        noteFailed(chunk, (outcome.isKilled ? "was " : "") + outcome.text)
    }

    private mutating func noteFailed(_ chunk: Chunk, _ how: String) {
        let isFirst = failures.isFirst(chunk.number)
        failures.noteFailed(chunk.number, isFirst ? withItems(how, chunk) : "")
    }

    /// Notes that the output of these chunks is written.
    mutating func written(_ chunks: [Int]) {
        record { records throws(Failure) in try records.writeRows(of: chunks) }
    }

    /// Lists the items of a chunk that failed for good or was not run.
    mutating func notDone(_ chunk: Chunk) {
        addFailed(chunk.contents, header: chunk.header, place: 2 * chunk.number)
    }

    /// Lists the items of chunks whose output was not written, because the run is given up.
    mutating func addUnwritten() {
        for chunk in records.takeUnwritten() { notDone(chunk) }
    }

    /// Lists items that are not in a chunk yet, because no more workers are started.
    mutating func notTried(_ items: Chunk.Contents, header: [UInt8]) {
        addFailed(items, header: header, place: .max)
    }

    /// Whether `notTried` needs the rest of the input too.
    var wantsUnreadItems: Bool { records.wantsUnreadItems }

    private mutating func addFailed(_ items: Chunk.Contents, header: [UInt8], place: Int) {
        var missing = 0
        record { records throws(Failure) in
            missing = try records.addFailed(items, header: header, place: place)
        }
        if missing > 0 {
            say("the input", "has become shorter; \(missing) bytes of failed items are lost")
            tally.noteLostRecord()
        }
    }

    /// Updates the records. If that fails, reports it; the work goes on.
    private mutating func record(_ work: (inout Records<S>) throws(Failure) -> Void) {
        do {
            try work(&records)
        } catch {
            say(error.what, error.why)
            tally.noteLostRecord()
        }
    }

    // MARK: The end

    private mutating func addStatistics(_ attempt: EndedAttempt) {
        let (chunk, assignment) = (attempt.chunk, attempt.assignment)
        statistics?.note(
            Statistics.Sample(
                number: chunk.number, items: chunk.itemCount, bytes: chunk.byteCount,
                slot: attempt.slot, seconds: (attempt.end - assignment.begun) / .seconds(1),
                spawning: assignment.spawnSeconds, end: (attempt.end - began) / .seconds(1),
                cpuSeconds: attempt.use.cpuTime / .seconds(1), bytesOut: assignment.bytesOut),
            text: settings.command.shortItems(chunk, delimiter: settings.delimiter))
    }

    /// Prints the end of the report.
    ///
    /// - Parameters:
    ///   - workers: how many may run at once now.
    ///   - isHeard: whether standard output still has a reader.
    ///   - isInterrupted: whether a signal or an error has ended the run.
    mutating func finish(
        _ progress: Progress, workers: Int, isHeard: Bool, isInterrupted: Bool
    ) {
        display.finish(
            progress, saysMore: settings.verbosity > 0, isInterrupted: isInterrupted)
        record { records throws(Failure) in try records.finishLog() }
        record { records throws(Failure) in try records.finishFailedItems() }
        if let statistics {
            let wall = (system.now - began) / .seconds(1)
            let advice = advice(statistics, wall, workers)
            display.print(
                statistics.table(progress: progress, wall: wall, advice: advice.sentence))
        }
        if isHeard { sayFailures(progress) }
    }

    /// Prints the summary of failed chunks, if there are any. No option turns this line off.
    private mutating func sayFailures(_ progress: Progress) {
        let file = settings.failedItemsFile ?? settings.logFile
        let place = "see " + (file?.text ?? "--failed, --log or -vv")
        if let (what, why) = failures.message(total: progress.chunksTotal, place: place) {
            say(what, why)
        }
    }

    private func advice(
        _ statistics: Statistics, _ wall: Double, _ workers: Int
    ) -> Advice {
        let limits = settings.chunkLimits
        let limit: Advice.Limit =
            if let unit = settings.sizeUnit {
                .automatic(unit, statistics.typicalSize)
            } else if limits.items == .max {
                .bytes(limits.bytes)
            } else {
                .items(limits.items)
            }
        return Advice(
            limit: limit, isPersistent: settings.persistence != nil, workers: workers,
            cpus: system.cpuCount, chunks: statistics.chunks,
            items: statistics.items, bytes: statistics.bytes,
            bytesOut: statistics.bytesOut, start: statistics.cost.knownStart,
            busy: statistics.busy.reduce(0, +),
            cpusUsed: wall > 0 ? statistics.cpuSeconds / wall : 0,
            utilisation: statistics.utilisation(wall: wall),
            startShare: statistics.startShare(wall: wall),
            endShare: statistics.endShare(wall: wall),
            readerShare: wall > 0 ? statistics.readerSeconds / wall : 0,
            mostItems: Advice.mostItems(
                in: limits.room, items: statistics.items, bytes: statistics.bytes))
    }
}
