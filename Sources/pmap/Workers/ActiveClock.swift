/// The time during which pmap ran, by which workers are judged.
///
/// A monotonic clock goes on while pmap is stopped (SIGSTOP), while its control group is
/// frozen, and while the machine is too busy to run it. A worker must not be called late for
/// such a time. So a step between two readings counts only if it is short. As long as a
/// deadline is pending, pmap reads the clock at least every `longestWait`.
struct ActiveClock {
    static let longestWait = Duration.milliseconds(100)

    /// The time that counts, from the start of the run.
    private(set) var time = Duration.zero
    private var lastReading: Duration

    /// - Parameter now: on a monotonic clock, as for `advance`.
    init(now: Duration) { lastReading = now }

    /// Goes on to this moment.
    ///
    /// - Returns: the time that this step counts for.
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
    /// The time that counts at a moment since the last reading.
    func time(at now: Duration) -> Duration { time + (now - lastReading) }
}

extension Duration {
    /// Later than any time that comes.
    static let never = Duration.seconds(Int64.max >> 8)
}
