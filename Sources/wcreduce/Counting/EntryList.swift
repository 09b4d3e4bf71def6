import Shared

/// A list of keys and their counts, with the bytes of the long keys.
@safe
struct EntryList: ~Copyable {
    static let entrySize = MemoryLayout<CountedKey>.stride
    private static let initialCapacity = 4096

    private var memory: GrowableMemory
    private(set) var store: KeyStore
    private(set) var count = 0
    /// The number of entries that fit before `grow` must be called.
    private(set) var capacity = initialCapacity

    init() throws(Errno) {
        let memory = try GrowableMemory(capacity: Self.initialCapacity * Self.entrySize)
        let store = try KeyStore()
        self.memory = memory
        self.store = store
    }

    var bytesUsed: Int { count * Self.entrySize + store.used }

    @inline(__always)
    var start: UnsafeMutablePointer<CountedKey> {
        unsafe memory.start.assumingMemoryBound(to: CountedKey.self)
    }

    /// Appends an inline key. There must be room.
    @inline(__always)
    mutating func append(_ entry: CountedKey) {
        unsafe start[count] = entry
        count &+= 1
    }

    /// Appends a long key. There must be room for its entry.
    mutating func append(_ key: UnsafeRawBufferPointer, _ amount: UInt64) throws(Errno) {
        let place = try unsafe store.store(key)
        append(
            CountedKey(
                first: unsafe UInt64(littleEndian: key.loadUnaligned(as: UInt64.self)),
                second: CountedKey.longMark | UInt64(place), count: amount))
    }

    /// Appends a key of any length, and grows if needed. Reads 16 bytes from the start of the key.
    mutating func append(any key: UnsafeRawBufferPointer, _ amount: UInt64) throws(Errno) {
        if count == capacity { try grow() }
        if key.count > CountedKey.inlineLimit { return try unsafe append(key, amount) }
        let words = unsafe inlineWords(key.baseAddress!, length: key.count)
        append(CountedKey(first: words.first, second: words.second, count: amount))
    }

    /// Doubles the capacity.
    mutating func grow() throws(Errno) {
        try memory.grow(to: capacity * 2 * Self.entrySize)
        capacity *= 2
    }

    /// Removes all but the first `number` entries of an order. The bytes of long keys stay.
    mutating func keepFirst(_ number: Int, in order: Order) {
        if number >= count { return }
        sort(by: order, wanted: number)
        count = number
    }

    /// Removes all entries. The capacity stays.
    mutating func removeAll() {
        count = 0
        store.removeAll()
    }

    /// Frees the memory of an empty list.
    mutating func shrink() {
        precondition(count == 0)
        memory.shrink(to: Self.initialCapacity * Self.entrySize)
        capacity = memory.count / Self.entrySize
    }

    /// Keeps the entries that satisfy the condition, in their order.
    mutating func keep(where isKept: (CountedKey) -> Bool) {
        var kept = 0
        for index in 0..<count where unsafe isKept(start[index]) {
            unsafe start[kept] = start[index]
            kept += 1
        }
        count = kept
    }

    /// Sorts by an order. A reversed order is sorted forwards too: `visit(in:_:)` reverses it.
    ///
    /// - Parameter wanted: only this many leading entries are certain to be in their final places.
    mutating func sort(by order: Order, wanted: Int = .max) {
        if order.isByCount {
            EntrySort.byCount(&self, wanted: wanted)
        } else {
            EntrySort.byKey(&self)
        }
    }

    /// Calls `body` with each key and its count, in an order.
    mutating func visit(in order: Order, _ body: (Record) throws -> Void) rethrows {
        if count >= EntryRuns.fewestEntries, !order.isReversed,
            let runs = EntryRuns(of: self, in: order)
        {
            return try runs.visit(self) { try visit(unsafe start[$0], body) }
        }
        sort(by: order)
        for step in 0..<count {
            try visit(unsafe start[order.isReversed ? count - 1 - step : step], body)
        }
    }

    /// Calls `body` with each key and its count.
    func visit(_ body: (Record) throws -> Void) rethrows {
        for index in 0..<count { try visit(unsafe start[index], body) }
    }

    @inline(__always)
    private func visit<Result>(
        _ entry: CountedKey, _ body: (Record) throws -> Result
    ) rethrows -> Result {
        if !entry.isInline {
            return try body(unsafe Record(count: entry.count, key: store.bytes(at: entry.place)))
        }
        let words = (entry.first.littleEndian, entry.second.littleEndian)
        return try unsafe withUnsafeBytes(of: words) { bytes in
            let key = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<entry.length])
            return try body(unsafe Record(count: entry.count, key: key))
        }
    }

    /// Whether an entry comes before another in an order that is not reversed.
    @inline(__always)
    func precedes(_ a: Int, _ b: Int, in order: Order) -> Bool {
        let (a, b) = unsafe (start[a], start[b])
        if order.isByCount, a.count != b.count { return a.count > b.count }
        if a.first != b.first { return a.first.byteSwapped < b.first.byteSwapped }
        if a.isInline, b.isInline { return a.second.byteSwapped < b.second.byteSwapped }
        return longPrecedes(a, b, in: order)
    }

    @inline(never)
    private func longPrecedes(_ a: CountedKey, _ b: CountedKey, in order: Order) -> Bool {
        visit(a) { a in visit(b) { order.precedes(a, $0) } }
    }
}
