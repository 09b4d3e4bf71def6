import Shared

/// A chunk to run.
struct Job {
    let chunk: Chunk
    /// Counts from 1; higher if earlier attempts failed.
    var attempt = 1
    /// How the previous attempt failed.
    var failure: Outcome?
}

/// How long a chunk rests after a failed attempt. The time doubles after each attempt, up to an
/// hour.
func pause(afterAttempt attempt: Int, _ first: Duration) -> Duration {
    let longest = max(first, .seconds(3600))
    let doublings = min(attempt - 1, 62)

    var pause = first
    for _ in 0..<doublings where pause < longest { pause = min(pause * 2, longest) }
    return pause
}

/// A running command, or one that has exited and is not removed yet. Only `WorkerTable` creates
/// workers, changes their state, and uses their process IDs.
///
/// It is a class because it is accessed about 25 times in its life. Copying it each time took a
/// tenth of pmap's time for starting a worker.
final class Worker {
    let slot: Int
    let process: pid_t
    /// The number of the first chunk that it got.
    let firstChunk: Int
    /// The number of chunks that it has done.
    fileprivate(set) var chunksDone = 0
    fileprivate(set) var state: WorkerState
    /// What it works on; nil if it waits for a chunk, or gets no more.
    fileprivate(set) var assignment: Assignment?

    /// pmap's ends of its pipes; nil after they are closed.
    fileprivate(set) var input: Feed?
    fileprivate(set) var output: ReadEnd?
    fileprivate(set) var errors: ReadEnd?
    fileprivate var linger = Linger()
    /// The resources that its process had used after its last chunk, if they are measured.
    fileprivate var use = ResourceUse()
    /// Whether it exited before it had read anything of its chunk.
    fileprivate(set) var leftChunkUnread = false
    /// Its stderr after the last newline.
    var unfinishedLine: [UInt8] = []

    fileprivate init(
        slot: Int, process: pid_t, state: WorkerState, assignment: Assignment, input: Feed?,
        output: ReadEnd?, errors: ReadEnd
    ) {
        self.slot = slot
        self.process = process
        self.state = state
        self.assignment = assignment
        firstChunk = assignment.chunk.number
        self.input = input
        self.output = output
        self.errors = errors
    }

    /// The changes to its output.
    var lines: LineFilter? {
        get { assignment?.lines }
        set { assignment?.lines = newValue }
    }

    /// Takes bytes of a persistent worker's output up to the end of its last answer.
    func takeAnswers(_ bytes: UnsafeRawBufferPointer) -> AnswerReader.Taken? {
        unsafe assignment?.answers?.take(bytes)
    }

    /// Ends the output of a worker that gives no more answers.
    ///
    /// - Returns: the bytes that were held back.
    func finishAnswers() -> [UInt8] {
        guard let (held, isInLine) = assignment?.answers?.finish() else { return [] }
        assignment?.endsInLine = isInLine
        return held
    }

    /// Whether it can take another chunk.
    fileprivate var isIdle: Bool {
        if case .running = state { assignment == nil && input != nil } else { false }
    }

    /// Whether no more output can come from it.
    var isSilent: Bool { output == nil && errors == nil }

    /// Whether it has exited and all that it wrote before has been read.
    var isReadEmpty: Bool {
        state.exit != nil && output?.isReadEmpty ?? true && errors?.isReadEmpty ?? true
    }

    /// Whether it needs nothing more and can be removed.
    fileprivate var isOver: Bool {
        if case .exited = state { isSilent } else { false }
    }

    /// pmap's end of a worker's standard input.
    struct Feed {
        let descriptor: FileDescriptor
        /// What is written to the pipe, and how many bytes of it were written: the header, the
        /// items, and the ending.
        private(set) var chunk: Chunk
        private(set) var ending: [UInt8] = []
        var bytesFed = 0
        /// Whether the pipe is closed after the items.
        var closesAfter: Bool
        /// Whether it is watched until it has room.
        var isWatched = false

        var isDone: Bool {
            bytesFed == chunk.header.count + chunk.byteCount + ending.count
        }

        init(_ descriptor: FileDescriptor, _ chunk: Chunk, closesAfter: Bool) {
            self.descriptor = descriptor
            self.chunk = chunk
            self.closesAfter = closesAfter
        }

        /// Begins with a chunk for a persistent worker. The worker gets a delimiter after each of
        /// the items, even if the input does not end with one.
        mutating func begin(_ chunk: Chunk, delimiter: UInt8) {
            self.chunk = chunk
            ending = chunk.lastByte == delimiter ? [] : [delimiter]
            bytesFed = 0
        }
    }

    /// pmap's end of a pipe to which a worker writes.
    struct ReadEnd {
        let descriptor: FileDescriptor
        var isWatched = true
        /// When to watch it again, if that depends on time.
        var restUntil = Duration.never
        /// Whether a read has found the pipe empty since the worker exited.
        var isReadEmpty = false
        var hasLargePipe = false
    }
}

/// The workers: their slots, their processes and their pipes.
///
/// Only this table calls kill(2) and wait(2). It uses no process ID after the zombie is gone,
/// because the ID may then belong to another process. So the zombie is kept until the worker needs
/// nothing more, and reaped when the worker is removed.
struct WorkerTable<S: System>: ~Copyable {
    private let system: S
    private let timeout: Duration?
    private let killAfter: Duration
    /// Indexed by slot. Index 0 is not used, because slots count from 1.
    private var workers: [Worker?] = [nil]
    private var freeSlots = SlotSet()
    private var slotOfProcess: [pid_t: Int] = [:]
    /// Slots of workers that have exited.
    private var exited: [Int] = []
    /// Slots of persistent workers that wait for a chunk.
    private var idle: [Int] = []
    /// The number of workers that have a chunk.
    private(set) var busyCount = 0
    /// Slots of workers whose output must not be read yet.
    private var paused: [Int] = []
    /// Slots of workers whose input has no room, and could not be watched.
    private var unwatched: [Int] = []
    private var clock: ActiveClock
    /// When to check all workers for things that are due; may be too early, but never too late.
    private var nextLook = Duration.never
    /// Whether output could not be watched; this is retried soon.
    private(set) var mustRetry = false

    /// How often to check whether a worker that closed its pipes has exited, in case its signal is
    /// lost.
    private static var silencePause: Duration { .milliseconds(500) }
    /// How long to ignore the stderr of a worker that has closed its stdout.
    private static var errorRest: Duration { .milliseconds(10) }
    /// How long to wait before retrying what failed for lack of memory.
    private static var retryPause: Duration { .milliseconds(100) }
    /// How long a worker may stay after the end of its input, if it has no chunk.
    private static var leaveTime: Duration { .seconds(10) }
    /// How long it may stay after it has closed its output before it had given all answers.
    private static var deafTime: Duration { .seconds(1) }

    init(_ system: S, timeout: Duration?, killAfter: Duration) {
        self.system = system
        self.timeout = timeout
        self.killAfter = killAfter
        clock = ActiveClock(now: system.now)
    }

    var count: Int { slotOfProcess.count }
    var isEmpty: Bool { slotOfProcess.isEmpty }
    /// The slot of the next worker.
    var nextSlot: Int { freeSlots.lowest }

    /// The worker in a slot; nil if there is none.
    subscript(slot: Int) -> Worker? { slot < workers.count ? workers[slot] : nil }

    /// The least seconds for each item or byte of a running chunk, from the slowest chunk so far; 0
    /// if none runs.
    func slowestSeconds(per unit: ChunkSizer.Unit) -> Double {
        let now = system.now
        var most = 0.0
        for case let worker? in workers where worker.state.exit == nil {
            guard let assignment = worker.assignment else { continue }
            let seconds = (now - assignment.started) / .seconds(1)
            most = max(most, seconds / Double(max(assignment.chunk.size(in: unit), 1)))
        }
        return most
    }

    /// The chunks of the running workers.
    var runningWork: [RunningWork] {
        let now = system.now
        return workers.compactMap { worker in
            worker?.assignment.map {
                RunningWork(
                    work: $0.chunk.itemCount ?? $0.chunk.byteCount,
                    age: (now - $0.begun) / .seconds(1))
            }
        }
    }

    // MARK: Starting

    /// How a worker gets the items of its chunks.
    enum Input {
        /// As arguments. Its standard input is /dev/null.
        case arguments
        /// On its standard input, which ends after them.
        case ending
        /// On its standard input, which stays open for the next chunk.
        case open
    }

    /// Starts a worker in the next slot.
    ///
    /// - Parameters:
    ///   - output: its standard output; nil if it is to be read.
    ///   - lines: the filter for its output.
    ///   - answers: finds the end of a persistent worker's answers.
    mutating func start(
        _ job: Job, _ arguments: ArgumentVector, _ kind: Input, output: FileDescriptor?,
        lines: LineFilter?, answers: AnswerReader? = nil
    ) throws(Errno) -> Int {
        let slot = freeSlots.lowest
        let begun = system.now
        let begunSince1970 = system.timeSince1970
        var open: [FileDescriptor] = []
        do throws(Errno) {
            let outputPipe = output == nil ? try makePipe(&open) : nil
            let errors = try makePipe(&open)
            var input: PipeEnds?
            if kind != .arguments {
                let pipe = try makePipe(&open)
                try system.setNonBlocking(pipe.writing)
                let bytes = answers == nil ? job.chunk.byteCount : largePipeSize
                system.enlargePipe(pipe.writing, to: min(bytes, largePipeSize))
                input = pipe
            }
            if let outputPipe {
                try system.setNonBlocking(outputPipe.reading)
                try system.watch(
                    outputPipe.reading, for: .reading, token: Event.output(slot).token)
            }
            try system.setNonBlocking(errors.reading)
            try system.watch(errors.reading, for: .reading, token: Event.errors(slot).token)
            let process = try system.start(
                arguments, chunk: answers == nil ? job.chunk.number : nil, slot: slot,
                input: input?.reading, output: output ?? outputPipe!.writing,
                errors: errors.writing)
            if let outputPipe { system.close(outputPipe.writing) }
            system.close(errors.writing)
            if let input { system.close(input.reading) }
            let started = system.now
            let deadline = timeout.map { clock.time(at: started) + $0 } ?? .never
            let assignment = Assignment(
                job: job, isFirst: true, begun: begun, started: started,
                begunSince1970: begunSince1970,
                lines: lines, answers: answers, watch: AnswerWatch(now: clock.time(at: started)))
            var feed = input.map {
                Worker.Feed($0.writing, job.chunk, closesAfter: kind == .ending)
            }
            if let answers { feed?.begin(job.chunk, delimiter: answers.delimiter) }
            let worker = Worker(
                slot: slot, process: process,
                state: .running(deadline: answers == nil ? deadline : .never),
                assignment: assignment,
                input: feed,
                output: outputPipe.map { Worker.ReadEnd(descriptor: $0.reading) },
                errors: Worker.ReadEnd(descriptor: errors.reading))
            insert(worker)
        } catch {
            for descriptor in open { system.close(descriptor) }
            throw error
        }
        return slot
    }

    private func makePipe(_ open: inout [FileDescriptor]) throws(Errno) -> PipeEnds {
        let pipe = try system.makePipe()
        open += [pipe.reading, pipe.writing]
        return pipe
    }

    private mutating func insert(_ worker: Worker) {
        while workers.count <= worker.slot { workers.append(nil) }
        if workers[worker.slot] != nil { wrongState("two workers in one slot") }
        if slotOfProcess.updateValue(worker.slot, forKey: worker.process) != nil {
            wrongState("two workers with one process ID")
        }
        workers[worker.slot] = worker
        freeSlots.removeLowest()
        busyCount += 1
        look(at: nextTime(of: worker))
    }

    // MARK: Persistent workers

    /// Whether a worker waits for a chunk.
    var hasIdle: Bool { !idle.isEmpty }

    /// Gives a chunk to a worker that waits for one. Call `feed` next.
    ///
    /// - Returns: its slot.
    mutating func assign(_ job: Job, lines: LineFilter?, answers: AnswerReader) -> Int {
        guard let slot = idle.popLast(), let worker = workers[slot], worker.isIdle else {
            wrongState("a chunk for a worker that does not wait for one")
        }
        let now = system.now
        worker.assignment = Assignment(
            job: job, isFirst: false, begun: now, started: now,
            begunSince1970: system.timeSince1970, lines: lines, answers: answers,
            watch: AnswerWatch(now: clock.time(at: now)))
        worker.input!.begin(job.chunk, delimiter: answers.delimiter)
        busyCount += 1
        look(at: nextTime(of: worker))
        return slot
    }

    /// Whether a worker has given all answers for its chunk, and got all its items.
    func isAnswered(_ slot: Int) -> Bool {
        guard let worker = workers[slot], let assignment = worker.assignment else { return false }
        return assignment.isAnswered && worker.input?.isDone ?? true
    }

    /// Ends the work of a persistent worker on its chunk. The worker then waits for the next one,
    /// or leaves if its input is closed.
    ///
    /// - Parameter measures: whether to find out what the chunk cost.
    mutating func complete(_ slot: Int, _ outcome: Outcome, measures: Bool) -> EndedAttempt {
        guard let worker = workers[slot], let assignment = worker.assignment else {
            wrongState("the end of a chunk that no worker has")
        }
        var use = ResourceUse()
        if measures {
            let total = system.resourceUse(of: worker.process)
            use = total - worker.use
            worker.use = total
        }
        worker.assignment = nil
        worker.chunksDone += 1
        busyCount -= 1
        worker.state.setDeadline(.never)
        if worker.isIdle { idle.append(slot) } else { leave(slot, within: Self.leaveTime) }
        return EndedAttempt(
            assignment: assignment, slot: slot, process: worker.process, outcome: outcome,
            reason: worker.state.reason, end: system.now, use: use)
    }

    /// Closes the input of a worker that waits for a chunk, so that it exits.
    mutating func release(_ slot: Int) {
        idle.removeAll { $0 == slot }
        closeInput(slot)
        leave(slot, within: Self.leaveTime)
    }

    /// Releases workers that wait for a chunk until so many workers are left.
    mutating func releaseIdle(leaving count: Int = 0) {
        while slotOfProcess.count > count, let slot = idle.last { release(slot) }
    }

    private mutating func leave(_ slot: Int, within time: Duration) {
        workers[slot]!.state.leave(deadline: clock.time + time)
        look(at: workers[slot]!.state.nextTime)
    }

    /// The memory that a worker's processes have in RAM, in bytes.
    func residentSize(_ slot: Int) -> Int {
        guard let worker = workers[slot] else { return 0 }
        return system.resourceUse(of: worker.process).maximumResidentSize << 10
    }

    // MARK: Exits

    /// Finds out which workers have exited or were stopped.
    mutating func collectNews(_ report: inout Report<S>) {
        while let news = system.childNews(of: nil) {
            guard let slot = slotOfProcess[news.process] else {
                // A child inherited from the process that exec'ed pmap.
                if case .exited = news.event { system.reap(news.process) }
                continue
            }
            if note(news, slot, &report) { continue }
            // The kernel reports the same kept zombie first each time, so ask about the others one
            // by one.
            for slot in workers.indices {
                while let worker = workers[slot], worker.state.exit == nil,
                    let news = system.childNews(of: worker.process)
                {
                    _ = note(news, slot, &report)
                }
            }
            return
        }
    }

    /// - Returns: false if this was already known.
    private mutating func note(
        _ news: ChildNews, _ slot: Int, _ report: inout Report<S>
    ) -> Bool {
        guard let worker = workers[slot] else { return false }
        switch news.event {
        case .stopped(let signal): report.stopped(worker, by: signal)
        case .exited(let waitStatus):
            if worker.state.exit != nil { return false }
            let exit = WorkerState.Exit(waitStatus: waitStatus, time: system.now)
            workers[slot]!.state.exited(exit, now: clock.time)
            look(at: workers[slot]!.state.nextTime)
            exited.append(slot)
            idle.removeAll { $0 == slot }
            closeInput(slot)
        }
        return true
    }

    /// The slots of workers that have exited and are not removed yet.
    var exitedSlots: [Int] { exited }

    /// Whether a worker needs nothing more, so that it can be removed.
    func isOver(_ slot: Int) -> Bool { workers[slot]?.isOver ?? false }

    /// Removes a worker that is over, and frees its slot.
    ///
    /// - Returns: the worker, and the resources that its process used for its last chunk.
    mutating func remove(_ slot: Int) -> (worker: Worker, use: ResourceUse) {
        guard let worker = workers[slot], worker.isOver else {
            wrongState("a worker is forgotten too early")
        }
        let use = system.reap(worker.process) - worker.use
        if worker.assignment != nil { busyCount -= 1 }
        slotOfProcess[worker.process] = nil
        workers[slot] = nil
        exited.removeAll { $0 == slot }
        freeSlots.insert(slot)
        return (worker, use)
    }

    // MARK: Ending

    /// Ends a worker's process group: sends a signal now, and SIGKILL after `--kill-after` to the
    /// processes that are left.
    mutating func end(_ slot: Int, with signal: Int32, _ reason: WorkerState.EndReason) {
        guard let worker = workers[slot] else { return }
        idle.removeAll { $0 == slot }
        workers[slot]!.state.end(reason, kill: clock.time + killAfter, now: clock.time)
        look(at: workers[slot]!.state.nextTime)
        send(signal, to: worker)
        // A stopped process acts only on SIGCONT and SIGKILL.
        if signal != SIGKILL { send(SIGCONT, to: worker) }
    }

    /// Does the same for all workers, or only for those that were not told to end before.
    mutating func endAll(
        with signal: Int32, _ reason: WorkerState.EndReason, onlyRunning: Bool = false
    ) {
        for slot in workers.indices {
            guard let worker = workers[slot] else { continue }
            if onlyRunning, !worker.state.isRunning || worker.assignment == nil { continue }
            end(slot, with: signal, reason)
        }
    }

    /// Sends SIGKILL to all workers and to what is left of their groups.
    mutating func killAll() {
        for slot in workers.indices {
            guard let worker = workers[slot] else { continue }
            send(SIGKILL, to: worker)
            workers[slot]!.state.groupIsGone()
        }
    }

    /// Sends a signal to all workers and to what is left of their groups.
    func signalAll(_ signal: Int32) {
        for case let worker? in workers { send(signal, to: worker) }
    }

    private func send(_ signal: Int32, to worker: Worker) {
        if slotOfProcess[worker.process] != worker.slot {
            wrongState("a signal to a process that is not a worker")
        }
        system.signal(signal, toGroup: worker.process)
    }

    // MARK: Time

    /// Makes sure that the workers are checked by this time of the active clock.
    private mutating func look(at time: Duration) { nextLook = min(nextLook, time) }

    /// How long pmap may wait before it must call `passTime`; nil for no limit.
    var longestWait: Duration? {
        if nextLook == .never && exited.isEmpty { return nil }
        return min(ActiveClock.longestWait, max(nextLook - clock.time, .zero))
    }

    /// Advances the active clock.
    ///
    /// - Returns: how much of the time since the last call counts for workers.
    mutating func passTime() -> Duration { clock.advance(to: system.now) }

    /// The time that counts for workers, since the start of the run.
    var time: Duration { clock.time }

    /// Whether `actOnDeadlines` has something to do.
    var isLookDue: Bool { clock.time >= nextLook }

    /// Does what is due. Call `collectNews` first: a worker that has exited is not late.
    mutating func actOnDeadlines() {
        let now = clock.time
        nextLook = .never
        var leaders: [pid_t] = []
        var silent: [Int] = []
        for slot in workers.indices {
            guard let worker = workers[slot] else { continue }
            switch workers[slot]!.state.act(now: now, killAfter: killAfter) {
            case .terminate:
                send(SIGTERM, to: worker)
                send(SIGCONT, to: worker)
            case .kill: send(SIGKILL, to: worker)
            case nil: break
            }
            if workers[slot]!.state.wantsLook(now: now) { leaders.append(worker.process) }
            if let errors = worker.errors, errors.restUntil <= now { watchErrors(slot) }
            if worker.isSilent, worker.state.exit == nil { look(at: now + Self.silencePause) }
            noteBegin(worker)
            if isSilent(worker) { silent.append(slot) }
        }
        lookForGroups(of: leaders)
        endInputs(of: silent)
        for case let worker? in workers { look(at: nextTime(of: worker)) }
    }

    /// When something must be done about a worker.
    private func nextTime(of worker: Worker) -> Duration {
        var time = min(worker.state.nextTime, worker.errors?.restUntil ?? .never)
        guard let assignment = worker.assignment, assignment.answers != nil else { return time }
        if owesAnswers(worker) { time = min(time, assignment.watch.lookTime) }
        if timeout != nil, worker.state.isRunning, !assignment.watch.hasBegun {
            time = min(time, clock.time + AnswerWatch.readPause)
        }
        return time
    }

    /// For a persistent worker, `--timeout` counts from when it begins to read its items: before,
    /// it may still be starting.
    private func noteBegin(_ worker: Worker) {
        guard let timeout, worker.state.isRunning, let assignment = worker.assignment,
            assignment.answers != nil, !assignment.watch.hasBegun || worker.state.nextTime == .never
        else { return }
        if !assignment.watch.hasBegun {
            if let feed = worker.input, isUnread(feed) { return }
            worker.assignment!.watch.begin()
        }
        worker.state.setDeadline(clock.time + timeout)
    }

    /// Whether a persistent worker has got all its items and still has to answer.
    private func owesAnswers(_ worker: Worker) -> Bool {
        worker.state.isRunning && worker.input?.isDone ?? false
            && worker.assignment?.isAnswered == false
    }

    /// Whether it is time to look what a persistent worker waits for.
    private func isSilent(_ worker: Worker) -> Bool {
        guard owesAnswers(worker), let watch = worker.assignment?.watch,
            watch.lookTime <= clock.time
        else { return false }
        if worker.output?.isWatched ?? false { return true }
        worker.assignment!.watch.wait(now: clock.time)
        return false
    }

    /// Closes the inputs of the persistent workers that wait for the end of it.
    private mutating func endInputs(of slots: [Int]) {
        let asked = slots.compactMap { workers[$0] }
        if asked.isEmpty { return }
        let waits = system.inputWaits(of: asked.map { ($0.process, $0.input!.descriptor) })
        for (worker, wait) in zip(asked, waits)
        where worker.assignment!.watch.waitsForEnd(wait, now: clock.time) {
            worker.assignment!.watch.closedInput(now: clock.time)
            closeInput(worker.slot)
        }
    }

    private mutating func lookForGroups(of leaders: [pid_t]) {
        if leaders.isEmpty { return }
        let alive = system.groupsAlive(among: leaders)
        for leader in leaders {
            guard let slot = slotOfProcess[leader] else { continue }
            if alive.contains(leader) {
                workers[slot]!.state.lookAgain(now: clock.time)
            } else {
                workers[slot]!.state.groupIsGone()
            }
        }
    }

    /// Notes that pmap listened for some time to a worker that has exited.
    ///
    /// - Returns: whether another process has held its pipes open for too long.
    mutating func listen(to slot: Int, for time: Duration) -> Bool {
        guard let worker = workers[slot], case .exited = worker.state, !worker.isSilent,
            worker.isReadEmpty, worker.output?.isWatched ?? true
        else { return false }
        return workers[slot]!.linger.listened(for: time)
    }

    // MARK: Pipes

    /// Writes to a worker's standard input as much as it has room for. After the last byte the pipe
    /// is closed, unless the worker is persistent. It is not an error if a worker does not read all
    /// of it. If the write fails otherwise, the worker is killed before the pipe is closed: it would
    /// take an early end of its input for the end of its items.
    ///
    /// - Returns: what is wrong, if anything.
    mutating func feed(_ slot: Int) -> String? {
        guard let worker = workers[slot], var feed = worker.input else { return nil }
        do throws(Errno) {
            let result = try feed.write(system)
            worker.input = feed
            switch result {
            case .done:
                if feed.closesAfter { closeInput(slot) } else { stopWatchingInput(slot) }
                if worker.assignment?.answers != nil {
                    worker.assignment!.watch.wait(now: clock.time)
                    look(at: nextTime(of: worker))
                }
            case .paused: watchInput(slot)
            case .shrunk:
                loseInput(slot)
                return "the file has become shorter"
            }
        } catch {
            worker.input = feed
            if error != .brokenPipe {
                loseInput(slot)
                return error.reason
            }
            closeInput(slot)
            if worker.assignment?.answers != nil { leave(slot, within: Self.leaveTime) }
        }
        return nil
    }

    /// Ends a worker whose input cannot be written to its end.
    private mutating func loseInput(_ slot: Int) {
        end(slot, with: SIGKILL, .lostInput)
        closeInput(slot)
    }

    /// Whether a worker has read nothing of what was written to it for this chunk.
    private func isUnread(_ feed: Worker.Feed) -> Bool {
        feed.bytesFed == 0 || system.unreadBytes(in: feed.descriptor) >= feed.bytesFed
    }

    private mutating func watchInput(_ slot: Int) {
        guard let feed = workers[slot]?.input, !feed.isWatched, !feed.isDone else { return }
        do {
            try system.watch(feed.descriptor, for: .writing, token: Event.input(slot).token)
            workers[slot]!.input!.isWatched = true
        } catch {
            unwatched.append(slot)
        }
    }

    private func stopWatchingInput(_ slot: Int) {
        guard let feed = workers[slot]?.input, feed.isWatched else { return }
        system.stopWatching(feed.descriptor)
        workers[slot]!.input!.isWatched = false
    }

    private mutating func closeInput(_ slot: Int) {
        guard let worker = workers[slot], let feed = worker.input else { return }
        if worker.assignment?.answers != nil { worker.leftChunkUnread = isUnread(feed) }
        system.close(feed.descriptor)
        worker.input = nil
    }

    /// Notes that a persistent worker has closed its output: it gives no more answers.
    mutating func lostAnswers(_ slot: Int) {
        guard let worker = workers[slot] else { return }
        idle.removeAll { $0 == slot }
        closeInput(slot)
        leave(slot, within: worker.assignment?.isAnswered == false ? Self.deafTime : Self.leaveTime)
    }

    mutating func closeOutput(_ slot: Int) {
        guard let end = workers[slot]?.output else { return }
        system.close(end.descriptor)
        workers[slot]!.output = nil
        paused.removeAll { $0 == slot }
        restErrors(slot)
    }

    mutating func closeErrors(_ slot: Int) {
        guard let end = workers[slot]?.errors else { return }
        system.close(end.descriptor)
        workers[slot]!.errors = nil
        look(at: clock.time + Self.silencePause)
    }

    /// Handles a worker whose output cannot be read to its end. The worker has then failed,
    /// whatever its exit status.
    mutating func loseOutput(_ slot: Int) {
        end(slot, with: SIGKILL, .lostOutput)
        closeOutput(slot)
    }

    /// Notes that a read of the worker's output returned data.
    mutating func heardOutput(_ slot: Int, bytes: Int) {
        let worker = workers[slot]!
        worker.assignment?.bytesOut += bytes
        if worker.assignment?.answers != nil { worker.assignment!.watch.heard(now: clock.time) }
        worker.linger.heard()
        // If a worker has filled a pipe of the usual size, it waits for pmap a quarter as often
        // with a large one. An unprivileged user can have only 64 large pipes, so few workers get
        // one.
        if bytes >= usualPipeSize, let end = worker.output, !end.hasLargePipe {
            system.enlargePipe(end.descriptor, to: largePipeSize)
            worker.output!.hasLargePipe = true
        }
    }

    mutating func heardErrors(_ slot: Int) { workers[slot]!.linger.heard() }

    /// Notes that a read of the worker's output returned nothing.
    mutating func foundOutputEmpty(_ slot: Int) {
        if workers[slot]!.state.exit != nil { workers[slot]!.output?.isReadEmpty = true }
    }

    mutating func foundErrorsEmpty(_ slot: Int) {
        if workers[slot]!.state.exit != nil { workers[slot]!.errors?.isReadEmpty = true }
    }

    /// Stops watching a worker's output, because it must not be read yet.
    mutating func pause(_ slot: Int) {
        guard let end = workers[slot]?.output, end.isWatched else { return }
        system.stopWatching(end.descriptor)
        workers[slot]!.output!.isWatched = false
        paused.append(slot)
    }

    /// Watches paused output again if it may be read now, and inputs that could not be watched.
    mutating func resume(for output: borrowing MergedOutput<S>) {
        if paused.isEmpty && unwatched.isEmpty { return }
        let inputs = unwatched
        unwatched = []
        for slot in inputs { watchInput(slot) }
        mustRetry = !unwatched.isEmpty
        var left: [Int] = []
        for slot in paused {
            guard let worker = workers[slot], let end = worker.output else { continue }
            if worker.assignment.map({ output.takes($0.chunk.number) }) ?? true,
                watch(end, Event.output(slot))
            {
                worker.output!.isWatched = true
            } else {
                left.append(slot)
            }
        }
        paused = left
    }

    /// Stops watching stderr for a moment after a worker has closed its stdout. Most workers then
    /// exit soon. Waking up once for stderr and once for the exit costs more than everything else.
    private mutating func restErrors(_ slot: Int) {
        guard let worker = workers[slot], worker.state.exit == nil else { return }
        guard let errors = worker.errors else {
            return look(at: clock.time + Self.silencePause)
        }
        if errors.isWatched { system.stopWatching(errors.descriptor) }
        workers[slot]!.errors!.isWatched = false
        workers[slot]!.errors!.restUntil = clock.time + Self.errorRest
        look(at: clock.time + Self.errorRest)
    }

    /// Watches stderr again after its rest.
    mutating func watchErrors(_ slot: Int) {
        guard let errors = workers[slot]?.errors, !errors.isWatched else { return }
        let isWatched = watch(errors, Event.errors(slot))
        workers[slot]!.errors!.isWatched = isWatched
        workers[slot]!.errors!.restUntil = isWatched ? .never : clock.time + Self.retryPause
        look(at: workers[slot]!.errors!.restUntil)
    }

    /// - Returns: false if this must be retried, which happens soon.
    private mutating func watch(_ end: Worker.ReadEnd, _ event: Event) -> Bool {
        do {
            try system.watch(end.descriptor, for: .reading, token: event.token)
            return true
        } catch {
            mustRetry = true
            return false
        }
    }
}

/// The size of a pipe by default, in bytes.
let usualPipeSize = 64 << 10
/// The largest size that an unprivileged process may set (pipe(7)).
let largePipeSize = 1 << 20
