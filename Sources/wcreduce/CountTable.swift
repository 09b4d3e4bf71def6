import Shared

/// Counts by key: a hash table with open addressing and linear probing, a power of two
/// of 32-byte slots, at most half of them full.
@safe
struct CountTable: ~Copyable {
    private let hash = KeyedHash()
    private var slots: UnsafeMutablePointer<CountedKey>
    private var mask: Int
    private var used = 0
    private var longKeys = KeyStore()

    init() throws(Errno) {
        mask = 4095
        unsafe slots = try Self.allocate(mask + 1)
    }

    deinit { unsafe free(slots) }

    /// Adds to a key's count; throws `Errno.overflow` past 2^64-1. A key of any bytes and any length.
    mutating func add(
        _ key: UnsafeRawBufferPointer, _ count: UInt64 = 1
    ) throws(Errno) {
        if key.count > CountedKey.inlineLimit { return try unsafe addLong(key, count) }
        var words: (UInt64, UInt64) = (0, 0)
        unsafe withUnsafeMutableBytes(of: &words) { unsafe $0.copyMemory(from: key) }
        try addShort(words.0.littleEndian, words.1.littleEndian, length: key.count, count)
    }

    /// Adds to the count of a key of up to 16 bytes, given as two zero-padded words.
    @inline(__always)
    mutating func addShort(
        _ first: UInt64, _ second: UInt64, length: Int, _ count: UInt64
    ) throws(Errno) {
        var index = Int(truncatingIfNeeded: hash(first, second, length: length)) & mask
        while true {
            let slot = unsafe slots + index
            if unsafe slot.pointee.first == first && slot.pointee.second == second
                && slot.pointee.length == length && slot.pointee.count != 0
            {
                return try unsafe Self.increase(&slot.pointee.count, by: count)
            }
            if unsafe slot.pointee.count == 0 { break }
            index = (index &+ 1) & mask
        }
        try insert(
            CountedKey(first: first, second: second, length: length, count: count), at: index)
    }

    /// The entries that the condition keeps, in no particular order.
    ///
    /// - Throws: `Errno.noMemory`, also where sorting them would take too much.
    func entries(where isKept: (CountedKey) -> Bool) throws(Errno) -> [CountedKey] {
        let all = unsafe UnsafeBufferPointer(start: slots, count: mask + 1)
        var count = 0
        for index in 0...mask where unsafe all[index].count != 0 && isKept(all[index]) {
            count += 1
        }
        // The array, half as much again for merging, and a little for the runs.
        try requireMemory(count * MemoryLayout<CountedKey>.stride * 2 + (1 << 20))
        var kept: [CountedKey] = []
        kept.reserveCapacity(count)
        for index in 0...mask where unsafe all[index].count != 0 && isKept(all[index]) {
            unsafe kept.append(all[index])
        }
        return kept
    }

    private mutating func addLong(
        _ key: UnsafeRawBufferPointer, _ count: UInt64
    ) throws(Errno) {
        let keyHash = unsafe hash(key)
        var index = Int(truncatingIfNeeded: keyHash) & mask
        while unsafe slots[index].count != 0 {
            let slot = unsafe slots[index]
            if slot.first == keyHash, slot.length == key.count,
                unsafe memcmp(slot.storedBytes, key.baseAddress!, key.count) == 0
            {
                return try unsafe Self.increase(&slots[index].count, by: count)
            }
            index = (index &+ 1) & mask
        }
        let stored = try unsafe longKeys.store(key)
        try insert(
            CountedKey(
                first: keyHash, second: UInt64(UInt(bitPattern: stored)), length: key.count,
                count: count), at: index)
    }

    private mutating func insert(_ entry: CountedKey, at index: Int) throws(Errno) {
        unsafe slots[index] = entry
        used += 1
        if used > mask / 2 { try grow() }
    }

    private mutating func grow() throws(Errno) {
        let old = unsafe UnsafeBufferPointer(start: slots, count: mask + 1)
        let larger = try unsafe Self.allocate(old.count * 2)
        mask = old.count * 2 - 1
        unsafe slots = larger
        for oldIndex in 0..<old.count where unsafe old[oldIndex].count != 0 {
            let entry = unsafe old[oldIndex]
            let entryHash =
                entry.length <= CountedKey.inlineLimit
                ? hash(entry.first, entry.second, length: entry.length) : entry.first
            var index = Int(truncatingIfNeeded: entryHash) & mask
            while unsafe slots[index].count != 0 { index = (index &+ 1) & mask }
            unsafe slots[index] = entry
        }
        unsafe free(UnsafeMutableRawPointer(mutating: old.baseAddress))
    }

    @inline(__always)
    private static func increase(_ total: inout UInt64, by count: UInt64) throws(Errno) {
        let (sum, overflow) = total.addingReportingOverflow(count)
        if overflow { throw .overflow }
        total = sum
    }

    private static func allocate(
        _ count: Int
    ) throws(Errno) -> UnsafeMutablePointer<CountedKey> {
        guard let memory = unsafe calloc(count, MemoryLayout<CountedKey>.stride) else {
            throw .noMemory
        }
        return unsafe memory.bindMemory(to: CountedKey.self, capacity: count)
    }
}

/// The bytes of long keys, in blocks that are freed together.
@safe
private struct KeyStore: ~Copyable {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []
    private var room = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    deinit {
        for index in unsafe blocks.indices { unsafe free(blocks[index]) }
    }

    mutating func store(_ key: UnsafeRawBufferPointer) throws(Errno) -> UnsafeRawPointer {
        if unsafe key.count > room.count {
            let size = max(key.count, 1 << 20)
            guard let block = unsafe malloc(size) else { throw .noMemory }
            unsafe blocks.append(block)
            unsafe room = UnsafeMutableRawBufferPointer(start: block, count: size)
        }
        let place = unsafe room.baseAddress!
        unsafe place.copyMemory(from: key.baseAddress!, byteCount: key.count)
        unsafe room = UnsafeMutableRawBufferPointer(rebasing: room[key.count...])
        return UnsafeRawPointer(place)
    }
}
