import Shared

/// Counts the records of a file.
func count(
    _ reader: inout BlockReader, delimiter: UInt8, into counts: inout CountTable
) throws {
    while let block = try unsafe reader.nextRecords(delimiter: delimiter) {
        try unsafe count(block, delimiter: delimiter, into: &counts)
    }
}

/// Counts the records of a block, the last of which may lack its delimiter. Bytes
/// behind the block are read (see `InputBuffer.padding`) and never used.
func count(
    _ block: UnsafeRawBufferPointer, delimiter: UInt8, into counts: inout CountTable
) throws(Errno) {
    // Where no delimiter ends the block, its last record is counted apart, so that
    // the loop below always finds one.
    let whole = unsafe block.last == delimiter
    let end = whole ? block.count : unsafe (block.lastIndex(of: delimiter) ?? -1) + 1
    let pattern = UInt64(delimiter) &* 0x0101_0101_0101_0101
    let bytes = block.baseAddress!
    var offset = 0
    while offset < end {
        let record = unsafe bytes + offset
        let first = unsafe UInt64(littleEndian: record.loadUnaligned(as: UInt64.self))
        if let length = firstZeroByte(first ^ pattern) {
            try counts.addShort(lowBytes(first, length), 0, length: length, 1)
            offset &+= length &+ 1
            continue
        }
        let second = unsafe UInt64(
            littleEndian: record.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        if let length = firstZeroByte(second ^ pattern) {
            try counts.addShort(first, lowBytes(second, length), length: length &+ 8, 1)
            offset &+= length &+ 9
            continue
        }
        let found = unsafe memchr(record + 16, Int32(delimiter), end - offset - 16)!
        let length = unsafe UnsafeRawPointer(found) - record
        try unsafe counts.add(UnsafeRawBufferPointer(start: record, count: length))
        offset &+= length &+ 1
    }
    if !whole { try unsafe counts.add(UnsafeRawBufferPointer(rebasing: block[end...])) }
}

/// The place of the lowest byte that is zero, if any (Mycroft's test; exact for the
/// lowest one).
@inline(__always)
private func firstZeroByte(_ word: UInt64) -> Int? {
    let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
    return zeros == 0 ? nil : zeros.trailingZeroBitCount &>> 3
}

/// The word's lowest bytes, fewer than 8 of them, the others zero.
@inline(__always)
private func lowBytes(_ word: UInt64, _ count: Int) -> UInt64 {
    word & ((1 &<< UInt64(truncatingIfNeeded: count &* 8)) &- 1)
}
