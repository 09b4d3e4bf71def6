import Shared

/// The pipe through which this process serves a pool of slots, as a jobserver.
struct SlotServer: ~Copyable {
    /// What a pipe is sure to hold.
    static let mostSlots = 4096

    let address: JobserverAddress
    let slots: Int
    private let namedPipe: NamedPipe?
    /// Tells when a client may have left the named pipe. Where there is none, tokens that are
    /// lost stay lost.
    var watch: CloseWatch?

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
}

/// A client that serves the slots itself.
extension Jobserver {
    private static let newToken = UInt8(ascii: "+")

    /// Makes a pool of slots: a token for each but the first, on which runs what is told of
    /// it in the environment. As long as there is this client, a named pipe has a writer,
    /// for which make waits when it opens it.
    static func serving(
        _ slots: Int, _ form: JobserverForm, folder: Argument
    ) throws -> Jobserver {
        var server = try SlotServer(slots: slots, form: form, folder: folder)
        var client = try Jobserver(server.address)
        try client.put(Array(repeating: newToken, count: slots - 1))
        if form == .fifo { server.watch = try? CloseWatch(path: client.ownPath) }
        client.server = consume server
        return client
    }

    /// Names the pool to all that is started from now on.
    ///
    /// - Returns: its name.
    @discardableResult
    mutating func announce() throws(Errno) -> String {
        guard let address = server?.address, let slots = server?.slots else { return "" }
        let flags = unsafe getenv("MAKEFLAGS").map { unsafe Argument($0).bytes } ?? []
        try setVariable("MAKEFLAGS", to: makeFlags(flags, naming: address, slots: slots))
        return address.text
    }

    /// Readable when `replaceLostTokens` has something to do.
    var watchDescriptor: FileDescriptor? { mutating get { server?.watch?.descriptor } }

    /// Puts in new tokens for those that clients had when they were killed.
    ///
    /// Who has a token has the pipe open for writing, to give it back. This process does not
    /// for a moment: so where nobody has, and no token is left in the pipe, of which read(2)
    /// tells both in one step, all tokens are lost that this process itself has not taken.
    /// Else what was read goes back.
    mutating func replaceLostTokens() {
        guard let slots = server?.slots else { return }
        writing = nil
        server?.watch?.clear()  // What it tells from now on has not been seen yet.
        var found: [UInt8] = []
        if hasHungUp && drain(into: &found) {
            let wanted = max(slots - 1 - tokens.count, 0)
            found = Array(
                (found + Array(repeating: Self.newToken, count: wanted)).prefix(wanted))
        }
        writing = reopened()
        try? put(found)
    }

    private var hasHungUp: Bool {
        var request = pollfd(fd: descriptor.rawValue, events: 0, revents: 0)
        return unsafe poll(&request, 1, 0) == 1 && Int32(request.revents) & POLLHUP != 0
    }

    /// - Returns: whether the end was found: it is empty, and nobody has it open for writing.
    private func drain(into found: inout [UInt8]) -> Bool {
        var bytes = [UInt8](repeating: 0, count: SlotServer.mostSlots)
        while true {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                try? unsafe descriptor.read(into: buffer)
            }
            guard let count else { return false }
            if count == 0 { return true }
            found += bytes[..<count]
        }
    }

    /// It needs no more descriptors than were just closed, but the system may be short of
    /// files or memory for a while.
    private func reopened() -> OpenFile {
        while true {
            if let file = try? Self.opened(ownPath, O_WRONLY) { return file }
            usleep(10_000)
        }
    }

    /// The pipe, whatever has become of its name.
    private var ownPath: String { "/proc/self/fd/\(descriptor.rawValue)" }
}

/// setenv(3).
func setVariable(_ name: String, to value: [UInt8]) throws(Errno) {
    let result = unsafe (value + [0]).withUnsafeBytes { bytes in
        unsafe setenv(name, bytes.assumingMemoryBound(to: CChar.self).baseAddress!, 1)
    }
    if result == -1 { throw .last }
}
