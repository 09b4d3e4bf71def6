import Shared

/// The limits of a chunk. The first one reached ends it, but each chunk has at least one item.
struct ChunkLimits: Equatable {
    var items: Int
    /// Bytes of input, including delimiters.
    var bytes: Int
    /// nil if items are not arguments.
    var room: ArgumentRoom?
}

/// The next part of the input.
enum Cut: Equatable {
    case chunk(byteCount: Int, itemCount: Int)
    /// An item that no command can take, and the reason.
    case refused(byteCount: Int, why: String)
}

/// Cuts the input into chunks. It remembers how far it has searched, so that no byte is searched
/// twice even if the input arrives in small pieces.
struct Chunker {
    var limits: ChunkLimits
    let delimiter: UInt8

    /// The unfinished chunk, and the bytes of its arguments.
    private var count = ItemCount()
    private var argumentBytes = 0

    init(limits: ChunkLimits, delimiter: UInt8) {
        self.limits = limits
        self.delimiter = delimiter
    }

    /// - Parameters:
    ///   - bytes: the input after the last cut: the bytes of the previous call, and maybe more.
    ///   - atEnd: whether no more input will come.
    /// - Returns: nil if more input is needed, or none is left.
    mutating func next(_ bytes: UnsafeRawBufferPointer, atEnd: Bool) -> Cut? {
        if limits.room == nil, limits.bytes == .max {
            return unsafe nextCounted(bytes, atEnd: atEnd)
        }
        while count.bytes < bytes.count {
            guard let end = unsafe endOfItem(bytes, atEnd: atEnd) else { return nil }
            let isDelimited = end < bytes.count
            let itemBytes = end - count.bytes + (isDelimited ? 1 : 0)
            let item = unsafe UnsafeRawBufferPointer(rebasing: bytes[count.bytes..<end])
            let size = unsafe limits.room?.size(ofItem: item) ?? (cost: 0, longest: 0)
            if let why = unsafe refusal(item, size) {
                if count.items > 0 { return finishChunk() }
                self = Chunker(limits: limits, delimiter: delimiter)
                return .refused(byteCount: itemBytes, why: why)
            }
            let isFull =
                count.bytes + itemBytes > limits.bytes
                || argumentBytes + size.cost > (limits.room?.total ?? .max)
            if isFull && count.items > 0 { return finishChunk() }
            count.items += 1
            count.bytes += itemBytes
            count.rest = 0
            argumentBytes += size.cost
            // Every other item has at least one byte, so nothing more fits.
            if count.items == limits.items || count.bytes >= limits.bytes { return finishChunk() }
        }
        return atEnd && count.items > 0 ? finishChunk() : nil
    }

    /// Does the same if only the number of items limits a chunk.
    private mutating func nextCounted(_ bytes: UnsafeRawBufferPointer, atEnd: Bool) -> Cut? {
        // If a read fails, the beginning of an item is dropped.
        count.rest = min(count.rest, bytes.count - count.bytes)
        let seen = count.bytes + count.rest
        let fresh = unsafe UnsafeRawBufferPointer(rebasing: bytes[seen...])
        if unsafe count.add(fresh, delimiter: delimiter, limit: limits.items) {
            return finishChunk()
        }
        if !atEnd { return nil }
        count.endLastItem()
        return count.items > 0 ? finishChunk() : nil
    }

    private mutating func endOfItem(_ bytes: UnsafeRawBufferPointer, atEnd: Bool) -> Int? {
        let from = count.bytes + count.rest
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[from...])
        if let offset = unsafe firstOffset(of: delimiter, in: rest) { return from + offset }
        count.rest = bytes.count - count.bytes
        return atEnd ? bytes.count : nil
    }

    private func refusal(
        _ item: UnsafeRawBufferPointer, _ size: (cost: Int, longest: Int)
    ) -> String? {
        guard let room = limits.room else { return nil }
        if size.longest > ArgumentLimit.longestArgument {
            return "too long for an argument (\(item.count) bytes); -i has no such limit"
        }
        if size.cost > room.total {
            return "too long for a command line (\(item.count) bytes), "
                + "which has room for \(room.left) beside the environment; -i has no such limit"
        }
        if delimiter != 0, unsafe firstOffset(of: 0, in: item) != nil {
            return "holds a NUL byte, which no argument can; see -0 and -i"
        }
        return nil
    }

    private mutating func finishChunk() -> Cut {
        let cut = Cut.chunk(byteCount: count.bytes, itemCount: count.items)
        self = Chunker(limits: limits, delimiter: delimiter)
        return cut
    }
}
