import Shared

/// An attempt of a worker to run a chunk. A worker has one at a time. A persistent worker has none
/// while it waits for its next chunk.
struct Assignment {
    let job: Job
    /// Whether the worker was started for it.
    let isFirst: Bool
    /// When pmap began with it: to start the worker, or to write the items to it.
    let begun: Duration
    /// When the worker was there to run it. Both are on the monotonic clock.
    let started: Duration
    let begunSince1970: Duration

    /// Bytes of output so far.
    var bytesOut = 0
    /// The changes that `-l` and `--tag` make to the output.
    var lines: LineFilter?
    /// The answers of a persistent worker; nil if the end of the worker ends the output.
    var answers: AnswerReader?
    /// Whether the output of a persistent worker ended within a line.
    var endsInLine = false
    /// How a persistent worker gets on with it.
    var watch: AnswerWatch

    var chunk: Chunk { job.chunk }

    /// Seconds that starting the worker took, as far as pmap can see; 0 if it was there before.
    var spawnSeconds: Double { (started - begun) / .seconds(1) }

    /// Whether a persistent worker has given all its answers.
    var isAnswered: Bool { answers?.owed == 0 }

    /// How it ended, from how the worker's process ended.
    ///
    /// - Parameter reason: why pmap ended the worker, if it did.
    func outcome(_ outcome: Outcome, _ reason: WorkerState.EndReason?) -> Outcome {
        guard let (given, all) = answers?.progress else { return outcome }
        if outcome.isSuccess || reason == .stayed, given < all {
            return .tooFewAnswers(given: given, of: all, exited: outcome.isSuccess)
        }
        return outcome
    }
}

/// An attempt to run a chunk that has ended, for good or not.
struct EndedAttempt {
    let assignment: Assignment
    let slot: Int
    let process: pid_t
    let outcome: Outcome
    /// Why pmap ended the worker, if it did.
    let reason: WorkerState.EndReason?
    /// When it ended, on the monotonic clock.
    let end: Duration
    /// What the chunk cost.
    let use: ResourceUse

    var chunk: Chunk { assignment.chunk }
    /// How long the worker worked on the chunk.
    var runTime: Duration { end - assignment.started }
}

/// Finds out how a persistent worker gets on with a chunk: whether it has begun to read it, and
/// whether it waits for the end of its input before it answers.
///
/// A program whose standard output is a pipe usually writes only when its buffer is full or its
/// input has ended. It would wait for more items, and pmap for its answers. So if all items were
/// read, answers are owed and nothing has come for a while, pmap looks whether a process of the
/// worker waits in a read of its input. All times are those of an `ActiveClock`.
struct AnswerWatch {
    /// How long a worker may print nothing before pmap looks.
    static let patience = Duration.seconds(2)
    /// How long a worker may use no CPU time, if pmap cannot see what its processes wait for.
    static let idlePatience = Duration.seconds(10)
    /// The longest pause between two looks.
    private static let longestPause = Duration.seconds(10)
    /// Within this time after the end of its input, a program that was waiting for it answers.
    static let answerTime = Duration.seconds(1)
    /// How often to look if the worker has begun to read its items.
    static let readPause = Duration.milliseconds(50)

    /// Whether the worker has read any of the items.
    private(set) var hasBegun = false
    /// When pmap last heard from it, or wrote to it.
    private(set) var lastHeard: Duration
    private var nextLook: Duration
    private var pause = Self.patience
    /// The CPU time of the worker's processes, and since when it has been the same.
    private var idle: (cpuTime: Duration, since: Duration)?
    /// When pmap closed its input to make it answer.
    private(set) var inputClosed: Duration?
    /// Whether it then answered at once.
    private(set) var answersAtEnd = false

    init(now: Duration) {
        lastHeard = now
        nextLook = now + Self.patience
    }

    /// Notes that the worker has begun to read the items.
    mutating func begin() { hasBegun = true }

    /// Notes that output has come.
    mutating func heard(now: Duration) {
        if let inputClosed, lastHeard <= inputClosed {
            answersAtEnd = now - inputClosed <= Self.answerTime
        }
        hasBegun = true
        lastHeard = now
        pause = Self.patience
        nextLook = now + pause
    }

    /// Notes that items were written, or that pmap did not listen.
    mutating func wait(now: Duration) { nextLook = max(nextLook, now + Self.patience) }

    /// When to look what the worker waits for.
    var lookTime: Duration { inputClosed == nil ? nextLook : .never }

    /// Decides whether the worker waits for the end of its input.
    mutating func waitsForEnd(_ wait: InputWait, now: Duration) -> Bool {
        pause = min(pause * 2, Self.longestPause)
        nextLook = now + pause
        switch wait {
        case .waits: return true
        case .works:
            idle = nil
            return false
        case .unknown(let cpuTime):
            if let idle, idle.cpuTime == cpuTime { return now - idle.since >= Self.idlePatience }
            idle = (cpuTime, now)
            return false
        }
    }

    /// Notes that pmap closed the worker's input.
    mutating func closedInput(now: Duration) { inputClosed = now }
}

/// What the processes of a worker wait for.
enum InputWait: Equatable {
    /// All input was read, and one of them waits in a read(2) for more.
    case waits
    /// They have something else to do, or input to read.
    case works
    /// This cannot be seen. They have used so much CPU time.
    case unknown(cpuTime: Duration)
}
