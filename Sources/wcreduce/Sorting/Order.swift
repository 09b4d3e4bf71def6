import Shared

/// An order of keys and counts. It is total, and depends on nothing else.
struct Order: Sendable {
    /// By count, the highest first, and equal counts by key; else by key alone.
    var isByCount: Bool
    var isReversed = false

    /// Keys in the order of their bytes, as memcmp(3) and LC_ALL=C sort(1) have it.
    static let byKey = Order(isByCount: false)
    static let byCount = Order(isByCount: true)

    func precedes(_ a: Record, _ b: Record) -> Bool {
        if isReversed { return Order(isByCount: isByCount).precedes(b, a) }
        if isByCount, a.count != b.count { return a.count > b.count }
        if a.prefix != b.prefix { return a.prefix < b.prefix }
        let (second, other) = (a.second, b.second)
        if second != other { return second < other }
        return unsafe keyPrecedes(a.key, b.key, from: min(16, a.key.count, b.key.count))
    }
}

/// A key with its count, in memory that somebody else owns.
@safe
struct Record {
    var count: UInt64
    /// 16 bytes may be read from its start.
    let key: UnsafeRawBufferPointer
    /// Its first 8 bytes, zero-padded, as a number that is ordered as they are.
    let prefix: UInt64

    init(count: UInt64, key: UnsafeRawBufferPointer) {
        self.count = count
        unsafe self.key = unsafe key
        unsafe prefix = Self.word(key, from: 0)
    }

    /// Its next 8 bytes, in the same way.
    var second: UInt64 { unsafe key.count > 8 ? Self.word(key, from: 8) : 0 }

    @inline(__always)
    private static func word(_ key: UnsafeRawBufferPointer, from offset: Int) -> UInt64 {
        let start = unsafe key.baseAddress! + offset
        let word = unsafe UInt64(bigEndian: start.loadUnaligned(as: UInt64.self))
        let count = key.count - offset
        return count >= 8 ? word : word & ~(.max >> UInt64(count * 8))
    }

    func hasKey(of other: Record) -> Bool {
        unsafe prefix == other.prefix && key.count == other.key.count && second == other.second
            && (key.count <= 16 || memcmp(key.baseAddress!, other.key.baseAddress!, key.count) == 0)
    }
}

/// Whether a key comes before another in byte order, given that so many bytes are the same.
func keyPrecedes(
    _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, from depth: Int
) -> Bool {
    let common = min(a.count, b.count) - depth
    let order =
        unsafe common == 0
        ? 0 : memcmp(a.baseAddress! + depth, b.baseAddress! + depth, common)
    return order != 0 ? order < 0 : a.count < b.count
}
