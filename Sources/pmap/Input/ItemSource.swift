import Shared

/// The items that were read and are not given to a worker yet.
struct ItemSource<S: System>: ~Copyable {
    private let system: S
    let descriptor: FileDescriptor
    private var buffer: InputBuffer
    private var chunker: Chunker
    /// The most items in the next chunk.
    var chunkItems: Int {
        get { chunker.limits.items }
        set { chunker.limits.items = min(newValue, mostItems) }
    }
    /// The most items that fit on a command line, learned from the kernel's refusals.
    private var mostItems = Int.max
    private let delimiter: UInt8
    private(set) var atEnd = false
    private(set) var itemsSeen = 0
    private var itemsCut = 0
    private var chunksCut = 0
    private var endsWithDelimiter = true

    /// How many bytes are read ahead of the workers, unless one chunk needs more. It is large
    /// enough to learn most totals early.
    private static var readAhead: Int { 4 << 20 }

    init(
        _ system: S, _ descriptor: FileDescriptor, limits: ChunkLimits, delimiter: UInt8
    ) throws(Errno) {
        self.system = system
        self.descriptor = descriptor
        self.delimiter = delimiter
        chunker = Chunker(limits: limits, delimiter: delimiter)
        buffer = try InputBuffer(capacity: 128 << 10)
    }

    /// Whether there is room for more input. Callers take all ready chunks first.
    var wantsMore: Bool { !atEnd && buffer.count < Self.readAhead }

    /// Items that were read completely and are not in a chunk yet.
    var itemsWaiting: Int { itemsSeen - itemsCut }

    /// Whether a read would return at once.
    var isReadable: Bool { system.isReady(descriptor, for: .reading) }

    /// Whether all items are in chunks.
    var isExhausted: Bool { atEnd && buffer.count == 0 }

    /// The number of items in the whole input; nil until its end has been read.
    var totalItems: Int? { atEnd ? itemsSeen : nil }

    /// The number of chunks in the whole input, as far as it is known. It may turn out higher if
    /// the kernel's limit makes later chunks smaller.
    func totalChunks(itemsPerChunk: Int) -> Int? {
        guard atEnd else { return nil }
        let left = itemsSeen - itemsCut
        if left == 0 { return chunksCut }
        if itemsPerChunk == .max { return nil }
        return chunksCut + (left + itemsPerChunk - 1) / itemsPerChunk
    }

    /// Reads once. Does nothing if a non-blocking descriptor has no data.
    mutating func read() throws(Errno) {
        let added: Int
        do {
            added = try unsafe buffer.fill { memory throws(Errno) in
                try unsafe system.read(descriptor, into: memory)
            }
        } catch .wouldBlock {
            return
        } catch {
            // The bytes after the last delimiter may be only part of an item. Drop them, so that
            // they are not used as a whole item.
            if !endsWithDelimiter { buffer.removeLast(bytesOfLastItem) }
            atEnd = true
            throw error
        }
        if added == 0 { return endInput() }
        let fresh = unsafe UnsafeRawBufferPointer(rebasing: buffer.bytes.suffix(added))
        itemsSeen += unsafe occurrences(of: delimiter, in: fresh)
        endsWithDelimiter = unsafe fresh.last == delimiter
    }

    /// Bytes after the last delimiter.
    private var bytesOfLastItem: Int {
        let bytes = unsafe buffer.bytes
        let last = unsafe bytes.lastIndex(of: delimiter)
        return bytes.count - (last.map { $0 + 1 } ?? 0)
    }

    private mutating func endInput() {
        atEnd = true
        if !endsWithDelimiter { itemsSeen += 1 }
    }

    /// Returns the next full chunk, or the rest at the end of the input; nil if more input is
    /// needed first, or none is left.
    ///
    /// - Parameter refuse: called for each item that no command can take.
    /// - Throws: `Errno.noMemory`.
    mutating func nextChunk(_ refuse: (RefusedItem) -> Void) throws(Errno) -> Chunk? {
        while true {
            let bytes = unsafe UnsafeRawBufferPointer(buffer.bytes)
            switch unsafe chunker.next(bytes, atEnd: atEnd) {
            case nil:
                // No chunk is full, so more input is needed, however much is in the buffer.
                return nil
            case .refused(let byteCount, let why):
                itemsCut += 1
                try requireMemory(byteCount)
                let item = unsafe Array(bytes.prefix(byteCount))
                refuse(
                    RefusedItem(number: itemsCut, bytes: item, why: why, chunkBefore: chunksCut))
                buffer.consume(byteCount)
            case .chunk(let byteCount, let itemCount):
                itemsCut += itemCount
                chunksCut += 1
                try requireMemory(byteCount)
                let copy = unsafe Array(bytes.prefix(byteCount))
                buffer.consume(byteCount)
                return Chunk(number: chunksCut, itemCount: itemCount, bytes: copy)
            }
        }
    }

    /// Whether this chunk was the last one cut.
    func wasCutLast(_ chunk: Chunk) -> Bool { chunk.number == chunksCut }

    /// Takes back the last chunk, because it did not fit on a command line, and cuts smaller chunks
    /// from now on.
    mutating func putBack(_ chunk: Chunk) {
        buffer.putBack(chunk.bytes.count)
        itemsCut -= chunk.itemCount
        chunksCut -= 1
        mostItems = max(chunk.itemCount / 2, 1)
        chunkItems = min(chunkItems, mostItems)
    }

    /// Removes and returns the whole items that were read and are not in a chunk, because the run
    /// is given up.
    mutating func takeRest() -> [UInt8] {
        let count = atEnd ? buffer.count : buffer.count - bytesOfLastItem
        defer { buffer.consume(count) }
        return unsafe Array(buffer.bytes.prefix(count))
    }

    /// Checks that there is memory for a copy of an item or a chunk.
    private func requireMemory(_ byteCount: Int) throws(Errno) {
        // The main loop has already checked for small ones.
        if byteCount > 1 << 16 { try system.requireMemory(byteCount + 1 << 16) }
    }
}

/// An item that no command can take.
struct RefusedItem {
    /// From 1.
    let number: Int
    let bytes: [UInt8]
    let why: String
    /// The number of the chunk before this item, or 0.
    let chunkBefore: Int
}

/// Counts a byte. The compiler turns the sums of 8-bit lanes into SIMD.
func occurrences(of byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int {
    var total = 0
    var offset = 0
    while offset < bytes.count {
        let end = min(offset + 255, bytes.count)
        var sum: UInt8 = 0
        for index in offset..<end { sum &+= unsafe bytes[index] == byte ? 1 : 0 }
        total += Int(sum)
        offset = end
    }
    return total
}
