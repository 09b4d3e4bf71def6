import Shared

/// A pool of slots that this process serves as a jobserver: a pipe with a token in it for
/// each slot but the first, on which runs what is started with this environment.
struct SlotServer: ~Copyable {
    /// What a pipe is sure to hold.
    static let mostSlots = 4096

    let address: JobserverAddress
    let slots: Int
    private let namedPipe: NamedPipe?
    /// Tells when a client may have left the named pipe. Where there is none, tokens that are
    /// lost stay lost.
    private var watch: CloseWatch?

    /// - Parameter folder: where a named pipe is made.
    init(slots: Int, form: JobserverForm, folder: Argument) throws {
        if slots > Self.mostSlots {
            throw UsageError("-j gives \(slots) slots", "a pool has at most \(Self.mostSlots)")
        }
        let address: JobserverAddress
        var namedPipe: NamedPipe?
        switch form {
        case .fifo:
            let pipe = try NamedPipe(in: folder)
            address = .fifo(path: pipe.path)
            namedPipe = consume pipe
        case .pipe:
            let pipe = try Pipe()
            address = .pipe(
                reading: try Self.inheritedCopy(of: pipe.reading.descriptor),
                writing: try Self.inheritedCopy(of: pipe.writing.descriptor))
        }
        self.slots = slots
        self.address = address
        self.namedPipe = consume namedPipe
    }

    /// Open in all that is started from now on, and in this process to its end. Scripts use
    /// the numbers of one digit.
    private static func inheritedCopy(of descriptor: FileDescriptor) throws(Errno) -> Int32 {
        try retrying { fcntl(descriptor.rawValue, F_DUPFD, 10) }
    }

    /// Joins it as its first client and puts the tokens in.
    ///
    /// As long as there is this one, a named pipe has a writer, for which make waits when it
    /// opens it.
    mutating func opened() throws(Errno) -> Jobserver {
        var client = try Jobserver(address)
        try client.put(Array(repeating: Jobserver.newToken, count: slots - 1))
        if namedPipe != nil { watch = try? CloseWatch(path: client.ownPath) }
        return client
    }

    /// Readable when `replaceLostTokens` has something to do.
    var watchDescriptor: FileDescriptor? { mutating get { watch?.descriptor } }

    /// - Parameter client: what `opened` gave.
    mutating func replaceLostTokens(_ client: inout Jobserver) {
        client.stopWriting()
        // What is told from now on has not been seen yet.
        watch?.clear()
        client.replaceLost(of: slots)
    }

    /// Names it to all that is started from now on.
    func announce() throws(Errno) {
        let flags = unsafe getenv("MAKEFLAGS").map { unsafe Argument($0).bytes } ?? []
        let named = makeFlags(flags, naming: address, slots: slots)
        try setVariable("MAKEFLAGS", to: named)
    }
}

/// setenv(3).
func setVariable(_ name: String, to value: [UInt8]) throws(Errno) {
    let result = unsafe (value + [0]).withUnsafeBytes { bytes in
        unsafe setenv(name, bytes.assumingMemoryBound(to: CChar.self).baseAddress!, 1)
    }
    if result == -1 { throw .last }
}
