import Shared

/// How the outputs of chunks come together.
enum OutputMode: Equatable {
    /// Chunk 1's bytes, then chunk 2's, and so on: the first unfinished one streams.
    case ordered
    /// Whole chunks, as they finish.
    case unordered
    /// Whole lines, as they come.
    case lines
}

/// Merges what the workers print into standard output.
struct MergedOutput: ~Copyable {
    private var sink = Sink()
    private let mode: OutputMode
    /// Whether a chunk's output waits until it is known that the chunk succeeded.
    private let holdsBack: Bool
    private var backlog: Backlog
    /// What a chunk printed and standard output did not take yet.
    private var held: [Int: HeldOutput] = [:]
    /// Chunks whose workers run.
    private var open: Set<Int> = []
    /// The first of them.
    private var oldestOpen = Int.max
    /// In order: the chunk whose turn it is.
    private var next = 1
    /// In no order: those whose turn has come, from `firstReady` on.
    private var ready: [Int] = []
    private var firstReady = 0
    /// What is being written, and how much of it is.
    private var current: [UInt8] = []
    private var written = 0
    /// Whether standard output had no room when it was last written to.
    private(set) var waitsForReader = false
    /// Whether the last byte written was a newline; where nothing was, it counts as one.
    private(set) var endsLine = true
    /// Chunks all of whose output is written, since it was asked last.
    private var done: [Int] = []

    /// Bytes that one piece of held output has at the most.
    private static let longestPiece = 1 << 20

    /// - Parameters:
    ///   - buffer: bytes that may wait in memory.
    ///   - folder: where the file is made in which more of them may wait.
    init(mode: OutputMode, holdsBack: Bool, buffer: Int, folder: Argument) {
        self.mode = holdsBack && mode == .lines ? .unordered : mode
        self.holdsBack = holdsBack
        backlog = Backlog(limit: buffer, folder: folder)
    }

    var descriptor: FileDescriptor { sink.descriptor }

    /// Whether later chunks must wait before they print or begin.
    var isFull: Bool { backlog.isFull }

    /// Why output that waits can not be put into a file, if it cannot.
    var spillFailure: Errno? { backlog.spillFailure }

    /// The chunk whose output is written next.
    private var front: Int? {
        if mode == .ordered { return next }
        return firstReady < ready.count ? ready[firstReady] : nil
    }

    /// Whether what this chunk prints goes straight out.
    private func streams(_ chunk: Int) -> Bool {
        mode == .lines || (chunk == front && !holdsBack)
    }

    /// Whether this chunk's worker may be read from now. When no more can be held, the
    /// oldest one still may: if everybody waited, nobody would ever finish.
    func takes(_ chunk: Int) -> Bool {
        if streams(chunk) { return !waitsForReader }
        return !isFull || chunk == oldestOpen
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

    enum Receipt: Equatable {
        /// Bytes that came.
        case more(Int)
        case nothingYet
        case end
        /// It could not be read.
        case failed(Errno)
    }

    /// Takes what a worker printed, once.
    ///
    /// - Parameters:
    ///   - buffer: memory to read into, empty before and after.
    ///   - lines: the filter of the worker's lines, if they have one.
    /// - Throws: for want of memory too.
    mutating func receive(
        chunk: Int, from descriptor: FileDescriptor, through buffer: inout InputBuffer,
        lines: inout LineFilter?
    ) throws(WriteError) -> Receipt {
        promoteIfFull(chunk)
        if mode != .lines, lines == nil, streams(chunk), current.isEmpty,
            held[chunk]?.isEmpty ?? true, let receipt = try splice(from: descriptor)
        {
            return receipt
        }
        do {
            if try buffer.fill(from: descriptor) == 0 { return .end }
        } catch {
            return error == .wouldBlock ? .nothingYet : .failed(error)
        }
        defer { buffer.consume(buffer.count) }
        let count = buffer.count
        if lines == nil, streams(chunk), current.isEmpty, held[chunk]?.isEmpty ?? true {
            let bytes = unsafe UnsafeRawBufferPointer(buffer.bytes)
            let now = try unsafe writeNow(bytes)
            if now < count { current = unsafe Array(bytes[now...]) }
        } else {
            // What is held is moved when it grows, and has its tag before each line.
            try requireMemory(forOutput: count * 4 + Self.longestPiece)
            let bytes = unsafe Array(buffer.bytes)
            try accept(lines?.tagged(bytes) ?? bytes, chunk: chunk)
        }
        return .more(count)
    }

    /// In no order, when no more can be held: the oldest chunk streams from now on.
    private mutating func promoteIfFull(_ chunk: Int) {
        if mode == .unordered, !holdsBack, isFull, front == nil, chunk == oldestOpen {
            ready.append(chunk)
        }
    }

    private mutating func accept(_ bytes: [UInt8], chunk: Int) throws(WriteError) {
        var entry = held.removeValue(forKey: chunk) ?? backlog.open()
        if mode == .lines {
            // What is behind the last newline waits for the rest of its line.
            guard let newline = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
                backlog.append(bytes, to: &entry)
                held[chunk] = entry
                return
            }
            while let piece = try taken(from: &entry) {
                try requireMemory(forOutput: 2 * (current.count + piece.count))
                current += piece
            }
            current += bytes[...newline]
            backlog.append(Array(bytes[(newline + 1)...]), to: &entry)
            held[chunk] = entry
            return try flush()
        }
        backlog.append(bytes, to: &entry)
        held[chunk] = entry
        if streams(chunk) { try flush() }
    }

    private mutating func taken(from entry: inout HeldOutput) throws(WriteError) -> [UInt8]? {
        do {
            return try backlog.takeFirst(from: &entry)
        } catch {
            throw WriteError(error)
        }
    }

    /// - Returns: nil where the bytes must be copied.
    private mutating func splice(from descriptor: FileDescriptor) throws(WriteError) -> Receipt? {
        do throws(WriteError) {
            guard let moved = try sink.splice(from: descriptor) else { return nil }
            return moved == 0 ? .end : .more(moved)
        } catch {
            if error.cause != .wouldBlock { throw error }
            // Either side may be the cause; where the worker has something to read, it
            // is standard output.
            var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
            if unsafe poll(&request, 1, 0) == 1 { waitsForReader = true }
            return .nothingYet
        }
    }

    /// The chunk will print no more.
    ///
    /// - Parameters:
    ///   - keeps: whether what is held of it is written, or forgotten.
    ///   - rest: what the filter of its lines adds at the end.
    mutating func finish(chunk: Int, keeps: Bool, rest: [UInt8] = []) throws(WriteError) {
        noLongerOpen(chunk)
        var entry = held.removeValue(forKey: chunk) ?? backlog.open()
        if keeps {
            if !rest.isEmpty { backlog.append(rest, to: &entry) }
            backlog.moveToFile(&entry)
        } else {
            backlog.clear(&entry)
        }
        entry.isFinished = true
        held[chunk] = entry
        if mode != .ordered, front != chunk { ready.append(chunk) }
        try flush()
    }

    /// An attempt failed and the chunk is run again: what it printed is forgotten.
    mutating func restart(chunk: Int) {
        noLongerOpen(chunk)
        if let entry = held.removeValue(forKey: chunk) { backlog.close(entry) }
    }

    /// Writes as much as there is room for.
    mutating func flush() throws(WriteError) {
        waitsForReader = false
        while true {
            try writeCurrent()
            if waitsForReader { return }
            guard let chunk = front, !holdsBack || held[chunk]?.isFinished ?? false,
                var entry = held.removeValue(forKey: chunk)
            else { return }
            if let bytes = try taken(from: &entry) {
                current = bytes
                held[chunk] = entry
            } else if entry.isFinished {
                backlog.close(entry)
                advance(past: chunk)
            } else {
                held[chunk] = entry
                return
            }
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

    /// - Returns: the bytes written, 0 where there is no room.
    private mutating func writeNow(_ bytes: UnsafeRawBufferPointer) throws(WriteError) -> Int {
        do {
            let count = try unsafe sink.write(bytes)
            unsafe endsLine = bytes[count - 1] == UInt8(ascii: "\n")
            return count
        } catch  where error.cause == .wouldBlock {
            waitsForReader = true
            return 0
        }
    }

    /// Whether everything that finished is written.
    var isEmpty: Bool { held.isEmpty && current.isEmpty }

    /// The chunks all of whose output was written since it was asked last.
    mutating func takeDone() -> [Int] {
        defer { done = [] }
        return done
    }

    /// Closes standard output; nothing may be received after it.
    func close() throws(WriteError) { try sink.close() }
}

/// Makes sure of memory without which no more can be printed: the run is ended in order then.
func requireMemory(forOutput bytes: Int) throws(WriteError) {
    do {
        try requireMemory(bytes)
    } catch {
        throw WriteError(error)
    }
}
