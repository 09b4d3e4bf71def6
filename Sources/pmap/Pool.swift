import Shared

/// The workers and everything that waits with them: one loop around poll(2).
final class Pool {
    private let settings: Settings
    private let messages: Messages
    private let signals: Signals
    private var spawner: Spawner
    private var source: ItemSource
    private var output: OrderedOutput
    private var display: StatusDisplay
    /// What one read takes; empty between two of them.
    private var scratch: InputBuffer
    private var tally = Tally()
    private var progress = Progress()

    private var workers: [pid_t: Worker] = [:]
    private var freeSlots: SlotSet
    /// A chunk that could not be started for want of processes, memory or descriptors.
    private var postponed: Chunk?
    private var startsNoMore = false
    private var ending: Ending?

    /// Why the workers are being ended.
    private enum Ending {
        case signal(Int32)
        case outputFailed(WriteError)
    }
    /// When workers that are being ended are killed.
    private var killTime: Duration?

    /// Starting that many takes some ten milliseconds.
    private static let startsAtOnce = 16
    /// How long workers have from TERM to KILL.
    private static let grace = Duration.seconds(2)
    /// How long a pipe that outlives its worker may be silent.
    private static let linger = Duration.seconds(1)
    /// Bytes that a worker may print before it waits for pmap: with the usual 64 KiB it
    /// waits four times as often. Also what an unprivileged process may ask for.
    static let pipeSize: Int32 = 1 << 20
    /// Bytes of a line of stderr that are kept together.
    private static let longestErrorLine = 1 << 20

    init(_ settings: Settings, items: FileDescriptor, messages: Messages) throws(Errno) {
        self.settings = settings
        self.messages = messages
        signals = try Signals()
        spawner = try Spawner(defaultSignals: signals.workerDefaults)
        source = try ItemSource(
            items, limits: settings.chunkLimits, delimiter: settings.delimiter)
        output = OrderedOutput(limit: settings.buffer)
        scratch = try InputBuffer(capacity: 256 << 10)
        display = StatusDisplay(
            shows: settings.showsProgress, plainInterval: settings.progressInterval)
        freeSlots = SlotSet(count: settings.workers.number(cpus: usableCPUs()))
    }

    /// Runs the command over every item.
    ///
    /// - Returns: the exit status. Does not return where pmap must die of a signal.
    func run() throws -> Int32 {
        while true {
            let canStartMore = startWorkers()
            if isOver { break }
            let events = wait(for: canStartMore ? 0 : timeout())
            do throws(WriteError) {
                try handle(events)
                try finishWorkers()
            } catch {
                endWorkers(.outputFailed(error))
            }
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

    private var isOver: Bool {
        guard workers.isEmpty else { return false }
        if ending != nil { return true }
        let hasMore = !startsNoMore && (!source.isExhausted || postponed != nil)
        return !hasMore && output.isEmpty
    }

    private var currentProgress: Progress {
        var progress = progress
        progress.running = workers.count
        progress.failed = tally.failedChunks
        progress.itemsTotal = source.totalItems
        progress.chunksTotal = source.totalChunks(
            itemsPerChunk: settings.chunkLimits.items)
        return progress
    }
}

// MARK: Starting

extension Pool {
    /// Starts workers while there are slots and chunks, but no more at a time than leaves
    /// the running ones served.
    ///
    /// - Returns: whether another could be started at once.
    private func startWorkers() -> Bool {
        var started = 0
        while !startsNoMore, ending == nil, !output.isFull, let slot = freeSlots.lowest {
            if started == Self.startsAtOnce { return true }
            guard let chunk = postponed ?? nextChunk() else { return false }
            postponed = nil
            started += 1
            do {
                try start(chunk, slot: slot)
                freeSlots.removeLowest()
            } catch let error where Self.mayPass(error) && !workers.isEmpty {
                postponed = chunk
                return false
            } catch {
                startsNoMore = true
                display.erase()
                if Self.mayPass(error) {
                    messages.say("cannot start a worker", error.reason)
                    tally.noteOwnError()
                } else {
                    messages.say(commandName(of: chunk, slot: slot), error.reason)
                    tally.noteNotStarted(error)
                }
            }
        }
        return false
    }

    /// Whether the same call may succeed when a worker has ended.
    private static func mayPass(_ error: Errno) -> Bool {
        [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(error.rawValue)
    }

    private func nextChunk() -> Chunk? {
        source.nextChunk { item, why in
            display.erase()
            messages.say("item \(item)", why)
            tally.noteOwnError()
        }
    }

    private func start(_ chunk: Chunk, slot: Int) throws(Errno) {
        let output = try Pipe()
        let errors = try Pipe()
        var input: Pipe?
        var inputEnd: FileDescriptor?
        if settings.command.delivery == .standardInput {
            let pipe = try Pipe()
            try pipe.writing.descriptor.setNonBlocking()
            enlargePipe(
                pipe.writing.descriptor, to: Int32(clamping: min(chunk.bytes.count, 1 << 20)))
            inputEnd = pipe.reading.descriptor
            input = consume pipe
        }
        enlargePipe(output.writing.descriptor, to: Self.pipeSize)
        try output.reading.descriptor.setNonBlocking()
        try errors.reading.descriptor.setNonBlocking()
        let process = try spawner.start(
            settings.command.arguments(for: chunk, slot: slot, delimiter: settings.delimiter),
            chunk: chunk.number, slot: slot, input: inputEnd,
            output: output.writing.descriptor, errors: errors.writing.descriptor)
        let worker = Worker(
            process: process, slot: slot, chunk: chunk, input: input?.takeWriting(),
            output: output.takeReading(), errors: errors.takeReading())
        workers[process] = worker
        if settings.isVerbose { describe(worker) }
        worker.feed()
    }

    private func commandName(of chunk: Chunk, slot: Int) -> String {
        readable(
            settings.command.arguments(for: chunk, slot: slot, delimiter: settings.delimiter)
                .first ?? [])
    }

    private func describe(_ worker: Worker) {
        let command = settings.command.shellForm(
            worker.chunk, slot: worker.slot, delimiter: settings.delimiter, bytes: 4096)
        display.erase()
        messages.say(
            "worker \(worker.process)", "chunk \(worker.chunk.number): \(readable(command))")
    }
}

// MARK: Waiting

extension Pool {
    private enum Event {
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
        func add(_ descriptor: FileDescriptor, _ events: Int32, _ event: Event) {
            requests.append(
                pollfd(fd: descriptor.rawValue, events: Int16(events), revents: 0))
            waiting.append(event)
        }
        add(signals.descriptor, POLLIN, .signals)
        let isEnding = ending != nil
        if !isEnding && !startsNoMore && (source.wantsMore || needsItems) && !source.atEnd {
            add(source.descriptor, POLLIN, .items)
        }
        if output.waitsForReader && !isEnding { add(output.descriptor, POLLOUT, .reader) }
        for worker in workers.values {
            if let input = worker.input?.descriptor { add(input, POLLOUT, .input(worker)) }
            if let errors = worker.errors?.descriptor { add(errors, POLLIN, .errors(worker)) }
            if let file = worker.output?.descriptor, isEnding || output.takes(worker.chunk.number) {
                add(file, POLLIN, .output(worker))
            }
        }
        let count = unsafe poll(&requests, nfds_t(requests.count), milliseconds)
        if count <= 0 { return [] }
        return waiting.indices.filter { requests[$0].revents != 0 }.map { waiting[$0] }
    }

    /// Whether a slot is free for which no chunk is full.
    private var needsItems: Bool { freeSlots.lowest != nil && postponed == nil && !output.isFull }

    /// How long nothing has to be done: milliseconds, rounded up; -1 for ever.
    private func timeout() -> Int32 {
        let times = [display.deadline, killTime] + workers.values.map(\.closingTime)
        guard let next = times.compactMap(\.self).min() else { return -1 }
        let left = next - monotonicTime()
        return left <= .zero ? 0 : Int32(clamping: Int((left / .milliseconds(1)).rounded(.up)))
    }

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
        let now = monotonicTime()
        if let time = killTime, now >= time {
            killTime = nil
            for worker in workers.values { worker.signal(SIGKILL) }
        }
        for worker in workers.values {
            if let time = worker.closingTime, now >= time, !worker.isDone { abandonPipes(worker) }
        }
    }

    private func readItems() {
        do {
            try source.read()
        } catch {
            display.erase()
            let file = settings.argumentFile.map { $0 == "-" ? nil : $0.text } ?? nil
            messages.say(file ?? "standard input", error.reason)
            tally.noteOwnError()
        }
    }
}

// MARK: Signals and ending

extension Pool {
    private func handle(_ signal: Int32) {
        switch signal {
        case SIGCHLD: reap()
        case SIGUSR1: display.show(currentProgress, messages: messages)
        default:
            if ending == nil {
                endWorkers(.signal(signal))
            } else {
                for worker in workers.values { worker.signal(SIGKILL) }
            }
        }
    }

    private func reap() {
        var status: Int32 = 0
        while case let process = unsafe waitpid(-1, &status, WNOHANG), process > 0 {
            // A child that pmap did not start came with the process it was made of.
            guard let worker = workers[process] else { continue }
            worker.outcome = Outcome(waitStatus: status)
            worker.input = nil
        }
    }

    private func endWorkers(_ why: Ending) {
        if ending != nil { return }
        ending = why
        let number =
            switch why {
            case .signal(let signal): signal
            case .outputFailed: SIGTERM
            }
        for worker in workers.values { worker.signal(number) }
        killTime = monotonicTime() + Self.grace
    }
}

// MARK: Reading workers

extension Pool {
    private func readOutput(_ worker: Worker) throws(WriteError) {
        guard let descriptor = worker.output?.descriptor else { return }
        if ending != nil {
            if discard(descriptor) { worker.output = nil }
            return
        }
        // The event may be older than what the one before it did.
        guard output.takes(worker.chunk.number) else { return }
        if worker.chunk.number == output.front { display.eraseForOutput() }
        switch try output.receive(
            chunk: worker.chunk.number, from: descriptor, through: &scratch)
        {
        case .more: worker.closingTime = nil
        case .nothingYet: break
        case .end: worker.output = nil
        }
    }

    /// Reads what nobody will see, so that a worker that is being ended does not wait.
    ///
    /// - Returns: whether that was all.
    private func discard(_ descriptor: FileDescriptor) -> Bool {
        defer { scratch.consume(scratch.count) }
        do throws(Errno) {
            return try scratch.fill(from: descriptor) == 0
        } catch {
            return error != .wouldBlock
        }
    }

    private func readErrors(_ worker: Worker) {
        guard let descriptor = worker.errors?.descriptor else { return }
        defer { scratch.consume(scratch.count) }
        do throws(Errno) {
            if try scratch.fill(from: descriptor) == 0 {
                worker.errors = nil
                return endErrorLine(worker)
            }
        } catch {
            if error != .wouldBlock { worker.errors = nil }
            return
        }
        worker.closingTime = nil
        let fresh = unsafe Array(scratch.bytes)
        guard let newline = fresh.lastIndex(of: UInt8(ascii: "\n")) else {
            worker.unfinishedLine += fresh
            if worker.unfinishedLine.count > Self.longestErrorLine { endErrorLine(worker) }
            return
        }
        display.write(worker.unfinishedLine + fresh[...newline])
        worker.unfinishedLine = Array(fresh[(newline + 1)...])
    }

    private func endErrorLine(_ worker: Worker) {
        if worker.unfinishedLine.isEmpty { return }
        display.write(worker.unfinishedLine + [UInt8(ascii: "\n")])
        worker.unfinishedLine = []
    }
}

// MARK: Finishing

extension Pool {
    private func finishWorkers() throws(WriteError) {
        for worker in workers.values where worker.outcome != nil {
            if worker.isDone || ending != nil {
                try finish(worker)
            } else if worker.closingTime == nil,
                worker.output == nil
                    || output.takes(worker.chunk.number)
            {
                worker.closingTime = monotonicTime() + Self.linger
            }
        }
    }

    private func finish(_ worker: Worker) throws(WriteError) {
        endErrorLine(worker)
        workers[worker.process] = nil
        freeSlots.insert(worker.slot)
        progress.chunksDone += 1
        progress.itemsDone += worker.chunk.itemCount
        if let outcome = worker.outcome {
            tally.note(outcome)
            report(outcome, of: worker)
        }
        if ending != nil { return }
        display.eraseForOutput()
        try output.finish(chunk: worker.chunk.number)
    }

    private func report(_ outcome: Outcome, of worker: Worker) {
        let what = "chunk \(worker.chunk.number): worker \(worker.process)"
        switch outcome {
        case .exited(status: 255):
            startsNoMore = true
            display.erase()
            messages.say("\(what) exited with status 255; no more chunks are started")
        case .killed(let signal) where ending == nil:
            let name = unsafe strsignal(signal).map { unsafe String(cString: $0) } ?? "unknown"
            display.erase()
            messages.say("\(what) killed by signal \(signal) (\(name))")
        default: break
        }
    }

    /// Closes what a process that outlives the worker holds open, silent for a while.
    private func abandonPipes(_ worker: Worker) {
        worker.closingTime = nil
        display.erase()
        messages.say(
            "chunk \(worker.chunk.number)",
            "a process that worker \(worker.process) left behind holds its output open; closed")
        worker.output = nil
        worker.errors = nil
    }
}
