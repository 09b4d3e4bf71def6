import Shared

/// Where the slots for workers come from: a jobserver if there is one, else nowhere. It also
/// tells when the pool above this process has ended.
struct SlotSupply<S: System>: ~Copyable {
    private let system: S
    private var jobserver: Jobserver<S>?
    /// What this process serves itself.
    private var server: SlotServer?
    /// Readable when there may be a slot; nil if there is no jobserver.
    let descriptor: FileDescriptor?
    /// Readable when a client may have left the pipe that this process serves.
    let clientWatch: FileDescriptor?
    /// Readable when the pool above this process has ended, or goes on without it.
    let poolWatch: FileDescriptor?
    private let pool: PoolWatch?
    private let sharesFirstSlot: Bool
    /// Whether a chunk waits for a slot.
    private(set) var isShort = false
    /// When a slot is lent to others, if standard output takes nothing until then.
    private var lendTime = Duration.never

    /// How often it is asked whether the slot is free that a command of `--pool` was started
    /// on: nothing tells.
    private static var firstSlotPause: Duration { .milliseconds(100) }
    /// How long standard output may take nothing before a slot is lent.
    private static var stuckPause: Duration { .seconds(1) }

    /// - Parameters:
    ///   - server: what this process serves itself, if it does.
    ///   - pool: the `--pool` that this process is below, if it is.
    init(
        _ system: S, _ jobserver: consuming Jobserver<S>?, _ server: consuming SlotServer?,
        below pool: PoolWatch? = nil
    ) {
        self.system = system
        poolWatch = pool?.descriptor
        self.pool = pool
        descriptor = jobserver?.descriptor
        sharesFirstSlot = jobserver?.sharesFirstSlot ?? false
        clientWatch = server?.watchDescriptor
        self.jobserver = jobserver
        self.server = server
    }

    /// Whether this process is to end with the pool above it. Asked when `poolWatch` has an
    /// event, which is the last one.
    func mustEndWithPool() -> Bool {
        if let poolWatch { system.stopWatching(poolWatch) }
        return pool?.mustEnd ?? false
    }

    /// Takes a slot for a worker.
    ///
    /// - Returns: whether there was one.
    mutating func take() -> Bool {
        isShort = jobserver?.take() == false
        return !isShort
    }

    mutating func give() { jobserver?.give() }

    /// No chunk waits for a slot any more.
    mutating func wantNone() { isShort = false }

    mutating func replaceLostTokens() {
        guard let slots = server?.slots else { return }
        jobserver?.stopWriting()
        // What the watch reports from now on has not been seen yet.
        server?.clearWatch()
        jobserver?.replaceLostTokens(slots: slots)
    }

    // MARK: Lending

    /// Notes whether standard output has no room.
    ///
    /// A map that is kept from printing waits for its reader. That may be a map that waits for
    /// a slot, for ever unless somebody lends it one. With a slot of its own no map waits so.
    mutating func note(waitsForReader: Bool) {
        if !waitsForReader || !sharesFirstSlot {
            lendTime = .never
        } else if lendTime == .never {
            lendTime = system.now + Self.stuckPause
        }
    }

    /// Standard output took something.
    mutating func readerCame() { lendTime = .never }

    /// Lends a slot if it is time to.
    mutating func lend(at now: Duration) {
        if now < lendTime { return }
        jobserver?.lend()
        lendTime = now + Self.stuckPause
    }

    /// When there is something to do next, on the monotonic clock.
    var nextTime: Duration {
        let asks = isShort && sharesFirstSlot
        return min(lendTime, asks ? system.now + Self.firstSlotPause : .never)
    }

    /// Nothing is taken any more. Whatever was made for the pool is removed.
    mutating func close() {
        if let taken = jobserver?.slotsTaken, taken != 0 {
            wrongState("a slot was not given back")
        }
        jobserver = nil
        server = nil
    }
}
