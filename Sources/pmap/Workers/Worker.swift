import Shared

/// A chunk that is to be run.
struct Job {
    let chunk: Chunk
    /// From 1; more where earlier ones failed.
    var attempt = 1
    /// How the last of them failed.
    var failure: Outcome?
}

/// A running command, or one that has ended and whose output is not all read yet.
final class Worker {
    /// 0 until it is started.
    var process: pid_t = 0
    let slot: Int
    let job: Job
    /// Ends of pipes, nil once closed; all non-blocking.
    var input: OpenFile?
    var output: OpenFile?
    var errors: OpenFile?
    /// Bytes of the chunk that its standard input took.
    private var bytesFed = 0
    /// Bytes that it printed.
    var bytesOut = 0
    var hasLargePipe = false
    /// What `-l` and `--tag` do to its output.
    var lines: LineFilter?
    /// Its stderr behind the last newline.
    var unfinishedLine: [UInt8] = []

    /// On the clock of `monotonicTime`: when pmap began to start it, and when it had.
    let begun = monotonicTime()
    var started = Duration.zero
    /// The same, since 1970.
    let startedSince1970 = wallClockTime()
    /// Set when it was waited for, with when and what it used.
    var outcome: Outcome?
    var ended = Duration.zero
    var usage = rusage()

    /// When its time is up (`--timeout`).
    var timeoutTime = Duration.never
    /// When it is killed, where TERM did not help.
    var killTime = Duration.never
    var isTimedOut = false
    /// Whether it was told to end because another one had failed.
    var isHalted = false
    /// See `loseOutput`.
    private(set) var isOutputLost = false
    /// When its pipes are closed though a process that it left behind holds them open.
    var closingTime = Duration.never
    /// When they are closed even if that process goes on printing.
    var lastClosingTime = Duration.never
    /// When its stderr is watched again, where it is not.
    var errorsRestUntil = Duration.never
    /// The first of these times at which something is to be done.
    var nextTime: Duration { min(timeoutTime, killTime, closingTime, errorsRestUntil) }

    init(
        slot: Int, job: Job, input: consuming OpenFile?,
        output: consuming OpenFile, errors: consuming OpenFile
    ) {
        self.slot = slot
        self.job = job
        self.input = consume input
        self.output = consume output
        self.errors = consume errors
    }

    var chunk: Chunk { job.chunk }

    /// Whether nothing more can come from it.
    var isSilent: Bool { output == nil && errors == nil }

    var isDone: Bool { outcome != nil && isSilent }

    /// Writes what its standard input has room for; closes it behind the last byte. A
    /// worker that reads no further than it wants is no error. Where the kernel fails, it
    /// is killed first: one that saw an end would call a part of its items all of them.
    ///
    /// - Returns: how the kernel failed, if it did.
    func feed() -> Errno? {
        guard let descriptor = input?.descriptor else { return nil }
        var failure: Errno?
        let isOver = unsafe chunk.bytes.withUnsafeBytes { bytes in
            while bytesFed < bytes.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[bytesFed...])
                do throws(Errno) {
                    bytesFed += try unsafe descriptor.write(rest)
                } catch {
                    if error == .wouldBlock { return false }
                    if error != .brokenPipe { failure = error }
                    return true
                }
            }
            return true
        }
        if failure != nil { signal(SIGKILL) }
        if isOver { input = nil }
        return failure
    }

    /// Its output cannot be read to the end, so it has failed, whatever it exits with.
    func loseOutput() {
        signal(SIGKILL)
        output = nil
        isOutputLost = true
        if outcome?.isSuccess ?? false { outcome = .killed(signal: SIGKILL) }
    }

    /// Sends a signal to it and to what it started.
    func signal(_ number: Int32) {
        _ = kill(-process, number)
    }

    /// Tells it to end: a signal, CONT in case it is stopped, and KILL at a later time.
    func end(with number: Int32, killTime: Duration) {
        signal(number)
        signal(SIGCONT)
        self.killTime = min(killTime, self.killTime)
    }

    var logRow: LogRow {
        LogRow(
            chunk: chunk.number, slot: slot, process: Int(process), start: startedSince1970,
            wallTime: ended - started, userTime: usage.ru_utime.duration,
            systemTime: usage.ru_stime.duration, maximumResidentSize: Int(usage.ru_maxrss),
            outcome: outcome ?? .exited(status: 0), attempts: job.attempt, bytes: bytesOut,
            items: chunk.itemCount)
    }
}

extension timeval {
    var duration: Duration {
        .seconds(tv_sec) + .microseconds(Int64(tv_usec))
    }
}
