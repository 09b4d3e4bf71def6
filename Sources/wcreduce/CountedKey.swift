import Shared

/// A key and its count: 32 bytes, of which a key of up to 16 bytes is a part. Two
/// thirds of a program's time goes to the caches, and most words are short.
@safe
struct CountedKey {
    static let inlineLimit = 16

    /// A short key's first 8 bytes, zero-padded, first byte lowest; a long key's hash.
    let first: UInt64
    /// A short key's next 8 bytes; where a long key's bytes stand in memory.
    let second: UInt64
    let length: Int
    /// 0 in an empty slot of the table.
    var count: UInt64

    private var isInline: Bool { length <= Self.inlineLimit }

    /// A long key's bytes; only asked where `length` passes the limit.
    var storedBytes: UnsafeRawPointer {
        unsafe UnsafeRawPointer(bitPattern: UInt(second))!
    }

    func withKey<Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        if isInline {
            let words = (first.littleEndian, second.littleEndian)
            var failure: Failure?
            unsafe withUnsafeBytes(of: words) { bytes in
                do throws(Failure) {
                    try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
                } catch { failure = error }
            }
            if let failure { throw failure }
        } else {
            try unsafe body(UnsafeRawBufferPointer(start: storedBytes, count: length))
        }
    }

    /// Whether this key comes first in byte order, as memcmp(3) and LC_ALL=C sort(1) have it.
    func keyPrecedes(_ other: CountedKey) -> Bool {
        if isInline && other.isInline {
            // Big-endian words compare as their bytes do; padding is no more than a
            // NUL byte, and then the shorter key comes first.
            if first != other.first { return first.byteSwapped < other.first.byteSwapped }
            if second != other.second { return second.byteSwapped < other.second.byteSwapped }
            return length < other.length
        }
        var order: Int32 = 0
        unsafe withKey { mine in
            unsafe other.withKey { theirs in
                let common = min(mine.count, theirs.count)
                order = unsafe memcmp(mine.baseAddress!, theirs.baseAddress!, common)
            }
        }
        return order != 0 ? order < 0 : length < other.length
    }
}
