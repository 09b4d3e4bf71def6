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
