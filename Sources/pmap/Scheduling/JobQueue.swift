import Shared

/// The chunks that wait for a worker. Chunks that are retried or could not be started come first,
/// then new ones, cut from the input.
struct JobQueue<S: System>: ~Copyable {
    private let system: S
    private(set) var source: ItemSource<S>
    /// nil if the size of chunks is given.
    private var sizer: ChunkSizer?
    /// Bytes of output that may wait in memory.
    private let outputBuffer: Int
    /// In the order of the input; at most a few for each worker.
    private var waiting: [Job] = []
    /// Failed chunks that wait for their next attempt (`--retry-delay`).
    private var resting: [RestingJob] = []
    private var restingBytes = 0
    /// When the first resting chunk may run again, on the monotonic clock.
    private(set) var nextWake = Duration.never
    /// When to retry a failed start, and how many starts have failed in a row.
    private var nextTry = Duration.zero
    private(set) var vainTries = 0

    /// How long to wait before a failed start is retried.
    static var pause: Duration { .milliseconds(100) }
    /// How many times a start is retried while no worker runs.
    private static var patience: Int { 10 }
    /// No new chunks are cut while this many chunks rest, or this many bytes of them.
    private static var mostResting: Int { 1000 }
    private static var mostRestingBytes: Int { 4 << 20 }

    private struct RestingJob {
        let job: Job
        let end: Duration
    }

    /// Bytes of blocks in memory: those of running workers, and the next one. More would cost more
    /// for misses of the cache than it saves in starts.
    private static var blocksInMemory: Int { 16 << 20 }
    /// A block may be as large even if many workers share that memory.
    private static var usualBlock: Int { 1 << 20 }

    /// - Parameters:
    ///   - unit: what the size of chunks is measured in, if it is to be found; else nil.
    ///   - outputBuffer: bytes of output that may wait in memory.
    init(
        _ system: S, _ source: consuming ItemSource<S>, finds unit: ChunkSizer.Unit?,
        outputBuffer: Int
    ) {
        self.system = system
        self.source = source
        self.outputBuffer = outputBuffer
        sizer = unit.map { ChunkSizer($0) }
    }

    /// Whether no more chunks will come.
    var isExhausted: Bool { waiting.isEmpty && resting.isEmpty && source.isExhausted }

    /// The first chunk that waits to be retried.
    var firstWaiting: Chunk? { waiting.first?.chunk }

    /// Adds a chunk to those that wait.
    mutating func add(_ job: Job) {
        let place = waiting.firstIndex { $0.chunk.number > job.chunk.number }
        waiting.insert(job, at: place ?? waiting.endIndex)
    }

    /// Removes and returns all chunks that wait or rest.
    mutating func removeWaiting() -> [Job] {
        wake(all: true)
        defer { waiting = [] }
        return waiting
    }

    /// Cuts a chunk smaller, because it did not fit on a command line.
    ///
    /// - Returns: false if this is impossible, because the chunk has one item or was run before.
    mutating func cutSmaller(_ job: Job) -> Bool {
        if job.chunk.itemCount ?? 1 == 1 || !source.wasCutLast(job.chunk) || !waiting.isEmpty {
            return false
        }
        source.putBack(job.chunk)
        return true
    }

    // MARK: Pauses

    /// Lets a failed chunk rest before its next attempt.
    mutating func rest(_ job: Job, for pause: Duration) {
        if pause == .zero { return add(job) }
        let end = system.now + pause
        resting.append(RestingJob(job: job, end: end))
        restingBytes += job.chunk.bytesInMemory
        nextWake = min(nextWake, end)
    }

    /// Moves chunks that have rested to those that wait.
    ///
    /// - Parameter all: whether to move those that have not rested long enough too.
    mutating func wake(all: Bool = false) {
        if resting.isEmpty { return }
        let now = all ? .never : system.now
        if now < nextWake { return }
        let rested = resting.filter { $0.end <= now }
        resting.removeAll { $0.end <= now }
        for rest in rested {
            restingBytes -= rest.job.chunk.bytesInMemory
            add(rest.job)
        }
        nextWake = resting.map(\.end).min() ?? .never
    }

    /// Whether too many chunks rest to cut new ones.
    var isCrowded: Bool {
        resting.count >= Self.mostResting || restingBytes >= Self.mostRestingBytes
    }

    // MARK: Chunks

    /// Gives up the items that are not in a chunk: those that were read and, if the report wants
    /// them, the rest of the input.
    mutating func giveUpRest(_ report: inout Report<S>) {
        while true {
            if let items = source.takeRest() { report.notTried(items, header: source.header) }
            if source.atEnd || !report.wantsUnreadItems { return }
            readItems(&report)
        }
    }

    /// Returns the next chunk to run; nil if more input is needed first, or none is left.
    ///
    /// - Parameters:
    ///   - workers: the number of workers that share the input.
    ///   - slowest: the least seconds for each unit of a running chunk.
    ///   - report: receives errors and items that no command can take.
    mutating func next(
        workers: Int, slowest: Double, _ report: inout Report<S>
    ) throws(WriteError) -> Job? {
        if !waiting.isEmpty { return waiting.removeFirst() }
        if isCrowded { return nil }
        sizeNextChunk(workers: workers, slowest: slowest, &report)
        defer { reportFaults(&report) }
        do {
            return try source.nextChunk { report.refused($0) }.map { Job(chunk: $0) }
        } catch {
            throw WriteError(error)
        }
    }

    /// Reads more of the input.
    mutating func readItems(_ report: inout Report<S>) {
        source.read()
        reportFaults(&report)
    }

    private mutating func reportFaults(_ report: inout Report<S>) {
        for fault in source.takeFaults() { report.inputFailed(fault.file, fault.why) }
    }

    // MARK: Sizes

    /// The unit of the size that is found; nil if the size is given.
    var sizeUnit: ChunkSizer.Unit? { sizer?.unit }

    mutating func learn(from chunk: Chunk, seconds: Double, spawning: Double, output: Int) {
        guard let unit = sizeUnit else { return }
        sizer?.note(
            size: chunk.size(in: unit), seconds: seconds, spawning: spawning,
            output: output)
    }

    private mutating func sizeNextChunk(
        workers: Int, slowest: Double, _ report: inout Report<S>
    ) {
        guard let sizer else { return }
        switch sizer.unit {
        case .items:
            // Read what is already there, since it shows how much is left. Do not wait for more:
            // that would delay the start.
            let (wanted, overflow) = sizer.size.multipliedReportingOverflow(
                by: 2 * min(workers, 1 << 20))
            while source.itemsWaiting < (overflow ? .max : wanted), source.wantsMore,
                source.isReadable
            {
                readItems(&report)
            }
            let size = sizer.size(left: source.itemsLeft, workers: workers, slowest: slowest)
            source.chunkItems = min(
                size, max(sizer.size(outputWithin: outputBuffer / (2 * workers)), 1))
        case .bytes:
            let size = sizer.size(
                left: source.bytesLeft ?? .max, workers: workers, slowest: slowest)
            source.blockSize = min(size, largestBlock(sizer, workers: workers))
        }
    }

    /// The most bytes in a block. The output of all workers but one may have to wait, and blocks
    /// that are not ranges of a file are in memory.
    private func largestBlock(_ sizer: ChunkSizer, workers: Int) -> Int {
        let ofOutput = sizer.size(outputWithin: outputBuffer / (2 * workers))
        let ofInput = source.isInRanges ? .max : Self.blocksInMemory / (2 * workers)
        return max(min(ofOutput, ofInput), Self.usualBlock)
    }

    // MARK: Starts that failed

    /// Notes that a worker was started, or that one has ended and left room for another.
    mutating func mayStart() {
        vainTries = 0
        nextTry = .zero
    }

    /// Notes that a start failed. The chunk waits for the next try.
    mutating func tryAgain(_ job: Job) {
        add(job)
        nextTry = system.now + Self.pause
        vainTries += 1
    }

    /// Whether a start that fails now may be retried.
    ///
    /// - Parameter isAlone: whether no worker runs; then none can end and leave room.
    func isPatient(isAlone: Bool) -> Bool { !isAlone || vainTries < Self.patience }

    /// When the next start may be tried, on the monotonic clock.
    var nextStart: Duration { vainTries == 0 ? .zero : nextTry }
}
