import Shared

/// Cuts a regular file into ranges of whole items. To cut blocks, it reads only a little around the
/// end of each range, and no byte twice. To cut a number of items, it reads all bytes to count the
/// items, but only into a small window: the processor's cache is faster than memory.
struct RangeCutter<S: System>: ~Copyable {
    private let system: S
    private let file: InputFile
    private let changed: Duration
    private let delimiter: UInt8
    /// Where the next range begins, and where the input ends.
    private(set) var position: Int
    private(set) var end: Int
    private var search = Search.none
    /// The items of the next range that were counted so far.
    private var count = ItemCount()
    /// The bytes of the file in which items are counted, and where they begin.
    private var window: [UInt8] = []
    private var windowStart = 0
    /// Set if the file has another size than at the start. Then only whole items of its first
    /// contents are used.
    private(set) var fault: String?

    /// The end of a range that is being looked for.
    private enum Search {
        case none
        /// Toward the front; if the range has no delimiter, it goes on after `limit`.
        case backward(from: Int, limit: Int, step: Int)
        case forward(from: Int)
    }

    /// Bytes that are read at first, and at most in one call.
    private static var firstStep: Int { 4 << 10 }
    private static var longestStep: Int { 1 << 20 }
    /// Windows that are read in one call.
    private static var mostWindows: Int { 8 }

    init(_ system: S, _ file: InputFile, _ extent: InputFile.Extent, delimiter: UInt8) {
        self.system = system
        self.file = file
        self.delimiter = delimiter
        changed = extent.changed
        position = extent.start
        end = extent.end
    }

    /// Whether the whole file is cut.
    var isAtEnd: Bool { position >= end }

    /// Returns the next range. If its end is not found in a moment, returns nil, and the next call
    /// goes on.
    ///
    /// - Parameter size: the most bytes of a range of several items; at least 1.
    mutating func next(size: Int) throws(Errno) -> FileRange? {
        if isAtEnd { return nil }
        if case .none = search {
            if size >= end - position {
                try checkSize()
                if fault == nil { return try range(to: end) }
                if isAtEnd { return nil }
            }
            let limit = min(position + min(size, end), end)
            search = .backward(from: limit, limit: limit, step: Self.firstStep)
        }
        switch search {
        case .none: return nil
        case .backward(let place, let limit, let step):
            let start = max(position, place - step)
            if let offset = try find(in: start..<place, last: true) {
                return try range(to: start + offset + 1)
            }
            search =
                start > position
                ? .backward(from: start, limit: limit, step: min(step * 4, Self.longestStep))
                : .forward(from: limit)
        case .forward(let place):
            let stop = min(place + Self.longestStep, end)
            if let offset = try find(in: place..<stop, last: false) {
                if place + offset + 1 == end { try checkSize() }
                return isAtEnd ? nil : try range(to: place + offset + 1)
            }
            search = .forward(from: stop)
            if stop == end { return try lastItem() }
        }
        return nil
    }

    /// Returns the next items. If so many are not found in a moment, returns nil, and the next call
    /// goes on.
    ///
    /// - Parameter limit: how many; fewer if the file has fewer.
    mutating func next(items limit: Int) throws(Errno) -> Chunk.Contents? {
        if isAtEnd { return nil }
        var windowsRead = 0
        while true {
            let place = position + count.bytes + count.rest
            if place == end { return try lastItems() }
            // If the limit became lower in the meantime, the last chunk ended before the window.
            if place < windowStart || place >= windowStart + window.count {
                if windowsRead == Self.mostWindows { return nil }
                // A small chunk is copied from the window, so it must begin there.
                let isSmall = place - position < file.leastRange
                let start = isSmall ? position : place
                guard let bytes = try read(start..<min(start + 2 * file.leastRange, end)) else {
                    return nil
                }
                (window, windowStart) = (bytes, start)
                windowsRead += 1
            }
            var count = self.count
            let delimiter = self.delimiter
            let isFull = unsafe window[(place - windowStart)...].withUnsafeBytes {
                unsafe count.add($0, delimiter: delimiter, limit: limit)
            }
            self.count = count
            if isFull {
                return position + count.bytes == end ? try lastItems() : try countedItems()
            }
        }
    }

    /// The counted items are the last ones.
    private mutating func lastItems() throws(Errno) -> Chunk.Contents? {
        try checkSize()
        // If the file has grown, what follows the last delimiter is only a part of an item.
        if fault == nil { count.endLastItem() } else { end = min(end, position + count.bytes) }
        return isAtEnd ? nil : try countedItems()
    }

    private mutating func countedItems() throws(Errno) -> Chunk.Contents? {
        let (items, size) = (count.items, count.bytes)
        count = ItemCount()
        if size >= file.leastRange || position < windowStart {
            return try range(to: position + size, itemCount: items).map { .range($0) }
        }
        let start = position - windowStart
        position += size
        system.seek(file.descriptor, to: position)
        return .memory(Array(window[start..<(start + size)]), itemCount: items)
    }

    /// The last item lacks its delimiter, and is longer than a block.
    private mutating func lastItem() throws(Errno) -> FileRange? {
        try checkSize()
        if fault == nil { return try range(to: end) }
        // If the file has grown, it is only a part of an item.
        end = position
        return nil
    }

    /// Compares the file's size with that at the start.
    private mutating func checkSize() throws(Errno) {
        if fault != nil { return }
        let size = try system.size(of: file.descriptor)
        if size < end {
            noteShrunk(to: size)
        } else if size > end {
            fault = "has grown by \(size - end) bytes, which are not read"
        }
    }

    /// What is left may be something else than at the start, so it is not used.
    private mutating func noteShrunk(to size: Int) {
        fault = "has shrunk from \(end) bytes to \(size); nothing is read after byte \(position)"
        end = position
    }

    /// Reads a part of the file and looks for a delimiter in it.
    ///
    /// - Returns: the offset of the first one, or of the last one.
    private mutating func find(in part: Range<Int>, last: Bool) throws(Errno) -> Int? {
        guard let bytes = try read(part) else { return nil }
        let delimiter = self.delimiter
        return unsafe bytes.withUnsafeBytes { bytes in
            last
                ? unsafe lastOffset(of: delimiter, in: bytes)
                : unsafe firstOffset(of: delimiter, in: bytes)
        }
    }

    /// - Returns: nil if the file has become shorter.
    private mutating func read(_ part: Range<Int>) throws(Errno) -> [UInt8]? {
        let (system, file) = (self.system, file.descriptor)
        var bytes = unsafe [UInt8](unsafeUninitializedCapacity: part.count) { $1 = part.count }
        let count = try unsafe bytes.withUnsafeMutableBufferPointer { memory throws(Errno) in
            try unsafe system.read(
                file, at: part.lowerBound, into: UnsafeMutableRawBufferPointer(memory))
        }
        if count == part.count { return bytes }
        noteShrunk(to: (try? system.size(of: file)) ?? part.lowerBound + count)
        return nil
    }

    /// Ends the range, and moves the file's position there, so that a run that ends early leaves
    /// the rest of its standard input to the next program.
    private mutating func range(
        to stop: Int, itemCount: Int? = nil
    ) throws(Errno) -> FileRange? {
        let start = position
        let sample = FileRange.sampleSize
        let isShort = stop - start <= 2 * sample
        guard let head = try read(start..<(isShort ? stop : start + sample)),
            let tail = try read((isShort ? stop : stop - sample)..<stop)
        else { return nil }
        position = stop
        search = .none
        system.seek(file.descriptor, to: stop)
        return FileRange(
            file: file.descriptor, offset: start, count: stop - start, itemCount: itemCount,
            changed: changed, head: head, tail: tail)
    }

    /// Gives up the rest of the file.
    ///
    /// - Returns: the rest; nil if there is none.
    mutating func takeRest() -> FileRange? {
        if isAtEnd { return nil }
        defer { end = position }
        return FileRange(
            file: file.descriptor, offset: position, count: end - position, itemCount: nil,
            changed: changed, head: [], tail: [])
    }

    /// Takes items from the beginning of the file, as they are.
    ///
    /// - Parameter count: how many; fewer if the file has fewer.
    mutating func takeFirst(_ count: Int) throws(Errno) -> [UInt8] {
        var taken: [UInt8] = []
        var missing = count
        while missing > 0, !isAtEnd, let bytes = try read(position..<min(position + 4096, end)) {
            var used = 0
            while missing > 0, used < bytes.count {
                let next = bytes[used...].firstIndex(of: delimiter)
                used = next.map { $0 + 1 } ?? bytes.count
                if next != nil { missing -= 1 }
            }
            taken += bytes[..<used]
            position += used
        }
        return taken
    }
}
