import Shared

extension Pool {
    /// Starting that many takes some ten milliseconds.
    private static let startsAtOnce = 16
    /// How long to wait before a start that failed is tried again, and how often that is
    /// done while no worker runs.
    static let pause = Duration.milliseconds(100)
    private static let patience = 10

    /// Starts workers while there is room for them, but no more at a time than leaves the
    /// running ones served.
    ///
    /// - Returns: whether another could be started at once.
    func startWorkers() throws(WriteError) -> Bool {
        var started = 0
        isShortOfSlots = false
        while canStart {
            if started == Self.startsAtOnce { return true }
            guard let job = try nextJob() else { return false }
            if jobserver?.take() == false {
                isShortOfSlots = true
                wait(with: job)
                return false
            }
            started += 1
            do {
                try start(job, slot: slots.lowest)
                slots.removeLowest()
                vainStarts = 0
            } catch let error where Self.mayPass(error) && isPatient {
                jobserver?.give()
                wait(with: job)
                nextStart = monotonicTime() + Self.pause
                vainStarts += 1
            } catch {
                jobserver?.give()
                try giveUp(job, error)
            }
        }
        return false
    }

    private var canStart: Bool {
        !startsNoMore && ending == nil && hasRoom
            && (vainStarts == 0 || monotonicTime() >= nextStart)
    }

    /// When no more output can be held, a chunk that it waits for may still be run: if
    /// everybody waited, nobody would ever finish.
    var hasRoom: Bool {
        guard workers.count < workerLimit else { return false }
        return !output.isFull || waiting.first.map { output.isAwaited($0.chunk.number) } ?? false
    }

    /// Puts a chunk among those that wait, the first of the input first.
    func wait(with job: Job) {
        let place = waiting.firstIndex { $0.chunk.number > job.chunk.number }
        waiting.insert(job, at: place ?? waiting.endIndex)
    }

    /// Whether a start that fails now may be tried again.
    private var isPatient: Bool { !workers.isEmpty || vainStarts < Self.patience }

    /// Whether the same call may succeed a little later.
    private static func mayPass(_ error: Errno) -> Bool {
        [EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC].contains(error.rawValue)
    }

    private func giveUp(_ job: Job, _ error: Errno) throws(WriteError) {
        if Self.mayPass(error) {
            say("cannot start a worker", error.reason)
            tally.noteOwnError()
        } else {
            let name = arguments(for: job.chunk, slot: slots.lowest).words.first ?? []
            say(readable(name), error.reason)
            tally.noteNotStarted(error)
        }
        addFailed(job.chunk.bytes)
        try output.finish(chunk: job.chunk.number, keeps: false)
        try startNoMore()
    }

    /// From now on only what runs is finished.
    func startNoMore() throws(WriteError) {
        startsNoMore = true
        let left = waiting
        waiting = []
        for job in left {
            if let outcome = job.failure {
                tally.note(outcome)
                addFailed(job.chunk.bytes)
            }
            try output.finish(chunk: job.chunk.number, keeps: false)
        }
    }

    private func nextJob() throws(WriteError) -> Job? {
        if !waiting.isEmpty { return waiting.removeFirst() }
        while let chunk = try nextChunk() {
            guard let items = records.itemsDone(inChunk: chunk.number) else {
                return Job(chunk: chunk)
            }
            if items != chunk.itemCount {
                say(
                    records.logName,
                    "chunk \(chunk.number) has \(items) items there and \(chunk.itemCount) here; "
                        + "resume with the same input and chunk size")
                tally.noteOwnError()
                try startNoMore()
                return nil
            }
            progress.chunksDone += 1
            progress.itemsDone += items
            progress.itemsSkipped += items
            try output.finish(chunk: chunk.number, keeps: false)
        }
        return nil
    }

    private func nextChunk() throws(WriteError) -> Chunk? {
        sizeNextChunk()
        do {
            return try source.nextChunk { item, bytes, why in
                say("item \(item)", why)
                tally.noteOwnError()
                addFailed(bytes)
            }
        } catch {
            throw WriteError(error)
        }
    }

    private func arguments(for chunk: Chunk, slot: Int) -> ArgumentVector {
        settings.command.arguments(for: chunk, slot: slot, delimiter: settings.delimiter)
    }

    private func start(_ job: Job, slot: Int) throws(Errno) {
        let chunk = job.chunk
        if settings.command.delivery != .standardInput, chunk.bytes.count > 1 << 16 {
            // Of an argument there are four copies at a time, and two arrays tell where.
            try requireMemory(chunk.bytes.count * 4 + chunk.itemCount * 160)
        }
        let output = try Pipe()
        let errors = try Pipe()
        var input: OpenFile?
        var inputEnd: OpenFile?
        if settings.command.delivery == .standardInput {
            let pipe = try Pipe()
            try pipe.writing.descriptor.setNonBlocking()
            enlargePipe(
                pipe.writing.descriptor, to: Int32(clamping: min(chunk.bytes.count, 1 << 20)))
            input = consume pipe.writing
            inputEnd = consume pipe.reading
        }
        try output.reading.descriptor.setNonBlocking()
        try errors.reading.descriptor.setNonBlocking()
        let worker = Worker(
            slot: slot, job: job, input: input, output: output.reading, errors: errors.reading)
        try watchPipes(of: worker)
        worker.process = try spawner.start(
            arguments(for: chunk, slot: slot), chunk: chunk.number, slot: slot,
            input: inputEnd?.descriptor, output: output.writing.descriptor,
            errors: errors.writing.descriptor)
        worker.started = monotonicTime()
        if settings.outputMode == .lines || settings.tagsLines {
            worker.lines = LineFilter(tag: settings.tagsLines ? tag(of: chunk) : [])
        }
        if let timeout = settings.timeout {
            worker.timeoutTime = worker.started + timeout
            look(at: worker.timeoutTime)
        }
        workers[worker.process] = worker
        while workersBySlot.count <= slot { workersBySlot.append(nil) }
        workersBySlot[slot] = worker
        self.output.begin(chunk.number)
        if settings.verbosity > 0 { describe(worker) }
        feed(worker)
    }

    /// The items of a chunk, or its number where they are standard input, and a tab.
    private func tag(of chunk: Chunk) -> [UInt8] {
        let tab = [UInt8(ascii: "\t")]
        if settings.command.delivery == .standardInput {
            return Array("\(chunk.number)".utf8) + tab
        }
        let items = chunk.items(delimiter: settings.delimiter)
        return Array(items.joined(separator: [UInt8(ascii: " ")])) + tab
    }

    private func describe(_ worker: Worker) {
        let command = settings.command.shortForm(
            worker.chunk, slot: worker.slot, delimiter: settings.delimiter)
        say("worker \(worker.process)", command)
    }

    /// Reads `--jobs-file`, if there is one; what cannot be used later on leaves the
    /// number as it is.
    func readWorkersFile(isFirst: Bool = true) throws(Failure) {
        guard let name = settings.workersFile else { return }
        let text: String
        do {
            text = try contents(of: name)
        } catch {
            if isFirst { throw Failure(name.text, error.reason) }
            return
        }
        let word = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
        if let count = WorkerCount(word) {
            workerLimit = count.number(cpus: usableCPUs())
        } else if isFirst {
            throw Failure(name.text, "'\(word)': a jobs file \(WorkerCount.expected)")
        }
    }
}
