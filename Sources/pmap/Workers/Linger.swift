/// Decides when to close the pipes of a worker that has exited, if a process that it left running
/// holds them open.
///
/// All that the worker itself wrote is in the pipes when it exits. Once each pipe has been read
/// until empty after that, none of it can be lost. Only then do the clocks start. They stop while
/// pmap cannot read, for example because its output has no room.
struct Linger: Equatable {
    /// How long the pipes may be silent, and how long another process may keep writing to them.
    static let longestSilence = Duration.seconds(1)
    static let longestTalk = Duration.seconds(5)

    private var silence = Duration.zero
    private var talk = Duration.zero

    /// Notes that something was read.
    mutating func heard() { silence = .zero }

    /// Adds time during which pmap was ready to read, after the pipes were read until empty.
    ///
    /// - Returns: whether to close the pipes.
    mutating func listened(for time: Duration) -> Bool {
        silence += time
        talk += time
        return silence >= Self.longestSilence || talk >= Self.longestTalk
    }
}
