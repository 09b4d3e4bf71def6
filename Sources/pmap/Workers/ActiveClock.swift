/// A clock for workers, which counts only the time during which pmap ran.
///
/// A monotonic clock continues while pmap is stopped (SIGSTOP), while its control group is frozen,
/// and while the machine is too busy to run it. Such time must not make a worker late. So the time
/// between two readings counts only if it is short. While a deadline is pending, pmap reads the
/// clock at least every `longestWait`.
struct ActiveClock {
    static let longestWait = Duration.milliseconds(100)

    /// The time counted since the start of the run.
    private(set) var time = Duration.zero
    private var lastReading: Duration

    /// - Parameter now: the time of a monotonic clock, as for `advance`.
    init(now: Duration) { lastReading = now }

    /// Advances the clock to this moment.
    ///
    /// - Returns: how much of the time since the last reading counts.
    @discardableResult
    mutating func advance(to now: Duration) -> Duration {
        let step = now - lastReading
        lastReading = now
        if step > Self.longestWait * 2 { return .zero }
        time += step
        return step
    }
}

extension ActiveClock {
    /// The clock's time at a moment after the last reading.
    func time(at now: Duration) -> Duration { time + (now - lastReading) }
}

extension Duration {
    /// A time that is never reached.
    static let never = Duration.seconds(Int64.max >> 8)
}
