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

    /// The unfinished chunk: its whole items, their bytes, and the bytes of their arguments.
    private var itemCount = 0
    private var byteCount = 0
    private var argumentBytes = 0
    /// Bytes after `byteCount` that are known to hold no delimiter.
    private var searched = 0

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
        while byteCount < bytes.count {
            guard let end = unsafe endOfItem(bytes, atEnd: atEnd) else { return nil }
            let isDelimited = end < bytes.count
            let itemBytes = end - byteCount + (isDelimited ? 1 : 0)
            let item = unsafe UnsafeRawBufferPointer(rebasing: bytes[byteCount..<end])
            let size = unsafe limits.room?.size(ofItem: item) ?? (cost: 0, longest: 0)
            if let why = unsafe refusal(item, size) {
                if itemCount > 0 { return finishChunk() }
                self = Chunker(limits: limits, delimiter: delimiter)
                return .refused(byteCount: itemBytes, why: why)
            }
            let isFull =
                byteCount + itemBytes > limits.bytes
                || argumentBytes + size.cost > (limits.room?.total ?? .max)
            if isFull && itemCount > 0 { return finishChunk() }
            itemCount += 1
            byteCount += itemBytes
            argumentBytes += size.cost
            searched = 0
            // Every other item has at least one byte, so nothing more fits.
            if itemCount == limits.items || byteCount >= limits.bytes { return finishChunk() }
        }
        return atEnd && itemCount > 0 ? finishChunk() : nil
    }

    /// Does the same if only the number of items limits a chunk. It counts delimiters in blocks,
    /// several times as fast as it could look at each item.
    private mutating func nextCounted(_ bytes: UnsafeRawBufferPointer, atEnd: Bool) -> Cut? {
        var place = byteCount + searched
        while place < bytes.count {
            let end = min(place + 4096, bytes.count)
            let block = unsafe UnsafeRawBufferPointer(rebasing: bytes[place..<end])
            let found = unsafe occurrences(of: delimiter, in: block)
            if found < limits.items - itemCount {
                itemCount += found
                if let last = unsafe lastOffset(of: delimiter, in: block) {
                    byteCount = place + last + 1
                }
                place = end
                continue
            }
            while itemCount < limits.items {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[place..<end])
                place += unsafe firstOffset(of: delimiter, in: rest)! + 1
                itemCount += 1
            }
            byteCount = place
            return finishChunk()
        }
        searched = bytes.count - byteCount
        if !atEnd { return nil }
        if searched > 0 {
            // The last item lacks its delimiter.
            itemCount += 1
            byteCount = bytes.count
        }
        return itemCount > 0 ? finishChunk() : nil
    }

    private mutating func endOfItem(_ bytes: UnsafeRawBufferPointer, atEnd: Bool) -> Int? {
        let from = byteCount + searched
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[from...])
        if let offset = unsafe firstOffset(of: delimiter, in: rest) { return from + offset }
        searched = bytes.count - byteCount
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
        let cut = Cut.chunk(byteCount: byteCount, itemCount: itemCount)
        self = Chunker(limits: limits, delimiter: delimiter)
        return cut
    }
}
