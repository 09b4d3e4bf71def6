import Shared

@testable import pmap

/// A system in memory with what the merging of output and the cutting of a file need: workers' pipes,
/// files, standard output and an input file. All other calls are errors of the test.
final class FakeSystem: System {
    /// What the reader of standard output got.
    private(set) var output: [UInt8] = []
    /// Bytes that standard output takes before it is full.
    var room = Int.max
    var takesSplices = true
    /// Bytes that files take before the disk is full.
    var diskRoom = Int.max
    /// What reads of these files fail with.
    var readFault: Errno?
    var descriptorLimit = 1024
    /// Bytes in files, in all of them together.
    var bytesOnDisk: Int { files.values.reduce(0) { $0 + $1.count { $0 != nil } } }
    var openFiles: Int { files.count }
    var now = Duration.zero
    /// The file with the items, whatever its descriptor.
    var input: [UInt8] = []
    private(set) var inputPosition = 0
    /// Bytes that went through memory of pmap's own.
    private(set) var bytesCopied = 0

    /// Bytes of files; nil where there is a hole.
    private var files: [Int32: [UInt8?]] = [:]
    /// How many of a file's first bytes the reader may share.
    private var shared: [Int32: Int] = [:]
    private var pipes: [Int32: (bytes: [UInt8], isClosed: Bool)] = [:]
    /// The size of a pipe of pmap's own, in bytes.
    var pipeCapacity = 65536
    /// The bytes with which it is full; fewer than its size if they do not fill their pages.
    var bytesInFullPipe = Int.max
    /// What `writeAll` fails with.
    var writeFault: Errno?
    /// What a splice into a pipe of pmap's own fails with.
    var pipeFault: Errno?
    /// The open ends of pmap's own pipes. Both ends of a pipe have one descriptor.
    private var openEnds: [Int32: Int] = [:]
    var openPipes: Int { openEnds.count }
    /// What a read of an empty pipe fails with.
    private var faults: [Int32: Errno] = [:]
    private var lastDescriptor: Int32 = 100

    private func unexpected(_ call: StaticString = #function) -> Never {
        fatalError("a call that is not needed: \(call)")
    }

    private func newDescriptor() -> FileDescriptor {
        lastDescriptor += 1
        return FileDescriptor(lastDescriptor)
    }

    // MARK: What the test does

    func makeWorkerPipe() -> FileDescriptor {
        let pipe = newDescriptor()
        pipes[pipe.rawValue] = ([], false)
        return pipe
    }

    func print(_ bytes: [UInt8], into pipe: FileDescriptor) {
        pipes[pipe.rawValue]!.bytes += bytes
    }

    func bytes(in pipe: FileDescriptor) -> [UInt8] { pipes[pipe.rawValue]?.bytes ?? [] }

    func fail(_ pipe: FileDescriptor, with error: Errno) { faults[pipe.rawValue] = error }

    func closeWriter(of pipe: FileDescriptor) { pipes[pipe.rawValue]!.isClosed = true }

    // MARK: Pipes and standard output

    private func takeFromPipe(_ pipe: FileDescriptor, _ count: Int) throws(Errno) -> [UInt8] {
        guard let (bytes, isClosed) = pipes[pipe.rawValue] else { throw .invalid }
        if bytes.isEmpty, let fault = faults[pipe.rawValue] { throw fault }
        if bytes.isEmpty, !isClosed { throw .wouldBlock }
        pipes[pipe.rawValue]!.bytes.removeFirst(min(count, bytes.count))
        return Array(bytes.prefix(count))
    }

    private func deliver(_ bytes: [UInt8]) {
        output += bytes
        if room != .max { room -= bytes.count }
    }

    func read(
        _ descriptor: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        let bytes = try takeFromPipe(descriptor, buffer.count)
        unsafe buffer.copyBytes(from: bytes)
        bytesCopied += bytes.count
        return bytes.count
    }

    func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: FileDescriptor
    ) throws(Errno) -> Int {
        if room == 0 { throw .wouldBlock }
        let piece = unsafe Array(bytes.prefix(room))
        deliver(piece)
        return piece.count
    }

    func splice(
        from input: FileDescriptor, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int {
        if openEnds[output.rawValue] != nil {
            if let pipeFault { throw pipeFault }
            let room = try room(in: output)
            let bytes = try takeFromPipe(input, min(count, room))
            print(bytes, into: output)
            return bytes.count
        }
        if !takesSplices { throw .invalid }
        if room == 0 { throw .wouldBlock }
        let bytes = try takeFromPipe(input, min(count, room))
        deliver(bytes)
        return bytes.count
    }

    private func room(in pipe: FileDescriptor) throws(Errno) -> Int {
        let room = min(pipeCapacity, bytesInFullPipe) - pipes[pipe.rawValue]!.bytes.count
        if room <= 0 { throw .wouldBlock }
        return room
    }

    func tee(
        from input: FileDescriptor, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int {
        let bytes = try pipes[input.rawValue]!.bytes.prefix(min(count, room(in: output)))
        print(Array(bytes), into: output)
        return bytes.count
    }

    func splice(
        from input: FileDescriptor, to file: FileDescriptor, at offset: Int, atMost count: Int
    ) throws(Errno) -> Int {
        if diskRoom == 0 { throw Errno(ENOSPC) }
        let bytes = try takeFromPipe(input, min(count, diskRoom))
        store(bytes, file, offset)
        return bytes.count
    }

    func send(
        _ file: FileDescriptor, at offset: Int, atMost count: Int, to output: OutputFile
    ) throws(Errno) -> Int {
        if room == 0 { throw .wouldBlock }
        let end = min(offset + min(count, room), files[file.rawValue]!.count)
        deliver(files[file.rawValue]![offset..<end].map { $0! })
        shared[file.rawValue] = end
        return end - offset
    }

    func isReady(_ descriptor: FileDescriptor, for interest: Poller.Interest) -> Bool {
        guard let (bytes, isClosed) = pipes[descriptor.rawValue] else { return room > 0 }
        return !bytes.isEmpty || isClosed
    }

    func openOutput() -> OutputFile {
        OutputFile(
            descriptor: .standardOutput, kind: .reopened, isPipe: true,
            takesSplices: takesSplices)
    }

    func closeOutput() throws(Errno) {}

    // MARK: Files

    func makeNamelessFile(in folder: Argument) throws(Errno) -> FileDescriptor {
        let file = newDescriptor()
        files[file.rawValue] = []
        return file
    }

    /// A pipe of the reader may share the first bytes of the file, so these must not change.
    private func mustNotBeShared(_ file: FileDescriptor, _ offset: Int) {
        precondition(offset >= shared[file.rawValue] ?? 0, "shared bytes are changed")
    }

    private func store(_ bytes: [UInt8], _ file: FileDescriptor, _ offset: Int) {
        mustNotBeShared(file, offset)
        precondition(offset == files[file.rawValue]!.count, "files only grow")
        files[file.rawValue]! += bytes.map { $0 }
        if diskRoom != .max { diskRoom -= bytes.count }
    }

    func write(_ bytes: [UInt8], to file: FileDescriptor, at offset: Int) throws(Errno) {
        if diskRoom < bytes.count { throw Errno(ENOSPC) }
        store(bytes, file, offset)
    }

    func read(_ count: Int, from file: FileDescriptor, at offset: Int) throws(Errno) -> [UInt8] {
        if let readFault { throw readFault }
        bytesCopied += count
        return files[file.rawValue]![offset..<(offset + count)].map { $0! }
    }

    func release(_ file: FileDescriptor, offset: Int, count: Int) {
        mustNotBeShared(file, offset)
        for index in offset..<(offset + count) { files[file.rawValue]![index] = nil }
        if diskRoom != .max { diskRoom += count }
    }

    func close(_ descriptor: FileDescriptor) {
        if let ends = openEnds[descriptor.rawValue] {
            openEnds[descriptor.rawValue] = ends == 1 ? nil : ends - 1
            if ends == 1 { pipes[descriptor.rawValue] = nil }
            return
        }
        let bytes = files.removeValue(forKey: descriptor.rawValue)!
        if diskRoom != .max { diskRoom += bytes.count { $0 != nil } }
        shared[descriptor.rawValue] = nil
    }

    func requireMemory(_ bytes: Int) throws(Errno) {}

    // MARK: Not needed

    var timeSince1970: Duration { unexpected() }
    var signalDescriptor: FileDescriptor { unexpected() }
    var cpuCount: Int { unexpected() }
    var terminal: (type: Terminal, output: OutputPlace)? { unexpected() }
    var windowColumns: Int { unexpected() }
    var mayDraw: Bool { unexpected() }
    func claimBar() -> Bool { unexpected() }
    func releaseBar() { unexpected() }
    func markBar(shown: Bool) { unexpected() }
    var otherBarIsShown: Bool { unexpected() }
    func outputReaders() -> OutputReaders.State { unexpected() }
    func makePipe() throws(Errno) -> PipeEnds {
        let pipe = makeWorkerPipe()
        openEnds[pipe.rawValue] = 2
        return PipeEnds(reading: pipe, writing: pipe)
    }
    func setNonBlocking(_ descriptor: FileDescriptor) throws(Errno) { unexpected() }
    func enlargePipe(_ descriptor: FileDescriptor, to bytes: Int) -> Int { pipeCapacity }
    func watch(
        _ descriptor: FileDescriptor, for interest: Poller.Interest, token: UInt64
    ) throws(Errno) { unexpected() }
    func stopWatching(_ descriptor: FileDescriptor) { unexpected() }
    func waitForEvents(milliseconds: Int32) -> [UInt64] { unexpected() }
    func receivedSignals() -> [Signals.Arrival] { unexpected() }
    func stop() { unexpected() }
    func start(
        _ arguments: ArgumentVector, chunk: Int?, slot: Int, input: FileDescriptor?,
        output: FileDescriptor, errors: FileDescriptor
    ) throws(Errno) -> pid_t { unexpected() }
    func childNews(of process: pid_t?) -> ChildNews? { unexpected() }
    func reap(_ process: pid_t) -> ResourceUse { unexpected() }
    func signal(_ number: Int32, toGroup leader: pid_t) { unexpected() }
    func groupsAlive(among leaders: [pid_t]) -> [pid_t] { unexpected() }
    func unreadBytes(in pipe: FileDescriptor) -> Int { unexpected() }
    func inputWaits(of workers: [(leader: pid_t, input: FileDescriptor)]) -> [InputWait] {
        unexpected()
    }
    func resourceUse(of process: pid_t) -> ResourceUse { unexpected() }
    func splice(
        from file: FileDescriptor, at offset: Int, to output: FileDescriptor, atMost count: Int
    ) throws(Errno) -> Int { unexpected() }
    func read(
        _ file: FileDescriptor, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        let bytes = input[min(offset, input.count)...].prefix(buffer.count)
        buffer.copyBytes(from: bytes)
        return bytes.count
    }
    func size(of file: FileDescriptor) throws(Errno) -> Int { input.count }
    func seek(_ file: FileDescriptor, to offset: Int) { inputPosition = offset }
    func writeAll(_ bytes: [UInt8], to descriptor: FileDescriptor) throws(Errno) {
        if let writeFault { throw writeFault }
        print(bytes, into: descriptor)
    }
    func closeFile(_ descriptor: FileDescriptor) throws(Errno) { unexpected() }
    func replaceFile(
        _ path: Argument, _ write: (FileDescriptor) throws(Errno) -> Void
    ) throws(Errno) { unexpected() }
    func contents(of path: Argument) throws(Errno) -> String { unexpected() }
    func writeToStandardError(_ bytes: [UInt8]) { unexpected() }
    func lock(_ descriptor: FileDescriptor) -> Bool { unexpected() }
    func unlock(_ descriptor: FileDescriptor) { unexpected() }
    func hasHungUp(_ descriptor: FileDescriptor) -> Bool { unexpected() }
    func reopenForWriting(_ descriptor: FileDescriptor) -> FileDescriptor { unexpected() }
}
