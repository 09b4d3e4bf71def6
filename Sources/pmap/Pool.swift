import Shared

/// The workers and everything that waits with them: one loop around poll(2).
final class Pool {
    let settings: Settings
    let messages: Messages
    let signals: Signals
    var spawner: Spawner
    var source: ItemSource
    var output: MergedOutput
    /// What one read takes; empty between two of them.
    var scratch: InputBuffer
    var display: StatusDisplay
    var tally = Tally()
    var progress = Progress()
    var records: Records

    var workers: [pid_t: Worker] = [:]
    var slots = SlotSet()
    var workerLimit: Int
    /// Chunks that are run again, or could not be started for want of processes, memory or
    /// descriptors. They come before new ones.
    var waiting: [Job] = []
    /// When starting is tried again, and how often it was in vain.
    var nextStart = Duration.zero
    var vainStarts = 0
    var startsNoMore = false
    var ending: Ending?
    private var saidSpillFailure = false

    /// Why the run is ended before its work is done.
    enum Ending {
        case signal(Int32)
        case outputFailed(WriteError)
    }

    /// Bytes that a worker may print before it waits for pmap, once it has filled the usual
    /// pipe: with that it waits four times as often. An unprivileged process may ask for no
    /// more, and for 64 such pipes in all, so only who needs one gets it.
    static let pipeSize: Int32 = 1 << 20
    static let usualPipeSize = 64 << 10

    init(_ settings: Settings, items: FileDescriptor, messages: Messages) throws {
        self.settings = settings
        self.messages = messages
        signals = try Signals()
        spawner = try Spawner(defaultSignals: signals.workerDefaults, mask: signals.workerMask)
        source = try ItemSource(
            items, limits: settings.chunkLimits, delimiter: settings.delimiter)
        output = MergedOutput(
            mode: settings.outputMode, holdsBack: settings.retries != nil,
            buffer: settings.buffer, folder: settings.temporaryFolder)
        scratch = try InputBuffer(capacity: 256 << 10)
        display = StatusDisplay(
            shows: settings.showsProgress, plainInterval: settings.progressInterval)
        records = try Records(settings)
        workerLimit = settings.workers.number(cpus: usableCPUs())
        try readWorkersFile()
    }

    /// Runs the command over every item.
    ///
    /// - Returns: the exit status. Does not return where pmap must die of a signal.
    func run() throws -> Int32 {
        while true {
            let canStartMore = attempt { () throws(WriteError) in try startWorkers() } ?? false
            record { () throws(Failure) in try records.writeRows(of: output.takeDone()) }
            if isOver { break }
            let events = wait(for: canStartMore ? 0 : timeout())
            attempt { () throws(WriteError) in
                try handle(events)
                act(at: monotonicTime())
                try finishWorkers()
            }
            sayWhetherSpillFailed()
            display.update(
                currentProgress, messages: messages, canPaint: output.endsLine)
        }
        display.erase()
        if settings.isVerbose { display.show(currentProgress, messages: messages) }
        switch ending {
        case .signal(let signal): die(of: signal)
        case .outputFailed(let error):
            if error.cause == .brokenPipe && signals.diesOfBrokenPipe { die(of: SIGPIPE) }
            throw error
        case nil: break
        }
        try output.close()
        return tally.exitStatus
    }

    /// Ends everything where the output cannot be written.
    @discardableResult
    private func attempt<Value>(_ work: () throws(WriteError) -> Value) -> Value? {
        do {
            return try work()
        } catch {
            end(.outputFailed(error))
            return nil
        }
    }

    private var isOver: Bool {
        guard workers.isEmpty else { return false }
        if ending != nil { return true }
        let hasMore = !startsNoMore && (!source.isExhausted || !waiting.isEmpty)
        return !hasMore && output.isEmpty
    }

    var currentProgress: Progress {
        var progress = progress
        progress.running = workers.count
        progress.failed = tally.failedChunks
        progress.itemsTotal = source.totalItems
        progress.chunksTotal = source.totalChunks(
            itemsPerChunk: settings.chunkLimits.items)
        return progress
    }

    /// A line of pmap's own on standard error.
    func say(_ what: String, _ why: String) {
        display.erase()
        messages.say(what, why)
    }

    /// Notes the items of a chunk that failed for good.
    func addFailed(_ items: [UInt8]) {
        record { () throws(Failure) in try records.addFailed(items) }
    }

    /// Says where a record cannot be kept; the work goes on.
    private func record(_ work: () throws(Failure) -> Void) {
        do {
            try work()
        } catch {
            say(error.what, error.why)
            tally.noteOwnError()
        }
    }

    private func sayWhetherSpillFailed() {
        guard !saidSpillFailure, let failure = output.spillFailure else { return }
        saidSpillFailure = true
        say(
            settings.temporaryFolder.text,
            "\(failure.reason); output waits in memory, and workers do when that is full")
    }
}

// MARK: Waiting

extension Pool {
    enum Event {
        case signals, items, reader
        case input(Worker)
        case output(Worker)
        case errors(Worker)
    }

    /// Waits until something can be done.
    ///
    /// - Parameter milliseconds: at most; -1 for no end.
    private func wait(for milliseconds: Int32) -> [Event] {
        var requests: [pollfd] = []
        var waiting: [Event] = []
        requests.reserveCapacity(2 * workers.count + 3)
        waiting.reserveCapacity(2 * workers.count + 3)
        func add(_ descriptor: FileDescriptor, _ events: Int32, _ event: Event) {
            requests.append(
                pollfd(fd: descriptor.rawValue, events: Int16(events), revents: 0))
            waiting.append(event)
        }
        add(signals.descriptor, POLLIN, .signals)
        let isEnding = ending != nil
        let now = monotonicTime()
        if !isEnding && !startsNoMore && (source.wantsMore || needsItems) && !source.atEnd {
            add(source.descriptor, POLLIN, .items)
        }
        if output.waitsForReader && !isEnding { add(output.descriptor, POLLOUT, .reader) }
        for worker in workers.values {
            if let input = worker.input?.descriptor { add(input, POLLOUT, .input(worker)) }
            if let errors = worker.errors?.descriptor, worker.errorsRestUntil <= now {
                add(errors, POLLIN, .errors(worker))
            }
            if let file = worker.output?.descriptor, isEnding || output.takes(worker.chunk.number) {
                add(file, POLLIN, .output(worker))
            }
        }
        let count = unsafe poll(&requests, nfds_t(requests.count), milliseconds)
        if count <= 0 { return [] }
        return waiting.indices.filter { requests[$0].revents != 0 }.map { waiting[$0] }
    }

    /// Whether a worker could be started if a chunk were full.
    private var needsItems: Bool {
        workers.count < workerLimit && waiting.isEmpty && !output.isFull
    }

    /// How long nothing has to be done: milliseconds, rounded up; -1 for ever.
    private func timeout() -> Int32 {
        let now = monotonicTime()
        var next = display.deadline ?? .seconds(Int64.max >> 8)
        if !waiting.isEmpty && !startsNoMore { next = min(next, nextStart) }
        for worker in workers.values {
            for time in [worker.timeoutTime, worker.killTime, worker.closingTime] {
                if let time { next = min(next, time) }
            }
            if worker.isSilent { next = min(next, now + Self.silence) }
            if worker.errors != nil, worker.errorsRestUntil > now {
                next = min(next, worker.errorsRestUntil)
            }
        }
        let left = next - now
        if left > .seconds(86400) { return -1 }
        return left <= .zero ? 0 : Int32(clamping: Int((left / .milliseconds(1)).rounded(.up)))
    }

    /// How often a worker that closed its output is asked whether it has ended, should
    /// its signal be lost.
    private static let silence = Duration.milliseconds(500)

    private func handle(_ events: [Event]) throws(WriteError) {
        for event in events {
            switch event {
            case .signals: for signal in signals.received() { handle(signal) }
            case .items: readItems()
            case .reader:
                display.eraseForOutput()
                try output.flush()
            case .input(let worker): worker.feed()
            case .errors(let worker): readErrors(worker)
            case .output(let worker): try readOutput(worker)
            }
        }
    }

    /// Does what it is time for.
    private func act(at now: Duration) {
        var asks = false
        for worker in workers.values {
            if let time = worker.timeoutTime, now >= time, worker.outcome == nil {
                worker.timeoutTime = nil
                worker.isTimedOut = true
                worker.end(with: SIGTERM, killTime: now + settings.killAfter)
            }
            if let time = worker.killTime, now >= time {
                worker.killTime = nil
                worker.signal(SIGKILL)
            }
            if let time = worker.closingTime, now >= time, !worker.isDone { abandonPipes(worker) }
            if worker.isSilent && worker.outcome == nil { asks = true }
        }
        if asks { reap() }
    }
}
