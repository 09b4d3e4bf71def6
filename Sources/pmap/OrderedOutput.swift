import Shared

/// Merges what the workers print: chunk 1's bytes, then chunk 2's, and so on. The first
/// unfinished chunk, the front, streams; later ones wait in memory.
struct OrderedOutput: ~Copyable {
    /// What a chunk printed and standard output did not take yet.
    private struct Held {
        var blocks: [[UInt8]] = []
        var isFinished = false
    }

    private var sink = Sink()
    /// The chunk whose turn it is.
    private(set) var front = 1
    private var held: [Int: Held] = [:]
    /// Bytes of the front's first block that are written.
    private var written = 0
    /// Whether standard output had no room when it was last written to.
    private(set) var waitsForReader = false
    /// Bytes held, and those that holding them takes.
    private var heldBytes = 0
    private let limit: Int
    /// Whether the last byte written was a newline; where nothing was, it counts as one.
    private(set) var endsLine = true

    /// Bytes of table and array for a chunk that is held, whatever it printed.
    private static let overhead = 128

    /// - Parameter limit: bytes that may wait in memory.
    init(limit: Int) { self.limit = limit }

    var descriptor: FileDescriptor { sink.descriptor }

    /// Whether later chunks must wait before they print or begin: their output is all
    /// that may be held.
    var isFull: Bool { heldBytes >= limit }

    /// Whether this chunk's worker may be read from now.
    func takes(_ chunk: Int) -> Bool { chunk == front ? !waitsForReader : !isFull }

    enum Receipt: Equatable { case more, nothingYet, end }

    /// Takes what a worker printed, once. A pipe that cannot be read has ended as far as
    /// anyone can tell.
    ///
    /// - Parameter buffer: memory to read into, empty before and after.
    mutating func receive(
        chunk: Int, from descriptor: FileDescriptor, through buffer: inout InputBuffer
    ) throws(WriteError) -> Receipt {
        if chunk == front && held[chunk]?.blocks.isEmpty ?? true,
            let receipt = try splice(from: descriptor)
        {
            return receipt
        }
        do {
            if try buffer.fill(from: descriptor) == 0 { return .end }
        } catch {
            return error == .wouldBlock ? .nothingYet : .end
        }
        defer { buffer.consume(buffer.count) }
        try unsafe hold(UnsafeRawBufferPointer(buffer.bytes), chunk: chunk)
        if chunk == front { try flush() }
        return .more
    }

    /// - Returns: nil where the bytes must be copied.
    private mutating func splice(from descriptor: FileDescriptor) throws(WriteError) -> Receipt? {
        do throws(WriteError) {
            guard let moved = try sink.splice(from: descriptor) else { return nil }
            return moved == 0 ? .end : .more
        } catch {
            if error.cause != .wouldBlock { throw error }
            // Either side may be the cause; where the worker has something to read, it
            // is standard output.
            var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
            if unsafe poll(&request, 1, 0) == 1 { waitsForReader = true }
            return .nothingYet
        }
    }

    private mutating func hold(_ bytes: UnsafeRawBufferPointer, chunk: Int) throws(WriteError) {
        var rest = unsafe bytes
        if chunk == front, held[chunk]?.blocks.isEmpty ?? true {
            let count = try unsafe writeNow(rest)
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            if unsafe rest.isEmpty { return }
        }
        var entry = held.removeValue(forKey: chunk) ?? newEntry()
        heldBytes += rest.count
        if let last = entry.blocks.indices.last, entry.blocks[last].count < 64 << 10 {
            unsafe entry.blocks[last].append(contentsOf: rest)
        } else {
            unsafe entry.blocks.append(Array(rest))
        }
        held[chunk] = entry
    }

    private mutating func newEntry() -> Held {
        heldBytes += Self.overhead
        return Held()
    }

    /// The chunk will print no more.
    mutating func finish(chunk: Int) throws(WriteError) {
        var entry = held.removeValue(forKey: chunk) ?? newEntry()
        entry.isFinished = true
        held[chunk] = entry
        if chunk == front { try flush() }
    }

    /// Writes what the front holds, and goes on to the next chunk where it is finished.
    mutating func flush() throws(WriteError) {
        waitsForReader = false
        while var entry = held.removeValue(forKey: front) {
            let blocksWritten = try write(entry.blocks)
            entry.blocks.removeFirst(blocksWritten)
            guard entry.blocks.isEmpty, entry.isFinished else {
                held[front] = entry
                return
            }
            heldBytes -= Self.overhead
            front += 1
        }
    }

    /// Writes blocks, the first from where the last call left it, as far as there is room.
    ///
    /// - Returns: how many of them are written whole.
    private mutating func write(_ blocks: [[UInt8]]) throws(WriteError) -> Int {
        for (index, block) in blocks.enumerated() {
            while written < block.count {
                let from = written
                let count = try unsafe block.withUnsafeBufferPointer { bytes throws(WriteError) in
                    try unsafe writeNow(
                        UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[from...])))
                }
                if count == 0 { return index }
                written += count
            }
            heldBytes -= block.count
            written = 0
        }
        return blocks.count
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
    var isEmpty: Bool { held.isEmpty }

    /// Closes standard output; nothing may be received after it.
    func close() throws(WriteError) { try sink.close() }
}
