import Shared

/// A key of up to 15 bytes as an entry holds it. 16 bytes are read, whatever its length.
@inline(__always)
func inlineWords(
    _ key: UnsafeRawPointer, length: Int
) -> (first: UInt64, second: UInt64) {
    let first = unsafe UInt64(littleEndian: key.loadUnaligned(as: UInt64.self))
    let second = unsafe UInt64(
        littleEndian: key.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    // From a table and without a branch: nothing could foresee the lengths of words.
    let keep = cs_low_bytes(Int32(truncatingIfNeeded: length))
    return (
        first & keep.first, second & keep.second | UInt64(truncatingIfNeeded: length) &<< 56
    )
}
