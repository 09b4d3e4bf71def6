import Shared

/// The chunks that wait for a worker: first those that are run again or could not be started,
/// then new ones, cut from the input.
struct JobQueue<S: System>: ~Copyable {
    private let system: S
    private(set) var source: ItemSource<S>
    /// For `-c auto`.
    private var sizer: ChunkSizer?
    /// In the order of the input. A few per worker at most.
    private var waiting: [Job] = []
    /// Chunks that failed and are run again later (`--retry-delay`).
    private var resting: [RestingJob] = []
    private var restingBytes = 0
    /// When the first of them joins those that wait, on the monotonic clock.
    private(set) var nextWake = Duration.never
    /// When a start that failed is tried again, and how often that was in vain.
    private var nextTry = Duration.zero
    private(set) var vainTries = 0

    /// How long to wait before a start that failed is tried again.
    static var pause: Duration { .milliseconds(100) }
    /// How often that is done while no worker runs.
    private static var patience: Int { 10 }
    /// No new chunks are cut while so many, or so many bytes of them, rest.
    private static var mostResting: Int { 1000 }
    private static var mostRestingBytes: Int { 4 << 20 }

    private struct RestingJob {
        let job: Job
        let end: Duration
    }

    init(_ system: S, _ source: consuming ItemSource<S>, findsChunkSize: Bool) {
        self.system = system
        self.source = source
        sizer = findsChunkSize ? ChunkSizer() : nil
    }

    /// Whether there will never be a chunk again.
    var isExhausted: Bool { waiting.isEmpty && resting.isEmpty && source.isExhausted }

    /// The first chunk that waits to be run again.
    var firstWaiting: Chunk? { waiting.first?.chunk }

    /// Puts a chunk among those that wait.
    mutating func add(_ job: Job) {
        let place = waiting.firstIndex { $0.chunk.number > job.chunk.number }
        waiting.insert(job, at: place ?? waiting.endIndex)
    }

    /// Takes out all that wait or rest.
    mutating func removeWaiting() -> [Job] {
        wake(all: true)
        defer { waiting = [] }
        return waiting
    }

    /// Cuts a chunk smaller, for which the kernel had no room on a command line.
    ///
    /// - Returns: false if that cannot be done, since it has one item or was run before.
    mutating func cutSmaller(_ job: Job) -> Bool {
        if job.chunk.itemCount == 1 || !source.wasCutLast(job.chunk) || !waiting.isEmpty {
            return false
        }
        source.putBack(job.chunk)
        return true
    }

    // MARK: Pauses

    /// Lets a chunk that failed rest before it is run again.
    mutating func rest(_ job: Job, for pause: Duration) {
        if pause == .zero { return add(job) }
        let end = system.now + pause
        resting.append(RestingJob(job: job, end: end))
        restingBytes += job.chunk.bytes.count
        nextWake = min(nextWake, end)
    }

    /// Puts the chunks that have rested among those that wait.
    ///
    /// - Parameter all: also those that have not rested long enough.
    mutating func wake(all: Bool = false) {
        if resting.isEmpty { return }
        let now = all ? .never : system.now
        if now < nextWake { return }
        let rested = resting.filter { $0.end <= now }
        resting.removeAll { $0.end <= now }
        for rest in rested {
            restingBytes -= rest.job.chunk.bytes.count
            add(rest.job)
        }
        nextWake = resting.map(\.end).min() ?? .never
    }

    /// Whether so many chunks rest that no new ones are cut.
    var isCrowded: Bool {
        resting.count >= Self.mostResting || restingBytes >= Self.mostRestingBytes
    }

    // MARK: Chunks

    /// Gives up the items that are in no chunk: those that were read, and if the others are
    /// wanted, all the rest of the input.
    mutating func giveUpRest(_ report: inout Report<S>) {
        while true {
            let items = source.takeRest()
            if !items.isEmpty { report.notTried(items) }
            if source.atEnd || !report.wantsUnreadItems { return }
            readItems(&report)
        }
    }

    /// The next chunk to run; nil if more input is needed first, or none is left.
    ///
    /// - Parameters:
    ///   - workers: that share the input, for `-c auto`.
    ///   - slowest: seconds that an item of a running chunk takes at least, for `-c auto`.
    ///   - report: is told of items that no command can take, and of errors.
    mutating func next(
        workers: Int, slowest: Double, _ report: inout Report<S>
    ) throws(WriteError) -> Job? {
        if !waiting.isEmpty { return waiting.removeFirst() }
        if isCrowded { return nil }
        sizeNextChunk(workers: workers, slowest: slowest, &report)
        do {
            return try source.nextChunk { report.refused($0) }.map { Job(chunk: $0) }
        } catch {
            throw WriteError(error)
        }
    }

    /// Reads more of the input.
    mutating func readItems(_ report: inout Report<S>) {
        do {
            try source.read()
        } catch {
            report.inputFailed(error)
        }
    }

    // MARK: Sizes

    /// Whether `-c auto` decides the size of chunks.
    var findsChunkSize: Bool { sizer != nil }

    mutating func learn(items: Int, seconds: Double, spawning: Double) {
        sizer?.note(items: items, seconds: seconds, spawning: spawning)
    }

    private mutating func sizeNextChunk(
        workers: Int, slowest: Double, _ report: inout Report<S>
    ) {
        guard let sizer else { return }
        // What is there already tells how much is left. What is still to come does not delay
        // a start.
        let (wanted, overflow) = sizer.size.multipliedReportingOverflow(
            by: 2 * min(workers, 1 << 20))
        while source.itemsWaiting < (overflow ? .max : wanted), source.wantsMore, source.isReadable
        {
            readItems(&report)
        }
        source.chunkItems = sizer.size(
            left: source.itemsWaiting, workers: workers, slowest: slowest)
    }

    // MARK: Starts that failed

    /// A worker was started, or has ended and left room for another.
    mutating func mayStart() {
        vainTries = 0
        nextTry = .zero
    }

    /// A start failed. The chunk waits for the next try.
    mutating func tryAgain(_ job: Job) {
        add(job)
        nextTry = system.now + Self.pause
        vainTries += 1
    }

    /// Whether a start that fails now may be tried again.
    ///
    /// - Parameter isAlone: whether no worker runs whose end could leave room.
    func isPatient(isAlone: Bool) -> Bool { !isAlone || vainTries < Self.patience }

    /// When the next start may be tried, on the monotonic clock.
    var nextStart: Duration { vainTries == 0 ? .zero : nextTry }
}
