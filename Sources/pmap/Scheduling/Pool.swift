import Shared

/// The workers and everything that waits with them: one loop around a `Poller`.
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
    let began = monotonicTime()
    /// Where `-c auto` asks for it.
    var sizer: ChunkSizer?
    /// Where `--stats` asks for it.
    var statistics: Statistics?

    var poller: Poller
    /// What of standard input and output the poller watches.
    var itemsWatch = Watch.none
    var readerWatch = Watch.none
    /// Running ones, and those that have ended but whose output has not.
    var workers: [pid_t: Worker] = [:]
    /// The same by their slots, from 1.
    var workersBySlot: [Worker?] = [nil]
    /// Those that were waited for and have more to say.
    var ended: [Worker] = []
    /// Those whose output is not watched, since it must not be read yet.
    var paused: [Worker] = []
    /// When workers are looked at one by one for what it is time for, or earlier.
    var nextLook = Duration.never
    var slots = SlotSet()
    var workerLimit: Int
    /// What hands out slots, where others share them.
    var jobserver: Jobserver?
    var jobserverWatch = Watch.none
    /// Whether a chunk waits for one of them.
    var isShortOfSlots = false
    /// When one of them is lent to others, should standard output take nothing until then.
    var lendTime = Duration.never
    /// Chunks that are run again, or could not be started for want of slots, processes,
    /// memory or descriptors. They come before new ones.
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

    /// Bytes that one turn of the loop may take beside items and output.
    private static let memoryForATurn = 1 << 20

    init(
        _ settings: Settings, items: FileDescriptor, jobserver: consuming Jobserver?,
        messages: Messages
    ) throws {
        self.settings = settings
        self.messages = messages
        workerLimit = settings.workers.number(cpus: usableCPUs())
        var jobserver = jobserver
        let serves = settings.servesSlots && jobserver?.descriptor == nil
        let form = serves ? try JobserverForm.preferred() : nil
        signals = try Signals(others: [SIGTSTP, SIGCONT, SIGWINCH] + statusSignals)
        if let form {
            jobserver = try .serving(workerLimit, form, folder: settings.temporaryFolder)
            try jobserver?.announce()
        }
        self.jobserver = consume jobserver
        poller = try Poller()
        try poller.add(signals.descriptor, for: .reading, token: Event.signals.token)
        spawner = try Spawner(
            defaultSignals: signals.workerDefaults, mask: signals.workerMask, leadsGroup: true)
        source = try ItemSource(
            items, limits: settings.chunkLimits, delimiter: settings.delimiter)
        output = MergedOutput(
            mode: settings.outputMode, holdsBack: settings.retries != nil,
            buffer: settings.buffer, folder: settings.temporaryFolder)
        scratch = try InputBuffer(capacity: 256 << 10)
        display = StatusDisplay(
            style: settings.progressStyle, interval: settings.progressInterval)
        records = try Records(settings)
        sizer = settings.findsChunkSize ? ChunkSizer() : nil
        statistics = settings.showsStatistics ? Statistics() : nil
        if let watch = self.jobserver?.watchDescriptor {
            try poller.add(watch, for: .reading, token: Event.clientLeft.token)
        }
        try readWorkersFile()
    }

    /// Runs the command over every item.
    ///
    /// - Returns: the exit status. Does not return where pmap must die of a signal.
    func run() throws -> Int32 {
        while true {
            let canStartMore = attempt { () throws(WriteError) in
                if ending == nil { try requireMemory(forOutput: Self.memoryForATurn) }
                return try startWorkers()
            }
            record { () throws(Failure) in try records.writeRows(of: output.takeDone()) }
            if isOver { break }
            let events = wait(isBusy: canStartMore ?? false)
            attempt { () throws(WriteError) in
                for event in events { try handle(event) }
                act(at: monotonicTime())
                try finishWorkers()
            }
            sayWhetherSpillFailed()
            display.update(
                currentProgress, messages: messages, canPaint: output.endsLine)
        }
        jobserver = nil  // What it made is removed, whatever ends pmap from here on.
        display.finish(currentProgress)
        printStatistics()
        if settings.verbosity > 0 { display.show(currentProgress, messages: messages) }
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

    /// Ends everything where the output cannot be written, or memory is out.
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
