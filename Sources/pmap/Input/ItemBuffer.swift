import Shared

/// Bytes that were read and are in no chunk yet.
///
/// A chunk that takes most of the buffer gets its memory, so that large blocks are not copied.
struct ItemBuffer {
    /// Its contents outside of `start..<end` are garbage.
    private var storage: [UInt8]
    private var start = 0
    private var end = 0

    /// More bytes are held only for an item or a chunk that is longer. Doubling the buffer beyond
    /// this size would take three times as much memory for a moment.
    static let usualSize = 4 << 20
    /// The least room for a read.
    private static let leastRoom = 64 << 10

    init(capacity: Int) { storage = Self.memory(capacity) }

    /// Bytes that were read.
    init(_ bytes: [UInt8]) {
        storage = bytes
        end = bytes.count
    }

    private static func memory(_ capacity: Int) -> [UInt8] {
        // Filling it with zeros would cost as much as reading it full.
        unsafe [UInt8](unsafeUninitializedCapacity: capacity) { $1 = capacity }
    }

    var count: Int { end - start }

    var last: UInt8? { count > 0 ? storage[end - 1] : nil }

    var contents: ArraySlice<UInt8> { storage[start..<end] }

    /// Calls a function with the bytes.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe storage.withUnsafeBytes { all in
            unsafe body(UnsafeRawBufferPointer(rebasing: all[start..<end]))
        }
    }

    /// Bytes of memory that the next `fill` must allocate; 0 if it has room.
    ///
    /// - Parameter wanted: how many bytes the buffer is to hold.
    func growth(for wanted: Int) -> Int {
        let room = room(for: wanted)
        if storage.count - end >= room { return 0 }
        // After a move to the front, at least as many bytes are free as were moved.
        if storage.count - count >= max(count, room) { return 0 }
        let doubled = 2 * count
        let larger =
            count < Self.usualSize ? min(doubled, Self.usualSize + 2 * Self.leastRoom) : doubled
        return max(wanted, larger, 2 * Self.leastRoom)
    }

    private func room(for wanted: Int) -> Int {
        count < wanted ? min(wanted - count, Self.leastRoom) : Self.leastRoom
    }

    /// Calls a function that reads once, and appends what it has read.
    ///
    /// - Parameters:
    ///   - wanted: how many bytes the buffer is to hold.
    ///   - read: reads into the given memory, and returns the number of bytes it read.
    /// - Returns: the number of bytes added.
    mutating func fill(
        for wanted: Int, _ read: (UnsafeMutableRawBufferPointer) throws(Errno) -> Int
    ) throws(Errno) -> Int {
        makeRoom(for: wanted)
        let end = self.end
        let added = try unsafe storage.withUnsafeMutableBufferPointer { all throws(Errno) in
            try unsafe read(
                UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: all[end...])))
        }
        self.end += added
        return added
    }

    /// Each byte is moved a bounded number of times, even if an item is very long.
    private mutating func makeRoom(for wanted: Int) {
        if count == 0 {
            start = 0
            end = 0
        }
        if storage.count - end >= room(for: wanted) { return }
        let growth = growth(for: wanted)
        let used = start..<end
        if growth == 0 {
            unsafe storage.withUnsafeMutableBytes { all in
                unsafe all.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[used]))
            }
        } else {
            var larger = Self.memory(growth)
            Self.copy(storage, used, to: &larger)
            storage = larger
        }
        start = 0
        end = used.count
    }

    private static func copy(_ source: [UInt8], _ range: Range<Int>, to target: inout [UInt8]) {
        unsafe source.withUnsafeBytes { source in
            unsafe target.withUnsafeMutableBytes { target in
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
            }
        }
    }

    /// Appends one byte.
    mutating func append(_ byte: UInt8) {
        makeRoom(for: count + 1)
        storage[end] = byte
        end += 1
    }

    /// Removes and returns the first bytes.
    mutating func take(_ size: Int) -> [UInt8] {
        if start > 0 || size < storage.count / 2 {
            defer { start += size }
            return Array(storage[start..<(start + size)])
        }
        var taken: [UInt8] = []
        swap(&taken, &storage)
        let rest = end - size
        storage = Self.memory(max(rest, taken.count))
        Self.copy(taken, size..<end, to: &storage)
        end = rest
        taken.removeLast(taken.count - size)
        return taken
    }

    /// Puts back what `take` returned last. There must be no `fill` in between.
    mutating func putBack(_ bytes: [UInt8]) {
        if start >= bytes.count {
            start -= bytes.count
        } else {
            storage = bytes + storage[start..<end]
            end = storage.count
            start = 0
        }
    }

    mutating func removeFirst(_ size: Int) { start += size }

    mutating func removeLast(_ size: Int) { end -= size }
}
