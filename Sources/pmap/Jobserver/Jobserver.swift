import Shared

/// An open pipe of slots, found by `joinJobserver` or made by `SlotServer`.
///
/// Both ends are opened anew. The flags of an inherited descriptor are shared with other
/// processes, so it must not be made non-blocking. A blocking read could wait, and take a token
/// after no worker needs it any more.
struct SlotPipe: ~Copyable {
    var reading: OpenFile
    var writing: OpenFile
    /// Whether maps that run side by side take turns on one slot, the slot of the `--pool` command
    /// that started them all.
    let sharesFirstSlot: Bool
    /// Set if this process serves the slots itself.
    var served: ServedSlots?

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

    /// If a makefile's recipe has no `+`, the numbers are closed or belong to other files.
    private static func checkPipe(_ reading: Int32, _ writing: Int32) throws(Errno) {
        guard let one = FileDescriptor(reading).status, let other = FileDescriptor(writing).status
        else { throw .badDescriptor }
        let isOnePipe = isPipe(one) && one.st_dev == other.st_dev && one.st_ino == other.st_ino
        if !isOnePipe { throw .invalid }
    }
}

/// Calls open(2) with close-on-exec for a path made at run time.
func openedFile(_ path: String, _ flags: Int32) throws(Errno) -> OpenFile {
    let number = try retrying { unsafe open(path, flags | O_CLOEXEC) }
    return OpenFile(owning: FileDescriptor(number))
}

private func isPipe(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFIFO }

/// The slots that a process serves itself.
struct ServedSlots {
    let count: Int
    /// Becomes readable when a client may have closed the pipe. Without it, lost tokens are not
    /// replaced.
    let watch: FileDescriptor?
}

/// A client of a jobserver. It takes a token for each worker except one, which uses the slot on
/// which this process was started.
struct Jobserver<S: TokenSystem>: ~Copyable {
    private let system: S
    private let reading: FileDescriptor
    /// nil only while lost tokens are replaced.
    private var writing: FileDescriptor?
    /// See `SlotPipe`. A process holds the shared slot while it has a lock on the pipe. The kernel
    /// drops the lock if a signal kills the process.
    let sharesFirstSlot: Bool
    private var hasFirstSlot = false
    /// Each token goes back unchanged, because its value may mean something to the server.
    private var tokens: [UInt8] = []
    /// Workers whose slots have been lent to another process.
    private var lent = 0
    /// Slots that were taken for workers and are not given back yet.
    private(set) var slotsTaken = 0
    private let served: ServedSlots?

    init(_ system: S, _ pipe: consuming SlotPipe) {
        self.init(
            system, reading: pipe.reading.release(), writing: pipe.writing.release(),
            sharesFirstSlot: pipe.sharesFirstSlot, served: pipe.served)
    }

    /// - Parameters:
    ///   - reading: the end from which tokens are taken; non-blocking.
    ///   - writing: the end to which they are returned.
    init(
        _ system: S, reading: FileDescriptor, writing: FileDescriptor, sharesFirstSlot: Bool,
        served: ServedSlots? = nil
    ) {
        self.system = system
        self.reading = reading
        self.writing = writing
        self.sharesFirstSlot = sharesFirstSlot
        self.served = served
    }

    /// Becomes readable when a client may have left the pool that this process serves.
    var clientWatch: FileDescriptor? { served?.watch }

    /// Becomes readable when there may be a token.
    var descriptor: FileDescriptor { reading }

    /// Takes a slot for a worker, without waiting.
    ///
    /// - Returns: whether a slot was free.
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

    /// Gives back the slot of a worker that has ended. The slot that needs no token is given back
    /// last.
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

    /// Puts tokens into the pipe. An error means that the pipe has no readers; then no process
    /// needs them.
    private func put(_ tokens: [UInt8]) {
        if let writing { try? system.writeAll(tokens, to: writing) }
    }

    /// Lends the slot of a running worker to another process, if there is such a slot.
    mutating func lend() {
        if !sharesFirstSlot || (tokens.isEmpty && !hasFirstSlot) { return }
        giveOne()
        lent += 1
    }

    /// Replaces the tokens of clients that were killed, if this process serves the slots.
    ///
    /// A process that has a token keeps the pipe open for writing, to give it back. This process
    /// closes its own writing end for a moment. If read(2) then finds the pipe empty and without
    /// writers, which it tells in one step, all tokens are lost except those that this process has.
    /// Otherwise the tokens that were read go back.
    mutating func replaceLostTokens() {
        guard let slots = served?.count else { return }
        if let writing { system.close(writing) }
        writing = nil
        // Clear the watch first, so that what it reports from now on is new.
        clearWatch()
        var found: [UInt8] = []
        if system.hasHungUp(reading) && drain(into: &found) {
            let wanted = max(slots - 1 - tokens.count, 0)
            found = Array(
                (found + Array(repeating: newToken, count: wanted)).prefix(wanted))
        }
        writing = system.reopenForWriting(reading)
        put(found)
    }

    /// Forgets the clients that have closed the pipe so far.
    private func clearWatch() {
        guard let watch = served?.watch else { return }
        var reports = [UInt8](repeating: 0, count: 4096)
        let system = self.system
        unsafe reports.withUnsafeMutableBytes { buffer in
            while let count = try? unsafe system.read(watch, into: buffer), count > 0 {}
        }
    }

    /// - Returns: whether it reached the end: the pipe is empty, and no process has it open for
    ///   writing.
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
        if let watch = served?.watch { system.close(watch) }
    }
}

/// Joins the jobserver named in the environment, unless `-j` sets the number of workers. Call it
/// before any file is opened, so that no such file is mistaken for the jobserver's.
///
/// - Parameter settings: changed to the jobserver's number of slots, or to one worker if the
///   jobserver cannot be used.
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

/// Whether this process was started by the command of a `--pool`, which may have started others
/// too. A process started by make or by another map has a slot of its own.
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
