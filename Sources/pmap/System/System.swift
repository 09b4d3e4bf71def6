import Shared

/// What the client of a jobserver needs from the operating system.
protocol TokenSystem: AnyObject {
    /// The time of a clock that cannot be set. It continues while pmap is stopped.
    var now: Duration { get }
    func close(_ descriptor: FileDescriptor)
    /// Ends what `System.watch` began.
    func stopWatching(_ descriptor: FileDescriptor)
    /// read(2), retried on interrupt.
    func read(
        _ descriptor: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int
    /// Writes all the bytes to a file or pipe, which may block for a moment.
    ///
    /// - Throws: `Errno.interrupted` if a signal that ends pmap comes before the reader.
    func writeAll(_ bytes: [UInt8], to descriptor: FileDescriptor) throws(Errno)
    /// Locks a pipe for this process, without waiting.
    ///
    /// - Returns: whether it succeeded.
    func lock(_ descriptor: FileDescriptor) -> Bool
    func unlock(_ descriptor: FileDescriptor)
    /// Bytes that were written to a pipe and are not read yet; 0 if this is unknown.
    func unreadBytes(in pipe: FileDescriptor) -> Int
    /// Whether no process has the pipe open for writing.
    func hasHungUp(_ descriptor: FileDescriptor) -> Bool
    /// Opens the writing end of the pipe with this reading end, even if its name has been removed.
    /// It may wait a little for descriptors or memory.
    func reopenForWriting(_ descriptor: FileDescriptor) -> FileDescriptor
}

/// Everything that pmap's core needs from the operating system.
///
/// `Kernel` is the real implementation. The tests use a simulated one, with its own clock, process
/// table and faults, and run the same core on it. The core is generic over its system. A release
/// build compiles it only for `Kernel`, so the abstraction costs nothing there.
///
/// A descriptor returned by a system belongs to the caller, which must close it once.
protocol System: TokenSystem {
    // MARK: Clocks

    /// The time since 1970-01-01 00:00 UTC.
    var timeSince1970: Duration { get }

    // MARK: Descriptors

    /// pipe(2), both ends close-on-exec and blocking.
    func makePipe() throws(Errno) -> PipeEnds
    /// Makes reads and writes on an end of one of pmap's own pipes non-blocking.
    func setNonBlocking(_ descriptor: FileDescriptor) throws(Errno)
    /// Asks the kernel for a pipe of this size. The request may be refused.
    ///
    /// - Returns: the size that it has now.
    @discardableResult
    func enlargePipe(_ descriptor: FileDescriptor, to bytes: Int) -> Int
    /// write(2), retried on interrupt.
    func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: FileDescriptor
    ) throws(Errno) -> Int
    /// Moves bytes from one descriptor to another without copying and without waiting.
    ///
    /// - Returns: the bytes moved, 0 at the end of the input.
    /// - Throws: `Errno.wouldBlock` if the input has nothing or the output has no room;
    ///   `Errno.invalid` if the kernel cannot do it for these two.
    func splice(
        from input: FileDescriptor, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int
    /// Puts the first bytes of a pipe into another pipe too, as above.
    func tee(
        from input: FileDescriptor, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int
    /// Moves the bytes at an offset in a file, as above. The file's own position stays where it is.
    func splice(
        from file: FileDescriptor, at offset: Int, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int
    /// Moves bytes from a pipe into a file, at an offset, as above.
    func splice(
        from input: FileDescriptor, to file: FileDescriptor, at offset: Int, atMost count: Int
    ) throws(Errno) -> Int
    /// Moves bytes of a file, from an offset, to standard output, as above. Standard output may
    /// share the file's pages after that, so these must not change.
    func send(
        _ file: FileDescriptor, at offset: Int, atMost count: Int, to output: OutputFile
    ) throws(Errno) -> Int
    /// Whether a read or write would not block.
    func isReady(_ descriptor: FileDescriptor, for interest: Poller.Interest) -> Bool

    // MARK: Waiting

    /// Reports a descriptor's events from now on, until it is closed or no longer watched.
    ///
    /// - Throws: `Errno.notPermitted` for a file that is always ready.
    func watch(
        _ descriptor: FileDescriptor, for interest: Poller.Interest, token: UInt64
    ) throws(Errno)
    /// Waits for events, at most this many milliseconds; -1 means for ever.
    ///
    /// - Returns: the tokens of the descriptors that have events.
    func waitForEvents(milliseconds: Int32) -> [UInt64]
    /// Becomes readable when a signal has come.
    var signalDescriptor: FileDescriptor { get }
    /// Returns the signals since the last call. Equal ones may have merged.
    func receivedSignals() -> [Signals.Arrival]
    /// Stops this process, as SIGTSTP does by default, until it is continued.
    func stop()

    // MARK: Processes

    /// Starts a command as the leader of a new process group.
    ///
    /// - Parameters:
    ///   - chunk: the value of PMAP_CHUNK, which is not set if nil; `slot` is that of PMAP_SLOT.
    ///   - input: its standard input, /dev/null if nil.
    ///   - output: its standard output, which may be that of pmap.
    /// - Returns: its process ID, which no other process can get until it is reaped.
    func start(
        _ arguments: ArgumentVector, chunk: Int?, slot: Int, input: FileDescriptor?,
        output: FileDescriptor, errors: FileDescriptor
    ) throws(Errno) -> pid_t
    /// Returns news of a child that has exited or was stopped; nil if there is none. A child that
    /// has exited stays a zombie and is reported again until it is reaped.
    ///
    /// - Parameter process: the child to ask about; nil for any.
    func childNews(of process: pid_t?) -> ChildNews?
    /// Removes the zombie of a child that has exited. After that its process ID may belong to any
    /// process.
    ///
    /// - Returns: the resources that the child used.
    @discardableResult
    func reap(_ process: pid_t) -> ResourceUse
    /// Sends a signal to each process of a group whose leader is a child not yet reaped.
    func signal(_ number: Int32, toGroup leader: pid_t)
    /// Returns the groups that have living members besides their leaders, which are zombies. If
    /// this cannot be found out, returns all of them.
    func groupsAlive(among leaders: [pid_t]) -> [pid_t]
    /// Finds out what workers wait for.
    ///
    /// - Parameter workers: the leaders of process groups, and pmap's ends of the pipes that are
    ///   their inputs.
    func inputWaits(of workers: [(leader: pid_t, input: FileDescriptor)]) -> [InputWait]
    /// Returns the CPU time that a living child and its finished children have used, and the memory
    /// that it and its descendants have in RAM now.
    func resourceUse(of process: pid_t) -> ResourceUse

    // MARK: Files

    /// Makes a new file without a name, for reading and writing.
    func makeNamelessFile(in folder: Argument) throws(Errno) -> FileDescriptor
    /// Writes all the bytes with pwrite(2).
    func write(_ bytes: [UInt8], to file: FileDescriptor, at offset: Int) throws(Errno)
    /// Reads this many bytes with pread(2).
    func read(_ count: Int, from file: FileDescriptor, at offset: Int) throws(Errno) -> [UInt8]
    /// Reads at an offset in a file with pread(2), until the buffer is full or the file ends.
    ///
    /// - Returns: the number of bytes read. It is less than the buffer's size only at the end of
    ///   the file.
    func read(
        _ file: FileDescriptor, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int
    /// The present size of a regular file.
    func size(of file: FileDescriptor) throws(Errno) -> Int
    /// Moves the position of a file, which is shared with other processes.
    func seek(_ file: FileDescriptor, to offset: Int)
    /// Asks the kernel to free the space of a part of a file. The request may be refused.
    func release(_ file: FileDescriptor, offset: Int, count: Int)
    /// Calls close(2), at which some file systems first report a failed write.
    func closeFile(_ descriptor: FileDescriptor) throws(Errno)
    /// Replaces a file with a new one. If that fails, the old one stays as it is.
    ///
    /// - Parameter write: writes the new file.
    func replaceFile(
        _ path: Argument, _ write: (FileDescriptor) throws(Errno) -> Void
    ) throws(Errno)
    /// Returns the text of a small regular file.
    func contents(of path: Argument) throws(Errno) -> String
    /// The number of descriptors that this process may have open.
    var descriptorLimit: Int { get }
    /// Prepares standard output for writes that do not block.
    func openOutput() -> OutputFile
    /// Closes standard output. Some file systems first report a failed write at this point.
    func closeOutput() throws(Errno)
    /// Writes to standard error. What cannot be written is dropped.
    func writeToStandardError(_ bytes: [UInt8])
    /// The number of CPUs that workers can really use.
    var cpuCount: Int { get }

    // MARK: The terminal

    /// The terminal on standard error, and what standard output shares with it; nil if standard
    /// error is not a terminal.
    var terminal: (type: Terminal, output: OutputPlace)? { get }
    /// The width of the terminal's window in columns, 0 if unknown.
    var windowColumns: Int { get }
    /// Whether this process may draw on the terminal: it is in the foreground, and no program such
    /// as less(1) has taken over the screen.
    var mayDraw: Bool { get }
    /// Takes the right to show a bar on the terminal, which one process at a time has.
    ///
    /// - Returns: whether it was free.
    func claimBar() -> Bool
    func releaseBar()
    /// Tells other processes on the terminal whether this one shows a bar.
    func markBar(shown: Bool)
    /// Whether another process shows a bar on the terminal.
    var otherBarIsShown: Bool { get }
    /// What the processes that read standard output are doing.
    func outputReaders() -> OutputReaders.State

    // MARK: Memory

    /// Makes sure that this many bytes can be allocated now.
    func requireMemory(_ bytes: Int) throws(Errno)
}

/// The two ends of a pipe.
struct PipeEnds {
    let reading: FileDescriptor
    let writing: FileDescriptor
}

/// News of a child process.
struct ChildNews {
    enum Event {
        /// It has exited, with this status of wait(2).
        case exited(waitStatus: Int32)
        case stopped(signal: Int32)
    }

    let process: pid_t
    let event: Event
}

/// The resources that a process used: CPU time, and memory in KiB.
struct ResourceUse {
    var userTime = Duration.zero
    var systemTime = Duration.zero
    var maximumResidentSize = 0

    var cpuTime: Duration { userTime + systemTime }

    /// What was used since an earlier moment. The memory is the later one.
    static func - (later: ResourceUse, earlier: ResourceUse) -> ResourceUse {
        ResourceUse(
            userTime: max(later.userTime - earlier.userTime, .zero),
            systemTime: max(later.systemTime - earlier.systemTime, .zero),
            maximumResidentSize: later.maximumResidentSize)
    }
}

/// Standard output, and how it can be written without waiting for its reader.
struct OutputFile {
    enum Kind {
        /// A non-blocking open file description of pmap's own. The inherited one is shared with
        /// other processes, so its flags are not changed.
        case reopened
        /// A file. Writes take only as long as the disk needs.
        case file
        /// /dev/null.
        case nothing
        /// If poll(2) reports room, a write of PIPE_BUF bytes does not block.
        case shared
    }

    let descriptor: FileDescriptor
    let kind: Kind
    let isPipe: Bool
    /// Whether bytes may be moved into it without copying them, as far as is known.
    let takesSplices: Bool
}
