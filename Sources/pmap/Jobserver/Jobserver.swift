import Shared

/// A pipe of slots, opened: what `joinJobserver` finds, or `SlotServer` makes.
///
/// Both ends are opened anew. The flags of an inherited descriptor are shared with others, and
/// a read that waits could take a token that came for nobody else.
struct SlotPipe: ~Copyable {
    var reading: OpenFile
    var writing: OpenFile
    /// Whether maps that run side by side take turns on the slot that each was started on,
    /// since the command of `--pool` has started them all on its own.
    let sharesFirstSlot: Bool

    init(_ address: JobserverAddress, sharesFirstSlot: Bool = false) throws(Errno) {
        let paths: (reading: String, writing: String)
        switch address {
        case .fifo(let path): paths = (path, path)
        case .pipe(let reading, let writing):
            try Self.checkPipe(reading, writing)
            paths = ("/proc/self/fd/\(reading)", "/proc/self/fd/\(writing)")
        }
        let reading = try openedFile(paths.reading, O_RDONLY | O_NONBLOCK)
        guard let status = reading.descriptor.status, isPipe(status) else { throw .invalid }
        writing = try openedFile(paths.writing, O_WRONLY)
        self.reading = consume reading
        self.sharesFirstSlot = sharesFirstSlot
    }

    /// If the recipe of a makefile has no `+`, the numbers are closed or something else.
    private static func checkPipe(_ reading: Int32, _ writing: Int32) throws(Errno) {
        guard let one = FileDescriptor(reading).status, let other = FileDescriptor(writing).status
        else { throw .badDescriptor }
        let isOnePipe = isPipe(one) && one.st_dev == other.st_dev && one.st_ino == other.st_ino
        if !isOnePipe { throw .invalid }
    }
}

/// open(2), close-on-exec, of a path made at run time.
func openedFile(_ path: String, _ flags: Int32) throws(Errno) -> OpenFile {
    let number = try retrying { unsafe open(path, flags | O_CLOEXEC) }
    return OpenFile(owning: FileDescriptor(number))
}

private func isPipe(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFIFO }

/// A client of a jobserver: it takes a token for each worker but one, which runs on the slot
/// that the process itself was started on.
struct Jobserver<S: System>: ~Copyable {
    private let system: S
    private let reading: FileDescriptor
    /// nil for a moment while lost tokens are replaced.
    private var writing: FileDescriptor?
    /// See `SlotPipe`. A lock on the pipe says whose turn it is: no signal can end the process
    /// that has it and leave it taken.
    let sharesFirstSlot: Bool
    private var hasFirstSlot = false
    /// Each goes back as it came: it may mean something to the server.
    private var tokens: [UInt8] = []
    /// Workers that run on slots which were lent meanwhile.
    private var lent = 0
    /// Slots that were taken for workers and not given back.
    private(set) var slotsTaken = 0

    init(_ system: S, _ pipe: consuming SlotPipe) {
        self.init(
            system, reading: pipe.reading.release(), writing: pipe.writing.release(),
            sharesFirstSlot: pipe.sharesFirstSlot)
    }

    /// - Parameters:
    ///   - reading: the end that tokens are taken from, non-blocking.
    ///   - writing: the end that they go back to.
    init(
        _ system: S, reading: FileDescriptor, writing: FileDescriptor, sharesFirstSlot: Bool
    ) {
        self.system = system
        self.reading = reading
        self.writing = writing
        self.sharesFirstSlot = sharesFirstSlot
    }

    /// Readable when there may be a token.
    var descriptor: FileDescriptor { reading }

    /// Takes a slot for a worker, without waiting.
    ///
    /// - Returns: whether there was one.
    mutating func take() -> Bool {
        while lent > 0 {
            if !takeOne() { return false }
            lent -= 1
        }
        if !takeOne() { return false }
        slotsTaken += 1
        return true
    }

    private mutating func takeOne() -> Bool {
        if !hasFirstSlot && lockFirstSlot() {
            hasFirstSlot = true
            return true
        }
        var token: UInt8 = 0
        let count = unsafe withUnsafeMutableBytes(of: &token) { byte in
            (try? unsafe system.read(reading, into: byte)) ?? 0
        }
        if count == 0 { return false }
        tokens.append(token)
        return true
    }

    private func lockFirstSlot() -> Bool { !sharesFirstSlot || system.lock(reading) }

    /// Gives back the slot of a worker that has ended. The slot that needs no token is kept
    /// until the last.
    mutating func give() {
        if slotsTaken == 0 { wrongState("a slot is given back twice") }
        slotsTaken -= 1
        if lent > 0 {
            lent -= 1
        } else {
            giveOne()
        }
    }

    private mutating func giveOne() {
        if let token = tokens.popLast() {
            put([token])
        } else {
            hasFirstSlot = false
            if sharesFirstSlot { system.unlock(reading) }
        }
    }

    /// Puts tokens into the pipe. If it has no readers, nobody can miss them.
    private func put(_ tokens: [UInt8]) {
        if let writing { try? system.writeAll(tokens, to: writing) }
    }

    /// Lets another process have a slot whose worker goes on, if there is one.
    mutating func lend() {
        if !sharesFirstSlot || (tokens.isEmpty && !hasFirstSlot) { return }
        giveOne()
        lent += 1
    }

    /// Closes the end that tokens go back to, until `replaceLostTokens` opens it again.
    mutating func stopWriting() {
        if let writing { system.close(writing) }
        writing = nil
    }

    /// Puts in new tokens for those that clients had when they were killed; `stopWriting`
    /// comes first.
    ///
    /// A process that has a token has the pipe open for writing, to give it back. This process
    /// does not for a moment. So if nobody has, and no token is left in the pipe, of which
    /// read(2) tells both in one step, then all tokens are lost that this process itself has
    /// not taken. Otherwise what was read goes back.
    ///
    /// - Parameter slots: of the pool that this process serves.
    mutating func replaceLostTokens(slots: Int) {
        var found: [UInt8] = []
        if system.hasHungUp(reading) && drain(into: &found) {
            let wanted = max(slots - 1 - tokens.count, 0)
            found = Array(
                (found + Array(repeating: newToken, count: wanted)).prefix(wanted))
        }
        writing = system.reopenForWriting(reading)
        put(found)
    }

    /// - Returns: whether the end was found: it is empty, and nobody has it open for writing.
    private func drain(into found: inout [UInt8]) -> Bool {
        var bytes = [UInt8](repeating: 0, count: SlotServer.mostSlots)
        while true {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                try? unsafe system.read(reading, into: buffer)
            }
            guard let count else { return false }
            if count == 0 { return true }
            found += bytes[..<count]
        }
    }

    deinit {
        system.close(reading)
        if let writing { system.close(writing) }
    }
}

/// Joins the jobserver that the environment names, unless `-j` says how many workers there
/// are. It must be called before any file is opened, so that none can be taken for the
/// jobserver's.
///
/// - Parameter settings: get the number of its slots, or one worker if it cannot be used.
func joinJobserver(_ settings: inout Settings, messages: Messages) -> SlotPipe? {
    guard settings.joinsJobserver, !settings.isDryRun, let text = variable("MAKEFLAGS"),
        let flags = JobserverFlags(makeFlags: text)
    else { return nil }
    do {
        let pipe = try SlotPipe(
            flags.address, sharesFirstSlot: isBesideOthers(below: flags.address))
        if let slots = flags.slots { settings.workers = .exactly(slots) }
        return pipe
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

/// The value of an environment variable.
func variable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}
