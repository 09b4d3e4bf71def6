import Shared

/// How the outputs of the chunks are combined.
enum OutputMode: Equatable {
    /// Chunk 1's bytes, then chunk 2's, and so on. The first unfinished chunk streams.
    case ordered
    /// Whole chunks, in the order in which they finish.
    case unordered
    /// Whole lines, in the order in which they arrive.
    case lines
}

/// Merges the workers' output into standard output.
///
/// Every byte received is written, or held, or dropped because its chunk is retried. The byte
/// counts are checked against this all the time.
struct MergedOutput<S: System>: ~Copyable {
    private let system: S
    private var sink: Sink<S>
    private let mode: OutputMode
    /// Whether output waits until its chunk has succeeded.
    private let holdsBack: Bool
    private var backlog: Backlog<S>
    /// The output of chunks that is not completely written yet.
    private var held: [Int: ChunkOutput] = [:]
    /// Chunks with a running worker.
    private var open: Set<Int> = []
    /// The lowest number in `open`.
    private(set) var oldestOpen = Int.max
    /// With `.ordered`: the chunk whose turn it is.
    private var next = 1
    /// With `.unordered`: chunks whose turn has come, from index `firstReady` on.
    private var ready: [Int] = []
    private var firstReady = 0
    /// With `.lines`: whole lines that wait to be written.
    private var outgoing = HeldOutput()
    /// With `.lines`: a chunk whose unfinished line is being written, because nothing more can be
    /// held. No other chunk writes until the line ends.
    private var lineOwner: Int?
    /// The output that is being written.
    private var current = OutgoingOutput()
    /// Where lines get their tags; nil until the first one does.
    private var taggedLines: GrowableMemory?
    /// Whether standard output was full at the last write.
    private(set) var waitsForReader = false
    /// Whether the last byte written was a newline. Before the first byte, it counts as one.
    private(set) var endsLine = true
    /// Whether output is dropped from now on, and nothing more is written.
    private(set) var isAbandoned = false
    /// Chunks whose output is completely written, since the last `takeDone`.
    private var done: [Int] = []
    private var account = Account()

    /// Output of a chunk that standard output has not taken yet.
    private struct ChunkOutput {
        /// Output that may be written when the chunk's turn comes.
        var whole = HeldOutput()
        /// A line without its end, if only whole lines may be written.
        var partial = HeldOutput()
        /// Whether the worker has ended and its output may be written.
        var isFinished = false

        var isEmpty: Bool { whole.isEmpty && partial.isEmpty }
    }

    /// Bytes since the start of the run.
    private struct Account {
        var received = 0
        var written = 0
        var dropped = 0
    }

    /// - Parameters:
    ///   - buffer: bytes that may wait in memory.
    ///   - folder: the folder for the file in which more output may wait.
    ///   - bar: makes way for what is written.
    init(
        _ system: S, mode: OutputMode, holdsBack: Bool, buffer: Int, folder: Argument,
        bar: BarLine<S>
    ) {
        self.system = system
        sink = Sink(system, bar: bar)
        self.mode = holdsBack && mode == .lines ? .unordered : mode
        self.holdsBack = holdsBack
        backlog = Backlog(system, limit: buffer, folder: folder)
    }

    var descriptor: FileDescriptor { sink.descriptor }

    /// Whether all that is written vanishes.
    var isNothing: Bool { sink.isNothing }

    /// Whether later chunks must wait before they print or start.
    var isFull: Bool { backlog.isFull }

    /// Why waiting output cannot be put into a file; nil if it can.
    var spillFailure: Errno? { backlog.spillFailure }

    /// Bytes that wait in memory and in files.
    var waitingBytes: Int { backlog.bytes }

    /// Bytes received since the start of the run.
    var receivedBytes: Int { account.received }

    /// The chunk whose output is written next.
    private var front: Int? {
        if mode == .ordered { return next }
        return firstReady < ready.count ? ready[firstReady] : nil
    }

    /// Whether this chunk's output is written at once.
    func streams(_ chunk: Int) -> Bool {
        if mode == .lines { return lineOwner == nil || lineOwner == chunk }
        return chunk == front && !holdsBack
    }

    /// Whether this chunk's worker may be read now.
    ///
    /// When no more output can be held, the oldest chunk may still be read if that helps; otherwise
    /// no chunk would ever finish.
    func takes(_ chunk: Int) -> Bool {
        if isAbandoned { return true }
        if streams(chunk), waitsForReader { return false }
        if mode == .lines, lineOwner != nil { return lineOwner == chunk }
        if streams(chunk), mode != .lines { return true }
        if !isFull { return true }
        if chunk != oldestOpen { return false }
        if holdsBack { return !backlog.isOverfull || !waitsForReader }
        return mode == .lines || (mode == .unordered && front == nil)
    }

    /// Whether a chunk that is not open comes before all open ones. Then held output may have to
    /// wait for it.
    func isAwaited(_ chunk: Int) -> Bool { chunk < oldestOpen }

    /// Notes that a chunk's worker starts.
    mutating func begin(_ chunk: Int) {
        open.insert(chunk)
        oldestOpen = min(oldestOpen, chunk)
    }

    private mutating func noLongerOpen(_ chunk: Int) {
        guard open.remove(chunk) != nil, chunk == oldestOpen else { return }
        // Each chunk in between was open once, so all steps together are at most the number of
        // chunks.
        if open.isEmpty { oldestOpen = .max }
        while !open.isEmpty, !open.contains(oldestOpen) { oldestOpen += 1 }
    }

    // MARK: Receiving

    enum Receipt: Equatable {
        /// The number of bytes received.
        case more(Int)
        /// The worker has not printed anything more.
        case nothingYet
        /// Standard output is full.
        case noRoom
        case end
        /// The pipe could not be read.
        case failed(Errno)
        /// The output must be held, and there is no room.
        case overflow
    }

    /// Reads a worker's output once.
    ///
    /// - Parameters:
    ///   - buffer: memory to read into, empty before and after.
    ///   - lines: the filter for the worker's lines, if any.
    /// - Throws: if standard output cannot be written, or memory is exhausted.
    mutating func receive(
        chunk: Int, from descriptor: FileDescriptor, through buffer: inout InputBuffer,
        lines: inout LineFilter?
    ) throws(WriteError) -> Receipt {
        if isAbandoned { return discard(descriptor, &buffer) }
        promoteIfFull(chunk)
        if lines == nil {
            let receipt =
                streamsDirectly(chunk)
                ? try spliceToSink(from: descriptor)
                : try spliceToBacklog(chunk, from: descriptor)
            if let receipt { return receipt }
        }
        if cannotHold { return .overflow }
        do {
            let count = try unsafe buffer.fill { memory throws(Errno) in
                try unsafe system.read(descriptor, into: memory)
            }
            if count == 0 { return .end }
        } catch {
            return error == .wouldBlock ? .nothingYet : .failed(error)
        }
        defer { buffer.consume(buffer.count) }
        let count = buffer.count
        try unsafe accept(UnsafeRawBufferPointer(buffer.bytes), chunk: chunk, lines: &lines)
        return .more(count)
    }

    /// Whether output must be held and there is no room for it, not even for the oldest chunk.
    var cannotHold: Bool { holdsBack && backlog.isOverfull }

    /// Accepts output that is in memory: writes it or holds it.
    ///
    /// The caller reads it only if `takes` allows it and `cannotHold` is false.
    ///
    /// - Throws: if standard output cannot be written, or memory is exhausted.
    mutating func accept(
        _ bytes: UnsafeRawBufferPointer, chunk: Int, lines: inout LineFilter?
    ) throws(WriteError) {
        if isAbandoned { return }
        promoteIfFull(chunk)
        guard var filter = lines else { return try unsafe acceptBytes(bytes, chunk: chunk) }
        defer { lines = filter }
        if !filter.tag.isEmpty { return try unsafe acceptTagged(bytes, chunk: chunk, &filter) }
        unsafe filter.pass(bytes)
        try unsafe acceptLines(bytes, chunk: chunk)
    }

    private mutating func acceptTagged(
        _ bytes: UnsafeRawBufferPointer, chunk: Int, _ filter: inout LineFilter
    ) throws(WriteError) {
        let memory = try memoryForTaggedLines(filter.memoryForResult(ofBytes: bytes.count))
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let (read, written) = unsafe filter.copyTagged(
                rest, into: UnsafeMutableRawBufferPointer(start: memory.start, count: memory.count))
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[read...])
            try unsafe acceptLines(
                UnsafeRawBufferPointer(start: memory.start, count: written), chunk: chunk)
        }
        taggedLines = consume memory
    }

    private mutating func memoryForTaggedLines(
        _ size: Int
    ) throws(WriteError) -> GrowableMemory {
        do throws(Errno) {
            guard var memory = taggedLines.take() else {
                return try GrowableMemory(capacity: size)
            }
            if memory.count < size { try memory.grow(to: size) }
            return memory
        } catch {
            throw WriteError(error)
        }
    }

    /// Reads and drops output, so that a worker which is being ended does not block.
    private func discard(_ descriptor: FileDescriptor, _ buffer: inout InputBuffer) -> Receipt {
        defer { buffer.consume(buffer.count) }
        do {
            let count = try unsafe buffer.fill { memory throws(Errno) in
                try unsafe system.read(descriptor, into: memory)
            }
            return count == 0 ? .end : .more(count)
        } catch {
            return error == .wouldBlock ? .nothingYet : .end
        }
    }

    /// Writes nothing more, and drops all held output.
    mutating func abandon() {
        if isAbandoned { return }
        isAbandoned = true
        waitsForReader = false
        for chunk in Array(held.keys) {
            guard var entry = held.removeValue(forKey: chunk) else { continue }
            forget(&entry)
        }
        account.dropped += backlog.clear(&outgoing) + current.count
        backlog.close(&current)
        checkAccount()
    }

    /// Whether the chunk's output can be written before anything else.
    private func streamsDirectly(_ chunk: Int) -> Bool {
        streams(chunk) && current.count == 0 && outgoing.isEmpty && held[chunk]?.isEmpty ?? true
    }

    /// When no more output can be held, lets the oldest chunk stream: with `.unordered` it comes
    /// next, and with `.lines` its unfinished line does.
    private mutating func promoteIfFull(_ chunk: Int) {
        guard isFull, chunk == oldestOpen, !holdsBack else { return }
        switch mode {
        case .ordered: break
        case .unordered: if front == nil { ready.append(chunk) }
        case .lines: if lineOwner == nil, outgoing.isEmpty { lineOwner = chunk }
        }
    }

    private mutating func acceptBytes(
        _ bytes: UnsafeRawBufferPointer, chunk: Int
    ) throws(WriteError) {
        if streamsDirectly(chunk) { return try unsafe writeDirectly(bytes) }
        try change(chunk) { output, entry throws(WriteError) in
            try unsafe output.hold(bytes, in: &entry.whole)
        }
        if streams(chunk) { try flush() }
    }

    /// Accepts bytes like `acceptBytes`, if only whole lines may be written.
    private mutating func acceptLines(
        _ bytes: UnsafeRawBufferPointer, chunk: Int
    ) throws(WriteError) {
        let lineEnd = unsafe lastOffset(of: UInt8(ascii: "\n"), in: bytes).map { $0 + 1 } ?? 0
        if lineEnd > 0 { try writePartial(chunk) }
        let lines = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<lineEnd])
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[lineEnd...])
        if lineOwner == chunk, unsafe !lines.isEmpty { lineOwner = nil }
        let isDirect = streamsDirectly(chunk)
        if isDirect { try unsafe writeDirectly(lines) }
        if unsafe isDirect && rest.isEmpty { return }
        try change(chunk) { output, entry throws(WriteError) in
            if !isDirect, unsafe !lines.isEmpty {
                if output.mode == .lines {
                    output.backlog.move(&entry.partial, to: &output.outgoing)
                    try unsafe output.holdOutgoing(lines)
                } else {
                    output.backlog.move(&entry.partial, to: &entry.whole)
                    try unsafe output.hold(lines, in: &entry.whole)
                }
            }
            try unsafe output.hold(rest, in: &entry.partial)
            // A line that cannot be held is written in parts. In order no other chunk can break it
            // up.
            if output.mode != .lines, output.isFull, output.streams(chunk) {
                output.backlog.move(&entry.partial, to: &entry.whole)
            }
        }
        if streams(chunk) { try flush() }
    }

    /// Writes the held part of a line whose end has come, if the chunk may write now. Then the rest
    /// need not be held either.
    private mutating func writePartial(_ chunk: Int) throws(WriteError) {
        guard streams(chunk), held[chunk]?.partial.isEmpty == false else { return }
        try change(chunk) { output, entry throws(WriteError) in
            if output.mode == .lines {
                output.backlog.move(&entry.partial, to: &output.outgoing)
            } else {
                output.backlog.move(&entry.partial, to: &entry.whole)
            }
        }
        try flush()
    }

    /// Changes the held output of a chunk. If the change throws, the output stays held.
    private mutating func change(
        _ chunk: Int, _ body: (inout Self, inout ChunkOutput) throws(WriteError) -> Void
    ) throws(WriteError) {
        var entry = taken(chunk)
        defer { held[chunk] = entry }
        try body(&self, &entry)
    }

    private mutating func holdOutgoing(_ bytes: UnsafeRawBufferPointer) throws(WriteError) {
        var queue = HeldOutput()
        swap(&queue, &outgoing)
        defer { outgoing = queue }
        try unsafe hold(bytes, in: &queue)
    }

    private mutating func taken(_ chunk: Int) -> ChunkOutput {
        if let entry = held.removeValue(forKey: chunk) { return entry }
        backlog.open()
        return ChunkOutput()
    }

    private mutating func hold(
        _ bytes: UnsafeRawBufferPointer, in output: inout HeldOutput
    ) throws(WriteError) {
        do {
            // Held output is copied when it grows.
            try system.requireMemory(bytes.count * 4 + largePipeSize)
        } catch {
            throw WriteError(error)
        }
        account.received += bytes.count
        unsafe backlog.append(bytes, to: &output)
    }

    /// Writes bytes that need not wait for others. If there is no room for all, the rest is written
    /// next.
    private mutating func writeDirectly(_ bytes: UnsafeRawBufferPointer) throws(WriteError) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = try unsafe writeNow(rest)
            account.received += count
            if count == 0 {
                current.bytes = unsafe Array(rest)
                account.received += rest.count
                return
            }
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// - Returns: nil if the bytes must be copied.
    private mutating func spliceToSink(
        from descriptor: FileDescriptor
    ) throws(WriteError) -> Receipt? {
        do throws(WriteError) {
            guard let moved = try sink.splice(from: descriptor) else { return nil }
            account.received += moved
            account.written += moved
            return moved == 0 ? .end : .more(moved)
        } catch {
            if error.cause != .wouldBlock { throw error }
            // Either side may be the reason. If the worker's pipe is readable, standard output is
            // full.
            if !system.isReady(descriptor, for: .reading) { return .nothingYet }
            waitsForReader = true
            return .noRoom
        }
    }

    /// - Returns: nil if the bytes must be copied.
    private mutating func spliceToBacklog(
        _ chunk: Int, from descriptor: FileDescriptor
    ) throws(WriteError) -> Receipt? {
        guard var entry = held.removeValue(forKey: chunk) else { return nil }
        let moved: Int?
        do throws(Errno) {
            defer { held[chunk] = entry }
            moved = try backlog.splice(from: descriptor, to: &entry.whole)
        } catch {
            return .nothingYet
        }
        guard let moved else { return nil }
        account.received += moved
        if streams(chunk) { try flush() }
        return moved == 0 ? .end : .more(moved)
    }

    // MARK: Finishing

    /// Notes that the chunk will print no more.
    ///
    /// - Parameters:
    ///   - keeps: whether its held output is written; if not, it is dropped.
    ///   - rest: what the line filter adds at the end.
    mutating func finish(chunk: Int, keeps: Bool, rest: [UInt8] = []) throws(WriteError) {
        noLongerOpen(chunk)
        if isAbandoned { return }
        try change(chunk) { output, entry throws(WriteError) in
            entry.isFinished = true
            if !keeps { return output.forget(&entry) }
            try unsafe rest.withUnsafeBufferPointer { bytes throws(WriteError) in
                try unsafe output.hold(UnsafeRawBufferPointer(bytes), in: &entry.partial)
            }
            if output.mode == .lines, output.streams(chunk) {
                output.backlog.move(&entry.partial, to: &output.outgoing)
                output.lineOwner = nil
            } else {
                output.backlog.move(&entry.partial, to: &entry.whole)
            }
            output.backlog.moveToFile(&entry.whole)
        }
        if mode != .ordered, front != chunk { ready.append(chunk) }
        try flush()
    }

    /// Removes and returns the first bytes held for a chunk, which are then not written; nil if
    /// there are none.
    mutating func takeHeld(of chunk: Int) throws(WriteError) -> [UInt8]? {
        guard var entry = held.removeValue(forKey: chunk) else { return nil }
        defer { held[chunk] = entry }
        do {
            var bytes = try backlog.takeBytes(from: &entry.whole)
            if bytes == nil { bytes = try backlog.takeBytes(from: &entry.partial) }
            account.dropped += bytes?.count ?? 0
            return bytes
        } catch {
            throw WriteError(error)
        }
    }

    /// Drops the output of a failed attempt, because the chunk is retried.
    mutating func restart(chunk: Int) {
        noLongerOpen(chunk)
        guard var entry = held.removeValue(forKey: chunk) else { return }
        forget(&entry)
        backlog.close()
    }

    private mutating func forget(_ entry: inout ChunkOutput) {
        account.dropped += backlog.clear(&entry.whole) + backlog.clear(&entry.partial)
    }

    // MARK: Writing

    /// Writes as much as standard output has room for.
    mutating func flush() throws(WriteError) {
        waitsForReader = false
        if isAbandoned { return }
        while true {
            try writeCurrent()
            if waitsForReader { break }
            if try refill() { continue }
            guard lineOwner == nil, let chunk = front, let entry = held[chunk],
                entry.isFinished, entry.isEmpty
            else { break }
            held[chunk] = nil
            backlog.close()
            advance(past: chunk)
        }
        checkAccount()
    }

    /// Takes the next bytes to write from the held output.
    ///
    /// - Returns: false if there are none.
    private mutating func refill() throws(WriteError) -> Bool {
        do throws(Errno) {
            if try backlog.takeFirst(from: &outgoing, into: &current) { return true }
            if let owner = lineOwner {
                guard var entry = held.removeValue(forKey: owner) else { return false }
                defer { held[owner] = entry }
                return try backlog.takeFirst(from: &entry.partial, into: &current)
            }
            guard let chunk = front, var entry = held.removeValue(forKey: chunk) else {
                return false
            }
            defer { held[chunk] = entry }
            if holdsBack, !entry.isFinished { return false }
            return try backlog.takeFirst(from: &entry.whole, into: &current)
        } catch {
            throw WriteError(error)
        }
    }

    private mutating func advance(past chunk: Int) {
        done.append(chunk)
        if mode == .ordered {
            next += 1
            return
        }
        firstReady += 1
        if firstReady > ready.count / 2 {
            ready.removeFirst(firstReady)
            firstReady = 0
        }
    }

    private mutating func writeCurrent() throws(WriteError) {
        while current.count > 0 {
            let count =
                current.written < current.bytes.count
                ? try writeCurrentBytes() : try sendCurrentStore()
            if count == 0 { return }
        }
        backlog.close(&current)
    }

    private mutating func writeCurrentBytes() throws(WriteError) -> Int {
        let from = current.written
        let count = try unsafe current.bytes.withUnsafeBufferPointer {
            bytes throws(WriteError) in
            try unsafe writeNow(
                UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[from...])))
        }
        current.written += count
        return count
    }

    /// - Returns: the number of bytes written or read into memory, 0 if there is no room.
    private mutating func sendCurrentStore() throws(WriteError) -> Int {
        guard let stored = current.stored else { return 0 }
        do throws(WriteError) {
            if let count = try sink.send(stored) {
                current.stored?.removeFirst(count)
                account.written += count
                return count
            }
        } catch {
            if error.cause != .wouldBlock { throw error }
            waitsForReader = true
            return 0
        }
        do {
            try backlog.readFirst(of: &current)
        } catch {
            throw WriteError(error)
        }
        return current.bytes.count
    }

    /// - Returns: the number of bytes written, 0 if there is no room.
    private mutating func writeNow(_ bytes: UnsafeRawBufferPointer) throws(WriteError) -> Int {
        do {
            let count = try unsafe sink.write(bytes)
            account.written += count
            unsafe endsLine = bytes[count - 1] == UInt8(ascii: "\n")
            return count
        } catch  where error.cause == .wouldBlock {
            waitsForReader = true
            return 0
        }
    }

    private func checkAccount() {
        let waiting = backlog.bytes + current.count
        if account.received != account.written + account.dropped + waiting {
            wrongState("output that was read is neither written nor held")
        }
    }

    /// Whether all finished output is written.
    var isEmpty: Bool { held.isEmpty && outgoing.isEmpty && current.count == 0 }

    /// Returns the chunks whose output was completely written since the last call.
    mutating func takeDone() -> [Int] {
        defer { done = [] }
        return done
    }

    /// Closes standard output. Nothing may be received after that.
    func close() throws(WriteError) { try sink.close() }
}
