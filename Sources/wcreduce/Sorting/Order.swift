import Shared

/// A total order of records. It depends only on their keys and counts.
struct Order: Sendable {
    /// True: by count, the highest first, and equal counts by key. False: by key alone.
    var isByCount: Bool
    var isReversed = false

    /// Keys in byte order, like memcmp(3) and LC_ALL=C sort(1).
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

/// A key with its count. The record does not own the memory of the key.
@safe
struct Record {
    var count: UInt64
    /// 16 bytes from its start are readable, even if the key is shorter.
    let key: UnsafeRawBufferPointer
    /// The first 8 bytes of the key, zero-padded, as a number that sorts as the bytes do.
    let prefix: UInt64

    init(count: UInt64, key: UnsafeRawBufferPointer) {
        self.count = count
        unsafe self.key = unsafe key
        unsafe prefix = Self.word(key, from: 0)
    }

    /// The next 8 bytes of the key, in the same way.
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

/// Whether `a` comes before `b` in byte order. Their first `depth` bytes must be equal.
func keyPrecedes(
    _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, from depth: Int
) -> Bool {
    let common = min(a.count, b.count) - depth
    let order =
        unsafe common == 0
        ? 0 : memcmp(a.baseAddress! + depth, b.baseAddress! + depth, common)
    return order != 0 ? order < 0 : a.count < b.count
}
