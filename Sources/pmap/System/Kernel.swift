import Shared

/// The real operating system.
final class Kernel: System {
    private let signals: Signals
    private var spawner: Spawner
    private var poller: Poller
    private var readers = OutputReaders()
    /// Whether this process can run out of memory before the machine does. If not, `requireMemory`
    /// does nothing.
    private let memoryIsLimited: Bool

    init(signals: consuming Signals) throws {
        memoryIsLimited = allocationsCanFail()
        poller = try Poller()
        spawner = try Spawner(
            defaultSignals: signals.workerDefaults, mask: signals.workerMask, leadsGroup: true)
        self.signals = signals
    }

    // MARK: Clocks

    var now: Duration { monotonicTime() }
    var timeSince1970: Duration { wallClockTime() }

    // MARK: Descriptors

    func makePipe() throws(Errno) -> PipeEnds {
        let pipe = try Pipe()
        return PipeEnds(reading: pipe.reading.release(), writing: pipe.writing.release())
    }

    func setNonBlocking(_ descriptor: FileDescriptor) throws(Errno) {
        try descriptor.setNonBlocking()
    }

    func enlargePipe(_ descriptor: FileDescriptor, to bytes: Int) -> Int {
        Shared.enlargePipe(descriptor, to: Int32(clamping: bytes))
    }

    func close(_ descriptor: FileDescriptor) { try? descriptor.close() }

    func read(
        _ descriptor: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        try unsafe descriptor.read(into: buffer)
    }

    func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: FileDescriptor
    ) throws(Errno) -> Int {
        try unsafe descriptor.write(bytes)
    }

    func splice(
        from input: FileDescriptor, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int {
        try moveBytes(from: input, to: output, atMost: count)
    }

    func tee(
        from input: FileDescriptor, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int {
        try duplicateBytes(from: input, to: output, atMost: count)
    }

    func splice(
        from file: FileDescriptor, at offset: Int, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int {
        try moveBytes(from: file, at: offset, to: output, atMost: count)
    }

    func splice(
        from input: FileDescriptor, to file: FileDescriptor, at offset: Int, atMost count: Int
    ) throws(Errno) -> Int {
        try moveBytes(from: input, to: file, at: offset, atMost: count)
    }

    func send(
        _ file: FileDescriptor, at offset: Int, atMost count: Int, to output: OutputFile
    ) throws(Errno) -> Int {
        if output.isPipe {
            return try moveBytes(from: file, at: offset, to: output.descriptor, atMost: count)
        }
        return try sendBytes(from: file, at: offset, to: output.descriptor, atMost: count)
    }

    func isReady(_ descriptor: FileDescriptor, for interest: Poller.Interest) -> Bool {
        let events = interest == .reading ? POLLIN : POLLOUT
        var request = pollfd(fd: descriptor.rawValue, events: Int16(events), revents: 0)
        return unsafe poll(&request, 1, 0) == 1
    }

    // MARK: Waiting

    func watch(
        _ descriptor: FileDescriptor, for interest: Poller.Interest, token: UInt64
    ) throws(Errno) {
        try poller.add(descriptor, for: interest, token: token)
    }

    func stopWatching(_ descriptor: FileDescriptor) { poller.remove(descriptor) }

    func waitForEvents(milliseconds: Int32) -> [UInt64] {
        poller.wait(milliseconds: milliseconds)
    }

    var signalDescriptor: FileDescriptor { signals.descriptor }

    func receivedSignals() -> [Signals.Arrival] { signals.received() }

    func stop() { signals.stop() }

    // MARK: Processes

    func start(
        _ arguments: ArgumentVector, chunk: Int?, slot: Int, input: FileDescriptor?,
        output: FileDescriptor, errors: FileDescriptor
    ) throws(Errno) -> pid_t {
        try spawner.start(
            arguments, chunk: chunk, slot: slot, input: input, output: output, errors: errors)
    }

    func childNews(of process: pid_t?) -> ChildNews? {
        var status: Int32 = 0
        // Children that have exited stay zombies; stopped ones are reported once.
        let found = unsafe cs_child_news(process ?? 0, &status)
        if found <= 0 { return nil }
        if cs_stopped(status) != 0 {
            return ChildNews(process: found, event: .stopped(signal: cs_stop_signal(status)))
        }
        return ChildNews(process: found, event: .exited(waitStatus: status))
    }

    @discardableResult
    func reap(_ process: pid_t) -> ResourceUse {
        var status: Int32 = 0
        var usage = rusage()
        _ = try? retrying { unsafe wait4(process, &status, 0, &usage) }
        return ResourceUse(
            userTime: usage.ru_utime.duration, systemTime: usage.ru_stime.duration,
            maximumResidentSize: Int(usage.ru_maxrss))
    }

    func signal(_ number: Int32, toGroup leader: pid_t) { _ = kill(-leader, number) }

    func groupsAlive(among leaders: [pid_t]) -> [pid_t] { processGroupsAlive(among: leaders) }

    func unreadBytes(in pipe: FileDescriptor) -> Int {
        Int(cs_unread_bytes(pipe.rawValue))
    }

    func inputWaits(of workers: [(leader: pid_t, input: FileDescriptor)]) -> [InputWait] {
        waitsForInput(workers)
    }

    func resourceUse(of process: pid_t) -> ResourceUse { useOfLivingProcess(process) }

    // MARK: Files

    func makeNamelessFile(in folder: Argument) throws(Errno) -> FileDescriptor {
        try OpenFile(unlinkedIn: folder).release()
    }

    func write(_ bytes: [UInt8], to file: FileDescriptor, at offset: Int) throws(Errno) {
        try file.writeAll(bytes, at: offset)
    }

    func read(_ count: Int, from file: FileDescriptor, at offset: Int) throws(Errno) -> [UInt8] {
        try file.readAll(count, at: offset)
    }

    func read(
        _ file: FileDescriptor, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        try unsafe file.read(into: buffer, at: offset)
    }

    func size(of file: FileDescriptor) throws(Errno) -> Int {
        guard let status = file.status else { throw Errno.last }
        return Int(status.st_size)
    }

    func seek(_ file: FileDescriptor, to offset: Int) {
        _ = lseek(file.rawValue, off_t(offset), SEEK_SET)
    }

    func release(_ file: FileDescriptor, offset: Int, count: Int) {
        punchHole(file, offset: offset, count: count)
    }

    func writeAll(_ bytes: [UInt8], to descriptor: FileDescriptor) throws(Errno) {
        try unsafe bytes.withUnsafeBufferPointer { bytes throws(Errno) in
            var rest = UnsafeRawBufferPointer(bytes)
            while unsafe !rest.isEmpty {
                do throws(Errno) {
                    let count = try unsafe descriptor.write(rest)
                    unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                } catch {
                    if error != .wouldBlock { throw error }
                    if !waitUntilWritable(descriptor) { throw .interrupted }
                }
            }
        }
    }

    func closeFile(_ descriptor: FileDescriptor) throws(Errno) { try descriptor.close() }

    func replaceFile(
        _ path: Argument, _ write: (FileDescriptor) throws(Errno) -> Void
    ) throws(Errno) {
        var replacement = try ReplacementFile(for: path)
        try write(replacement.descriptor)
        try replacement.replace()
    }

    func contents(of path: Argument) throws(Errno) -> String { try textOfRegularFile(path) }

    var descriptorLimit: Int { Shared.descriptorLimit() }

    func openOutput() -> OutputFile {
        let output = FileDescriptor.standardOutput
        let type = (output.status?.st_mode ?? 0) & S_IFMT
        let isPipe = type == S_IFIFO
        let isTerminal = type == S_IFCHR && output.isTerminal
        if isPipe || isTerminal,
            let own = try? OpenFile(
                path: "/proc/self/fd/1", flags: O_WRONLY | O_NONBLOCK | O_NOCTTY
            ).release()
        {
            if isPipe { Shared.enlargePipe(own, to: Int32(largePipeSize)) }
            return OutputFile(
                descriptor: own, kind: .reopened, isPipe: isPipe, takesSplices: isPipe)
        }
        if output.takesAndDropsAll {
            return OutputFile(
                descriptor: output, kind: .nothing, isPipe: false, takesSplices: true)
        }
        let isFile = type == S_IFREG || (type == S_IFCHR && !isTerminal) || type == S_IFBLK
        return OutputFile(
            descriptor: output, kind: isFile ? .file : .shared, isPipe: isPipe,
            takesSplices: isPipe || isFile)
    }

    func closeOutput() throws(Errno) { try FileDescriptor.standardOutput.close() }

    func writeToStandardError(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { try? unsafe writeMessage($0) }
    }

    /// Writes to standard error. It may be a pipe that no process reads, so a signal that ends pmap
    /// also ends the wait; the rest of the message is then dropped.
    private func writeMessage(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            if !waitUntilWritable(.standardError) { return }
            // There is room for PIPE_BUF bytes. Do not split lines.
            var piece = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(Int(PIPE_BUF)))
            if piece.count < rest.count,
                let newline = unsafe piece.lastIndex(of: UInt8(ascii: "\n"))
            {
                unsafe piece = UnsafeRawBufferPointer(rebasing: piece[...newline])
            }
            do throws(Errno) {
                let count = try unsafe FileDescriptor.standardError.write(piece)
                unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } catch {
                if error != .wouldBlock { throw error }
            }
        }
    }

    /// Waits until a write would not block.
    ///
    /// - Returns: false if a signal that ends pmap came first.
    private func waitUntilWritable(_ descriptor: FileDescriptor) -> Bool {
        while !isReady(descriptor, for: .writing) {
            if Signals.mustEnd { return false }
            var requests = [
                pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: signals.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
            ]
            // Other signals stay in their pipe and keep it readable, so poll(2) would return at
            // once.
            let others = isReady(signals.descriptor, for: .reading)
            _ = unsafe poll(&requests, others ? 1 : 2, others ? 100 : -1)
        }
        return true
    }

    var cpuCount: Int { usableCPUs() }

    // MARK: The terminal

    var terminal: (type: Terminal, output: OutputPlace)? {
        if !FileDescriptor.standardError.isTerminal { return nil }
        return (Terminal(), outputPlace)
    }

    private var outputPlace: OutputPlace {
        var output = stat()
        var errors = stat()
        if unsafe fstat(1, &output) != 0 || fstat(2, &errors) != 0 { return .elsewhere }
        if output.st_mode & S_IFMT == S_IFIFO { return .pipe }
        let isSame = output.st_mode & S_IFMT == S_IFCHR && output.st_rdev == errors.st_rdev
        return isSame ? .terminal : .elsewhere
    }

    var windowColumns: Int { Int(cs_window_columns(2)) }

    var mayDraw: Bool { tcgetpgrp(2) == getpgrp() && cs_edits_lines(2) != 0 }

    /// The bytes of the terminal's file whose locks tell which process may show a bar, and whether
    /// it shows one. The kernel unlocks them when the process dies.
    private static let barByte: off_t = 0
    private static let shownByte: off_t = 1

    func claimBar() -> Bool {
        // Without locks, there is nothing to go by.
        cs_lock_byte(2, Self.barByte, 1) == 0 || (errno != EAGAIN && errno != EACCES)
    }

    func releaseBar() { _ = cs_lock_byte(2, Self.barByte, 0) }

    func markBar(shown: Bool) { _ = cs_lock_byte(2, Self.shownByte, shown ? 1 : 0) }

    var otherBarIsShown: Bool { cs_other_locks_byte(2, Self.shownByte) != 0 }

    func outputReaders() -> OutputReaders.State { readers.state(at: now) }

    // MARK: Memory and slots

    func requireMemory(_ bytes: Int) throws(Errno) {
        // Without limits the system refuses only what is more than the whole machine has.
        if memoryIsLimited || bytes >= 1 << 30 { try Shared.requireMemory(bytes) }
    }

    func lock(_ descriptor: FileDescriptor) -> Bool {
        flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0
    }

    func unlock(_ descriptor: FileDescriptor) { _ = flock(descriptor.rawValue, LOCK_UN) }

    func hasHungUp(_ descriptor: FileDescriptor) -> Bool {
        var request = pollfd(fd: descriptor.rawValue, events: 0, revents: 0)
        return unsafe poll(&request, 1, 0) == 1 && Int32(request.revents) & POLLHUP != 0
    }

    func reopenForWriting(_ descriptor: FileDescriptor) -> FileDescriptor {
        while true {
            // As many descriptors are free as were just closed, but the system may be short of
            // files or memory for a while.
            if let file = try? openedFile("/proc/self/fd/\(descriptor.rawValue)", O_WRONLY) {
                return file.release()
            }
            usleep(10_000)
        }
    }
}

extension timeval {
    fileprivate var duration: Duration { .seconds(tv_sec) + .microseconds(Int64(tv_usec)) }
}
