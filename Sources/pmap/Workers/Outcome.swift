import Shared

/// How a worker ended.
enum Outcome: Equatable {
    case exited(status: Int32)
    case killed(signal: Int32)
    /// pmap ended it because it ran longer than `--timeout`.
    case timedOut
    /// A persistent worker gave fewer answers than it got items. It exited with status 0, or
    /// closed its input or output.
    case tooFewAnswers(given: Int, of: Int, exited: Bool)
    /// A persistent worker printed something after its last answer.
    case tooManyAnswers

    /// - Parameter waitStatus: a status of wait(2).
    init(waitStatus: Int32) {
        self =
            cs_exited(waitStatus) != 0
            ? .exited(status: cs_exit_status(waitStatus))
            : .killed(signal: cs_term_signal(waitStatus))
    }

    /// The outcome in the words of a message.
    var text: String {
        switch self {
        case .exited(let status): return "exited with status \(status)"
        case .killed(let signal):
            let name = unsafe strsignal(signal).map { unsafe String(cString: $0) } ?? "unknown"
            return "killed by signal \(signal) (\(name))"
        case .timedOut: return "timed out and was ended"
        case .tooFewAnswers(let given, let all, let exited):
            return (exited ? "exited with status 0" : "closed its input or output")
                + " after \(given) of \(all) answers"
        case .tooManyAnswers: return "gave more answers than it got items"
        }
    }

    var isSuccess: Bool { self == .exited(status: 0) }

    var isKilled: Bool { if case .killed = self { true } else { false } }

    /// Whether the chunk may be retried. Status 255 asks to stop, and wrong answers stop the run.
    var mayBeRetried: Bool {
        switch self {
        case .exited(status: 0), .exited(status: 255), .tooManyAnswers: false
        default: true
        }
    }
}

/// Counts the failures so far, and determines the exit status.
struct Tally: Equatable {
    /// Chunks whose worker did not exit with status 0 in the last attempt.
    private(set) var failedChunks = 0
    /// The exit statuses of xargs(1) that apply.
    private var statuses: Set<Int32> = []
    /// Whether a list or the output is not what it seems to be.
    private var hasWrongResults = false

    mutating func note(_ outcome: Outcome) {
        if outcome.isSuccess { return }
        failedChunks += 1
        switch outcome {
        case .exited(status: 255): statuses.insert(124)
        case .exited, .tooFewAnswers: statuses.insert(123)
        case .killed, .timedOut: statuses.insert(125)
        case .tooManyAnswers: noteWrongAnswers()
        }
    }

    /// Notes a chunk whose worker was ended because another one had failed.
    mutating func noteHalted() { failedChunks += 1 }

    /// Notes a chunk whose worker was ended because its input could not be written.
    mutating func noteLostInput() {
        failedChunks += 1
        statuses.insert(1)
    }

    /// Notes that the command could not be started at all.
    mutating func noteNotStarted(_ error: Errno) {
        failedChunks += 1
        statuses.insert(error == .noEntry ? 127 : 126)
    }

    /// Notes an error of pmap's own: an item that no command can take, a failed read.
    mutating func noteOwnError() { statuses.insert(1) }

    /// Notes that the log or the list of failed items is not complete.
    mutating func noteLostRecord() { hasWrongResults = true }

    /// Notes that output may belong to other items than it seems to.
    mutating func noteWrongAnswers() { hasWrongResults = true }

    /// If several statuses apply, this is the one that best explains why work was not done. If a
    /// record is lost or answers are wrong, it is 1, because the user must not take a list for
    /// complete, or output for right, that is not.
    var exitStatus: Int32 {
        if hasWrongResults { return 1 }
        return [127, 126, 124, 125, 123, 1].first(where: statuses.contains) ?? 0
    }
}
