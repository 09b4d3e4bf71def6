/// Makes sure that memory of this many bytes is to be had now.
///
/// Swift's own arrays and strings end the program where memory does. What asks first, a
/// moment before, can still say so and do so in order.
///
/// - Throws: `Errno.noMemory`.
public func requireMemory(_ bytes: Int) throws(Errno) {
    if bytes == 0 { return }
    // Not malloc(3): the compiler takes a call away whose memory nobody uses.
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    let memory = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
    if unsafe memory == MAP_FAILED { throw .noMemory }
    unsafe munmap(memory, bytes)
}

/// Where a byte is first, by memchr(3).
@inlinable
public func firstOffset(of byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let start = bytes.baseAddress else { return nil }
    let found = unsafe memchr(start, Int32(byte), bytes.count)
    return unsafe found.map { unsafe UnsafeRawPointer($0) - start }
}
