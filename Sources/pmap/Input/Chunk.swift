import Shared

/// The items for one run of the command.
struct Chunk {
    /// Its place in the input, from 1.
    let number: Int
    let contents: Contents
    /// What the worker reads before the items (`--header`).
    var header: [UInt8] = []

    /// Items with their delimiters, as they stand in the input; the last item may lack its
    /// delimiter.
    enum Contents {
        case memory([UInt8], itemCount: Int)
        case range(FileRange)
        case piped(PipedBlock)
    }

    init(number: Int, contents: Contents) {
        self.number = number
        self.contents = contents
    }

    init(number: Int, itemCount: Int, bytes: [UInt8]) {
        self.init(number: number, contents: .memory(bytes, itemCount: itemCount))
    }

    /// The number of items; nil if they are not counted.
    var itemCount: Int? { contents.itemCount }

    var byteCount: Int { contents.byteCount }

    /// The last byte of the items; nil if there are none.
    var lastByte: UInt8? {
        switch contents {
        case .memory(let bytes, _): bytes.last
        case .range(let range): range.tail.last ?? range.head.last
        case .piped(let block): block.tail.last
        }
    }

    /// Bytes of memory that its items take.
    var bytesInMemory: Int {
        switch contents {
        case .memory(let bytes, _): bytes.count
        case .range: 0
        case .piped(let block): block.count
        }
    }

    /// The items, which must be in memory. Only a chunk for standard input can be somewhere else.
    var bytes: [UInt8] {
        guard case .memory(let bytes, _) = contents else {
            wrongState("the items of a range or of pipes are needed in memory")
        }
        return bytes
    }

    func items(delimiter: UInt8) -> [ArraySlice<UInt8>] {
        let bytes = self.bytes
        var items: [ArraySlice<UInt8>] = []
        items.reserveCapacity(itemCount ?? 0)
        var start = 0
        unsafe bytes.withUnsafeBytes { memory in
            while let length = unsafe firstOffset(
                of: delimiter, in: UnsafeRawBufferPointer(rebasing: memory[start...])
            ) {
                items.append(bytes[start..<(start + length)])
                start += length + 1
            }
        }
        if bytes.last != delimiter { items.append(bytes[start...]) }
        return items
    }

    /// Some of the first and some of the last items, in the order of the input.
    struct OuterItems {
        var front: [ArraySlice<UInt8>]
        var back: [ArraySlice<UInt8>]
        /// How many items there are between them; nil if that is unknown.
        var leftOut: Int?
    }

    /// Returns some of the first and some of the last items, without splitting those between.
    func outerItems(delimiter: UInt8, first: Int, last: Int) -> OuterItems {
        let (head, tail) =
            switch contents {
            case .memory(let bytes, _): (bytes[...], bytes[bytes.endIndex...])
            case .range(let range): (range.head[...], range.tail[...])
            case .piped(let block): (block.head[...], block.tail[...])
            }
        if tail.isEmpty, itemCount ?? 0 <= first + last {
            let all = Chunk(number: number, itemCount: 0, bytes: Array(head))
            return OuterItems(front: all.items(delimiter: delimiter), back: [], leftOut: 0)
        }
        var front: [ArraySlice<UInt8>] = []
        var rest = head
        while front.count < first, let end = rest.firstIndex(of: delimiter) {
            front.append(rest[..<end])
            rest = rest[(end + 1)...]
        }
        // The first item is longer than the sample of it.
        if front.isEmpty { front.append(rest) }
        var back: [ArraySlice<UInt8>] = []
        if !tail.isEmpty { rest = tail }
        if rest.last == delimiter { rest = rest.dropLast() }
        while back.count < last {
            let end = rest.lastIndex(of: delimiter).map { $0 + 1 }
            // A sample may begin in the middle of an item.
            if end == nil, !tail.isEmpty, !back.isEmpty { break }
            back.append(rest[(end ?? rest.startIndex)...])
            guard let end else { break }
            rest = rest[..<(end - 1)]
        }
        return OuterItems(
            front: front, back: back.reversed(),
            leftOut: itemCount.map { $0 - front.count - back.count })
    }
}

extension Chunk.Contents {
    var itemCount: Int? {
        switch self {
        case .memory(_, let itemCount): itemCount
        case .range(let range): range.itemCount
        case .piped(let block): block.itemCount
        }
    }

    var byteCount: Int {
        switch self {
        case .memory(let bytes, _): bytes.count
        case .range(let range): range.count
        case .piped(let block): block.count
        }
    }
}

/// Whole items in a regular file, which are moved to a worker without a copy in memory.
struct FileRange {
    let file: FileDescriptor
    let offset: Int
    let count: Int
    /// nil if the items are not counted.
    let itemCount: Int?
    /// When the file was last changed before the run, as time since 1970.
    let changed: Duration
    /// The first and the last bytes. If they are all, `tail` is empty.
    let head: [UInt8]
    let tail: [UInt8]

    /// The size of a sample.
    static let sampleSize = 2048
}
