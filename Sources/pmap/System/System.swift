import Shared

/// Everything that pmap's core asks of the operating system.
///
/// `Kernel` is the real one. The tests put a simulated one in its place, with a clock, a
/// process table and faults of their own, and run the same core on it. The core is generic
/// over its system and compiled for `Kernel` alone in a release build, so the seam costs
/// nothing there.
///
/// A descriptor that comes from a system belongs to the caller, who closes it once.
protocol System: AnyObject {
    // MARK: Clocks

    /// The time of a clock that nobody sets. It goes on while pmap is stopped.
    var now: Duration { get }
    /// The time since 1970-01-01 00:00 UTC.
    var timeSince1970: Duration { get }

    // MARK: Descriptors

    /// pipe(2), both ends close-on-exec and blocking.
    func makePipe() throws(Errno) -> PipeEnds
    /// Makes reads and writes through an end of a pipe of our own never wait.
    func setNonBlocking(_ descriptor: FileDescriptor) throws(Errno)
    /// Asks for room for so many bytes in a pipe. It is a wish and may be refused silently.
    func enlargePipe(_ descriptor: FileDescriptor, to bytes: Int)
    func close(_ descriptor: FileDescriptor)
    /// read(2), retried on interrupt.
    func read(
        _ descriptor: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int
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
    /// Whether reading or writing would not wait.
    func isReady(_ descriptor: FileDescriptor, for interest: Poller.Interest) -> Bool

    // MARK: Waiting

    /// Reports a descriptor's events from now on, until it is closed or no longer watched.
    ///
    /// - Throws: `Errno.notPermitted` for a file that never has to be waited for.
    func watch(
        _ descriptor: FileDescriptor, for interest: Poller.Interest, token: UInt64
    ) throws(Errno)
    func stopWatching(_ descriptor: FileDescriptor)
    /// Waits for an event, but no longer than so many milliseconds; -1 is for ever.
    ///
    /// - Returns: the tokens of the descriptors that have one.
    func waitForEvents(milliseconds: Int32) -> [UInt64]
    /// Readable when a signal has come.
    var signalDescriptor: FileDescriptor { get }
    /// The signals that came since this was asked last. Equal ones may have merged.
    func receivedSignals() -> [Signals.Arrival]
    /// Stops this process, as SIGTSTP does by default, until it is continued.
    func stop()

    // MARK: Processes

    /// Starts a command that leads a process group of its own.
    ///
    /// - Parameters:
    ///   - chunk: what the command finds in PMAP_CHUNK; likewise `slot`.
    ///   - input: its standard input, /dev/null if nil.
    /// - Returns: its process ID, which nobody else can get until it is reaped.
    func start(
        _ arguments: ArgumentVector, chunk: Int, slot: Int, input: FileDescriptor?,
        output: FileDescriptor, errors: FileDescriptor
    ) throws(Errno) -> pid_t
    /// News of a child that has exited or was stopped, and nil if there is none. An exited
    /// child stays a zombie and is reported again until it is reaped.
    ///
    /// - Parameter process: the child to ask about; nil for any.
    func childNews(of process: pid_t?) -> ChildNews?
    /// Takes away the zombie of a child that has exited. From here on its process ID may be
    /// anybody's.
    ///
    /// - Returns: what the child used.
    @discardableResult
    func reap(_ process: pid_t) -> ResourceUse
    /// Sends a signal to each process of a group whose leader is a child not yet reaped.
    func signal(_ number: Int32, toGroup leader: pid_t)
    /// Those of the groups, whose leaders are zombies, that have other members alive. If that
    /// cannot be found out, all of them.
    func groupsAlive(among leaders: [pid_t]) -> [pid_t]

    // MARK: Files

    /// A new file for reading and writing that has no name.
    func makeNamelessFile(in folder: Argument) throws(Errno) -> FileDescriptor
    /// pwrite(2) of all the bytes.
    func write(_ bytes: [UInt8], to file: FileDescriptor, at offset: Int) throws(Errno)
    /// pread(2) of so many bytes.
    func read(_ count: Int, from file: FileDescriptor, at offset: Int) throws(Errno) -> [UInt8]
    /// Gives back the room that a part of a file takes. It is a wish.
    func release(_ file: FileDescriptor, offset: Int, count: Int)
    /// Writes all the bytes to a file or pipe that may make pmap wait for a moment.
    ///
    /// - Throws: `Errno.interrupted` if a signal that ends pmap comes before the reader.
    func writeAll(_ bytes: [UInt8], to descriptor: FileDescriptor) throws(Errno)
    /// close(2), which is when some file systems first report a failed write.
    func closeFile(_ descriptor: FileDescriptor) throws(Errno)
    /// Puts a new file into the place of another one, which stays as it is if that fails.
    ///
    /// - Parameter write: writes the new file.
    func replaceFile(
        _ path: Argument, _ write: (FileDescriptor) throws(Errno) -> Void
    ) throws(Errno)
    /// The text of a small regular file.
    func contents(of path: Argument) throws(Errno) -> String
    /// Standard output, made ready for writes that do not wait.
    func openOutput() -> OutputFile
    /// Closes standard output, which is when some file systems first report a failed write.
    func closeOutput() throws(Errno)
    /// Writes to standard error. What cannot be written is dropped.
    func writeToStandardError(_ bytes: [UInt8])
    /// The CPUs that workers may really use.
    var cpuCount: Int { get }

    // MARK: The terminal

    /// The terminal that standard error is, and whether standard output is one too, as good as
    /// always the same; nil if it is none.
    var terminal: (type: Terminal, isShared: Bool)? { get }
    /// The columns of the terminal's window, 0 if it does not tell.
    var windowColumns: Int { get }
    /// Whether this process may write to the terminal as it likes.
    var isInForeground: Bool { get }

    // MARK: Memory and slots

    /// Makes sure that so many bytes can be allocated now.
    func requireMemory(_ bytes: Int) throws(Errno)
    /// Locks a pipe for this process, without waiting.
    ///
    /// - Returns: whether it did.
    func lock(_ descriptor: FileDescriptor) -> Bool
    func unlock(_ descriptor: FileDescriptor)
    /// Whether nobody has a pipe open for writing.
    func hasHungUp(_ descriptor: FileDescriptor) -> Bool
    /// Opens the writing end of the pipe whose reading end this is, whatever has become of its
    /// name. It may wait a little for descriptors or memory.
    func reopenForWriting(_ descriptor: FileDescriptor) -> FileDescriptor
}

/// The two ends of a pipe.
struct PipeEnds {
    let reading: FileDescriptor
    let writing: FileDescriptor
}

/// What became of a child process.
struct ChildNews {
    enum Event {
        /// It has exited: its status as wait(2) has it.
        case exited(waitStatus: Int32)
        case stopped(signal: Int32)
    }

    let process: pid_t
    let event: Event
}

/// What a process used: CPU time, and memory in KiB.
struct ResourceUse {
    var userTime = Duration.zero
    var systemTime = Duration.zero
    var maximumResidentSize = 0

    var cpuTime: Duration { userTime + systemTime }
}

/// Standard output and how it is written to without waiting for its reader.
struct OutputFile {
    enum Kind {
        /// An open file description of our own that is non-blocking. Others share the
        /// inherited one, so its flags are left alone.
        case reopened
        /// A file, whose writes take no longer than the disk does.
        case file
        /// If poll(2) says that there is room, PIPE_BUF bytes are sure to fit.
        case shared
    }

    let descriptor: FileDescriptor
    let kind: Kind
    /// Whether splice(2) may move bytes into it.
    let takesSplices: Bool
}
