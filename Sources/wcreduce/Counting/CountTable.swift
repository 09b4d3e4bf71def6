import Shared

/// Counts by key, in memory. The entries are stored one after another, in the order in which their
/// keys first appeared. An index refers to them: a hash table with open addressing and linear
/// probing.
///
/// So frequent keys lie together in the cache, the entries are sorted in place, and only the index,
/// at 8 bytes a place, has unused places.
@safe
struct CountTable: ~Copyable {
    /// A key of up to 15 bytes that waits to be added to the table.
    struct Pending {
        let first: UInt64
        let second: UInt64
        let amount: UInt64
        let tag: UInt32
        /// The number of its line in the block, from 0, for messages.
        let line: UInt32
    }

    private let hash: KeyedHash
    private var entries: EntryList
    /// The number of entries that fit before `makeRoom` must be called.
    private var room = 0

    /// A place is 0 if it is empty. Otherwise the upper 32 bits are the upper half of the key's
    /// hash (the tag), and the lower 32 bits are 1 plus the number of the entry. The tag's top bits
    /// choose the place. So a larger index is filled in the order of the old index, without reading
    /// the entries.
    private var index: GrowableMemory
    private var indexBits: UInt32
    private var limit: Int
    private var reserve = MemoryReserve()

    private static let initialIndexBits: UInt32 = 13

    /// - Parameter limit: the most bytes to use. `add` refuses a key that would pass it, unless the
    ///   table is empty.
    init(limit: Int = .max, hash: KeyedHash = KeyedHash()) throws(Errno) {
        let index = try GrowableMemory(capacity: 8 << Self.initialIndexBits)
        let entries = try EntryList()
        self.limit = limit
        self.hash = hash
        self.index = index
        self.entries = entries
        indexBits = Self.initialIndexBits
        room = roomForEntries()
    }

    /// Hashes a key of up to 15 bytes, and prefetches its place in the index. The key is two words,
    /// zero-padded, with the length in the top byte of the second (see `inlineWords`).
    @inline(__always)
    func prepare(
        _ words: (first: UInt64, second: UInt64), _ amount: UInt64, line: UInt32 = 0
    ) -> Pending {
        let tag = hash.tag(words.first, words.second)
        unsafe cs_prefetch(indexStart + place(of: tag))
        return Pending(
            first: words.first, second: words.second, amount: amount, tag: tag, line: line)
    }

    /// Prefetches the entry that a key probably has.
    @inline(__always)
    func prefetchEntry(of key: Pending) {
        let place = unsafe indexStart + place(of: key.tag)
        let number = unsafe Int(truncatingIfNeeded: place.pointee & 0xFFFF_FFFF)
        unsafe cs_prefetch(entries.start + (number &- 1))
        unsafe cs_prefetch(place + 5)
    }

    /// Adds to the counts of keys that are in the table, up to the first key that is not. Throws
    /// `Errno.overflow` if a count would pass 2^64-1. The search uses local copies of what it
    /// reads, which keeps them in registers.
    ///
    /// - Parameter number: the index of the first key to add. It is moved past the keys that were
    ///   added.
    @inline(__always)
    mutating func addKnown(
        _ keys: UnsafePointer<Pending>, count: Int, _ number: inout Int
    ) throws(Errno) {
        let index = unsafe indexStart
        let entries = unsafe entries.start - 1
        let mask = indexMask
        let shift = 32 &- indexBits
        while number < count {
            let key = unsafe keys + number
            let tag = unsafe key.pointee.tag
            var place = Int(tag &>> shift)
            while true {
                let found = unsafe index[place]
                if UInt32(truncatingIfNeeded: found &>> 32) == tag {
                    let entry = unsafe entries + Int(truncatingIfNeeded: found & 0xFFFF_FFFF)
                    if unsafe entry.pointee.first == key.pointee.first
                        && entry.pointee.second == key.pointee.second
                    {
                        try unsafe Self.increase(&entry.pointee.count, by: key.pointee.amount)
                        break
                    }
                } else if found == 0 {
                    return
                }
                place = (place &+ 1) & mask
            }
            number &+= 1
        }
    }

    /// Prepares lines up to the first one of more than 15 bytes.
    ///
    /// - Parameters:
    ///   - ends: the offset at which each line ends. The next line begins one byte later.
    ///   - start: the offset at which the first line begins. It is moved past the prepared lines.
    ///   - room: memory for `count` keys.
    /// - Returns: the number of prepared lines.
    @inline(__always)
    func prepare(
        _ bytes: UnsafeRawPointer, _ ends: UnsafePointer<Int>, count: Int, _ start: inout Int,
        into room: UnsafeMutablePointer<Pending>
    ) -> Int {
        let hash = hash
        let index = unsafe indexStart
        let shift = 32 &- indexBits
        var from = start
        var number = 0
        while number < count {
            let end = unsafe ends[number]
            let length = end &- from
            if length > CountedKey.inlineLimit { break }
            let (first, second) = unsafe inlineWords(bytes + from, length: length)
            let tag = hash.tag(first, second)
            unsafe cs_prefetch(index + Int(tag &>> shift))
            unsafe room[number] = Pending(
                first: first, second: second, amount: 1, tag: tag, line: 0)
            from = end &+ 1
            number &+= 1
        }
        start = from
        return number
    }

    /// Adds a key that is not in the table.
    ///
    /// - Returns: false, with nothing changed, if the table is full.
    @inline(__always)
    mutating func insert(_ key: Pending) throws(Errno) -> Bool {
        if entries.count >= room, try !makeRoom(for: 0) { return false }
        let mask = indexMask
        var place = place(of: key.tag)
        while unsafe indexStart[place] != 0 { place = (place &+ 1) & mask }
        entries.append(CountedKey(first: key.first, second: key.second, count: key.amount))
        refer(key.tag, at: place)
        return true
    }

    /// Adds to the count of a key of any bytes and any length. Throws `Errno.overflow` if the count
    /// would pass 2^64-1. It may read 16 bytes from the start of a shorter key, but ignores those
    /// after the key.
    ///
    /// - Returns: false, with nothing changed, if the table is full.
    mutating func add(_ key: UnsafeRawBufferPointer, _ amount: UInt64) throws(Errno) -> Bool {
        if key.count <= CountedKey.inlineLimit {
            let key = unsafe prepare(inlineWords(key.baseAddress!, length: key.count), amount)
            var number = 0
            try unsafe withUnsafePointer(to: key) { key throws(Errno) in
                try unsafe addKnown(key, count: 1, &number)
            }
            return number == 1 ? true : try insert(key)
        }
        let tag = unsafe hash.tag(key)
        let mask = indexMask
        var place = place(of: tag)
        while case let found = unsafe indexStart[place], found != 0 {
            if UInt32(truncatingIfNeeded: found &>> 32) == tag {
                let entry =
                    unsafe entries.start + (Int(truncatingIfNeeded: found & 0xFFFF_FFFF) &- 1)
                if unsafe holds(entry.pointee, key) {
                    try unsafe Self.increase(&entry.pointee.count, by: amount)
                    return true
                }
            }
            place = (place &+ 1) & mask
        }
        let size = KeyStore.size(ofKey: key.count)
        if entries.count < room, bytesUsed + size <= limit || entries.count == 0 {
            do throws(Errno) {
                reserve.setAside()
                try unsafe entries.append(key, amount)
            } catch {
                // If memory runs out, the table is full: the caller then moves it to disk.
                if error == .noMemory, entries.count > 0 { return false }
                throw error
            }
            refer(tag, at: place)
            room = roomForEntries()
            return true
        }
        return try makeRoom(for: size) ? unsafe add(key, amount) : false
    }

    private func holds(_ entry: CountedKey, _ key: UnsafeRawBufferPointer) -> Bool {
        if entry.isInline { return false }
        let stored = unsafe entries.store.bytes(at: entry.place)
        return unsafe stored.count == key.count
            && memcmp(stored.baseAddress!, key.baseAddress!, key.count) == 0
    }

    /// Calls `body` with the entries, to be sorted and moved to disk. After that nothing can be
    /// added until `removeAll` is called.
    mutating func withEntries<Result>(_ body: (inout EntryList) throws -> Result) rethrows -> Result
    {
        reserve.release()
        return try body(&entries)
    }

    var count: Int { entries.count }

    /// Whether the entries are probably too many for the caches.
    var isLarge: Bool { entries.count > 1 << 16 }

    /// Returns the entries. The table is empty and small again.
    mutating func takeEntries() throws(Errno) -> EntryList {
        var taken = try EntryList()
        swap(&taken, &entries)
        indexBits = Self.initialIndexBits
        index = try GrowableMemory(capacity: 8 << indexBits)
        room = roomForEntries()
        return taken
    }

    mutating func removeAll() {
        entries.removeAll()
        unsafe index.start.initializeMemory(as: UInt8.self, repeating: 0, count: index.count)
        room = roomForEntries()
    }

    /// Removes all keys, and frees all memory beyond that of a new table.
    mutating func shrink() {
        removeAll()
        entries.shrink()
        indexBits = Self.initialIndexBits
        index.shrink(to: 8 << indexBits)
        room = roomForEntries()
    }

    @inline(__always)
    var indexStart: UnsafeMutablePointer<UInt64> {
        unsafe index.start.assumingMemoryBound(to: UInt64.self)
    }

    @inline(__always)
    var indexMask: Int { Int(truncatingIfNeeded: (UInt64(1) &<< UInt64(indexBits)) &- 1) }

    @inline(__always)
    func place(of tag: UInt32) -> Int { Int(tag &>> (32 &- indexBits)) }

    /// Makes a place of the index refer to the last entry.
    @inline(__always)
    private func refer(_ tag: UInt32, at place: Int) {
        unsafe indexStart[place] = UInt64(tag) &<< 32 | UInt64(truncatingIfNeeded: entries.count)
    }

    @inline(__always)
    private static func increase(_ total: inout UInt64, by amount: UInt64) throws(Errno) {
        let (sum, overflow) = total.addingReportingOverflow(amount)
        if overflow { throw .overflow }
        total = sum
    }
}

/// Growth: each part of the table grows while the limit allows it.
extension CountTable {
    private var bytesUsed: Int { entries.bytesUsed + index.count }

    /// The number of entries at which the index grows. While the index fits in a cache, it grows
    /// when it is a quarter full, because searches past the first place cost most there. A large
    /// index grows when it is three quarters full, because fresh memory costs more.
    private var fullIndex: Int {
        (1 << indexBits) / 4 * (indexBits < 18 ? 1 : indexBits < 20 ? 2 : 3)
    }

    /// A small index grows fourfold: in a worker that counts one block of a big input, the memory
    /// that growth passes through costs more than what stays unused.
    private var largerIndexBits: UInt32 { indexBits + (indexBits < 17 ? 2 : 1) }

    /// Whether the index may grow. If not, it is filled to seven eighths.
    private var mayGrowIndex: Bool {
        indexBits < 31 && bytesUsed + (8 << largerIndexBits) <= limit
    }

    private func roomForEntries() -> Int {
        let places = 1 << indexBits
        let rest = limit - index.count - entries.store.used
        return min(
            entries.capacity, mayGrowIndex ? fullIndex : places / 8 * 7,
            max(1, rest / EntryList.entrySize))
    }

    /// - Returns: whether the new limit, in bytes, is higher than the old limit.
    mutating func raise(limit: Int) -> Bool {
        if limit <= self.limit { return false }
        self.limit = limit
        room = roomForEntries()
        return true
    }

    /// - Parameter size: the bytes that a long key will take in the store, else 0.
    /// - Returns: whether there is room for another entry.
    @inline(never)
    private mutating func makeRoom(for size: Int) throws(Errno) -> Bool {
        if entries.count > 0, bytesUsed + EntryList.entrySize + size > limit { return false }
        reserve.setAside()
        do throws(Errno) {
            if entries.count == entries.capacity { try entries.grow() }
            if entries.count >= fullIndex, mayGrowIndex { try growIndex() }
        } catch {
            // If memory runs out, the table is full, unless it has no entries to move to disk.
            if error == .noMemory, entries.count > 0 { return false }
            throw error
        }
        room = roomForEntries()
        return entries.count < room
    }

    private mutating func growIndex() throws(Errno) {
        let larger = try GrowableMemory(capacity: 8 << largerIndexBits)
        larger.populate()
        let old = unsafe UnsafeBufferPointer(start: indexStart, count: 1 << indexBits)
        let places = unsafe larger.start.assumingMemoryBound(to: UInt64.self)
        indexBits = largerIndexBits
        let mask = (1 << indexBits) - 1
        for number in 0..<old.count where unsafe old[number] != 0 {
            let entry = unsafe old[number]
            var place = place(of: UInt32(truncatingIfNeeded: entry >> 32))
            while unsafe places[place] != 0 { place = (place + 1) & mask }
            unsafe places[place] = entry
        }
        index = larger
    }
}
