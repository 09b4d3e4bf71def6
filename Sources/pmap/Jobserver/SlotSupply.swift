import Shared

/// Provides slots for workers from a jobserver, if there is one. It also tells when the pool above
/// this process has ended.
struct SlotSupply<S: TokenSystem>: ~Copyable {
    private let system: S
    private var jobserver: Jobserver<S>?
    /// The pool that this process serves itself, which ends when this is dropped.
    private var server: SlotServer?
    /// Becomes readable when there may be a slot; nil if there is no jobserver.
    let descriptor: FileDescriptor?
    /// Becomes readable when a client may have left the pool that this process serves.
    let clientWatch: FileDescriptor?
    /// Becomes readable when the pool above has ended, or has released this process.
    let poolWatch: FileDescriptor?
    private let pool: PoolWatch?
    private let sharesFirstSlot: Bool
    /// Whether a chunk waits for a slot.
    private(set) var isShort = false
    /// When to lend a slot to another process, unless standard output takes something before.
    private var lendTime = Duration.never

    /// How often to check whether the shared slot of a `--pool` command is free. No event tells.
    private static var firstSlotPause: Duration { .milliseconds(100) }
    /// How long standard output may be blocked before a slot is lent.
    private static var stuckPause: Duration { .seconds(1) }

    /// - Parameters:
    ///   - server: the pool that this process serves itself, if any.
    ///   - pool: the `--pool` above this process, if any.
    init(
        _ system: S, _ jobserver: consuming Jobserver<S>?, _ server: consuming SlotServer?,
        below pool: PoolWatch? = nil
    ) {
        self.system = system
        poolWatch = pool?.descriptor
        self.pool = pool
        descriptor = jobserver?.descriptor
        sharesFirstSlot = jobserver?.sharesFirstSlot ?? false
        clientWatch = jobserver?.clientWatch
        self.jobserver = jobserver
        self.server = server
    }

    /// Whether this process must end with the pool above it. Call this when `poolWatch` has an
    /// event; it is the last one.
    func mustEndWithPool() -> Bool {
        if let poolWatch { system.stopWatching(poolWatch) }
        return pool?.mustEnd(system) ?? false
    }

    /// Takes a slot for a worker.
    ///
    /// - Returns: whether a slot was free.
    mutating func take() -> Bool {
        isShort = jobserver?.take() == false
        return !isShort
    }

    mutating func give() { jobserver?.give() }

    /// Notes that no chunk waits for a slot any more.
    mutating func wantNone() { isShort = false }

    mutating func replaceLostTokens() { jobserver?.replaceLostTokens() }

    // MARK: Lending

    /// Notes whether standard output is blocked.
    ///
    /// A map whose output is blocked waits for its reader. The reader may itself be a map that
    /// waits for a slot, and would wait for ever if no slot were lent to it. This happens only to
    /// maps that share a slot.
    mutating func note(waitsForReader: Bool) {
        if !waitsForReader || !sharesFirstSlot {
            lendTime = .never
        } else if lendTime == .never {
            lendTime = system.now + Self.stuckPause
        }
    }

    /// Notes that standard output took something.
    mutating func readerCame() { lendTime = .never }

    /// Lends a slot if the time has come.
    mutating func lend(at now: Duration) {
        if now < lendTime { return }
        jobserver?.lend()
        lendTime = now + Self.stuckPause
    }

    /// The time of the next thing to do, on the monotonic clock.
    var nextTime: Duration {
        let asks = isShort && sharesFirstSlot
        return min(lendTime, asks ? system.now + Self.firstSlotPause : .never)
    }

    /// Takes no more slots, and removes the files that were made for the pool.
    mutating func close() {
        if let taken = jobserver?.slotsTaken, taken != 0 {
            wrongState("a slot was not given back")
        }
        jobserver = nil
        server = nil
    }
}
