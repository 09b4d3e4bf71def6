import Shared

/// The slots that pmap shares with other programs: a pipe with a token for each of them but the first,
/// and the lock on it, which stands for the first one if that is shared too.
final class SharedSlots {
    private unowned let kernel: SimulatedKernel
    private var pipe = SimulatedPipe(capacity: 4096)
    let tokens: Int
    /// The tokens that each client has taken and not given back.
    private var held: [ObjectIdentifier: [UInt8]] = [:]
    /// Tokens of clients that were killed.
    private(set) var lost = 0
    private var owner: ObjectIdentifier?
    /// The tokens of the server while it looks for lost ones. It keeps these; what it gives beyond
    /// those that it found is new, although it may look like one that it has.
    private var keptByServer: Int?
    /// Whether a client has closed the pipe since the server asked last.
    private(set) var hasReport = false

    init(_ kernel: SimulatedKernel, tokens: Int) {
        self.kernel = kernel
        self.tokens = tokens
        pipe.append((0..<tokens).map { UInt8(ascii: "A") + UInt8($0) })
    }

    var free: Int { pipe.count }
    /// The processes that have the pipe open for writing.
    var writers: Int { pipe.writers }
    var isReadable: Bool { free > 0 || writers == 0 }

    func open() { pipe.writers += 1 }

    func close(_ client: AnyObject, serves: Bool) {
        pipe.writers -= 1
        hasReport = true
        if serves { keptByServer = tokens(of: client) }
    }

    func takeReport() -> Bool {
        defer { hasReport = false }
        return hasReport
    }

    func tokens(of client: AnyObject) -> Int { held[ObjectIdentifier(client)]?.count ?? 0 }
    func hasFirst(_ client: AnyObject) -> Bool { owner == ObjectIdentifier(client) }

    /// Reads tokens, as read(2) does without blocking.
    func take(_ buffer: UnsafeMutableRawBufferPointer, _ client: AnyObject) throws(Errno) -> Int {
        if free == 0 {
            if writers == 0 { return 0 }
            throw .wouldBlock
        }
        let taken = pipe.take(min(free, buffer.count))
        unsafe buffer.copyBytes(from: taken)
        held[ObjectIdentifier(client), default: []] += taken
        return taken.count
    }

    /// - Parameter serves: whether the client may make new tokens for those that are lost.
    func give(_ bytes: [UInt8], _ client: AnyObject, serves: Bool) {
        let kept = serves ? keptByServer ?? 0 : 0
        if serves { keptByServer = nil }
        for byte in bytes {
            if tokens(of: client) > kept,
                let place = held[ObjectIdentifier(client)]?.firstIndex(of: byte)
            {
                held[ObjectIdentifier(client)]!.remove(at: place)
            } else if serves, byte == newToken, lost > 0 {
                kernel.story("a lost token is replaced")
                lost -= 1
            } else {
                kernel.fail("a token is given back that was not taken")
            }
        }
        pipe.append(bytes)
    }

    func lock(_ client: AnyObject) -> Bool {
        if owner != nil && !hasFirst(client) { return false }
        owner = ObjectIdentifier(client)
        return true
    }

    func unlock(_ client: AnyObject) {
        if !hasFirst(client) { kernel.fail("a slot is given back that another program has") }
        owner = nil
    }

    /// A client is gone.
    func forget(_ client: AnyObject) {
        if hasFirst(client) { owner = nil }
        lost += held.removeValue(forKey: ObjectIdentifier(client))?.count ?? 0
    }
}

/// Another program that uses or serves the slots, with the code of pmap's own client. It does
/// each thing at once: nobody else acts meanwhile.
final class SlotClient: TokenSystem {
    private unowned let kernel: SimulatedKernel
    private let slots: SharedSlots
    private let sharesFirstSlot: Bool
    private let serves: Bool
    /// What it still does before it ends.
    private var stepsLeft: Int
    private let isKilled: Bool
    private var jobserver: Jobserver<SlotClient>?

    /// A client that takes and gives slots.
    init(_ kernel: SimulatedKernel, _ slots: SharedSlots, steps: Int, isKilled: Bool) {
        self.kernel = kernel
        self.slots = slots
        self.isKilled = isKilled
        sharesFirstSlot = kernel.plan.sharesFirstSlot
        serves = false
        stepsLeft = steps
    }

    /// The server.
    init(_ kernel: SimulatedKernel, serving slots: SharedSlots) {
        self.kernel = kernel
        self.slots = slots
        isKilled = false
        sharesFirstSlot = false
        serves = true
        stepsLeft = 0
        begin()
    }

    private func begin() {
        slots.open()
        jobserver = Jobserver(
            self, reading: Self.reading, writing: Self.writing, sharesFirstSlot: sharesFirstSlot,
            served: serves ? ServedSlots(count: slots.tokens + 1, watch: Self.watch) : nil)
    }

    private static let reading = FileDescriptor(0)
    private static let writing = FileDescriptor(1)
    private static let watch = FileDescriptor(2)

    /// Whether the server has something to do.
    var isAsked: Bool { slots.hasReport }

    func replaceLostTokens() { jobserver?.replaceLostTokens() }

    /// Takes, gives back or lends a slot.
    ///
    /// - Returns: false if that was the last thing it does.
    func useSlots(_ random: inout Random) -> Bool {
        if jobserver == nil { begin() }
        stepsLeft -= 1
        if stepsLeft <= 0 {
            if isKilled {
                kernel.story("a client of the jobserver is killed")
            } else {
                while jobserver?.slotsTaken ?? 0 > 0 { jobserver?.give() }
                if slots.tokens(of: self) > 0 { kernel.fail("another map keeps a token") }
            }
            end()
            return false
        }
        switch random.int(0...5) {
        case 0...2: _ = jobserver?.take()
        case 3...4: if jobserver?.slotsTaken ?? 0 > 0 { jobserver?.give() }
        default: jobserver?.lend()
        }
        return true
    }

    func end() {
        jobserver = nil
        slots.forget(self)
    }

    // MARK: The system

    var now: Duration { kernel.now }

    func close(_ descriptor: FileDescriptor) {
        if descriptor == Self.writing { slots.close(self, serves: serves) }
    }

    func stopWatching(_ descriptor: FileDescriptor) {}

    func read(
        _ descriptor: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        if descriptor == Self.watch {
            if slots.takeReport() { return 1 }
            throw .wouldBlock
        }
        return try unsafe slots.take(buffer, self)
    }

    func writeAll(_ bytes: [UInt8], to descriptor: FileDescriptor) throws(Errno) {
        slots.give(bytes, self, serves: serves)
    }

    func lock(_ descriptor: FileDescriptor) -> Bool { slots.lock(self) }
    func unlock(_ descriptor: FileDescriptor) { slots.unlock(self) }
    func unreadBytes(in pipe: FileDescriptor) -> Int { slots.free }
    func hasHungUp(_ descriptor: FileDescriptor) -> Bool { slots.writers == 0 }

    func reopenForWriting(_ descriptor: FileDescriptor) -> FileDescriptor {
        slots.open()
        return Self.writing
    }
}
