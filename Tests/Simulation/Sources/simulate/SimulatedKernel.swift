import Shared

/// A machine that exists in memory: a clock, processes that are small scripts, pipes with the
/// kernel's rules, a reader of standard output, strangers in the same space of process IDs,
/// and faults. Time passes while pmap waits, and a little in each call.
final class SimulatedKernel: System {
    let plan: Plan
    private var random: Random
    /// Microseconds since the start.
    private(set) var clock = 0
    private var calls = 0
    private var nextEvent = 0
    /// How often each call that may fail was made.
    private var faultCounts: [String: Int] = [:]

    // The world.
    private(set) var processes: [Process] = []
    private var lastProcessID: pid_t = 2
    private(set) var pipes: [SimulatedPipe] = []
    private(set) var attempts: [Attempt] = []
    private(set) var delivered: [UInt8] = []
    private var feederIsDone = false
    /// Where the input is read next.
    private(set) var inputRead = 0
    /// The items that were read into pmap's memory, and whether it has seen the end of them.
    private(set) var itemsRead: [UInt8] = []
    private(set) var hasReadAllItems = false
    /// The input as it was at the start, and as it is now.
    let input: [UInt8]
    private(set) var inputNow: [UInt8]
    private var hasAskedSize = false
    /// Whether the input had grown when pmap still had to look for its end.
    private(set) var grewBeforeEnd = false
    private(set) var slots: SharedSlots?
    private var poolServer: SlotClient?
    private(set) var poolEnd: Plan.PoolEnd?

    // pmap.
    private(set) var descriptors: [Int32: Handle] = [:]
    private var watched: [(descriptor: Int32, interest: Poller.Interest, token: UInt64)] = []
    private var signals: [Int32] = []
    private(set) var sentToPmap: [Int32] = []
    private(set) var messages: [UInt8] = []
    private(set) var log: [UInt8] = []
    private(set) var failed: [UInt8] = []
    private var replacement: [UInt8] = []
    private var fileBytes: [Int32: [UInt8]] = [:]
    /// How many of a file's first bytes were sent to standard output without a copy.
    private var sharedBytes: [Int32: Int] = [:]
    private(set) var faultsHit: Set<String> = []
    /// Bytes of workers' output that were read, minus those that were written or are in the
    /// file: what pmap must have in memory, unless it dropped some.
    private var bytesInMemory = 0
    private(set) var mostBytesInMemory = 0
    private var callsSinceWait = 0
    private var waitsWithoutTime = 0
    /// Whether pmap knows of something that ends it.
    private var knowsEnd = false

    enum Handle: Equatable {
        case items, output, signals, log, failed, replacement, file
        case tokensReading, tokensWriting, closeWatch, poolWatch
        case pipeRead(Int)
        case pipeWrite(Int)
    }

    static let items = FileDescriptor(0)
    static let outputDescriptor = FileDescriptor(1)
    static let signals = FileDescriptor(3)
    static let log = FileDescriptor(4)
    static let failed = FileDescriptor(5)
    static let tokensReading = FileDescriptor(6)
    static let tokensWriting = FileDescriptor(7)
    static let closeWatch = FileDescriptor(8)
    static let poolWatch = FileDescriptor(9)

    /// The input as pmap has opened it.
    var inputFile: InputFile {
        let extent = InputFile.Extent(start: 0, end: input.count, changed: .seconds(1))
        return InputFile(
            descriptor: Self.items, name: "standard input",
            extent: plan.inputIsFile ? extent : nil, isLarge: true,
            isPipe: plan.blockPipeSize != nil, leastRange: plan.leastRange,
            pipeSize: plan.blockPipeSize ?? 0)
    }

    private let outputPipe: Int
    private let itemsPipe: Int

    init(_ plan: Plan) {
        self.plan = plan
        random = Random(seed: plan.seed, stream: 2000)
        var text = Array((0..<plan.itemCount).map { plan.item($0) + "\n" }.joined().utf8)
        if plan.lacksNewline { text = text.dropLast() }
        input = text
        inputNow = text
        outputPipe = 0
        itemsPipe = 1
        pipes = [
            SimulatedPipe(capacity: plan.pipeCapacity), SimulatedPipe(capacity: plan.pipeCapacity),
        ]
        descriptors[0] = .items
        descriptors[1] = .output
        descriptors[3] = .signals
        if !plan.outputIsNothing { descriptors[4] = .log }
        if plan.listsFailed { descriptors[5] = .failed }
        startOthers()
    }

    /// The processes around pmap.
    private func startOthers() {
        if !plan.outputIsFile {
            pipes[outputPipe].writers = 1
            pipes[outputPipe].readers = 1
            add(
                Process(
                    id: 0, group: 0, isWorker: false, isStranger: false, script: [.consume], wake: 0
                ))
        }
        if !plan.inputIsFile {
            pipes[itemsPipe].writers = 1
            var script: [Process.Step] = []
            var rest = input[...]
            while !rest.isEmpty {
                let piece = rest.prefix(random.int(1...20))
                script += [.write(1, Array(piece)), .pause(random.int(0...plan.feedPause))]
                rest = rest.dropFirst(piece.count)
            }
            let feeder = Process(
                id: 0, group: 0, isWorker: false, isStranger: false, script: script, wake: 0)
            feeder.pipes[1] = itemsPipe
            add(feeder)
        }
        if let tokens = plan.tokens { share(SharedSlots(self, tokens: tokens)) }
        if plan.strangers { for _ in 0..<4 { addStranger() } }
    }

    /// pmap has the pipe open, and so does whoever serves it.
    private func share(_ slots: SharedSlots) {
        self.slots = slots
        slots.open()
        descriptors[Self.tokensReading.rawValue] = .tokensReading
        descriptors[Self.tokensWriting.rawValue] = .tokensWriting
        func stranger(_ script: [Process.Step]) {
            add(
                Process(
                    id: 0, group: 0, isWorker: false, isStranger: true, script: script, wake: 0))
        }
        switch plan.jobserver {
        case .make, nil: slots.open()
        case .share: if plan.seesCloses { descriptors[Self.closeWatch.rawValue] = .closeWatch }
        case .pool:
            descriptors[Self.poolWatch.rawValue] = .poolWatch
            let server = SlotClient(self, serving: slots)
            poolServer = server
            stranger([.serveSlots(server)])
        }
        for _ in 0..<plan.otherMaps {
            let map = SlotClient(
                self, slots, steps: random.int(1...20), isKilled: random.once(in: 3))
            stranger([.pause(random.int(0...3_000_000)), .useSlots(map)])
        }
    }

    private func endPool(_ how: Plan.PoolEnd) {
        if poolServer == nil { return }
        story("the pool \(how)")
        poolEnd = how
        if how != .releases { sentToPmap.append(SIGTERM) }
        processes.removeAll { process in
            if case .serveSlots? = process.script.first { true } else { false }
        }
        poolServer?.end()
        poolServer = nil
    }

    private func add(_ process: Process) { processes.append(process) }

    private func addStranger() {
        guard let id = newProcessID() else { return }
        let script: [Process.Step] = [.pause(random.int(0...3_000_000)), .exit(0)]
        add(
            Process(
                id: id, group: id, isWorker: false, isStranger: true, script: script, wake: clock))
    }

    /// The next number of the space that no process, zombie or group has.
    private func newProcessID() -> pid_t? {
        for _ in 0..<plan.processIDs {
            lastProcessID += 1
            if Int(lastProcessID) > plan.processIDs + 2 { lastProcessID = 3 }
            let id = lastProcessID
            if !processes.contains(where: { $0.state != .gone && ($0.id == id || $0.group == id) })
            {
                return id
            }
        }
        return nil
    }

    // MARK: Time

    var now: Duration {
        // To read a clock takes time too, or loops over it would never end.
        .microseconds(clock)
    }
    var timeSince1970: Duration { .seconds(1_700_000_000) + .microseconds(clock) }

    /// Each call of pmap's takes a moment, and what is planned for it happens.
    private func call() {
        calls += 1
        callsSinceWait += 1
        if callsSinceWait > 200_000 { fail("pmap is busy without end") }
        if callsSinceWait % 8 == 0 { run(until: clock + random.int(0...40)) }
        while nextEvent < plan.events.count, plan.events[nextEvent].call <= calls {
            let event = plan.events[nextEvent]
            nextEvent += 1
            switch event.kind {
            case .signal(let number):
                story("pmap gets signal \(number)")
                sentToPmap.append(number)
                signals.append(number)
            case .freeze(let time, let all): freeze(time, all: all)
            case .worker(let number): signalWorker(number)
            case .poolEnds(let how): endPool(how)
            case .inputGrows(let text):
                story("the input grows")
                inputNow += text
                if !hasAskedSize, inputRead < input.count { grewBeforeEnd = true }
            case .inputShrinks(let size):
                story("the input shrinks to \(min(size, inputNow.count)) bytes")
                inputNow = Array(inputNow.prefix(size))
            }
        }
    }

    /// Somebody else stops or kills a worker.
    private func signalWorker(_ number: Int32) {
        guard let process = processes.first(where: { $0.isWorker && $0.state == .running })
        else { return }
        story("worker \(process.id) gets signal \(number) from somebody else")
        deliver(number, to: process)
        if process.state == .stopped {
            process.isContinuedLater = true
            process.wake = max(process.wake, clock + 3_000_000)
        }
    }

    private func freeze(_ time: Int, all: Bool) {
        story("pmap is frozen for \(seconds(time)) s\(all ? ", its workers too" : "")")
        if all {
            for process in processes where process.group != 0 && !process.isStranger {
                process.wake = max(process.wake, clock) + time
            }
        }
        // A shorter absence is not told from a busy machine, and counts.
        if time > 2 * 100_000 {
            for index in attempts.indices { attempts[index].started += time }
        }
        run(until: clock + time)
    }

    /// Whether this call fails now.
    private func fault(_ name: String) -> Errno? {
        guard plan.faults.contains(where: { $0.name == name }) else { return nil }
        let count = faultCounts[name, default: 0]
        faultCounts[name] = count + 1
        for fault in plan.faults where fault.name == name {
            if count >= fault.first && count < fault.first + fault.count {
                faultsHit.insert(name)
                story("\(name) fails: \(Errno(fault.error).reason)")
                return Errno(fault.error)
            }
        }
        return nil
    }

    // MARK: The world goes on

    /// Lets everybody act who acts until this time.
    private func run(until end: Int) {
        while let process = nextActor(), process.wake <= end {
            clock = max(clock, process.wake)
            act(process)
        }
        clock = max(clock, end)
    }

    /// Who acts next; nil if everybody waits for somebody else.
    private func nextActor() -> Process? {
        var best: Process?
        for process in processes
        where process.wake < best?.wake ?? .max {
            switch process.state {
            case .running: if !isBlocked(process) { best = process }
            case .stopped: if process.isContinuedLater { best = process }
            default: break
            }
        }
        return best
    }

    private func isBlocked(_ process: Process) -> Bool {
        guard process.next < process.script.count else { return false }
        switch process.script[process.next] {
        case .readAll:
            guard let pipe = process.pipes[0] else { return false }
            return pipes[pipe].count == 0 && pipes[pipe].writers > 0
        case .write(let number, _):
            guard let pipe = process.pipes[number] else { return false }
            return pipes[pipe].room == 0 && pipes[pipe].readers > 0
                || (pipe == itemsPipe && pipes[pipe].room == 0)
        case .consume:
            return pipes[outputPipe].count == 0 && pipes[outputPipe].writers > 0
        case .serve(let service):
            if !service.outgoing.isEmpty, let pipe = process.pipes[1] {
                return pipes[pipe].room == 0 && pipes[pipe].readers > 0
            }
            guard service.wantsInput, let pipe = process.pipes[0] else { return false }
            return pipes[pipe].count == 0 && pipes[pipe].writers > 0
        case .serveSlots(let server): return !server.isAsked
        default: return false
        }
    }

    private func act(_ process: Process) {
        if process.state == .stopped {
            process.isContinuedLater = false
            return deliver(SIGCONT, to: process)
        }
        process.wake = clock + random.int(0...200)
        guard process.next < process.script.count else {
            return exit(process, waitStatus: 0)
        }
        let step = process.script[process.next]
        switch step {
        case .pause(let time):
            process.wake = clock + time
            process.next += 1
        case .readAll:
            guard let pipe = process.pipes[0], pipes[pipe].count > 0 else {
                process.next += 1
                if let attempt = process.attempt { attempts[attempt].hasReadAll = true }
                return
            }
            let bytes = pipes[pipe].take(min(pipes[pipe].count, random.int(1...5000)))
            if let attempt = process.attempt { attempts[attempt].items += bytes }
        case .write(let number, let bytes): write(process, number, bytes)
        case .close(let number):
            closePipe(process, number)
            process.next += 1
        case .fork(let child):
            fork(process, child)
            process.next += 1
        case .stop(let signal):
            process.next += 1
            process.state = .stopped
            process.wake = clock + 3_000_000
            process.isContinuedLater = signal != SIGSTOP
            process.stopReport = signal
            if process.isWorker { signals.append(SIGCHLD) }
            story("worker \(process.id) is stopped by signal \(signal)")
        case .exit(let status): exit(process, waitStatus: status << 8)
        case .die(let signal): exit(process, waitStatus: signal)
        case .consume: consume(process)
        case .serve(let service): serve(process, service)
        case .useSlots(let map):
            process.wake = clock + random.pick([0, 100, 20_000, 700_000])
            if !map.useSlots(&random) { process.state = .gone }
        case .serveSlots(let server): server.replaceLostTokens()
        }
    }

    private func write(_ process: Process, _ number: Int, _ bytes: [UInt8]) {
        guard let pipe = process.pipes[number] else {
            process.next += 1
            return
        }
        if pipes[pipe].readers == 0, pipe != itemsPipe {
            return exit(process, waitStatus: SIGPIPE)
        }
        let count = min(bytes.count - process.written, pipes[pipe].room)
        let piece = bytes[process.written..<(process.written + count)]
        pipes[pipe].append(piece)
        if number == 1, let attempt = process.attempt { attempts[attempt].written += piece }
        process.written += count
        if process.written == bytes.count {
            process.written = 0
            process.next += 1
        }
    }

    private func serve(_ process: Process, _ service: Service) {
        if !service.outgoing.isEmpty {
            guard let pipe = process.pipes[1] else {
                service.outgoing = []
                return
            }
            if pipes[pipe].readers == 0 { return exit(process, waitStatus: SIGPIPE) }
            let most = min(service.outgoing.count, pipes[pipe].room)
            let count = random.once(in: 3) ? random.int(1...most) : most
            pipes[pipe].append(service.outgoing.prefix(count))
            service.outgoing.removeFirst(count)
            return
        }
        if !service.wantsInput { return answerItem(process, service) }
        guard let pipe = process.pipes[0], pipes[pipe].count > 0 else {
            return endService(process, service)
        }
        let isNew = service.input.isEmpty && service.buffered.isEmpty && !service.hasMore
        if isNew { service.beganReading = clock }
        service.input += pipes[pipe].take(min(pipes[pipe].count, random.int(1...5000)))
        service.hasMore = pipes[pipe].count > 0
    }

    private func answerItem(_ process: Process, _ service: Service) {
        guard let item = service.nextItem() else { return }
        var text = answer(item, plan)
        if let (number, fault) = service.fault, number == service.itemsSeen {
            story("worker \(process.id): \(fault)")
            switch fault {
            case .exits(let status): return exit(process, waitStatus: status << 8)
            case .dies(let signal): return exit(process, waitStatus: signal)
            case .answersNot: text = []
            case .answersTwice:
                text += text
                service.gaveExtra = true
            case .closesOutput: closePipe(process, 1)
            case .leavesHalf:
                process.script = [.write(1, Array(text.prefix(text.count / 2))), .exit(0)]
                process.next = 0
                return
            case .leavesAfter:
                process.script = [.write(1, service.buffered + text), .exit(0)]
                process.next = 0
                return
            case .stops:
                process.state = .stopped
                process.wake = clock + 3_000_000
                process.isContinuedLater = true
                process.stopReport = SIGTTIN
                signals.append(SIGCHLD)
            }
        }
        if service.buffers { service.buffered += text } else { service.outgoing = text }
        if process.state == .running {
            process.wake = clock + random.int(0...max(service.longestPause, 1))
        }
    }

    /// The end of a persistent worker's input.
    private func endService(_ process: Process, _ service: Service) {
        if !service.buffered.isEmpty {
            service.outgoing = service.buffered
            service.buffered = []
        } else if service.stays {
            service.stays = false
            process.wake = clock + 60_000_000
        } else {
            exit(process, waitStatus: 0)
        }
    }

    private func consume(_ process: Process) {
        let reader = plan.reader
        if pipes[outputPipe].count == 0 {
            process.next += 1
            return
        }
        let bytes = pipes[outputPipe].take(min(pipes[outputPipe].count, reader.bytes))
        let before = delivered.count
        delivered += bytes
        process.wake = clock + reader.pause
        if before < reader.longPauseAfter && delivered.count >= reader.longPauseAfter {
            story("the reader pauses for \(seconds(reader.longPause)) s")
            process.wake = clock + reader.longPause
        }
        if delivered.count >= reader.leavesAfter {
            story("the reader goes away")
            pipes[outputPipe].readers = 0
            process.state = .gone
        }
    }

    private func fork(_ parent: Process, _ child: Process.Child) {
        guard let id = newProcessID() else { return }
        let process = Process(
            id: id, group: child.isDetached ? id : parent.group, isWorker: false,
            isStranger: false, script: child.script, wake: clock)
        process.pipes = parent.pipes
        process.groupAttempt = child.isDetached ? nil : parent.groupAttempt
        process.reaction = child.ignoresTerm ? .ignores : .dies
        if let pipe = process.pipes[1] { pipes[pipe].writers += 1 }
        if let pipe = process.pipes[2] { pipes[pipe].writers += 1 }
        if let pipe = process.pipes[0] { pipes[pipe].readers += 1 }
        add(process)
        story(
            "process \(parent.id) starts \(id)\(child.isDetached ? " in a session of its own" : "")"
        )
    }

    private func closePipe(_ process: Process, _ number: Int) {
        guard let pipe = process.pipes[number] else { return }
        process.pipes[number] = nil
        if number == 0 { pipes[pipe].readers -= 1 } else { pipes[pipe].writers -= 1 }
    }

    private func exit(_ process: Process, waitStatus: Int32) {
        for number in 0...2 { closePipe(process, number) }
        process.waitStatus = waitStatus
        process.state = process.isWorker ? .zombie : .gone
        if process.isWorker {
            if let attempt = process.attempt { attempts[attempt].waitStatus = waitStatus }
            signals.append(SIGCHLD)
            story("worker \(process.id) exits: \(Outcome(waitStatus: waitStatus).text)")
        }
        if process.isStranger && plan.strangers && random.once(in: 2) { addStranger() }
        if processes.count > 200 { processes.removeAll { $0.state == .gone } }
    }

    /// A signal reaches a process.
    private func deliver(_ signal: Int32, to process: Process) {
        switch signal {
        case SIGKILL: exit(process, waitStatus: SIGKILL)
        case SIGCONT:
            if process.state != .stopped { return }
            process.state = .running
            process.wake = max(process.wake, clock)
            let pending = process.pending
            process.pending = []
            for signal in pending where process.isAlive { deliver(signal, to: process) }
        case SIGTSTP, SIGSTOP:
            if process.state == .running {
                process.state = .stopped
                process.stopReport = signal
                if process.isWorker { signals.append(SIGCHLD) }
            }
        default:
            if process.state == .stopped {
                process.pending.append(signal)
                return
            }
            switch process.reaction {
            case .dies: exit(process, waitStatus: signal)
            case .ignores: break
            case .handles(let steps):
                process.reaction = .ignores
                process.script = steps
                process.next = 0
                process.written = 0
                process.wake = clock
            }
        }
    }

    // MARK: Descriptors

    private func open(_ handle: Handle) -> FileDescriptor {
        var number: Int32 = 10
        while descriptors[number] != nil { number += 1 }
        descriptors[number] = handle
        return FileDescriptor(number)
    }

    func makePipe() throws(Errno) -> PipeEnds {
        call()
        if let error = fault("makePipe") { throw error }
        pipes.append(SimulatedPipe(capacity: plan.pipeCapacity))
        pipes[pipes.count - 1].readers = 1
        pipes[pipes.count - 1].writers = 1
        return PipeEnds(
            reading: open(.pipeRead(pipes.count - 1)), writing: open(.pipeWrite(pipes.count - 1)))
    }

    func setNonBlocking(_ descriptor: FileDescriptor) throws(Errno) {
        call()
        if let error = fault("setNonBlocking") { throw error }
    }

    func enlargePipe(_ descriptor: FileDescriptor, to bytes: Int) -> Int {
        call()
        let wanted = plan.pipeCapacity < 65536 ? plan.pipeCapacity * 2 : bytes
        switch descriptors[descriptor.rawValue] {
        case .pipeWrite(let pipe)? where bytes == plan.blockPipeSize:
            // It is large for the blocks of this plan, or as small as any.
            pipes[pipe].capacity = fault("enlargePipe") == nil ? bytes : 1
            blockPipes.insert(pipe)
            return pipes[pipe].capacity
        case .pipeWrite(let pipe)? where bytes == plan.heldPipeSize:
            pipes[pipe].capacity = fault("enlargePipe") == nil ? bytes : 1
            return pipes[pipe].capacity
        case .pipeWrite(let pipe)? where plan.hasLongItems: pipes[pipe].capacity = 40
        case .pipeRead(let pipe)?, .pipeWrite(let pipe)?:
            pipes[pipe].capacity = max(pipes[pipe].capacity, wanted)
            return pipes[pipe].capacity
        default: break
        }
        return bytes
    }

    /// The pipes that hold blocks.
    private var blockPipes: Set<Int> = []
    /// The pipes of pmap's own that hold output.
    private var heldPipes: Set<Int> = []

    func close(_ descriptor: FileDescriptor) {
        call()
        watched.removeAll { $0.descriptor == descriptor.rawValue }
        guard let handle = descriptors.removeValue(forKey: descriptor.rawValue) else {
            fail("pmap closes descriptor \(descriptor.rawValue) twice")
        }
        switch handle {
        case .pipeRead(let pipe):
            pipes[pipe].readers -= 1
            if heldPipes.contains(pipe) { hold(-pipes[pipe].count) }
        case .pipeWrite(let pipe): pipes[pipe].writers -= 1
        case .tokensWriting:
            slots?.close(self, serves: plan.jobserver == .share)
            letOthersAct()
        case .file:
            fileBytes[descriptor.rawValue] = nil
            sharedBytes[descriptor.rawValue] = nil
        default: break
        }
    }

    private func handle(_ descriptor: FileDescriptor) -> Handle {
        guard let handle = descriptors[descriptor.rawValue] else {
            fail("pmap uses descriptor \(descriptor.rawValue), which is closed")
        }
        return handle
    }

    func read(
        _ descriptor: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        call()
        switch handle(descriptor) {
        case .items:
            if let error = fault("read items") { throw error }
            if plan.inputIsFile {
                let rest = inputNow[min(inputRead, inputNow.count)...]
                return unsafe copy(rest.prefix(random.int(1...4096)), to: buffer) {
                    noteItems(rest.prefix($0))
                }
            }
            return try unsafe readPipe(itemsPipe, buffer) {
                noteItems(input[inputRead..<(inputRead + $0)])
            }
        case .pipeRead(let pipe):
            if let attempt = attemptOf(pipe: pipe) {
                if let error = fault("read output") {
                    attempts[attempt].lostOutput = true
                    throw error
                }
            } else {
                let name =
                    blockPipes.contains(pipe)
                    ? "read block" : heldPipes.contains(pipe) ? "read held" : "read errors"
                if let error = fault(name) { throw error }
            }
            return try unsafe readPipe(pipe, buffer) { count in
                if attemptOf(pipe: pipe) != nil { hold(count) }
            }
        case .tokensReading:
            letOthersAct()
            return try unsafe slots!.take(buffer, self)
        case .closeWatch:
            letOthersAct()
            if slots!.takeReport() { return 1 }
            throw .wouldBlock
        default: fail("pmap reads what is not to be read")
        }
    }

    private func noteItems(_ bytes: ArraySlice<UInt8>) {
        inputRead += bytes.count
        itemsRead += bytes
        if bytes.isEmpty { hasReadAllItems = true }
    }

    /// Other programs come between any two calls with which pmap serves slots.
    private func letOthersAct() { run(until: clock + random.pick([0, 300, 20_000])) }

    private func hold(_ count: Int) {
        bytesInMemory += count
        // pmap forgets what it reads when nobody wants the output any more.
        if !readerIsGone { mostBytesInMemory = max(mostBytesInMemory, bytesInMemory) }
    }

    private func copy(
        _ bytes: ArraySlice<UInt8>, to buffer: UnsafeMutableRawBufferPointer,
        _ note: (Int) -> Void
    ) -> Int {
        let count = min(bytes.count, buffer.count)
        unsafe buffer.copyBytes(from: bytes.prefix(count))
        note(count)
        return count
    }

    private func readPipe(
        _ pipe: Int, _ buffer: UnsafeMutableRawBufferPointer, _ note: (Int) -> Void
    ) throws(Errno) -> Int {
        if pipes[pipe].count == 0 {
            if pipe == itemsPipe ? feederIsGone : pipes[pipe].writers == 0 {
                note(0)
                return 0
            }
            throw .wouldBlock
        }
        var count = min(pipes[pipe].count, buffer.count)
        if random.once(in: 10) { count = random.int(1...count) }
        let bytes = pipes[pipe].take(count)
        unsafe buffer.copyBytes(from: bytes)
        note(count)
        return count
    }

    private var feederIsGone: Bool { pipes[itemsPipe].writers == 0 }

    /// The attempt whose stdout a pipe is.
    private func attemptOf(pipe: Int) -> Int? { outputPipes[pipe] }
    private var outputPipes: [Int: Int] = [:]

    func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: FileDescriptor
    ) throws(Errno) -> Int {
        call()
        switch handle(descriptor) {
        case .output:
            if let error = fault("write output") { throw error }
            if plan.outputIsFile {
                let count = random.once(in: 10) ? random.int(1...bytes.count) : bytes.count
                unsafe delivered += bytes.prefix(count)
                hold(-count)
                return count
            }
            let count = try unsafe writePipe(outputPipe, bytes)
            hold(-count)
            return count
        case .pipeWrite(let pipe):
            if let error = fault("feed") { throw error }
            return try unsafe writePipe(pipe, bytes)
        default: fail("pmap writes to what is not to be written to")
        }
    }

    private func writePipe(_ pipe: Int, _ bytes: UnsafeRawBufferPointer) throws(Errno) -> Int {
        if pipes[pipe].readers == 0 { throw .brokenPipe }
        let room = pipes[pipe].room
        // A short write is not split.
        if room < min(bytes.count, pipes[pipe].atOnce) { throw .wouldBlock }
        let count = min(room, bytes.count)
        unsafe pipes[pipe].append(bytes.prefix(count))
        return count
    }

    func splice(
        from input: FileDescriptor, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int {
        call()
        if case .pipeWrite(let pipe) = handle(output) {
            if case .pipeRead(let source) = handle(input), attemptOf(pipe: source) != nil {
                return try moveOutput(from: input, to: pipe, atMost: count)
            }
            return try moveItems(from: input, to: pipe, atMost: count)
        }
        if handle(output) != .output { throw .invalid }
        if let error = fault("splice") { throw error }
        if readerIsGone { throw .brokenPipe }
        let bytes = try takeFromPipe(input, atMost: min(count, roomForOutput()))
        deliver(bytes)
        if case .pipeRead(let source) = handle(input), heldPipes.contains(source) {
            hold(-bytes.count)
        }
        return bytes.count
    }

    /// Moves a worker's output to a pipe of pmap's own.
    private func moveOutput(
        from input: FileDescriptor, to pipe: Int, atMost count: Int
    ) throws(Errno) -> Int {
        heldPipes.insert(pipe)
        if let error = fault("splice held") { throw error }
        if pipes[pipe].room == 0 { throw .wouldBlock }
        let bytes = try takeFromPipe(input, atMost: min(count, pipes[pipe].room))
        pipes[pipe].append(bytes)
        hold(bytes.count)
        return bytes.count
    }

    /// Moves bytes of a block: from the input to a pipe, from one to another, or to a worker.
    private func moveItems(
        from input: FileDescriptor, to pipe: Int, atMost count: Int
    ) throws(Errno) -> Int {
        let isItems = handle(input) == .items
        let isBlock = blockPipes.contains(pipe)
        if let error = fault(isItems ? "splice items" : isBlock ? "splice block" : "feed") {
            throw error
        }
        if pipes[pipe].readers == 0 { throw .brokenPipe }
        let room = pipes[pipe].room
        if room == 0 { throw .wouldBlock }
        if !isItems {
            let bytes = try takeFromPipe(input, atMost: min(count, room))
            pipes[pipe].append(bytes)
            return bytes.count
        }
        if pipes[itemsPipe].count == 0 {
            if !feederIsGone { throw .wouldBlock }
            noteItems([])
            return 0
        }
        var moved = min(count, room, pipes[itemsPipe].count)
        if random.once(in: 10) { moved = random.int(1...moved) }
        let bytes = pipes[itemsPipe].take(moved)
        noteItems(bytes)
        pipes[pipe].append(bytes)
        return moved
    }

    func tee(
        from input: FileDescriptor, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int {
        call()
        guard case .pipeRead(let source) = handle(input), case .pipeWrite(let pipe) = handle(output)
        else { fail("pmap copies what is not to be copied") }
        if let error = fault("tee") { throw error }
        let copied = min(count, pipes[source].count, pipes[pipe].room)
        if copied == 0 { throw .wouldBlock }
        pipes[pipe].append(pipes[source].bytes(first: copied))
        return copied
    }

    func splice(
        from input: FileDescriptor, to file: FileDescriptor, at offset: Int, atMost count: Int
    ) throws(Errno) -> Int {
        call()
        if handle(file) != .file { throw .invalid }
        if let error = fault("spliceFile") { throw error }
        let bytes = try takeFromPipe(input, atMost: count)
        store(Array(bytes), in: file, at: offset)
        return bytes.count
    }

    func send(
        _ file: FileDescriptor, at offset: Int, atMost count: Int, to output: OutputFile
    ) throws(Errno) -> Int {
        call()
        if handle(file) != .file || handle(output.descriptor) != .output { throw .invalid }
        if let error = fault("sendFile") { throw error }
        if readerIsGone { throw .brokenPipe }
        let rest = max(0, fileBytes[file.rawValue]!.count - offset)
        var moved = min(count, rest, try roomForOutput())
        if moved > 0, random.once(in: 10) { moved = random.int(1...moved) }
        deliver(fileBytes[file.rawValue]![offset..<(offset + moved)])
        sharedBytes[file.rawValue] = max(sharedBytes[file.rawValue] ?? 0, offset + moved)
        return moved
    }

    private func takeFromPipe(
        _ descriptor: FileDescriptor, atMost count: Int
    ) throws(Errno) -> ArraySlice<UInt8> {
        guard case .pipeRead(let pipe) = handle(descriptor) else { throw .invalid }
        if pipes[pipe].count == 0 {
            if pipes[pipe].writers == 0 { return [] }
            throw .wouldBlock
        }
        var moved = min(count, pipes[pipe].count)
        if random.once(in: 10) { moved = random.int(1...moved) }
        return pipes[pipe].take(moved)
    }

    /// The bytes that fit into standard output now.
    private func roomForOutput() throws(Errno) -> Int {
        if plan.outputIsFile { return .max }
        let room = pipes[outputPipe].room
        if room == 0 { throw .wouldBlock }
        return room
    }

    private func deliver(_ bytes: ArraySlice<UInt8>) {
        if plan.outputIsFile { delivered += bytes } else { pipes[outputPipe].append(bytes) }
    }

    /// Writes to a file of pmap's.
    private func store(_ bytes: [UInt8], in file: FileDescriptor, at offset: Int) {
        checkNotShared(file, offset)
        let end = offset + bytes.count
        if fileBytes[file.rawValue]!.count < end {
            fileBytes[file.rawValue]! += Array(
                repeating: 0, count: end - fileBytes[file.rawValue]!.count)
        }
        fileBytes[file.rawValue]!.replaceSubrange(offset..<end, with: bytes)
    }

    /// The reader's pipe may still hold what was sent from a file without a copy.
    private func checkNotShared(_ file: FileDescriptor, _ offset: Int) {
        if offset < sharedBytes[file.rawValue] ?? 0 {
            fail("pmap changes a file whose bytes the reader may still have to read")
        }
    }

    func splice(
        from file: FileDescriptor, at offset: Int, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int {
        call()
        guard case .items = handle(file), case .pipeWrite(let pipe) = handle(output) else {
            fail("pmap splices what is not to be spliced")
        }
        if let error = fault("feed") { throw error }
        if let error = fault("splice") { throw error }
        let bytes = rest(of: inputNow, from: offset, atMost: count)
        if bytes.isEmpty { return 0 }
        return try unsafe bytes.withUnsafeBufferPointer { bytes throws(Errno) in
            try unsafe writePipe(pipe, UnsafeRawBufferPointer(bytes))
        }
    }

    func isReady(_ descriptor: FileDescriptor, for interest: Poller.Interest) -> Bool {
        call()
        return isReadyNow(descriptor.rawValue, interest)
    }

    private func isReadyNow(_ number: Int32, _ interest: Poller.Interest) -> Bool {
        switch descriptors[number] {
        case .items?:
            return plan.inputIsFile || pipes[itemsPipe].count > 0 || feederIsGone
        case .output?:
            return plan.outputIsFile || pipes[outputPipe].isWritable
        case .signals?: return !signals.isEmpty
        case .pipeRead(let pipe)?: return pipes[pipe].count > 0 || pipes[pipe].writers == 0
        case .pipeWrite(let pipe)?: return pipes[pipe].isWritable
        case .tokensReading?: return slots!.isReadable
        case .closeWatch?: return slots!.hasReport
        case .poolWatch?: return poolEnd != nil
        default: return true
        }
    }

    // MARK: Waiting

    func watch(
        _ descriptor: FileDescriptor, for interest: Poller.Interest, token: UInt64
    ) throws(Errno) {
        call()
        switch handle(descriptor) {
        case .items where plan.inputIsFile: throw .notPermitted
        case .output where plan.outputIsFile: throw .notPermitted
        case .signals, .closeWatch, .poolWatch: break
        default: if let error = fault("watch") { throw error }
        }
        if watched.contains(where: { $0.descriptor == descriptor.rawValue }) {
            fail("pmap watches descriptor \(descriptor.rawValue) twice")
        }
        watched.append((descriptor.rawValue, interest, token))
    }

    func stopWatching(_ descriptor: FileDescriptor) {
        call()
        let before = watched.count
        watched.removeAll { $0.descriptor == descriptor.rawValue }
        if watched.count == before { fail("pmap stops watching what it does not watch") }
    }

    func waitForEvents(milliseconds: Int32) -> [UInt64] {
        call()
        callsSinceWait = 0
        let start = clock
        let end = milliseconds < 0 ? Int.max : clock + Int(milliseconds) * 1000
        while true {
            var ready = watched.filter { isReadyNow($0.descriptor, $0.interest) }.map(\.token)
            if !ready.isEmpty || clock >= end {
                waitsWithoutTime = clock == start ? waitsWithoutTime + 1 : 0
                if waitsWithoutTime > 20_000 { fail("pmap turns in a circle") }
                if ready.count > 1 && random.once(in: 2) { ready.shuffle(using: &random) }
                if ready.count > 1 && random.once(in: 8) { ready.removeLast() }
                if ready.contains(Event.poolEnded.token), poolEnd != .releases { knowsEnd = true }
                return ready
            }
            checkLostTokens()
            guard let actor = nextActor(), actor.wake < .max else {
                if end == .max { fail("pmap waits for ever, and so does everybody else") }
                clock = end
                continue
            }
            run(until: min(max(actor.wake, clock), end))
        }
    }

    var signalDescriptor: FileDescriptor { Self.signals }

    func receivedSignals() -> [Signals.Arrival] {
        call()
        defer { signals = [] }
        if signals.contains(where: ends) { knowsEnd = true }
        return signals.map { Signals.Arrival(number: $0, isSentByProcess: true) }
    }

    func stop() {
        story("pmap stops itself")
        freeze(random.int(0...5_000_000), all: false)
        signals.append(SIGCONT)
    }

    // MARK: Processes

    func start(
        _ arguments: ArgumentVector, chunk: Int?, slot: Int, input: FileDescriptor?,
        output: FileDescriptor, errors: FileDescriptor
    ) throws(Errno) -> pid_t {
        call()
        if (chunk == nil) != plan.isPersistent { fail("PMAP_CHUNK is wrong") }
        if knowsEnd { fail("a worker is started although the run is to end") }
        checkSlot()
        if let error = fault("start") { throw error }
        guard let id = newProcessID() else { throw Errno(EAGAIN) }
        let items = arguments.words.dropFirst().flatMap { $0 + [UInt8(ascii: "\n")] }
        attempts.append(
            Attempt(
                chunk: chunk ?? 0, slot: slot, process: id, items: items, started: clock,
                isFed: input != nil))
        let process = worker(id, chunk, attempts.count - 1)
        process.attempt = attempts.count - 1
        process.groupAttempt = process.attempt
        for (number, descriptor) in [input, output, errors].enumerated() {
            guard let descriptor else { continue }
            switch handle(descriptor) {
            case .pipeRead(let pipe) where number == 0:
                process.pipes[0] = pipe
                pipes[pipe].readers += 1
            case .pipeWrite(let pipe) where number > 0:
                process.pipes[number] = pipe
                pipes[pipe].writers += 1
                if number == 1 {
                    outputPipes[pipe] = attempts.count - 1
                    if plan.outputIsNothing { fail("pmap reads what nobody needs") }
                }
            // What is written there vanishes.
            case .output where number == 1 && plan.outputIsNothing: break
            default: fail("a worker gets the wrong end of a pipe")
            }
        }
        add(process)
        story("worker \(id) is started\(chunk.map { " on chunk \($0)" } ?? "") in slot \(slot)")
        run(until: clock + random.int(0...2000))
        return id
    }

    /// Each worker has a slot. Idle ones have none, but which ones those are is not known here.
    private func checkSlot() {
        guard let slots, !plan.isPersistent else { return }
        let first = !plan.sharesFirstSlot || slots.hasFirst(self) ? 1 : 0
        let running = processes.count { $0.isWorker && $0.state != .gone }
        if running >= slots.tokens(of: self) + first { fail("a worker is started without a slot") }
    }

    /// If pmap serves the slots and knows that all other programs have gone, it has replaced what
    /// they took with them.
    private func checkLostTokens() {
        guard let slots, plan.jobserver == .share, plan.seesCloses else { return }
        if slots.writers == 1, !slots.hasReport, slots.lost > 0 {
            fail("the tokens of a killed client are not replaced")
        }
    }

    private func worker(_ id: pid_t, _ chunk: Int?, _ attempt: Int) -> Process {
        var random = Random(seed: plan.seed, stream: UInt64(10_000 + attempt))
        let (script, reaction) = workerScript(plan, chunk: chunk, attempt: attempt, &random)
        let process = Process(
            id: id, group: id, isWorker: true, isStranger: false, script: script, wake: clock)
        process.reaction = reaction
        for case .serve(let service) in script { services.append((service, attempt)) }
        return process
    }

    /// The persistent workers so far.
    private(set) var services: [(service: Service, attempt: Int)] = []

    func childNews(of process: pid_t?) -> ChildNews? {
        call()
        for child in processes where child.isWorker && (process == nil || child.id == process) {
            if let signal = child.stopReport {
                child.stopReport = nil
                if child.state == .stopped {
                    return ChildNews(process: child.id, event: .stopped(signal: signal))
                }
            }
            if child.state == .zombie {
                return ChildNews(
                    process: child.id, event: .exited(waitStatus: child.waitStatus))
            }
        }
        return nil
    }

    @discardableResult
    func reap(_ process: pid_t) -> ResourceUse {
        call()
        guard let child = processes.first(where: { $0.isWorker && $0.id == process }),
            child.state == .zombie
        else { fail("pmap reaps \(process), which is not a zombie of its own") }
        child.state = .gone
        processes.removeAll { $0 === child }
        return ResourceUse()
    }

    func signal(_ number: Int32, toGroup leader: pid_t) {
        call()
        guard let child = processes.first(where: { $0.isWorker && $0.id == leader }),
            child.state != .gone
        else { fail("pmap signals group \(leader), which is not its own any more") }
        if let attempt = child.attempt, number != SIGCONT && number != SIGTSTP {
            attempts[attempt].isGroupTold = true
            if child.state == .zombie && !attempts[attempt].wasTold {
                attempts[attempt].wasToldLate = true
            }
            if child.isAlive { attempts[attempt].wasTold = true }
            checkTimeout(number, attempts[attempt], child)
        }
        story("pmap sends signal \(number) to group \(leader)")
        for process in processes where process.group == leader && process.isAlive {
            if number == SIGKILL, process.state == .stopped, !process.pending.isEmpty {
                fail("process \(process.id) is killed before it could take a signal")
            }
            deliver(number, to: process)
        }
    }

    /// A worker must not be ended for its time before that is up, pmap's own absence not
    /// counted.
    private func checkTimeout(_ signal: Int32, _ attempt: Attempt, _ worker: Process) {
        if plan.isPersistent { return checkChunkTimeout(signal, worker) }
        guard let timeout = plan.timeout, signal == SIGTERM, sentToPmap.allSatisfy({ !ends($0) }),
            plan.halt != .now, plan.reader.leavesAfter == .max, faultsHit.isEmpty,
            !attempt.wasToldLate
        else { return }
        if clock - attempt.started < timeout - 2000 && !endsByOutput {
            fail("worker \(worker.id) is ended after \(seconds(clock - attempt.started)) s")
        }
    }

    /// A persistent worker has its time for each chunk, from when it begins to read it.
    private func checkChunkTimeout(_ signal: Int32, _ worker: Process) {
        guard let timeout = plan.timeout, signal == SIGTERM, sentToPmap.allSatisfy({ !ends($0) }),
            plan.halt != .now, plan.reader.leavesAfter == .max, faultsHit.isEmpty,
            plan.events.isEmpty, !plan.hasLongItems,
            worker.next < worker.script.count,
            case .serve(let service) = worker.script[worker.next],
            let pipe = worker.pipes[0], pipes[pipe].writers > 0, worker.pipes[1] != nil
        else { return }
        guard let began = service.beganReading else {
            fail("worker \(worker.id) is ended before it has read anything")
        }
        if clock - began < timeout - 2000 {
            fail("worker \(worker.id) is ended after \(seconds(clock - began)) s")
        }
    }

    private var endsByOutput: Bool { readerIsGone }

    var readerIsGone: Bool { pipes[outputPipe].readers == 0 && !plan.outputIsFile }

    func groupsAlive(among leaders: [pid_t]) -> [pid_t] {
        call()
        if random.once(in: 20) { return leaders }
        return leaders.filter { leader in
            processes.contains { $0.group == leader && $0.isAlive }
        }
    }

    func unreadBytes(in pipe: FileDescriptor) -> Int {
        call()
        switch handle(pipe) {
        case .pipeWrite(let number): return pipes[number].count
        case .poolWatch: return poolEnd?.rawValue ?? 0
        default: fail("no pipe is asked for its bytes")
        }
    }

    func inputWaits(of workers: [(leader: pid_t, input: FileDescriptor)]) -> [InputWait] {
        call()
        return workers.map { leader, input in
            guard let process = processes.first(where: { $0.isWorker && $0.id == leader }),
                unreadBytes(in: input) == 0
            else { return .works }
            if plan.hidesWaits { return .unknown(cpuTime: .microseconds(process.next)) }
            let isWaiting = process.state == .running && isBlocked(process)
            guard isWaiting, process.next < process.script.count,
                case .serve(let service) = process.script[process.next], service.wantsInput
            else { return .works }
            return .waits
        }
    }

    func resourceUse(of process: pid_t) -> ResourceUse {
        call()
        return ResourceUse()
    }

    // MARK: Files

    func makeNamelessFile(in folder: Argument) throws(Errno) -> FileDescriptor {
        call()
        if let error = fault("makeFile") { throw error }
        let file = open(.file)
        fileBytes[file.rawValue] = []
        return file
    }

    func write(_ bytes: [UInt8], to file: FileDescriptor, at offset: Int) throws(Errno) {
        call()
        if let error = fault("writeFile") { throw error }
        store(bytes, in: file, at: offset)
        hold(-bytes.count)
    }

    func read(_ count: Int, from file: FileDescriptor, at offset: Int) throws(Errno) -> [UInt8] {
        call()
        if let error = fault("readFile") { throw error }
        if file == Self.failed { return Array(failed[offset..<(offset + count)]) }
        hold(count)
        return Array(fileBytes[file.rawValue]![offset..<(offset + count)])
    }

    func read(
        _ file: FileDescriptor, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        call()
        guard case .items = handle(file) else { fail("pmap reads what is not to be read") }
        if let error = fault("read items") { throw error }
        let bytes = rest(of: inputNow, from: offset, atMost: buffer.count)
        unsafe buffer.copyBytes(from: bytes)
        return bytes.count
    }

    private func rest(of bytes: [UInt8], from offset: Int, atMost count: Int) -> ArraySlice<UInt8> {
        bytes[min(offset, bytes.count)...].prefix(count)
    }

    func size(of file: FileDescriptor) throws(Errno) -> Int {
        call()
        if let error = fault("size") { throw error }
        hasAskedSize = true
        return inputNow.count
    }

    func seek(_ file: FileDescriptor, to offset: Int) {
        call()
        inputRead = offset
    }

    func release(_ file: FileDescriptor, offset: Int, count: Int) {
        call()
        checkNotShared(file, offset)
        for index in offset..<(offset + count) { fileBytes[file.rawValue]![index] = 0 }
    }

    func writeAll(_ bytes: [UInt8], to descriptor: FileDescriptor) throws(Errno) {
        call()
        switch handle(descriptor) {
        case .log:
            if let error = fault("record") { throw error }
            log += bytes
        case .failed:
            if let error = fault("record") { throw error }
            failed += bytes
        case .replacement:
            if let error = fault("record") { throw error }
            replacement += bytes
        case .tokensWriting:
            letOthersAct()
            slots!.give(bytes, self, serves: plan.jobserver == .share)
        case .pipeWrite(let pipe) where blockPipes.contains(pipe):
            if let error = fault("write block") { throw error }
            if bytes.count > pipes[pipe].room { fail("pmap waits until it reads its own pipe") }
            pipes[pipe].append(bytes)
        default: fail("pmap writes to what is not to be written to")
        }
    }

    func closeFile(_ descriptor: FileDescriptor) throws(Errno) {
        close(descriptor)
        if let error = fault("record") { throw error }
    }

    func replaceFile(
        _ path: Argument, _ write: (FileDescriptor) throws(Errno) -> Void
    ) throws(Errno) {
        if let error = fault("replaceFile") { throw error }
        replacement = []
        let file = open(.replacement)
        defer { close(file) }
        try write(file)
        if replacement.count != failed.count { fail("the list of failed items is cut") }
        failed = replacement
    }

    func contents(of path: Argument) throws(Errno) -> String { "" }

    var descriptorLimit: Int { plan.descriptorLimit }

    func openOutput() -> OutputFile {
        OutputFile(
            descriptor: Self.outputDescriptor,
            kind: plan.outputIsNothing ? .nothing : plan.outputIsFile ? .file : .reopened,
            isPipe: !plan.outputIsFile, takesSplices: plan.outputTakesSplices)
    }

    func closeOutput() throws(Errno) {
        call()
        if !plan.outputIsFile { pipes[outputPipe].writers = 0 }
        descriptors[1] = nil
        if let error = fault("closeOutput") { throw error }
    }

    func writeToStandardError(_ bytes: [UInt8]) {
        call()
        messages += bytes
        story("pmap: \(String(decoding: bytes.dropLast(), as: UTF8.self))")
    }

    var cpuCount: Int { 4 }

    var terminal: (type: Terminal, output: OutputPlace)? { nil }
    var windowColumns: Int { 80 }
    var mayDraw: Bool { true }
    func claimBar() -> Bool { true }
    func releaseBar() {}
    func markBar(shown: Bool) {}
    var otherBarIsShown: Bool { false }
    func outputReaders() -> OutputReaders.State { .none }

    // MARK: Memory and slots

    func requireMemory(_ bytes: Int) throws(Errno) {
        call()
        if let error = fault("memory") { throw error }
    }

    func lock(_ descriptor: FileDescriptor) -> Bool {
        call()
        return slots!.lock(self)
    }

    func unlock(_ descriptor: FileDescriptor) {
        call()
        slots!.unlock(self)
    }

    func hasHungUp(_ descriptor: FileDescriptor) -> Bool {
        call()
        letOthersAct()
        return slots!.writers == 0
    }

    func reopenForWriting(_ descriptor: FileDescriptor) -> FileDescriptor {
        call()
        letOthersAct()
        slots!.open()
        return open(.tokensWriting)
    }

    // MARK: Afterwards

    /// What is left of the output reaches its reader. pmap is gone.
    func finish() {
        pipes[outputPipe].writers = 0
        while let actor = nextActor(), clock < 10_000_000_000_000 {
            clock = max(clock, actor.wake)
            act(actor)
        }
        poolServer?.end()
        poolServer = nil
    }

    // MARK: Telling

    /// Whether the story of the schedule is printed.
    nonisolated(unsafe) static var tellsStory = false

    /// The items of --failed in one line.
    var failedText: String {
        String(decoding: failed, as: UTF8.self).split(separator: "\n").joined(separator: " ")
    }

    func story(_ text: @autoclosure () -> String) {
        if unsafe Self.tellsStory { print("t=\(seconds(clock)) s: \(text())") }
    }

    /// The schedule has broken a promise. It ends here.
    func fail(_ what: String) -> Never {
        print("seed \(plan.seed): \(what)\nreplay with: simulate --shrink \(plan.seed)")
        Glibc.exit(1)
    }
}

/// Whether a signal ends pmap.
func ends(_ signal: Int32) -> Bool { Signals.ends(signal) }

private func seconds(_ microseconds: Int) -> String {
    let digits = String(1_000_000 + microseconds % 1_000_000).dropFirst()
    return "\(microseconds / 1_000_000).\(digits)"
}
