/// A key and its count in 24 bytes, which include a key of up to 15 bytes. Most words are short,
/// and a counter spends two thirds of its time on the caches.
struct CountedKey {
    static let inlineLimit = 15
    /// The top byte of `second` if the key is longer.
    static let longMark: UInt64 = 0xFF << 56

    /// The key's first 8 bytes, zero-padded, first byte lowest.
    var first: UInt64
    /// The next 7 bytes in the same way, with the length in the top byte. If the key is longer, the
    /// top byte is `longMark`, and the other bytes are the place of the whole key in the
    /// `KeyStore`.
    var second: UInt64
    var count: UInt64

    var isInline: Bool { second < Self.longMark }
    /// The length in bytes of an inline key.
    var length: Int { Int(second &>> 56) }
    /// The place of a longer key in the `KeyStore`.
    var place: Int { Int(second & ~Self.longMark) }
}
