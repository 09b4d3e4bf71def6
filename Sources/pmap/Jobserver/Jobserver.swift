import Shared

/// A client of a jobserver: a token for each worker but one, which runs on the slot that
/// the process itself was started on.
struct Jobserver: ~Copyable {
    /// Both opened anew: the flags of an inherited descriptor are shared with others, and
    /// a read that waits could take a token that came for nobody else.
    private let reading: OpenFile
    var writing: OpenFile?
    /// Whether that slot is one that maps which run side by side take turns on, the command
    /// of `--pool` having started them all on its own. A lock on the pipe says whose it is:
    /// no signal can end the process that has it and leave it taken.
    let sharesFirstSlot: Bool
    private var hasFirstSlot = false
    /// Each goes back as it came: it may mean something to the server.
    private(set) var tokens: [UInt8] = []
    /// Workers that run on slots which were lent meanwhile.
    private var lent = 0
    /// Where this process serves the slots itself.
    var server: SlotServer?

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

    static func opened(_ path: String, _ flags: Int32) throws(Errno) -> OpenFile {
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
