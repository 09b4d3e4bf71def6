import Shared

/// Runs a command over all items. One loop waits for events and passes them to the parts:
///
///   - `WorkerTable`: slots, processes, their pipes and deadlines;
///   - `JobQueue`: chunks that wait, and the input from which they are cut;
///   - `MergedOutput`: the workers' output until it is written;
///   - `SlotSupply`: slots shared with other processes;
///   - `Report`: messages, progress, records and the exit status.
struct Pool<S: System>: ~Copyable {
    private let system: S
    private let settings: Settings
    private var workers: WorkerTable<S>
    private var queue: JobQueue<S>
    private var output: MergedOutput<S>
    private var slots: SlotSupply<S>
    private var report: Report<S>
    private var watches: Watches<S>
    /// A buffer for a single read; empty between reads.
    private var scratch: InputBuffer
    private var workerLimit: Int
    private var phase = Phase.open
    private var persistence = PersistenceState()
    /// The last chunk of which output was held.
    private var lastHeldChunk = 0
    /// The last of these that was not one of the first ones, and how many turns ago that was.
    private var lastGuest = 0
    private var turnsWithoutGuest = 0
    /// How many bytes may be held now; below 0 after a read that was longer.
    private var bytesToHold = 0

    private enum Phase {
        /// Workers are started while there are chunks.
        case open
        /// No more workers are started; the running ones finish.
        case finishing
        /// The workers have been told to end. Output not written by `giveUp`, on the active
        /// clock, is lost.
        case ending(Ending, giveUp: Duration)
    }

    /// Why a run ends before all work is done.
    private enum Ending {
        case signal(Int32)
        /// The `--pool` above has ended; handled like SIGTERM.
        case poolEnded
        case outputFailed(WriteError)
    }

    /// How pmap itself ends.
    enum End: Equatable {
        case exit(status: Int32)
        case signal(Int32)
    }

    /// How long a worker waits for a block to be full.
    private static var patience: Duration { .milliseconds(200) }
    /// Starting this many workers takes about ten milliseconds.
    private static var startsAtOnce: Int { 16 }
    /// After holding so many bytes, one turn of the loop holds no more.
    private static var bytesHeldATurn: Int { largePipeSize }
    /// While the output of one of these is held, the workers of the others fill their pipes.
    private static var chunksHeldFirst: Int { 2 }
    /// One turn of so many is for another chunk too.
    private static var turnsForAGuest: Int { 8 }
    /// While so many bytes a turn are written at once, only a share of them is held.
    private static var bytesOfBusyTurn: Int { 64 << 10 }
    private static var streamedPerHeldByte: Int { 16 }
    /// Bytes that one turn of the loop may need besides items and output.
    private static var memoryForATurn: Int { 1 << 20 }

    /// - Parameters:
    ///   - input: the files with the items.
    ///   - workerLimit: how many workers may run at once.
    init(
        _ system: S, _ settings: Settings, input: [InputFile], records: consuming Records<S>,
        slots: consuming SlotSupply<S>, workerLimit: Int, messages: Messages
    ) throws(Errno) {
        let source = ItemSource(
            system, input, limits: settings.chunkLimits, delimiter: settings.delimiter,
            headerItems: settings.headerItems, cutsBlocks: settings.cutsBlocks,
            usesRanges: settings.usesRanges, usesPipes: settings.needsItemsOnce,
            hashesBlocks: settings.logFile != nil,
            patience: settings.sizeUnit == .bytes ? Self.patience : nil)
        let scratch = try InputBuffer(capacity: 256 << 10)
        try system.watch(
            system.signalDescriptor, for: .reading, token: Event.signals.token)
        if let watch = slots.clientWatch {
            try system.watch(watch, for: .reading, token: Event.clientLeft.token)
        }
        if let watch = slots.poolWatch {
            try system.watch(watch, for: .reading, token: Event.poolEnded.token)
        }
        self.scratch = scratch
        self.system = system
        self.settings = settings
        self.workerLimit = workerLimit
        workers = WorkerTable(
            system, timeout: settings.timeout, killAfter: settings.killAfter)
        queue = JobQueue(
            system, source, finds: settings.sizeUnit, outputBuffer: settings.buffer)
        let terminal = settings.progressStyle.usesTerminal ? system.terminal : nil
        let bar = BarLine(system, output: terminal?.output)
        output = MergedOutput(
            system, mode: settings.outputMode, holdsBack: settings.retries != nil,
            buffer: settings.buffer, folder: settings.temporaryFolder, bar: bar)
        watches = Watches(system)
        report = Report(
            system, settings, records, terminal: terminal?.type, bar: bar, messages: messages)
        self.slots = slots
    }

    /// Runs the command over all items.
    ///
    /// - Throws: a `WriteError` if standard output cannot be written.
    mutating func run() throws(WriteError) -> End {
        while true {
            let canStartMore = attempt { pool throws(WriteError) in try pool.startWorkers() }
            report.written(output.takeDone())
            releaseWorkers()
            if isOver { break }
            let events = wait(isBusy: canStartMore ?? false)
            attempt { pool throws(WriteError) in try pool.turn(events) }
            if let failure = output.spillFailure { report.spillFailed(failure) }
            if report.isUpdateDue {
                report.update(currentProgress, outputEndsLine: output.endsLine)
            } else {
                report.restoreBar(outputEndsLine: output.endsLine)
            }
        }
        if case .open = phase {} else { listUnfinished() }
        // However pmap ends from here on, the files made for other processes must be removed.
        slots.close()
        report.finish(
            currentProgress, workers: workerLimit, isHeard: !isReaderGone,
            isInterrupted: isInterrupted)
        switch phase {
        case .ending(.signal(let signal), _): return .signal(signal)
        case .ending(.poolEnded, _): return .signal(SIGTERM)
        case .ending(.outputFailed(let error), _): throw error
        default: break
        }
        try output.close()
        return .exit(status: report.tally.exitStatus)
    }

    /// Lists items that were read and not done as failed, when the run ends early.
    private mutating func listUnfinished() {
        report.addUnwritten()
        if report.resumes {
            while let job = try? queue.next(workers: workerLimit, slowest: 0, &report) {
                if report.earlierRun(of: job.chunk) != .done { report.notDone(job.chunk) }
            }
        }
        queue.giveUpRest(&report)
    }

    /// Runs `work`. Ends the run if output cannot be written or memory is exhausted.
    @discardableResult
    private mutating func attempt<Value>(
        _ work: (inout Self) throws(WriteError) -> Value
    ) -> Value? {
        do {
            return try work(&self)
        } catch {
            end(.outputFailed(error))
            return nil
        }
    }

    private var isOver: Bool {
        guard workers.isEmpty else { return false }
        switch phase {
        case .open: return queue.isExhausted && output.isEmpty
        case .finishing, .ending: return output.isEmpty
        }
    }

    /// Whether the reader of the output is gone, as with `| head`. This needs no message.
    private var isReaderGone: Bool {
        if case .ending(.outputFailed(let error), _) = phase { return error.cause == .brokenPipe }
        return false
    }

    /// Whether a signal, or an error, has ended the run.
    private var isInterrupted: Bool { if case .ending = phase { true } else { false } }

    private var currentProgress: Progress {
        var progress = report.progress
        progress.running = workers.busyCount
        progress.failed = report.tally.failedChunks
        if !queue.source.countsItems { progress.itemsDone = nil }
        progress.itemsTotal = queue.source.totalItems
        progress.bytesTotal = queue.source.totalBytes
        progress.chunksTotal = queue.source.totalChunks(
            itemsPerChunk: settings.chunkLimits.items)
        if let left = progress.workLeft {
            let running = workers.runningWork
            progress.secondsLeft = report.pace.estimate(
                waiting: left - running.reduce(0) { $0 + $1.work }, running: running)
        }
        return progress
    }

    // MARK: Starting

    /// Starts workers while there is room, but only a few at a time, so that running workers are
    /// served in between.
    ///
    /// - Returns: whether another worker could be started at once.
    private mutating func startWorkers() throws(WriteError) -> Bool {
        guard case .open = phase else { return false }
        queue.wake()
        do {
            try system.requireMemory(Self.memoryForATurn)
        } catch {
            throw WriteError(error)
        }
        slots.wantNone()
        for _ in 0..<Self.startsAtOnce {
            guard case .open = phase, hasRoom,
                queue.nextStart == .zero || system.now >= queue.nextStart,
                let job = try nextJob()
            else { return false }
            if !slots.take() {
                queue.add(job)
                return false
            }
            do {
                try start(job)
            } catch {
                slots.give()
                // The stack limit may have been lowered after pmap read it.
                if error.rawValue == E2BIG, settings.command.delivery != .standardInput,
                    queue.cutSmaller(job)
                {
                    continue
                }
                if !mayPass(error) || !queue.isPatient(isAlone: workers.isEmpty) {
                    try giveUp(job, error)
                } else {
                    queue.tryAgain(job)
                }
            }
        }
        return true
    }

    /// Whether another worker may run. When no more output can be held, the chunk that the output
    /// waits for may still run; otherwise no chunk would ever finish.
    private var hasRoom: Bool {
        guard workers.busyCount < workerLimit,
            workers.hasIdle || workers.count < workerLimit
        else { return false }
        return !output.isFull || queue.firstWaiting.map { output.isAwaited($0.number) } ?? false
    }

    private mutating func nextJob() throws(WriteError) -> Job? {
        let slowest = queue.sizeUnit.map { workers.slowestSeconds(per: $0) } ?? 0
        while let job = try queue.next(workers: workerLimit, slowest: slowest, &report) {
            let chunk = job.chunk
            if job.failure != nil || job.attempt > 1 { return job }
            switch report.earlierRun(of: chunk) {
            case .notDone: return job
            case .done:
                report.skipped(chunk)
                try output.finish(chunk: chunk.number, keeps: false)
            case .differs:
                report.differs(chunk)
                report.notDone(chunk)
                try output.finish(chunk: chunk.number, keeps: false)
                try startNoMore()
                return nil
            }
        }
        return nil
    }

    private mutating func start(_ job: Job) throws(Errno) {
        let command = settings.command
        let feeds = command.delivery == .standardInput
        if !feeds, job.chunk.byteCount > 1 << 16 {
            // There are up to four copies of an argument at a time, and two arrays of positions.
            try system.requireMemory(
                job.chunk.byteCount * 4 + (job.chunk.itemCount ?? 0) * 160)
        }
        let filtersLines = settings.outputMode == .lines || settings.tagsLines
        let lines =
            filtersLines
            ? LineFilter(tag: settings.tagsLines ? tag(of: job.chunk) : []) : nil
        let answers = settings.persistence.map {
            AnswerReader(
                items: job.chunk.itemCount ?? 0, end: $0.answerEnd, delimiter: settings.delimiter)
        }
        let slot: Int
        if let answers, workers.hasIdle {
            slot = workers.assign(job, lines: lines, answers: answers)
        } else {
            let keepsInput = answers != nil && !persistence.startsForEachChunk
            slot = try workers.start(
                job, arguments(for: job.chunk, slot: workers.nextSlot),
                keepsInput ? .open : feeds ? .ending : .arguments,
                output: output.isNothing && !settings.needsOutput ? output.descriptor : nil,
                lines: lines, answers: answers)
            report.startedProcess()
        }
        queue.mayStart()
        output.begin(job.chunk.number)
        if let worker = workers[slot] { report.started(worker, job.chunk) }
        feed(slot)
    }

    /// Closes the inputs of persistent workers that get no more chunks.
    private mutating func releaseWorkers() {
        if !workers.hasIdle { return }
        let isOpen = if case .open = phase { true } else { false }
        // A chunk that fails may have to be run again.
        let isLast = queue.isExhausted && (settings.retries == nil || workers.busyCount == 0)
        workers.releaseIdle(leaving: isOpen && !isLast ? workerLimit : 0)
    }

    private func arguments(for chunk: Chunk, slot: Int) -> ArgumentVector {
        settings.command.arguments(for: chunk, slot: slot, delimiter: settings.delimiter)
    }

    /// Whether the same call may succeed a little later.
    private func mayPass(_ error: Errno) -> Bool {
        [EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC].contains(error.rawValue)
    }

    private mutating func giveUp(_ job: Job, _ error: Errno) throws(WriteError) {
        if mayPass(error) {
            report.sayError("cannot start a worker", error.reason)
        } else {
            let words = arguments(for: job.chunk, slot: workers.nextSlot).words
            report.cannotRun(
                job.chunk, words.first ?? [], error, settings.command.reason(error))
        }
        report.notDone(job.chunk)
        try output.finish(chunk: job.chunk.number, keeps: false)
        try startNoMore()
    }

    /// Starts no more workers; the running ones finish.
    private mutating func startNoMore() throws(WriteError) {
        if case .open = phase { phase = .finishing }
        let jobs = queue.removeWaiting()
        for job in jobs { report.gaveUp(job) }
        for job in jobs { try output.finish(chunk: job.chunk.number, keeps: false) }
    }

    // MARK: Waiting

    /// Waits until there is something to do.
    ///
    /// - Parameter isBusy: whether there is already more to do.
    private mutating func wait(isBusy: Bool) -> [Event] {
        workers.resume(for: output)
        let isOpen = if case .open = phase { true } else { false }
        let needsItems = hasRoom && queue.firstWaiting == nil && !queue.isCrowded
        let wantsItems =
            isOpen && (queue.source.wantsMore || needsItems) && !queue.source.atEnd
        let wantsReader = output.waitsForReader
        slots.note(waitsForReader: wantsReader && isOpen)
        let ready = watches.want(
            items: wantsItems, reader: wantsReader, jobserver: isOpen && slots.isShort,
            of: (queue.source.descriptor, output.descriptor, slots.descriptor))
        let time = isBusy || !ready.isEmpty ? 0 : longestWait(isOpen: isOpen)
        let before = wantsReader ? system.now : .zero
        let events = system.waitForEvents(milliseconds: time)
        if wantsReader { report.waitedForReader(system.now - before) }
        return ready + events.map { Event(token: $0) }
    }

    /// The longest time to wait: milliseconds, rounded up; -1 for ever.
    private func longestWait(isOpen: Bool) -> Int32 {
        let now = system.now
        var next = min(report.nextUpdate, slots.nextTime)
        if isOpen { next = min(next, queue.nextWake) }
        if isOpen, hasRoom, queue.firstWaiting == nil, !queue.isCrowded {
            next = min(next, queue.source.nextBlockTime)
        }
        if isOpen, queue.firstWaiting != nil, hasRoom, !slots.isShort {
            next = min(next, queue.nextStart)
        }
        if watches.mustRetry || workers.mustRetry { next = min(next, now + .milliseconds(100)) }
        var wait = next - now
        if let limit = workers.longestWait { wait = min(wait, limit) }
        if case .ending = phase { wait = min(wait, ActiveClock.longestWait) }
        if wait > .seconds(86400) { return -1 }
        return wait <= .zero ? 0 : Int32(clamping: Int((wait / .milliseconds(1)).rounded(.up)))
    }

    private mutating func turn(_ events: [Event]) throws(WriteError) {
        let time = workers.passTime()
        try handle(events)
        if workers.isLookDue {
            workers.collectNews(&report)
            workers.actOnDeadlines()
        }
        if case .ending(_, let giveUp) = phase, workers.time >= giveUp { output.abandon() }
        for slot in workers.exitedSlots { try attend(to: slot, time) }
        slots.lend(at: system.now)
    }

    /// Handles output that must be held after everything else, and only a little of it. To hold
    /// output costs much more than to write it at once. So a worker whose output can be written has
    /// its turn again soon, while the others wait for room in their pipes.
    ///
    /// Most turns are for the first two chunks that run. So these end before the others do, and are
    /// written while those are held. One of the others has a turn if the first two have printed
    /// nothing more, and every eighth time.
    private mutating func handle(_ events: [Event]) throws(WriteError) {
        var toHold: [(chunk: Int, slot: Int)] = []
        let before = output.receivedBytes
        for event in events {
            if case .output(let slot) = event, let chunk = workers[slot]?.assignment?.chunk,
                !output.streams(chunk.number)
            {
                toHold.append((chunk.number, slot))
            } else {
                try handle(event)
            }
        }
        if toHold.isEmpty { return }
        let streamed = output.receivedBytes - before
        bytesToHold =
            streamed < Self.bytesOfBusyTurn
            ? Self.bytesHeldATurn
            : min(bytesToHold + streamed / Self.streamedPerHeldByte, Self.bytesHeldATurn)
        toHold.sort { $0.chunk < $1.chunk }
        let firstOnes = toHold.prefix { $0.chunk - Self.chunksHeldFirst < output.oldestOpen }
        var few = Array(firstOnes)
        turnsWithoutGuest += 1
        if firstOnes.isEmpty || turnsWithoutGuest >= Self.turnsForAGuest {
            let others = toHold.dropFirst(firstOnes.count)
            if let guest = others.first(where: { $0.chunk > lastGuest }) ?? others.first {
                few.append(guest)
                lastGuest = guest.chunk
                turnsWithoutGuest = 0
            }
        }
        let first = few.firstIndex { $0.chunk > lastHeldChunk } ?? 0
        for (chunk, slot) in few[first...] + few[..<first] where bytesToHold > 0 {
            let before = output.waitingBytes
            try readOutput(slot)
            lastHeldChunk = chunk
            bytesToHold -= output.waitingBytes - before
        }
    }

    private mutating func handle(_ event: Event) throws(WriteError) {
        switch event {
        case .signals:
            for signal in system.receivedSignals() { try handle(signal: signal.number) }
        case .items: queue.readItems(&report)
        case .jobserver: break  // The next turn tries to take a slot.
        case .clientLeft: slots.replaceLostTokens()
        case .poolEnded:
            if slots.mustEndWithPool() {
                try startNoMore()
                end(.poolEnded)
            }
        case .reader:
            try output.flush()
            slots.readerCame()
        case .input(let slot):
            feed(slot)
            // A persistent worker may have given all its answers before it got all its items.
            try completeIfAnswered(slot)
        case .errors(let slot): readErrors(slot)
        case .output(let slot): try readOutput(slot)
        }
    }

    private mutating func handle(signal: Int32) throws(WriteError) {
        switch signal {
        case SIGCHLD: workers.collectNews(&report)
        case SIGCONT: workers.signalAll(SIGCONT)
        case SIGWINCH: report.windowChanged()
        case SIGTSTP: suspend()
        case SIGUSR1: report.showStatus(currentProgress)
        default:
            if case .ending(.poolEnded, let giveUp) = phase {
                // The pool and this process may have received the same Ctrl-C.
                phase = .ending(.signal(signal), giveUp: giveUp)
            } else if case .ending(let why, _) = phase {
                phase = .ending(why, giveUp: workers.time)
                workers.killAll()
            } else {
                try startNoMore()
                end(.signal(signal))
            }
        }
    }

    /// Stops the workers and then this process; when it is continued, continues the workers.
    private mutating func suspend() {
        report.leaveTerminal()
        workers.signalAll(SIGTSTP)
        let before = system.now
        system.stop()
        report.resume(after: system.now - before)
        workers.signalAll(SIGCONT)
    }

    private func tag(of chunk: Chunk) -> [UInt8] {
        let tag = settings.command.tag(of: chunk, delimiter: settings.delimiter)
        return settings.outputIsTerminal ? shownTag(tag) : tag
    }

    // MARK: Workers' pipes

    private mutating func feed(_ slot: Int) {
        if let why = workers.feed(slot) {
            report.sayError(name(slot), "its standard input: \(why)")
        }
    }

    /// The name of a worker in messages: that of its chunk, if it has one.
    private func name(_ slot: Int) -> String {
        guard let worker = workers[slot] else { return "" }
        return worker.assignment.map { "chunk \($0.chunk.number)" } ?? "worker \(worker.process)"
    }

    private mutating func readOutput(_ slot: Int) throws(WriteError) {
        guard let worker = workers[slot], let end = worker.output else { return }
        guard let chunk = worker.assignment?.chunk.number else { return try readAnswers(slot) }
        // An event handled before this one may have changed things.
        if !output.takes(chunk) { return workers.pause(slot) }
        if settings.persistence != nil { return try readAnswers(slot) }
        var lines = worker.lines
        let receipt = try output.receive(
            chunk: chunk, from: end.descriptor, through: &scratch, lines: &lines)
        worker.lines = lines
        try act(on: receipt, slot)
    }

    private mutating func act(
        on receipt: MergedOutput<S>.Receipt, _ slot: Int
    ) throws(WriteError) {
        switch receipt {
        case .more(let count): workers.heardOutput(slot, bytes: count)
        case .noRoom: break
        case .nothingYet: workers.foundOutputEmpty(slot)
        case .end: workers.closeOutput(slot)
        case .failed(let error):
            report.say(name(slot), "its output: \(error.reason)")
            workers.loseOutput(slot)
        case .overflow:
            report.say(
                name(slot),
                "its output has to be held, and fits neither into --buffer nor into "
                    + settings.temporaryFolder.text)
            workers.loseOutput(slot)
        }
    }

    private mutating func readIntoScratch(_ descriptor: FileDescriptor) throws(Errno) -> Int {
        scratch.consume(scratch.count)
        let system = self.system
        return try unsafe scratch.fill { memory throws(Errno) in
            try unsafe system.read(descriptor, into: memory)
        }
    }

    /// The longest line of stderr that is kept in one piece, in bytes.
    private static var longestErrorLine: Int { 1 << 20 }

    private mutating func readErrors(_ slot: Int) {
        guard let worker = workers[slot], let end = worker.errors else { return }
        do throws(Errno) {
            if try readIntoScratch(end.descriptor) == 0 {
                workers.closeErrors(slot)
                return endErrorLine(slot)
            }
        } catch {
            if error == .wouldBlock {
                workers.foundErrorsEmpty(slot)
            } else {
                workers.closeErrors(slot)
            }
            return
        }
        workers.heardErrors(slot)
        let fresh = unsafe Array(scratch.bytes)
        scratch.consume(scratch.count)
        if let newline = fresh.lastIndex(of: UInt8(ascii: "\n")) {
            passOn(worker.unfinishedLine + fresh[...newline], of: worker)
            worker.unfinishedLine = Array(fresh[(newline + 1)...])
        } else {
            worker.unfinishedLine += fresh
            if worker.unfinishedLine.count > Self.longestErrorLine { endErrorLine(slot) }
        }
    }

    /// Prints whole lines of a worker's stderr, with its tag if its output has one.
    private mutating func passOn(_ lines: [UInt8], of worker: Worker) {
        let tag = worker.lines?.tag ?? []
        var filter = LineFilter(
            tag: settings.errorsAreTerminal && !tag.isEmpty ? shownTag(tag) : tag)
        report.passOn(filter.tagged(lines))
    }

    private mutating func endErrorLine(_ slot: Int) {
        guard let worker = workers[slot], !worker.unfinishedLine.isEmpty else { return }
        passOn(worker.unfinishedLine + [UInt8(ascii: "\n")], of: worker)
        worker.unfinishedLine = []
    }

    // MARK: Ends of workers

    /// Does what is needed for a worker that has exited.
    ///
    /// - Parameter time: the time since the previous turn.
    private mutating func attend(to slot: Int, _ time: Duration) throws(WriteError) {
        // All that the worker wrote is in its pipes now.
        if let errors = workers[slot]?.errors, !errors.isReadEmpty {
            readErrors(slot)
            workers.watchErrors(slot)
        }
        if let end = workers[slot]?.output, end.isWatched, !end.isReadEmpty {
            try readOutput(slot)
        }
        if mustClosePipes(slot) {
            closePipes(slot)
        } else if workers.listen(to: slot, for: time) {
            if let worker = workers[slot] {
                report.say(
                    name(slot),
                    "a process that worker \(worker.process) left behind holds its output open; "
                        + "closed")
            }
            closePipes(slot)
        }
        if workers.isOver(slot) { try finish(slot) }
    }

    /// Whether to close a worker's pipes even if another process has them open, because the run is
    /// being ended and the worker's process group is gone.
    private func mustClosePipes(_ slot: Int) -> Bool {
        guard case .ending = phase, let worker = workers[slot], case .exited = worker.state,
            !worker.isSilent
        else { return false }
        return worker.isReadEmpty || output.isAbandoned
    }

    private mutating func closePipes(_ slot: Int) {
        endErrorLine(slot)
        workers.closeOutput(slot)
        workers.closeErrors(slot)
    }

    /// Finishes a worker that has exited and whose output was read completely.
    private mutating func finish(_ slot: Int) throws(WriteError) {
        endErrorLine(slot)
        try endAnswers(slot)
        let (worker, use) = workers.remove(slot)
        guard let outcome = worker.state.outcome, let exit = worker.state.exit else { return }
        guard let assignment = worker.assignment else { return noteLeft(worker, outcome) }
        slots.give()
        queue.mayStart()
        rereadWorkersFile()
        if mayBePutBack(worker, assignment) {
            output.restart(chunk: assignment.chunk.number)
            queue.add(assignment.job)
            // Nobody takes it any more.
            if case .open = phase {} else { try startNoMore() }
            return noteLeft(worker, outcome)
        }
        try finish(
            EndedAttempt(
                assignment: assignment, slot: slot, process: worker.process,
                outcome: assignment.outcome(outcome, worker.state.reason),
                reason: worker.state.reason, end: exit.time, use: use))
        try countBarrenWorkers(worker, assignment)
    }

    /// Finishes an attempt to run a chunk.
    private mutating func finish(_ attempt: EndedAttempt) throws(WriteError) {
        let (chunk, outcome) = (attempt.chunk, attempt.outcome)
        if output.isAbandoned { return report.notDone(chunk) }
        report.ended(attempt, isExpected: isInterrupted)
        // A worker that was ended early says nothing about the cost of its items.
        if attempt.reason == nil { learn(from: attempt) }
        if willRetry(attempt) {
            output.restart(chunk: chunk.number)
            let number = attempt.assignment.job.attempt
            queue.rest(
                Job(chunk: chunk, attempt: number + 1, failure: outcome),
                for: pause(afterAttempt: number, settings.retryDelay))
            return
        }
        report.finished(attempt, isExpected: isInterrupted)
        if !outcome.isSuccess { report.notDone(chunk) }
        if settings.showsFailedOutput, !outcome.isSuccess { try showOutput(of: attempt) }
        var lines = attempt.assignment.lines
        var rest = lines?.ending() ?? []
        if rest.isEmpty, attempt.assignment.endsInLine { rest = [settings.delimiter] }
        try output.finish(
            chunk: chunk.number, keeps: outcome.isSuccess || settings.retries == nil, rest: rest)
        if !outcome.isSuccess { try stopAfterFailure(of: attempt) }
    }

    private mutating func learn(from attempt: EndedAttempt) {
        let assignment = attempt.assignment
        var spawning = assignment.spawnSeconds
        if settings.persistence != nil, !persistence.startsForEachChunk {
            // The first chunk of a worker waits until its program has started.
            if assignment.isFirst { return }
            spawning = Self.handoverSeconds
        }
        queue.learn(
            from: assignment.chunk, seconds: (attempt.end - assignment.begun) / .seconds(1),
            spawning: spawning, output: holdsOutput ? assignment.bytesOut : 0)
    }

    /// The least time that it takes to give a chunk to a worker that waits, and to get its answers:
    /// two switches of processes and some system calls.
    private static var handoverSeconds: Double { 20e-6 }

    /// Prints the output of a failed chunk on standard error, unless pmap ended its worker.
    private mutating func showOutput(of attempt: EndedAttempt) throws(WriteError) {
        if attempt.reason == .halt || attempt.reason == .endOfRun { return }
        var last: UInt8?
        while let bytes = try output.takeHeld(of: attempt.chunk.number) {
            if last == nil { report.willShowOutput(of: attempt) }
            report.passOn(bytes)
            last = bytes.last
        }
        if last ?? UInt8(ascii: "\n") != UInt8(ascii: "\n") { report.passOn([UInt8(ascii: "\n")]) }
    }

    /// Whether the output of a chunk may have to wait for that of others.
    private var holdsOutput: Bool { settings.outputMode != .lines || settings.retries != nil }

    private func willRetry(_ attempt: EndedAttempt) -> Bool {
        guard let retries = settings.retries, case .open = phase else { return false }
        return attempt.outcome.mayBeRetried && attempt.assignment.job.attempt <= retries
    }

    /// Stops the run after a chunk failed for good, if `--halt` asks for it.
    private mutating func stopAfterFailure(of attempt: EndedAttempt) throws(WriteError) {
        if attempt.outcome == .exited(status: 255) { try startNoMore() }
        if settings.halt == .never || attempt.reason == .halt { return }
        try startNoMore()
        if settings.halt == .now { workers.endAll(with: SIGTERM, .halt, onlyRunning: true) }
    }

    /// Ends the run: tells the workers to end, and waits for them for a limited time.
    private mutating func end(_ why: Ending) {
        var signal = SIGTERM
        switch why {
        case .signal(let number): signal = number
        case .poolEnded: break
        case .outputFailed:
            output.abandon()
            for job in queue.removeWaiting() { report.gaveUp(job) }
        }
        if case .ending = phase { return }
        phase = .ending(why, giveUp: workers.time + settings.killAfter)
        workers.endAll(with: signal, .endOfRun)
    }

    // MARK: Persistent workers

    /// Reads the output of a persistent worker, and ends its chunk after the last answer.
    private mutating func readAnswers(_ slot: Int) throws(WriteError) {
        while let worker = workers[slot], let end = worker.output {
            if output.cannotHold { return try act(on: .overflow, slot) }
            let count: Int
            do throws(Errno) {
                count = try readIntoScratch(end.descriptor)
            } catch {
                if error != .wouldBlock { return try act(on: .failed(error), slot) }
                workers.foundOutputEmpty(slot)
                return try completeIfAnswered(slot)
            }
            defer { scratch.consume(scratch.count) }
            if count == 0 {
                workers.closeOutput(slot)
                try completeIfAnswered(slot)
                return workers.lostAnswers(slot)
            }
            if output.isAbandoned { continue }
            let bytes = unsafe UnsafeRawBufferPointer(scratch.bytes)
            guard let taken = unsafe worker.takeAnswers(bytes) else {
                return try stopForWrongAnswers(slot)
            }
            workers.heardOutput(slot, bytes: count)
            if let text = taken.text {
                try unsafe text.withUnsafeBufferPointer { bytes throws(WriteError) in
                    try unsafe accept(UnsafeRawBufferPointer(bytes), slot)
                }
            } else {
                try unsafe accept(UnsafeRawBufferPointer(rebasing: bytes[..<taken.count]), slot)
            }
            if taken.count < count { return try stopForWrongAnswers(slot) }
            // If all answers are there, the next read shows whether there are too many.
            if worker.assignment?.isAnswered != true { return }
        }
    }

    private mutating func accept(
        _ bytes: UnsafeRawBufferPointer, _ slot: Int
    ) throws(WriteError) {
        guard let worker = workers[slot], let chunk = worker.assignment?.chunk.number else {
            return
        }
        var lines = worker.lines
        defer { worker.lines = lines }
        try unsafe output.accept(bytes, chunk: chunk, lines: &lines)
    }

    /// Ends the chunk of a persistent worker, if it has given all its answers.
    private mutating func completeIfAnswered(_ slot: Int) throws(WriteError) {
        guard workers.isAnswered(slot), let worker = workers[slot], worker.state.reason == nil
        else { return }
        if let watch = worker.assignment?.watch, watch.answersAtEnd, watch.inputClosed != nil {
            report.answersAtEnd(worker)
            persistence.noteAnswersAtEnd()
        }
        persistence.barrenWorkers = 0
        try complete(slot, .exited(status: 0))
        retireIfSpent(slot)
    }

    private mutating func complete(_ slot: Int, _ outcome: Outcome) throws(WriteError) {
        let attempt = workers.complete(slot, outcome, measures: settings.measuresChunks)
        slots.give()
        queue.mayStart()
        rereadWorkersFile()
        try finish(attempt)
    }

    /// Lets a worker go that has done `--max-tasks` chunks, or needs more than `--max-rss`.
    private mutating func retireIfSpent(_ slot: Int) {
        guard let worker = workers[slot], worker.assignment == nil,
            let limits = settings.persistence
        else { return }
        let isSpent =
            worker.chunksDone >= limits.mostChunks ?? .max
            || limits.mostMemory.map { workers.residentSize(slot) > $0 } ?? false
        if isSpent { workers.release(slot) }
    }

    /// Handles a worker that printed something after its last answer. From which item on its
    /// answers are wrong is not known, so the run stops.
    private mutating func stopForWrongAnswers(_ slot: Int) throws(WriteError) {
        // What a worker prints while it is being ended does not matter.
        guard let worker = workers[slot], worker.state.reason == nil else { return }
        report.wrongAnswers(worker)
        if worker.assignment != nil { try complete(slot, .tooManyAnswers) }
        workers.end(slot, with: SIGKILL, .wrongAnswers)
        workers.closeOutput(slot)
        try startNoMore()
    }

    /// Passes on what was held back of the output of a worker that gives no more answers.
    private mutating func endAnswers(_ slot: Int) throws(WriteError) {
        guard let held = workers[slot]?.finishAnswers(), !held.isEmpty else { return }
        try unsafe held.withUnsafeBufferPointer { bytes throws(WriteError) in
            try unsafe accept(UnsafeRawBufferPointer(bytes), slot)
        }
    }

    /// Whether a worker exited before it had read anything of its chunk. It did not fail then: it
    /// exited between two chunks.
    private func mayBePutBack(_ worker: Worker, _ assignment: Assignment) -> Bool {
        worker.leftChunkUnread && worker.chunksDone > 0 && assignment.bytesOut == 0
            && worker.state.reason == nil
    }

    /// Notes that a worker without a chunk is gone.
    private mutating func noteLeft(_ worker: Worker, _ outcome: Outcome) {
        if case .ending = phase { return }
        report.left(worker, outcome)
    }

    /// Stops the run if as many workers in a row as there are slots have ended before their first
    /// answer: the next ones will do so too.
    private mutating func countBarrenWorkers(
        _ worker: Worker, _ assignment: Assignment
    ) throws(WriteError) {
        guard let (given, _) = assignment.answers?.progress, case .open = phase else { return }
        if given > 0 || worker.chunksDone > 0 {
            persistence.barrenWorkers = 0
        } else if worker.state.reason == nil || worker.state.reason == .stayed {
            persistence.barrenWorkers += 1
        }
        if persistence.barrenWorkers < workerLimit { return }
        report.sayError(
            "chunk \(assignment.chunk.number)",
            persistence.barrenWorkers == 1
                ? "its worker ended before its first answer; no more are started"
                : "the last \(persistence.barrenWorkers) workers ended before their first answer; "
                    + "no more are started")
        try startNoMore()
    }

    /// Reads `--jobs-file` again, if there is one. Invalid contents are ignored.
    private mutating func rereadWorkersFile() {
        guard let name = settings.workersFile, let text = try? system.contents(of: name),
            let count = WorkerCount(jobsFile: text)
        else { return }
        workerLimit = count.number(cpus: system.cpuCount)
    }
}

/// What a run has learned about its persistent workers.
private struct PersistenceState {
    /// Workers in a row that ended before their first answer.
    var barrenWorkers = 0
    private var answeredAtEnd = 0

    mutating func noteAnswersAtEnd() { answeredAtEnd += 1 }

    /// Whether each chunk gets a worker of its own, because two workers have answered only at the
    /// end of their input.
    var startsForEachChunk: Bool { answeredAtEnd >= 2 }
}
