/// Decides when the pipes of a worker that has exited are closed although a process that it
/// left behind holds them open.
///
/// Everything that the worker itself wrote is in the pipes when it exits. So nothing of it can
/// be lost once each pipe has been read empty after that. Only then do the clocks start. They
/// stand still while pmap could not read, for example because its output had no room.
struct Linger: Equatable {
    /// How long the pipes may be silent, and how long somebody may keep talking.
    static let longestSilence = Duration.seconds(1)
    static let longestTalk = Duration.seconds(5)

    private var silence = Duration.zero
    private var talk = Duration.zero

    /// Something came.
    mutating func heard() { silence = .zero }

    /// Time passed in which pmap was ready to read, after the pipes had been read empty.
    ///
    /// - Returns: whether the pipes are to be closed.
    mutating func listened(for time: Duration) -> Bool {
        silence += time
        talk += time
        return silence >= Self.longestSilence || talk >= Self.longestTalk
    }
}
