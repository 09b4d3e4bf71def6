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

/// Whether an allocation can fail before the machine is out of memory: because this process
/// has a limit of its own (getrlimit(2)), or because the kernel promises no more than it has
/// (proc_sys_vm(5), overcommit_memory).
public func allocationsCanFail() -> Bool {
    if resourceLimit(RLIMIT_AS) != .max || resourceLimit(RLIMIT_DATA) != .max { return true }
    return textOfFile("/proc/sys/vm/overcommit_memory")?.first == "2"
}

/// The bytes of a string of C's, without the NUL at its end.
public func bytesOfCString(_ string: UnsafePointer<CChar>) -> [UInt8] {
    unsafe Array(UnsafeRawBufferPointer(start: string, count: strlen(string)))
}

/// Where a byte is first, by memchr(3).
@inlinable
public func firstOffset(of byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let start = bytes.baseAddress else { return nil }
    let found = unsafe memchr(start, Int32(byte), bytes.count)
    return unsafe found.map { unsafe UnsafeRawPointer($0) - start }
}

/// Where a byte is last, by memrchr(3).
@inlinable
public func lastOffset(of byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let start = bytes.baseAddress else { return nil }
    let found = unsafe cs_last_occurrence(start, Int32(byte), bytes.count)
    return unsafe found.map { unsafe UnsafeRawPointer($0) - start }
}
