import Shared

/// The pipe through which this process serves a pool of slots. It acts as a jobserver.
struct SlotServer: ~Copyable {
    /// The number of bytes that any pipe holds.
    static let mostSlots = 4096

    let address: JobserverAddress
    let slots: Int
    private let namedPipe: NamedPipe?
    /// The folder of the named pipe, if there is one.
    let folder: String?

    /// - Parameter folder: the folder in which a named pipe is made.
    init(slots: Int, form: JobserverForm, folder: Argument) throws {
        if slots > Self.mostSlots {
            throw UsageError("-j gives \(slots) slots", "a pool has at most \(Self.mostSlots)")
        }
        removeAbandonedPipes(in: folder)
        let address: JobserverAddress
        var namedPipe: NamedPipe?
        var pipeFolder: String?
        switch form {
        case .fifo:
            let pipe = try NamedPipe(in: folder)
            address = .fifo(path: pipe.path)
            pipeFolder = pipe.folder
            namedPipe = consume pipe
        case .pipe:
            let pipe = try Pipe()
            address = .pipe(
                reading: try inheritedCopy(of: pipe.reading.descriptor),
                writing: try inheritedCopy(of: pipe.writing.descriptor))
        }
        self.slots = slots
        self.address = address
        self.folder = pipeFolder
        self.namedPipe = consume namedPipe
    }

    /// Opens the pipe, and puts in a token for each slot except the first, on which the processes
    /// run that are told of the pool. make waits for a writer when it opens a named pipe; this
    /// process keeps the writing end open, so there is one.
    func open() throws(Errno) -> SlotPipe {
        var pipe = try SlotPipe(address)
        try pipe.writing.descriptor.writeAll(Array(repeating: newToken, count: slots - 1))
        var watch: FileDescriptor?
        if namedPipe != nil {
            let path = "/proc/self/fd/\(pipe.reading.descriptor.rawValue)"
            watch = (try? watchCloses(of: path))?.release()
        }
        pipe.served = ServedSlots(count: slots, watch: watch)
        return pipe
    }

    /// Names the pool in the environment of all processes started from now on.
    func announce() throws(Errno) {
        let flags = unsafe getenv("MAKEFLAGS").map { unsafe bytesOfCString($0) } ?? []
        try setVariable("MAKEFLAGS", to: makeFlags(flags, naming: address, slots: slots))
    }
}

/// Returns a copy that all processes started from now on inherit, until this process closes it. Its
/// number has at least two digits, because scripts use those with one digit.
func inheritedCopy(of descriptor: FileDescriptor) throws(Errno) -> Int32 {
    try retrying { fcntl(descriptor.rawValue, F_DUPFD, 10) }
}

/// The byte put into the pipe for a slot.
let newToken = UInt8(ascii: "+")

/// setenv(3).
func setVariable(_ name: String, to value: [UInt8]) throws(Errno) {
    let result = unsafe (value + [0]).withUnsafeBytes { bytes in
        unsafe setenv(name, bytes.assumingMemoryBound(to: CChar.self).baseAddress!, 1)
    }
    if result == -1 { throw .last }
}
