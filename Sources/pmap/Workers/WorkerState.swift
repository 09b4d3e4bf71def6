import Shared

/// Where a worker is in its life. It is in exactly one state at a time.
///
///     running ──► leaving ──────────────────► exited ──► (reaped and forgotten)
///        │           │                          ▲
///        └───────────┴─► ending ──► groupEnding ┘
///
/// A worker runs one chunk, or one after the other if it is persistent. The state is that of its
/// process; what it works on is its `Assignment`.
///
/// The process ID belongs to the worker in all states: after the process has exited, it is a zombie
/// until `WorkerTable` reaps it as the last step. All times are those of an `ActiveClock`.
enum WorkerState: Equatable {
    /// Its process runs. At `deadline`, `--timeout` ends it.
    case running(deadline: Duration)
    /// Its process runs, gets no more items, and has to exit by itself. At `deadline` it is ended.
    case leaving(deadline: Duration)
    /// Its process was told to end. At `kill` its group gets SIGKILL; after that `kill` is `never`.
    case ending(EndReason, kill: Duration)
    /// Its process has exited, but other processes of its group may be alive; they were told to end
    /// too. `check` is when to look for them next, `pause` the time since the previous look.
    case groupEnding(Exit, EndReason?, kill: Duration, check: Duration, pause: Duration)
    /// Its process has exited, and its group needs no more signals. Its pipes may still hold
    /// output.
    case exited(Exit, EndReason?)

    /// Why pmap told a worker to end.
    enum EndReason: Equatable {
        /// It ran longer than `--timeout`.
        case timeout
        /// Another worker failed, and `--halt now` ends the others.
        case halt
        /// The run is ended early.
        case endOfRun
        /// It did not leave in time.
        case stayed
        /// It gave more answers than it got items.
        case wrongAnswers
        /// Its output cannot be read any more.
        case lostOutput
        /// Not all of its input can be written.
        case lostInput
    }

    /// How its process ended, as a status of wait(2), and when, on the monotonic clock.
    struct Exit: Equatable {
        let waitStatus: Int32
        let time: Duration
    }

    /// A signal to send to a worker.
    enum Order: Equatable {
        case terminate
        case kill
    }

    /// Whether its process runs and was not told to end or to leave.
    var isRunning: Bool { if case .running = self { true } else { false } }

    /// How its process ended; nil while it runs.
    var exit: Exit? {
        switch self {
        case .running, .leaving, .ending: nil
        case .groupEnding(let exit, _, _, _, _), .exited(let exit, _): exit
        }
    }

    var reason: EndReason? {
        switch self {
        case .running, .leaving: nil
        case .ending(let reason, _): reason
        case .groupEnding(_, let reason, _, _, _), .exited(_, let reason): reason
        }
    }

    /// How it ended; nil while its process runs. A worker that was told to end has not done its
    /// work, whatever its exit status.
    var outcome: Outcome? {
        guard let exit else { return nil }
        let outcome = Outcome(waitStatus: exit.waitStatus)
        switch reason {
        case nil, .stayed, .wrongAnswers: return outcome
        case .timeout: return .timedOut
        case .halt, .endOfRun: return outcome.isSuccess ? .killed(signal: SIGTERM) : outcome
        case .lostOutput, .lostInput: return outcome.isSuccess ? .killed(signal: SIGKILL) : outcome
        }
    }

    /// The next time at which something must be done.
    var nextTime: Duration {
        switch self {
        case .running(let deadline), .leaving(let deadline): deadline
        case .ending(_, let kill): kill
        case .groupEnding(_, _, let kill, let check, _): min(kill, check)
        case .exited: .never
        }
    }

    /// Sets the time at which `--timeout` ends it.
    mutating func setDeadline(_ deadline: Duration) {
        if case .running = self { self = .running(deadline: deadline) }
    }

    /// Notes that it gets no more items.
    ///
    /// - Parameter deadline: when to end it if it is still there.
    mutating func leave(deadline: Duration) {
        switch self {
        case .running: self = .leaving(deadline: deadline)
        case .leaving(let earlier): self = .leaving(deadline: min(earlier, deadline))
        case .ending, .groupEnding, .exited: break
        }
    }

    /// Notes that its group was told to end. The first reason is kept, and the earliest time for
    /// SIGKILL. If the worker has already exited, the only reason that still applies is lost
    /// output.
    mutating func end(_ why: EndReason, kill time: Duration, now: Duration) {
        switch self {
        case .running, .leaving: self = .ending(why, kill: time)
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

    /// Notes that its process has exited.
    mutating func exited(_ exit: Exit, now: Duration) {
        switch self {
        case .running, .leaving: self = .exited(exit, nil)
        // No process of the group can have survived SIGKILL.
        case .ending(let reason, .never): self = .exited(exit, reason)
        case .ending(let reason, let kill):
            self = .groupEnding(exit, reason, kill: kill, check: now, pause: Self.firstPause)
        case .groupEnding, .exited: wrongState("a worker exits twice")
        }
    }

    /// Notes that no process of its group is left, or none that a signal can reach.
    mutating func groupIsGone() {
        if case .groupEnding(let exit, let reason, _, _, _) = self {
            self = .exited(exit, reason)
        }
    }

    /// Notes that its group was checked and still exists.
    mutating func lookAgain(now: Duration) {
        if case .groupEnding(let exit, let reason, let kill, _, let pause) = self {
            self = .groupEnding(
                exit, reason, kill: kill, check: now + pause,
                pause: min(pause * 2, ActiveClock.longestWait))
        }
    }

    /// Returns the signal that is due now, if any.
    ///
    /// - Parameter killAfter: the time between SIGTERM and SIGKILL.
    mutating func act(now: Duration, killAfter: Duration) -> Order? {
        switch self {
        case .running(let deadline) where deadline <= now:
            self = .ending(.timeout, kill: now + killAfter)
            return .terminate
        case .leaving(let deadline) where deadline <= now:
            self = .ending(.stayed, kill: now + killAfter)
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

    /// Whether it is time to check if its group is gone.
    func wantsLook(now: Duration) -> Bool {
        if case .groupEnding(_, _, _, let check, _) = self { return check <= now }
        return false
    }

    /// After SIGTERM, most groups are gone within a few milliseconds.
    private static let firstPause = Duration.milliseconds(5)
}

/// Ends this process because of a wrong internal state, which is a bug in pmap. Going on might lose
/// output silently.
func wrongState(_ what: StaticString) -> Never {
    Messages(program: pmapSyntax.program).say("internal error", "\(what); please report this")
    exit(1)
}
