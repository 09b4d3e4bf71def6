import Shared

/// How the outputs of chunks come together.
enum OutputMode: Equatable {
    /// Chunk 1's bytes, then chunk 2's, and so on. The first unfinished one streams.
    case ordered
    /// Whole chunks, as they finish.
    case unordered
    /// Whole lines, as they come.
    case lines
}

/// Merges what the workers print into standard output.
///
/// Every byte that comes in is written, or held, or dropped because its chunk is run again;
/// that is checked all the time.
struct MergedOutput<S: System>: ~Copyable {
    private let system: S
    private var sink: Sink<S>
    private let mode: OutputMode
    /// Whether a chunk's output waits until it is known that the chunk succeeded.
    private let holdsBack: Bool
    private var backlog: Backlog<S>
    /// The output of chunks that are not done yet.
    private var held: [Int: ChunkOutput] = [:]
    /// Chunks whose workers run.
    private var open: Set<Int> = []
    /// The first of them.
    private var oldestOpen = Int.max
    /// In order: the chunk whose turn it is.
    private var next = 1
    /// In no order: those whose turn has come, from `firstReady` on.
    private var ready: [Int] = []
    private var firstReady = 0
    /// With `.lines`: whole lines on their way out.
    private var outgoing = HeldOutput()
    /// With `.lines`: the chunk whose unfinished line is being written, because nothing more
    /// can be held. Nobody else writes until the line ends.
    private var lineOwner: Int?
    /// What is being written, and how much of it is.
    private var current: [UInt8] = []
    private var written = 0
    /// Whether standard output had no room when it was last written to.
    private(set) var waitsForReader = false
    /// Whether the last byte written was a newline. Before the first byte, it counts as one.
    private(set) var endsLine = true
    /// Whether nothing is written any more, and all that comes is dropped.
    private(set) var isAbandoned = false
    /// Chunks all of whose output is written, since this was asked last.
    private var done: [Int] = []
    private var account = Account()

    /// What a chunk printed and standard output did not take yet.
    private struct ChunkOutput {
        /// What may be written when the chunk's turn comes.
        var whole = HeldOutput()
        /// A line whose end has not come yet, if only whole lines may be written.
        var partial = HeldOutput()
        /// The worker has ended, and what it printed may be written.
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
    ///   - folder: where the file is made in which more of them may wait.
    init(_ system: S, mode: OutputMode, holdsBack: Bool, buffer: Int, folder: Argument) {
        self.system = system
        sink = Sink(system)
        self.mode = holdsBack && mode == .lines ? .unordered : mode
        self.holdsBack = holdsBack
        backlog = Backlog(system, limit: buffer, folder: folder)
    }

    var descriptor: FileDescriptor { sink.descriptor }

    /// Whether later chunks must wait before they print or begin.
    var isFull: Bool { backlog.isFull }

    /// Why output that waits cannot be put into a file, if it cannot.
    var spillFailure: Errno? { backlog.spillFailure }

    /// The chunk whose output is written next.
    private var front: Int? {
        if mode == .ordered { return next }
        return firstReady < ready.count ? ready[firstReady] : nil
    }

    /// Whether what this chunk prints goes straight out.
    private func streams(_ chunk: Int) -> Bool {
        if mode == .lines { return lineOwner == nil || lineOwner == chunk }
        return chunk == front && !holdsBack
    }

    /// Whether this chunk's worker may be read from now.
    ///
    /// When no more can be held, the oldest chunk still may be if that leads on: if everybody
    /// waited, nobody would ever finish.
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

    /// Whether a chunk that is not open comes before all that are, so that what is held may
    /// have to wait for it.
    func isAwaited(_ chunk: Int) -> Bool { chunk < oldestOpen }

    /// A chunk's worker starts.
    mutating func begin(_ chunk: Int) {
        open.insert(chunk)
        oldestOpen = min(oldestOpen, chunk)
    }

    private mutating func noLongerOpen(_ chunk: Int) {
        guard open.remove(chunk) != nil, chunk == oldestOpen else { return }
        // Those in between were open once, so all the steps come to no more than the chunks.
        if open.isEmpty { oldestOpen = .max }
        while !open.isEmpty, !open.contains(oldestOpen) { oldestOpen += 1 }
    }

    // MARK: Receiving

    enum Receipt: Equatable {
        /// Bytes that came.
        case more(Int)
        /// The worker has printed nothing more.
        case nothingYet
        /// Standard output takes nothing.
        case noRoom
        case end
        /// It could not be read.
        case failed(Errno)
        /// It must be held, and there is no room.
        case overflow
    }

    /// Takes what a worker printed, once.
    ///
    /// - Parameters:
    ///   - buffer: memory to read into, empty before and after.
    ///   - lines: the filter of the worker's lines, if they have one.
    /// - Throws: if standard output cannot be written, or memory is out.
    mutating func receive(
        chunk: Int, from descriptor: FileDescriptor, through buffer: inout InputBuffer,
        lines: inout LineFilter?
    ) throws(WriteError) -> Receipt {
        if isAbandoned { return discard(descriptor, &buffer) }
        promoteIfFull(chunk)
        if lines == nil, streamsDirectly(chunk), let receipt = try splice(from: descriptor) {
            return receipt
        }
        if holdsBack, backlog.isOverfull { return .overflow }
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
        let bytes = unsafe UnsafeRawBufferPointer(buffer.bytes)
        if lines == nil {
            try unsafe accept(bytes, chunk: chunk)
        } else if let tagged = unsafe lines?.tagged(bytes) {
            try unsafe tagged.withUnsafeBufferPointer { bytes throws(WriteError) in
                try unsafe acceptLines(UnsafeRawBufferPointer(bytes), chunk: chunk)
            }
        } else {
            try unsafe acceptLines(bytes, chunk: chunk)
        }
        return .more(count)
    }

    /// Reads what nobody will see, so that a worker that is being ended does not wait.
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

    /// Writes nothing more, and forgets all that is held.
    mutating func abandon() {
        if isAbandoned { return }
        isAbandoned = true
        waitsForReader = false
        for chunk in Array(held.keys) {
            guard var entry = held.removeValue(forKey: chunk) else { continue }
            forget(&entry)
        }
        account.dropped += backlog.clear(&outgoing) + current.count - written
        current = []
        written = 0
        checkAccount()
    }

    /// Whether what the chunk prints can be written before anything else.
    private func streamsDirectly(_ chunk: Int) -> Bool {
        streams(chunk) && current.isEmpty && outgoing.isEmpty && held[chunk]?.isEmpty ?? true
    }

    /// When no more can be held, the oldest chunk streams from now on: in no order it is the
    /// next, and with `.lines` its unfinished line is.
    private mutating func promoteIfFull(_ chunk: Int) {
        guard isFull, chunk == oldestOpen, !holdsBack else { return }
        switch mode {
        case .ordered: break
        case .unordered: if front == nil { ready.append(chunk) }
        case .lines: if lineOwner == nil, outgoing.isEmpty { lineOwner = chunk }
        }
    }

    private mutating func accept(
        _ bytes: UnsafeRawBufferPointer, chunk: Int
    ) throws(WriteError) {
        if streamsDirectly(chunk) { return try unsafe writeDirectly(bytes) }
        try change(chunk) { output, entry throws(WriteError) in
            try unsafe output.hold(bytes, in: &entry.whole)
        }
        if streams(chunk) { try flush() }
    }

    /// The same if only whole lines may be written.
    private mutating func acceptLines(
        _ bytes: UnsafeRawBufferPointer, chunk: Int
    ) throws(WriteError) {
        let lineEnd = unsafe lastOffset(of: UInt8(ascii: "\n"), in: bytes).map { $0 + 1 } ?? 0
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
            // A line that cannot be held goes out as it comes. In order nobody can break it.
            if output.mode != .lines, output.isFull, output.streams(chunk) {
                output.backlog.move(&entry.partial, to: &entry.whole)
            }
        }
        if streams(chunk) { try flush() }
    }

    /// Changes what is held of a chunk, which stays held if that fails in between.
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
            // What is held is moved when it grows.
            try system.requireMemory(bytes.count * 4 + largePipeSize)
        } catch {
            throw WriteError(error)
        }
        account.received += bytes.count
        unsafe backlog.append(bytes, to: &output)
    }

    /// Writes bytes before which nothing waits. What there is no room for is next.
    private mutating func writeDirectly(_ bytes: UnsafeRawBufferPointer) throws(WriteError) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = try unsafe writeNow(rest)
            account.received += count
            if count == 0 {
                current = unsafe Array(rest)
                account.received += rest.count
                return
            }
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// - Returns: nil if the bytes must be copied.
    private mutating func splice(from descriptor: FileDescriptor) throws(WriteError) -> Receipt? {
        do throws(WriteError) {
            guard let moved = try sink.splice(from: descriptor) else { return nil }
            account.received += moved
            account.written += moved
            return moved == 0 ? .end : .more(moved)
        } catch {
            if error.cause != .wouldBlock { throw error }
            // Either side may be the cause. If the worker has something to read, it is
            // standard output.
            if !system.isReady(descriptor, for: .reading) { return .nothingYet }
            waitsForReader = true
            return .noRoom
        }
    }

    // MARK: Finishing

    /// The chunk will print no more.
    ///
    /// - Parameters:
    ///   - keeps: whether what is held of it is written, or forgotten.
    ///   - rest: what the filter of its lines adds at the end.
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

    /// Takes out the first bytes that are held of a chunk, which are then not written; nil if
    /// there are none.
    mutating func takeHeld(of chunk: Int) throws(WriteError) -> [UInt8]? {
        guard var entry = held.removeValue(forKey: chunk) else { return nil }
        defer { held[chunk] = entry }
        do {
            var bytes = try backlog.takeFirst(from: &entry.whole)
            if bytes == nil { bytes = try backlog.takeFirst(from: &entry.partial) }
            account.dropped += bytes?.count ?? 0
            return bytes
        } catch {
            throw WriteError(error)
        }
    }

    /// An attempt failed and the chunk is run again: what it printed is forgotten.
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

    /// Writes as much as there is room for.
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

    /// Takes the next bytes to be written out of what is held.
    ///
    /// - Returns: false if there are none.
    private mutating func refill() throws(WriteError) -> Bool {
        do throws(Errno) {
            if let bytes = try backlog.takeFirst(from: &outgoing) {
                current = bytes
                return true
            }
            if let owner = lineOwner {
                guard var entry = held.removeValue(forKey: owner) else { return false }
                defer { held[owner] = entry }
                guard let bytes = try backlog.takeFirst(from: &entry.partial) else {
                    return false
                }
                current = bytes
                return true
            }
            guard let chunk = front, var entry = held.removeValue(forKey: chunk) else {
                return false
            }
            defer { held[chunk] = entry }
            guard entry.isFinished || !holdsBack,
                let bytes = try backlog.takeFirst(from: &entry.whole)
            else { return false }
            current = bytes
            return true
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
        while written < current.count {
            let from = written
            let count = try unsafe current.withUnsafeBufferPointer { bytes throws(WriteError) in
                try unsafe writeNow(
                    UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[from...])))
            }
            if count == 0 { return }
            written += count
        }
        current = []
        written = 0
    }

    /// - Returns: the bytes written, 0 if there is no room.
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
        let waiting = backlog.bytes + current.count - written
        if account.received != account.written + account.dropped + waiting {
            wrongState("output that was read is neither written nor held")
        }
    }

    /// Whether everything that finished is written.
    var isEmpty: Bool { held.isEmpty && outgoing.isEmpty && current.isEmpty }

    /// The chunks all of whose output was written since this was asked last.
    mutating func takeDone() -> [Int] {
        defer { done = [] }
        return done
    }

    /// Closes standard output. Nothing may be received after that.
    func close() throws(WriteError) { try sink.close() }
}
