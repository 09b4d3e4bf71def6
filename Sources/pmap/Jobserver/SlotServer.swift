import Shared

/// The pipe through which this process serves a pool of slots, as a jobserver.
struct SlotServer: ~Copyable {
    /// What a pipe is sure to hold.
    static let mostSlots = 4096

    let address: JobserverAddress
    let slots: Int
    private let namedPipe: NamedPipe?
    /// The folder of the named pipe, if there is one.
    let folder: String?
    /// Tells when a client may have left the named pipe. If there is none, tokens that are
    /// lost stay lost.
    private var watch: CloseWatch?
    /// Readable when a client may have left.
    private(set) var watchDescriptor: FileDescriptor?

    /// - Parameter folder: where a named pipe is made.
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

    /// Opens the pipe, and puts in a token for each slot but the first, on which runs what is
    /// told of the pool. A named pipe has a writer as long as this process has the other end
    /// open: make waits for one when it opens it.
    mutating func open() throws(Errno) -> SlotPipe {
        let pipe = try SlotPipe(address)
        try pipe.writing.descriptor.writeAll(Array(repeating: newToken, count: slots - 1))
        if namedPipe != nil {
            let path = "/proc/self/fd/\(pipe.reading.descriptor.rawValue)"
            watch = try? CloseWatch(path: path)
            watchDescriptor = watch?.descriptor
        }
        return pipe
    }

    /// Names the pool to all that is started from now on.
    func announce() throws(Errno) {
        let flags = unsafe getenv("MAKEFLAGS").map { unsafe bytesOfCString($0) } ?? []
        try setVariable("MAKEFLAGS", to: makeFlags(flags, naming: address, slots: slots))
    }

    /// Forgets which clients have left so far.
    mutating func clearWatch() { watch?.clear() }
}

/// A copy that is open in all that is started from now on, and in this process until it is
/// closed. Its number has two digits, since scripts use those of one digit.
func inheritedCopy(of descriptor: FileDescriptor) throws(Errno) -> Int32 {
    try retrying { fcntl(descriptor.rawValue, F_DUPFD, 10) }
}

/// What is put into the pipe for a slot.
let newToken = UInt8(ascii: "+")

/// setenv(3).
func setVariable(_ name: String, to value: [UInt8]) throws(Errno) {
    let result = unsafe (value + [0]).withUnsafeBytes { bytes in
        unsafe setenv(name, bytes.assumingMemoryBound(to: CChar.self).baseAddress!, 1)
    }
    if result == -1 { throw .last }
}
