import Shared

/// How a jobserver is reached: what `--jobserver-auth=` says in MAKEFLAGS
/// (GNU make manual, "POSIX Jobserver Interaction").
enum JobserverAddress: Equatable {
    /// The two ends of an inherited pipe; a negative number means that there is none.
    case pipe(reading: Int32, writing: Int32)
    case fifo(path: String)
}

/// What MAKEFLAGS says of a jobserver.
struct JobserverFlags: Equatable {
    let address: JobserverAddress
    /// The slots it serves, where `-jN` tells.
    let slots: Int?

    /// - Returns: nil where there is no jobserver.
    init?(makeFlags: String) {
        var address: JobserverAddress?
        var slots: Int?
        for word in makeFlags.split(separator: " ") {
            if word == "--" { break }  // Variables follow.
            for name in ["--jobserver-auth=", "--jobserver-fds="] where word.hasPrefix(name) {
                address = JobserverAddress(word.dropFirst(name.count))  // The last one counts.
            }
            if word.hasPrefix("-j") { slots = parseCount(String(word.dropFirst(2)), minimum: 1) }
        }
        guard let address else { return nil }
        self.address = address
        self.slots = slots
    }
}

extension JobserverAddress {
    /// What cannot be read is a pipe that is not there.
    init(_ text: some StringProtocol) {
        if text.hasPrefix("fifo:") {
            self = .fifo(path: String(text.dropFirst(5)))
            return
        }
        let numbers = text.split(separator: ",").map { Int32($0) ?? -1 }
        self =
            numbers.count == 2
            ? .pipe(reading: numbers[0], writing: numbers[1]) : .pipe(reading: -1, writing: -1)
    }
}

/// A client of a jobserver: a token for each worker but one, which runs on the slot that
/// the process itself was started on.
struct Jobserver: ~Copyable {
    /// Both opened anew: the flags of an inherited descriptor are shared with others, and
    /// a read that waits could take a token that came for nobody else.
    private let reading: OpenFile
    private let writing: OpenFile
    private var slotsTaken = 0
    /// Each goes back as it came: it may mean something to the server.
    private var tokens: [UInt8] = []

    init(_ address: JobserverAddress) throws(Errno) {
        let paths: (reading: String, writing: String)
        switch address {
        case .fifo(let path): paths = (path, path)
        case .pipe(let reading, let writing):
            try Self.checkPipe(reading, writing)
            paths = ("/proc/self/fd/\(reading)", "/proc/self/fd/\(writing)")
        }
        let reading = try Self.opened(paths.reading, O_RDONLY | O_NONBLOCK)
        guard let status = reading.descriptor.status, isPipe(status) else { throw .invalid }
        writing = try Self.opened(paths.writing, O_WRONLY)
        self.reading = consume reading
    }

    /// Where the recipe of a makefile has no `+`, the numbers are closed or something else.
    private static func checkPipe(_ reading: Int32, _ writing: Int32) throws(Errno) {
        guard let one = FileDescriptor(reading).status, let other = FileDescriptor(writing).status
        else { throw .badDescriptor }
        let isOnePipe = isPipe(one) && one.st_dev == other.st_dev && one.st_ino == other.st_ino
        if !isOnePipe { throw .invalid }
    }

    private static func opened(_ path: String, _ flags: Int32) throws(Errno) -> OpenFile {
        let number = try retrying { unsafe open(path, flags | O_CLOEXEC) }
        return OpenFile(owning: FileDescriptor(number))
    }

    /// Readable when there may be a token.
    var descriptor: FileDescriptor { reading.descriptor }

    /// Takes a slot for a worker, without waiting.
    ///
    /// - Returns: whether there was one.
    mutating func take() -> Bool {
        if slotsTaken > 0 {
            var token: UInt8 = 0
            let count = unsafe withUnsafeMutableBytes(of: &token) { byte in
                (try? unsafe descriptor.read(into: byte)) ?? 0
            }
            if count == 0 { return false }
            tokens.append(token)
        }
        slotsTaken += 1
        return true
    }

    /// Gives a slot back; the one that needs no token is kept until the last.
    mutating func give() {
        slotsTaken -= 1
        // Without readers there is nobody who could miss it.
        if let token = tokens.popLast() { try? writing.descriptor.writeAll([token]) }
    }
}

private func isPipe(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFIFO }

/// Joins the jobserver that the environment tells of, unless `-j` says how many workers
/// there are. To be called before any file is opened, lest it be taken for the jobserver's.
///
/// - Parameter settings: get the number of its slots, or one worker where it cannot be used.
func joinJobserver(_ settings: inout Settings, messages: Messages) -> Jobserver? {
    guard settings.joinsJobserver, !settings.isDryRun, let text = unsafe getenv("MAKEFLAGS"),
        let flags = unsafe JobserverFlags(makeFlags: String(cString: text))
    else { return nil }
    do {
        let jobserver = try Jobserver(flags.address)
        if let slots = flags.slots { settings.workers = .exactly(slots) }
        return jobserver
    } catch {
        settings.workers = .exactly(1)
        switch flags.address {
        case .pipe: messages.say("jobserver unavailable", "using -j1; add '+' to the make rule")
        case .fifo(let path): messages.say("jobserver \(path)", "\(error.reason); using -j1")
        }
        return nil
    }
}
