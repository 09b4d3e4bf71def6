// This is the only file that names the C library: glibc on Linux, on x86-64 and arm64. No other
// platform is built or tested.

@_exported import CSystem
@_exported import Glibc

/// read(2), write(2) and close(2) under names that methods do not hide.
let systemRead = unsafe read
let systemWrite = unsafe write
let systemClose = close

/// pipe2(2) with O_CLOEXEC.
func makeClosingPipe(_ ends: UnsafeMutablePointer<Int32>?) -> Int32 {
    return unsafe pipe2(ends, O_CLOEXEC)
}

/// Creates a file that never has a name: open(2) with O_TMPFILE. Returns nil if the file system
/// does not support that, or after any other failure.
func openNameless(in folder: UnsafePointer<CChar>) -> Int32? {
    let flags = cs_tmpfile_flag() | O_RDWR | O_CLOEXEC
    return try? retrying { unsafe open(folder, flags, 0o600) }
}

/// Asks for a pipe capacity of `bytes`. Best effort: it does nothing if the descriptor is not a
/// pipe, if the pipe is already larger, or if the kernel refuses.
///
/// - Returns: the capacity now, in bytes; negative if the descriptor is not a pipe.
@discardableResult
public func enlargePipe(_ descriptor: FileDescriptor, to bytes: Int32) -> Int {
    let size = fcntl(descriptor.rawValue, CS_F_GETPIPE_SZ)
    if size < 0 || size >= bytes { return Int(size) }
    return Int(max(fcntl(descriptor.rawValue, CS_F_SETPIPE_SZ, bytes), size))
}

/// Frees the disk space of `count` bytes of a file, if the file system can: fallocate(2).
public func punchHole(_ descriptor: FileDescriptor, offset: Int, count: Int) {
    let mode = CS_FALLOC_FL_PUNCH_HOLE | CS_FALLOC_FL_KEEP_SIZE
    _ = fallocate(descriptor.rawValue, mode, offset, count)
}

/// Moves bytes from one descriptor to another, one of them a pipe, without copying them
/// and without waiting: splice(2).
///
/// - Returns: the bytes moved, 0 at the end of the input.
/// - Throws: `Errno.wouldBlock` if the input has nothing or the output has no room.
public func moveBytes(
    from input: FileDescriptor, to output: FileDescriptor, atMost count: Int
) throws(Errno) -> Int {
    let flags = UInt32(CS_SPLICE_F_MOVE | CS_SPLICE_F_NONBLOCK)
    return try retrying {
        splice(input.rawValue, nil, output.rawValue, nil, count, flags)
    }
}

/// Does the same with the bytes at an offset in a file. The file's own position stays where it is.
/// A pipe then shares the pages of the file.
public func moveBytes(
    from file: FileDescriptor, at offset: Int, to output: FileDescriptor, atMost count: Int
) throws(Errno) -> Int {
    let flags = UInt32(CS_SPLICE_F_MOVE | CS_SPLICE_F_NONBLOCK)
    return try retrying {
        var place = Int64(offset)
        return unsafe splice(file.rawValue, &place, output.rawValue, nil, count, flags)
    }
}

/// Moves bytes from a pipe into a file, at an offset, as above.
public func moveBytes(
    from input: FileDescriptor, to file: FileDescriptor, at offset: Int, atMost count: Int
) throws(Errno) -> Int {
    let flags = UInt32(CS_SPLICE_F_MOVE | CS_SPLICE_F_NONBLOCK)
    var position = Int64(offset)
    return try retrying {
        unsafe splice(input.rawValue, nil, file.rawValue, &position, count, flags)
    }
}

/// Puts the bytes of a pipe into another one too, without copying them and without waiting: tee(2).
///
/// - Returns: how many of the first bytes.
/// - Throws: `Errno.wouldBlock` if the input has nothing or the output has no room.
public func duplicateBytes(
    from input: FileDescriptor, to output: FileDescriptor, atMost count: Int
) throws(Errno) -> Int {
    try retrying { tee(input.rawValue, output.rawValue, count, UInt32(CS_SPLICE_F_NONBLOCK)) }
}

/// Copies bytes of a file, from an offset, to another file, in the kernel: sendfile(2).
///
/// - Returns: the bytes copied, 0 at the end of the file.
public func sendBytes(
    from file: FileDescriptor, at offset: Int, to output: FileDescriptor, atMost count: Int
) throws(Errno) -> Int {
    var position = off_t(offset)
    return try retrying { unsafe sendfile(output.rawValue, file.rawValue, &position, count) }
}

/// The number of descriptors that this process may have open: RLIMIT_NOFILE of getrlimit(2).
public func descriptorLimit() -> Int { resourceLimit(RLIMIT_NOFILE) }

/// The number of CPUs that this process may run on: those in its affinity mask, or all CPUs if the
/// mask cannot be read.
public func affinityCPUs() -> Int {
    // The kernel refuses a mask too small for the machine; this one holds 65,536 CPUs.
    var mask = [UInt64](repeating: 0, count: 1024)
    let bytes = mask.count * MemoryLayout<UInt64>.stride
    if unsafe sched_getaffinity(0, bytes, &mask) == 0 {
        return mask.reduce(0) { $0 + $1.nonzeroBitCount }
    }
    return Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}

/// A limit of getrlimit(2); `Int.max` if there is none.
func resourceLimit(_ resource: __rlimit_resource) -> Int {
    var limits = rlimit()
    let result = unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &limits)
    return result == 0 ? Int(clamping: limits.rlim_cur) : .max
}

/// getrlimit(2)'s names for the stack and for core files.
public let stackResource = __rlimit_resource_t(RLIMIT_STACK.rawValue)
public let coreResource = __rlimit_resource_t(RLIMIT_CORE.rawValue)

/// The signals that request a line about the progress of the work.
public let statusSignals = [SIGUSR1]

/// The time of a clock that is never set: CLOCK_MONOTONIC.
public func monotonicTime() -> Duration {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// The time since 1970-01-01 00:00 UTC: CLOCK_REALTIME.
public func wallClockTime() -> Duration {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
