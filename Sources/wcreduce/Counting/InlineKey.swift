import Shared

/// The two words of an entry that hold a key of up to 15 bytes (see `CountedKey`). It reads 16
/// bytes, whatever the length.
@inline(__always)
func inlineWords(
    _ key: UnsafeRawPointer, length: Int
) -> (first: UInt64, second: UInt64) {
    let first = unsafe UInt64(littleEndian: key.loadUnaligned(as: UInt64.self))
    let second = unsafe UInt64(
        littleEndian: key.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    // The masks come from a table: a branch on the length of a word would be unpredictable.
    let keep = cs_low_bytes(Int32(truncatingIfNeeded: length))
    return (
        first & keep.first, second & keep.second | UInt64(truncatingIfNeeded: length) &<< 56
    )
}
