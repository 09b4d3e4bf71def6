/// A key and its count in 24 bytes, of which a key of up to 15 bytes is a part: two thirds
/// of a counter's time goes to the caches, and most words are short.
struct CountedKey {
    static let inlineLimit = 15
    /// The top byte of `second` where the key is longer.
    static let longMark: UInt64 = 0xFF << 56

    /// The key's first 8 bytes, zero-padded, first byte lowest.
    var first: UInt64
    /// The next 7 bytes in the same way, and in the top byte the length. A longer key has the
    /// mark there, and below it the place of all its bytes in the `KeyStore`.
    var second: UInt64
    var count: UInt64

    var isInline: Bool { second < Self.longMark }
    /// Of an inline key.
    var length: Int { Int(second &>> 56) }
    /// Of a longer one.
    var place: Int { Int(second & ~Self.longMark) }
}
