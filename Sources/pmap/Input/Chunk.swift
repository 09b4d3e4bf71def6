import Shared

/// The items of one command.
struct Chunk {
    /// Its place in the input, from 1.
    let number: Int
    let itemCount: Int
    /// The items with their delimiters, as they were read; the last may lack it.
    let bytes: [UInt8]

    func items(delimiter: UInt8) -> [ArraySlice<UInt8>] {
        var items = bytes.split(separator: delimiter, omittingEmptySubsequences: false)
        if bytes.last == delimiter { items.removeLast() }
        return items
    }

    /// Some of the first and some of the last items, without cutting the others.
    func outerItems(delimiter: UInt8, first: Int, last: Int) -> [ArraySlice<UInt8>] {
        if itemCount <= first + last { return items(delimiter: delimiter) }
        var front: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while front.count < first, let end = rest.firstIndex(of: delimiter) {
            front.append(rest[..<end])
            rest = rest[(end + 1)...]
        }
        var back: [ArraySlice<UInt8>] = []
        if rest.last == delimiter { rest.removeLast() }
        while back.count < last {
            let end = rest.lastIndex(of: delimiter).map { $0 + 1 } ?? rest.startIndex
            back.append(rest[end...])
            rest = rest[..<max(end - 1, rest.startIndex)]
        }
        return front + back.reversed()
    }
}

/// Where a chunk ends, whatever comes first; at least one item is in each.
struct ChunkLimits: Equatable {
    var items: Int
    /// Bytes of input, delimiters counted.
    var bytes: Int
    /// nil where items are no arguments.
    var room: ArgumentRoom?
}

/// What the next bytes of the input are.
enum Cut: Equatable {
    case chunk(byteCount: Int, itemCount: Int)
    /// An item that no command can take, and why.
    case refused(byteCount: Int, why: String)
}

/// Cuts input into chunks. It remembers how far it looked, so that bytes that arrive
/// in small pieces are looked at once.
struct Chunker {
    var limits: ChunkLimits
    let delimiter: UInt8

    /// Of the chunk in the making: whole items, their bytes, and their arguments' bytes.
    private var itemCount = 0
    private var byteCount = 0
    private var argumentBytes = 0
    /// Bytes behind `byteCount` that hold no delimiter.
    private var searched = 0

    init(limits: ChunkLimits, delimiter: UInt8) {
        self.limits = limits
        self.delimiter = delimiter
    }

    /// - Parameters:
    ///   - bytes: the input behind the last cut: the same as last time, and more.
    ///   - atEnd: whether no more will come.
    /// - Returns: nil when more input is needed, or there is none left.
    mutating func next(_ bytes: UnsafeRawBufferPointer, atEnd: Bool) -> Cut? {
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
            // Any other item has a byte at least: nothing more fits.
            if itemCount == limits.items || byteCount >= limits.bytes { return finishChunk() }
        }
        return atEnd && itemCount > 0 ? finishChunk() : nil
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
