/// Checks that this many bytes of memory can be allocated now.
///
/// Swift's arrays and strings end the program if an allocation fails. A caller that checks first
/// can report the error and exit in order.
///
/// - Throws: `Errno.noMemory`.
public func requireMemory(_ bytes: Int) throws(Errno) {
    if bytes == 0 { return }
    // Not malloc(3): the compiler removes a call whose memory is unused.
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    let memory = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
    if unsafe memory == MAP_FAILED { throw .noMemory }
    unsafe munmap(memory, bytes)
}

/// Whether an allocation can fail before the machine is out of memory. It can if this process has
/// its own limit (getrlimit(2)), or if the kernel does not overcommit memory (proc_sys_vm(5),
/// overcommit_memory).
public func allocationsCanFail() -> Bool {
    if resourceLimit(RLIMIT_AS) != .max || resourceLimit(RLIMIT_DATA) != .max { return true }
    return textOfFile("/proc/sys/vm/overcommit_memory")?.first == "2"
}

/// The bytes of a string of C's, without the NUL at its end.
public func bytesOfCString(_ string: UnsafePointer<CChar>) -> [UInt8] {
    unsafe Array(UnsafeRawBufferPointer(start: string, count: strlen(string)))
}

/// The offset of the first occurrence of a byte, by memchr(3), or nil if there is none.
@inlinable
public func firstOffset(of byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let start = bytes.baseAddress else { return nil }
    let found = unsafe memchr(start, Int32(byte), bytes.count)
    return unsafe found.map { unsafe UnsafeRawPointer($0) - start }
}

/// The offset of the last occurrence of a byte, by memrchr(3), or nil if there is none.
@inlinable
public func lastOffset(of byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let start = bytes.baseAddress else { return nil }
    let found = unsafe cs_last_occurrence(start, Int32(byte), bytes.count)
    return unsafe found.map { unsafe UnsafeRawPointer($0) - start }
}

/// Has malloc(3) keep memory that is freed for the next allocation. By default it gives large blocks
/// back to the kernel, and each new one then costs a page fault for every 4 KiB.
///
/// - Parameter size: the most bytes to keep, at most 1 GiB.
public func keepFreedMemory(upTo size: Int) {
    _ = mallopt(CS_M_MMAP_THRESHOLD, Int32(size))
    _ = mallopt(CS_M_TRIM_THRESHOLD, Int32(size))
}

/// How many bytes are equal to one.
public func occurrences(of byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int {
    guard let start = bytes.baseAddress else { return 0 }
    let first = unsafe start.assumingMemoryBound(to: UInt8.self)
    return unsafe cs_occurrences(first, bytes.count, byte)
}
