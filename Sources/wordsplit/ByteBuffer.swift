import Shared

/// A buffer of bytes that grows at its end. Not an array: an array ends the program when there is
/// no memory, and it would count references for each byte.
@safe
struct ByteBuffer: ~Copyable {
    private var memory = unsafe UnsafeMutablePointer<UInt8>?.none
    private var capacity = 0
    private(set) var count = 0

    deinit { unsafe free(memory) }

    /// The bytes of the buffer, valid until its next change.
    var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: memory, count: count)
    }

    /// Removes all bytes. The memory is kept, unless it is more than 64 KiB for a rare long word.
    @inline(__always)
    mutating func removeAll() {
        count = 0
        if capacity > 1 << 16 {
            unsafe free(memory)
            unsafe memory = nil
            capacity = 0
        }
    }

    /// Makes room for `more` further bytes.
    ///
    /// - Throws: `Errno.noMemory`.
    @inline(__always)
    mutating func reserve(_ more: Int) throws(Errno) {
        if more > capacity - count { try grow(more) }
    }

    private mutating func grow(_ more: Int) throws(Errno) {
        // Grow by half at least. Then each byte is moved a bounded number of times on average.
        let larger = max(count + more, capacity + capacity / 2, 256)
        guard let moved = unsafe realloc(memory, larger) else { throw .noMemory }
        unsafe memory = moved.assumingMemoryBound(to: UInt8.self)
        capacity = larger
    }

    /// Appends a byte. The caller must have reserved room for it.
    @inline(__always)
    mutating func append(_ byte: UInt8) {
        assert(count < capacity)
        unsafe memory![count] = byte
        count &+= 1
    }

    /// Lets a tight loop append without a check for each byte, as `Output.appendUpTo` does.
    @inline(__always)
    mutating func appendUpTo(
        _ size: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Int
    ) throws(Errno) {
        try reserve(max(size, 1))
        let written = unsafe fill(memory! + count)
        precondition(written <= size)
        count &+= written
    }

    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) throws(Errno) {
        if bytes.isEmpty { return }
        try reserve(bytes.count)
        unsafe copyBytes(bytes, to: memory! + count)
        count &+= bytes.count
    }
}

/// Writes a scalar as UTF-8, 4 bytes at most.
///
/// - Returns: the number of bytes.
@inline(__always)
func writeUTF8(_ scalar: UInt32, at place: UnsafeMutablePointer<UInt8>) -> Int {
    @inline(__always)
    func trail(_ shift: UInt32) -> UInt8 {
        UInt8(truncatingIfNeeded: 0x80 | (scalar &>> shift) & 0x3F)
    }
    if scalar < 0x80 {
        unsafe place[0] = UInt8(truncatingIfNeeded: scalar)
        return 1
    }
    if scalar < 0x800 {
        unsafe place[0] = UInt8(truncatingIfNeeded: 0xC0 | scalar &>> 6)
        unsafe place[1] = trail(0)
        return 2
    }
    if scalar < 0x10000 {
        unsafe place[0] = UInt8(truncatingIfNeeded: 0xE0 | scalar &>> 12)
        unsafe place[1] = trail(6)
        unsafe place[2] = trail(0)
        return 3
    }
    unsafe place[0] = UInt8(truncatingIfNeeded: 0xF0 | scalar &>> 18)
    unsafe place[1] = trail(12)
    unsafe place[2] = trail(6)
    unsafe place[3] = trail(0)
    return 4
}

/// Copies bytes. They may overlap with `place` if they come after it.
///
/// Up to 6 bytes are copied one by one. They were just written one by one, and a wider load would
/// have to wait until they are in the cache. With memmove(3), words of one letter took twice as
/// long.
@inline(__always)
func copyBytes(_ bytes: UnsafeBufferPointer<UInt8>, to place: UnsafeMutablePointer<UInt8>) {
    if bytes.count <= 6 {
        for index in 0..<bytes.count { unsafe place[index] = bytes[index] }
    } else {
        unsafe memmove(place, bytes.baseAddress!, bytes.count)
    }
}
