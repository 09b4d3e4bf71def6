import Shared

/// A client of a jobserver: a token for each worker but one, which runs on the slot that
/// the process itself was started on.
struct Jobserver: ~Copyable {
    /// Both opened anew: the flags of an inherited descriptor are shared with others, and
    /// a read that waits could take a token that came for nobody else.
    private let reading: OpenFile
    private var writing: OpenFile?
    /// Whether that slot is one that maps which run side by side take turns on, the command
    /// of `--pool` having started them all on its own. A lock on the pipe says whose it is:
    /// no signal can end the process that has it and leave it taken.
    let sharesFirstSlot: Bool
    private var hasFirstSlot = false
    /// Each goes back as it came: it may mean something to the server.
    private var tokens: [UInt8] = []
    /// Workers that run on slots which were lent meanwhile.
    private var lent = 0

    init(_ address: JobserverAddress, sharesFirstSlot: Bool = false) throws(Errno) {
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
        self.sharesFirstSlot = sharesFirstSlot
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

    /// Whether the slot that it was started on may become free without a word.
    var mayGetFirstSlot: Bool { sharesFirstSlot && !hasFirstSlot }

    /// Takes a slot for a worker, without waiting.
    ///
    /// - Returns: whether there was one.
    mutating func take() -> Bool {
        while lent > 0 {
            if !takeOne() { return false }
            lent -= 1
        }
        return takeOne()
    }

    private mutating func takeOne() -> Bool {
        if !hasFirstSlot && lockFirstSlot() {
            hasFirstSlot = true
            return true
        }
        var token: UInt8 = 0
        let count = unsafe withUnsafeMutableBytes(of: &token) { byte in
            (try? unsafe descriptor.read(into: byte)) ?? 0
        }
        if count == 0 { return false }
        tokens.append(token)
        return true
    }

    private func lockFirstSlot() -> Bool {
        !sharesFirstSlot || flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0
    }

    /// Gives back the slot of a worker that has ended; the one that needs no token is kept
    /// until the last.
    mutating func give() {
        if lent > 0 {
            lent -= 1
        } else {
            giveOne()
        }
    }

    private mutating func giveOne() {
        if let token = tokens.popLast() {
            // Without readers there is nobody who could miss it.
            try? put([token])
        } else {
            hasFirstSlot = false
            if sharesFirstSlot { _ = flock(descriptor.rawValue, LOCK_UN) }
        }
    }

    mutating func put(_ tokens: [UInt8]) throws(Errno) {
        if let descriptor = writing?.descriptor { try descriptor.writeAll(tokens) }
    }

    /// Lets another have a slot whose worker goes on, if there is one.
    mutating func lend() {
        if !sharesFirstSlot || (tokens.isEmpty && !hasFirstSlot) { return }
        giveOne()
        lent += 1
    }
}

// MARK: Lost tokens

extension Jobserver {
    static let newToken = UInt8(ascii: "+")

    /// Has the pipe no longer open for writing, until `replaceLost`.
    mutating func stopWriting() { writing = nil }

    /// Puts in new tokens for those that clients had when they were killed. For the process
    /// that serves them, through a named pipe.
    ///
    /// Who has a token has the pipe open for writing, to give it back. This process does not
    /// for a moment: so where nobody has, and no token is left in the pipe, of which read(2)
    /// tells both in one step, all tokens are lost that this process itself has not taken.
    /// Else what was read goes back.
    mutating func replaceLost(of slots: Int) {
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
    var ownPath: String { "/proc/self/fd/\(descriptor.rawValue)" }
}

private func isPipe(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFIFO }

/// Joins the jobserver that the environment tells of, unless `-j` says how many workers
/// there are. To be called before any file is opened, lest it be taken for the jobserver's.
///
/// - Parameter settings: get the number of its slots, or one worker where it cannot be used.
func joinJobserver(_ settings: inout Settings, messages: Messages) -> Jobserver? {
    guard settings.joinsJobserver, !settings.isDryRun, let text = variable("MAKEFLAGS"),
        let flags = JobserverFlags(makeFlags: text)
    else { return nil }
    do {
        let jobserver = try Jobserver(
            flags.address, sharesFirstSlot: isBesideOthers(below: flags.address))
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

/// Whether the command of a `--pool` has started this process, and maybe others beside it.
/// What make or another map starts has a slot of its own.
private func isBesideOthers(below address: JobserverAddress) -> Bool {
    guard let pool = variable("PMAP_POOL"), JobserverAddress(pool) == address else {
        return false
    }
    return variable("MAKELEVEL") == nil && variable("PMAP_SLOT") == nil
}

private func variable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}
