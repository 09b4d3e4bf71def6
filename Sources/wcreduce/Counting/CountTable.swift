import Shared

/// Counts by key, in memory: the entries one behind the other in the order in which their
/// keys came first, and an index, a hash table with open addressing and linear probing.
///
/// So frequent keys lie together in the cache, the entries are sorted where they are, and
/// only the index, 8 bytes a place, has room to spare.
@safe
struct CountTable: ~Copyable {
    /// A key of up to 15 bytes on its way to the table.
    struct Pending {
        let first: UInt64
        let second: UInt64
        let amount: UInt64
        let tag: UInt32
        /// Which of its block's lines it is, from 0; for messages.
        let line: UInt32
    }

    private let hash: KeyedHash
    private var entries: EntryList
    /// The entries that fit in before `makeRoom` must be asked.
    private var room = 0

    /// Each place holds 0 or a hash's upper half (the tag) above 1 plus an entry's number. The
    /// tag's top bits choose the place: so a larger index is filled in the order of the old
    /// one, without a look at the entries.
    private var index: GrowableMemory
    private var indexBits: UInt32
    private var limit: Int
    private var reserve = MemoryReserve()

    private static let initialIndexBits: UInt32 = 13

    /// - Parameter limit: bytes; past it `add` refuses, but for a first key.
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

    /// A key of up to 15 bytes as two words, zero-padded, the length in the top byte of the
    /// second. Has the cache fetch its place in the index.
    @inline(__always)
    func prepare(
        _ words: (first: UInt64, second: UInt64), _ amount: UInt64, line: UInt32 = 0
    ) -> Pending {
        let tag = hash.tag(words.first, words.second)
        unsafe cs_prefetch(indexStart + place(of: tag))
        return Pending(
            first: words.first, second: words.second, amount: amount, tag: tag, line: line)
    }

    /// Has the cache fetch the entry that a key seems to have.
    @inline(__always)
    func prefetchEntry(of key: Pending) {
        let place = unsafe indexStart + place(of: key.tag)
        let number = unsafe Int(truncatingIfNeeded: place.pointee & 0xFFFF_FFFF)
        unsafe cs_prefetch(entries.start + (number &- 1))
        unsafe cs_prefetch(place + 5)
    }

    /// Adds to the counts of keys that are here, up to the first key that is not; throws
    /// `Errno.overflow` past 2^64-1. What a search looks at is copied before, which keeps it in
    /// registers.
    ///
    /// - Parameter number: which of the keys is the first; moved behind those that are done.
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
    ///   - ends: where each line ends; the next one begins a byte later.
    ///   - start: where the first line begins; moved behind those that are done.
    ///   - room: for `count` keys.
    /// - Returns: how many that are.
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

    /// Adds a key that is not here.
    ///
    /// - Returns: false, and nothing is changed, where the table is full.
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

    /// Adds to the count of a key of any bytes and any length; throws `Errno.overflow` past
    /// 2^64-1. Bytes behind the key, up to 16 from its start, are read and never used.
    ///
    /// - Returns: false, and nothing is changed, where the table is full.
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
                // Memory that is not to be had is a limit too: what is there goes to disk.
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

    /// The entries, to be sorted and moved to disk; after that nothing can be added until
    /// `removeAll`.
    mutating func withEntries<Result>(_ body: (inout EntryList) throws -> Result) rethrows -> Result
    {
        reserve.release()
        return try body(&entries)
    }

    var count: Int { entries.count }

    /// Whether entries are likely to be in no cache.
    var isLarge: Bool { entries.count > 1 << 16 }

    /// Gives the entries away; the table is empty and small again.
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

    /// Forgets all keys, and gives back all the memory that a table needs only to grow.
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

    /// Has a place of the index point to the last entry.
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

/// How the table grows: each part doubles, as far as the limit lets it.
extension CountTable {
    private var bytesUsed: Int { entries.bytesUsed + index.count }

    /// Where the index grows: a quarter full while it fits into a cache, where searches that
    /// go further than one place cost most, and three quarters full where it does not, where
    /// fresh memory costs more.
    private var fullIndex: Int {
        (1 << indexBits) / 4 * (indexBits < 18 ? 1 : indexBits < 20 ? 2 : 3)
    }

    /// Where it may not grow it is filled to seven eighths.
    private var mayGrowIndex: Bool {
        indexBits < 31 && bytesUsed + index.count * 2 <= limit
    }

    private func roomForEntries() -> Int {
        let places = 1 << indexBits
        let rest = limit - index.count - entries.store.used
        return min(
            entries.capacity, mayGrowIndex ? fullIndex : places / 8 * 7,
            max(1, rest / EntryList.entrySize))
    }

    /// - Returns: whether the new limit, in bytes, is above the old one.
    mutating func raise(limit: Int) -> Bool {
        if limit <= self.limit { return false }
        self.limit = limit
        room = roomForEntries()
        return true
    }

    /// - Parameter size: bytes that a long key is going to take.
    /// - Returns: whether there is more room than there was.
    @inline(never)
    private mutating func makeRoom(for size: Int) throws(Errno) -> Bool {
        if entries.count > 0, bytesUsed + EntryList.entrySize + size > limit { return false }
        reserve.setAside()
        do throws(Errno) {
            if entries.count == entries.capacity { try entries.grow() }
            if entries.count >= fullIndex, mayGrowIndex { try growIndex() }
        } catch {
            // Memory that is not to be had is a limit too, unless nothing is there to be
            // moved to disk.
            if error == .noMemory, entries.count > 0 { return false }
            throw error
        }
        room = roomForEntries()
        return entries.count < room
    }

    private mutating func growIndex() throws(Errno) {
        let larger = try GrowableMemory(capacity: 8 << (indexBits + 1))
        let old = unsafe UnsafeBufferPointer(start: indexStart, count: 1 << indexBits)
        let places = unsafe larger.start.assumingMemoryBound(to: UInt64.self)
        indexBits += 1
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
