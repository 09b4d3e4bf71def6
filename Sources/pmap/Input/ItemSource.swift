import Shared

/// The items that were read and not yet given to a worker.
struct ItemSource<S: System>: ~Copyable {
    private let system: S
    let descriptor: FileDescriptor
    private var buffer: InputBuffer
    private var chunker: Chunker
    /// Items of the next chunk, at most.
    var chunkItems: Int {
        get { chunker.limits.items }
        set { chunker.limits.items = min(newValue, mostItems) }
    }
    /// Items that fit on a command line, by what the kernel has refused.
    private var mostItems = Int.max
    private let delimiter: UInt8
    private(set) var atEnd = false
    private(set) var itemsSeen = 0
    private var itemsCut = 0
    private var chunksCut = 0
    private var endsWithDelimiter = true

    /// Bytes read ahead of the workers, more where one chunk needs more: enough to
    /// know most totals early.
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

    /// Whether there is room for more; a reader asks for chunks first.
    var wantsMore: Bool { !atEnd && buffer.count < Self.readAhead }

    /// Items that were read to their end and are in no chunk yet.
    var itemsWaiting: Int { itemsSeen - itemsCut }

    /// Whether a read would not wait.
    var isReadable: Bool { system.isReady(descriptor, for: .reading) }

    /// Whether every item is in a chunk.
    var isExhausted: Bool { atEnd && buffer.count == 0 }

    /// Items in the whole input, once its end was seen.
    var totalItems: Int? { atEnd ? itemsSeen : nil }

    /// Chunks in the whole input, as far as it can be told: those still to be cut may
    /// turn out to be more where the kernel's limit cuts them smaller.
    func totalChunks(itemsPerChunk: Int) -> Int? {
        guard atEnd else { return nil }
        let left = itemsSeen - itemsCut
        if left == 0 { return chunksCut }
        if itemsPerChunk == .max { return nil }
        return chunksCut + (left + itemsPerChunk - 1) / itemsPerChunk
    }

    /// Reads once; nothing happens where a non-blocking descriptor has nothing.
    mutating func read() throws(Errno) {
        let added: Int
        do {
            added = try unsafe buffer.fill { memory throws(Errno) in
                try unsafe system.read(descriptor, into: memory)
            }
        } catch .wouldBlock {
            return
        } catch {
            // The bytes behind the last delimiter may be a part of an item, which must not be
            // taken for all of it.
            if !endsWithDelimiter { buffer.removeLast(bytesOfLastItem) }
            atEnd = true
            throw error
        }
        if added == 0 { return endInput() }
        let fresh = unsafe UnsafeRawBufferPointer(rebasing: buffer.bytes.suffix(added))
        itemsSeen += unsafe occurrences(of: delimiter, in: fresh)
        endsWithDelimiter = unsafe fresh.last == delimiter
    }

    /// Bytes behind the last delimiter.
    private var bytesOfLastItem: Int {
        let bytes = unsafe buffer.bytes
        let last = unsafe bytes.lastIndex(of: delimiter)
        return bytes.count - (last.map { $0 + 1 } ?? 0)
    }

    private mutating func endInput() {
        atEnd = true
        if !endsWithDelimiter { itemsSeen += 1 }
    }

    /// The next chunk that is full, or the rest at the end of the input; nil if more
    /// input is needed first, or none is left.
    ///
    /// - Parameter refuse: told of each item that no command can take.
    /// - Throws: `Errno.noMemory`.
    mutating func nextChunk(_ refuse: (RefusedItem) -> Void) throws(Errno) -> Chunk? {
        while true {
            let bytes = unsafe UnsafeRawBufferPointer(buffer.bytes)
            switch unsafe chunker.next(bytes, atEnd: atEnd) {
            case nil:
                // Where no chunk is full, more must be read however much there is.
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

    /// Whether no chunk was cut after this one.
    func wasCutLast(_ chunk: Chunk) -> Bool { chunk.number == chunksCut }

    /// Takes back the chunk that was cut last, for which the kernel had no room on a command
    /// line, and cuts smaller ones from now on.
    mutating func putBack(_ chunk: Chunk) {
        buffer.putBack(chunk.bytes.count)
        itemsCut -= chunk.itemCount
        chunksCut -= 1
        mostItems = max(chunk.itemCount / 2, 1)
        chunkItems = min(chunkItems, mostItems)
    }

    /// Takes out the whole items that were read and are in no chunk, for a run that is given
    /// up.
    mutating func takeRest() -> [UInt8] {
        let count = atEnd ? buffer.count : buffer.count - bytesOfLastItem
        defer { buffer.consume(count) }
        return unsafe Array(buffer.bytes.prefix(count))
    }

    /// Makes sure of memory for a copy of an item or a chunk.
    private func requireMemory(_ byteCount: Int) throws(Errno) {
        // The loop has made sure of memory for small ones.
        if byteCount > 1 << 16 { try system.requireMemory(byteCount + 1 << 16) }
    }
}

/// An item that no command can take.
struct RefusedItem {
    /// From 1.
    let number: Int
    let bytes: [UInt8]
    let why: String
    /// The number of the chunk before it in the input, or 0.
    let chunkBefore: Int
}

/// How often a byte occurs. The sums of 8-bit lanes are what the compiler makes SIMD of.
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
