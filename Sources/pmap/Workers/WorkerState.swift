import Shared

/// Where a worker is in its life. It is in exactly one state at a time.
///
///     running ──────────────────────────────► exited ──► (reaped and forgotten)
///        │                                       ▲
///        └─► ending ──► groupEnding ─────────────┘
///
/// The process ID is the worker's own in each of them: once the process has exited it is a
/// zombie until `WorkerTable` reaps it, and that is the last step. All times are those of an
/// `ActiveClock`.
enum WorkerState: Equatable {
    /// Its process runs. `deadline` is when `--timeout` ends it.
    case running(deadline: Duration)
    /// Its process was told to end. `kill` is when its group gets SIGKILL, and `never` once
    /// that is done.
    case ending(EndReason, kill: Duration)
    /// Its process has exited, but others of its group, which were told to end too, may live.
    /// `check` is when to look for them next, `pause` how long after the look before.
    case groupEnding(Exit, EndReason?, kill: Duration, check: Duration, pause: Duration)
    /// Its process has exited, and its group needs no more signals. Its pipes may still hold
    /// output.
    case exited(Exit, EndReason?)

    /// Why pmap told a worker to end.
    enum EndReason: Equatable {
        /// It ran longer than `--timeout`.
        case timeout
        /// Another one failed, and `--halt now` ends the others.
        case halt
        /// The run is ended early.
        case endOfRun
        /// What it prints cannot be read any more.
        case lostOutput
    }

    /// How its process ended, as wait(2) has it, and when on the monotonic clock.
    struct Exit: Equatable {
        let waitStatus: Int32
        let time: Duration
    }

    /// What a worker is to be sent.
    enum Order: Equatable {
        case terminate
        case kill
    }

    /// How its process ended; nil while it runs.
    var exit: Exit? {
        switch self {
        case .running, .ending: nil
        case .groupEnding(let exit, _, _, _, _), .exited(let exit, _): exit
        }
    }

    var reason: EndReason? {
        switch self {
        case .running: nil
        case .ending(let reason, _): reason
        case .groupEnding(_, let reason, _, _, _), .exited(_, let reason): reason
        }
    }

    /// What became of it; nil while its process runs. What was told to end has not done its
    /// work, whatever it exits with.
    var outcome: Outcome? {
        guard let exit else { return nil }
        let outcome = Outcome(waitStatus: exit.waitStatus)
        switch reason {
        case nil: return outcome
        case .timeout: return .timedOut
        case .halt, .endOfRun: return outcome.isSuccess ? .killed(signal: SIGTERM) : outcome
        case .lostOutput: return outcome.isSuccess ? .killed(signal: SIGKILL) : outcome
        }
    }

    /// The first time at which something is to be done.
    var nextTime: Duration {
        switch self {
        case .running(let deadline): deadline
        case .ending(_, let kill): kill
        case .groupEnding(_, _, let kill, let check, _): min(kill, check)
        case .exited: .never
        }
    }

    /// Its group is told to end. The first reason counts, and the earliest time for SIGKILL.
    /// To a worker that has exited already no reason applies, except that its output is lost.
    mutating func end(_ why: EndReason, kill time: Duration, now: Duration) {
        switch self {
        case .running: self = .ending(why, kill: time)
        case .ending(let reason, let kill): self = .ending(reason, kill: min(kill, time))
        case .groupEnding(let exit, let reason, let kill, _, _):
            self = .groupEnding(
                exit, reason ?? (why == .lostOutput ? why : nil), kill: min(kill, time),
                check: now, pause: Self.firstPause)
        case .exited(let exit, let reason):
            self = .groupEnding(
                exit, reason ?? (why == .lostOutput ? why : nil), kill: time, check: now,
                pause: Self.firstPause)
        }
    }

    /// Its process has exited.
    mutating func exited(_ exit: Exit, now: Duration) {
        switch self {
        case .running: self = .exited(exit, nil)
        // Nobody of the group can have outlived SIGKILL.
        case .ending(let reason, .never): self = .exited(exit, reason)
        case .ending(let reason, let kill):
            self = .groupEnding(exit, reason, kill: kill, check: now, pause: Self.firstPause)
        case .groupEnding, .exited: wrongState("a worker exits twice")
        }
    }

    /// Nobody of its group is left, or nobody that a signal reaches.
    mutating func groupIsGone() {
        if case .groupEnding(let exit, let reason, _, _, _) = self {
            self = .exited(exit, reason)
        }
    }

    /// Its group was looked at and is still there.
    mutating func lookAgain(now: Duration) {
        if case .groupEnding(let exit, let reason, let kill, _, let pause) = self {
            self = .groupEnding(
                exit, reason, kill: kill, check: now + pause,
                pause: min(pause * 2, ActiveClock.longestWait))
        }
    }

    /// What the time has come for.
    ///
    /// - Parameter killAfter: from SIGTERM to SIGKILL.
    mutating func act(now: Duration, killAfter: Duration) -> Order? {
        switch self {
        case .running(let deadline) where deadline <= now:
            self = .ending(.timeout, kill: now + killAfter)
            return .terminate
        case .ending(let reason, let kill) where kill <= now:
            self = .ending(reason, kill: .never)
            return .kill
        case .groupEnding(let exit, let reason, let kill, _, _) where kill <= now:
            self = .exited(exit, reason)
            return .kill
        default: return nil
        }
    }

    /// Whether it is time to look whether its group is gone.
    func wantsLook(now: Duration) -> Bool {
        if case .groupEnding(_, _, _, let check, _) = self { return check <= now }
        return false
    }

    /// A group that gets SIGTERM is most often gone within a few milliseconds.
    private static let firstPause = Duration.milliseconds(5)
}

/// Ends this process because its own state is wrong: a bug of ours. To go on might lose
/// output without a word.
func wrongState(_ what: StaticString) -> Never {
    Messages(program: "pmap").say("internal error", "\(what); please report this")
    exit(1)
}
