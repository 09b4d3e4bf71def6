// The one place that names the C library. Linux with glibc is what is tested;
// Musl and Darwin are meant to build.

@_exported import CSystem

#if canImport(Glibc)
    @_exported import Glibc
#elseif canImport(Musl)
    @_exported import Musl
#elseif canImport(Darwin)
    @_exported import Darwin
#endif

/// read(2), write(2) and close(2) under names that methods do not hide.
let systemRead = unsafe read
let systemWrite = unsafe write
let systemClose = close

/// pipe2(2) with O_CLOEXEC. Elsewhere the flag comes a moment later, which is as
/// good here: these programs start no process from a second thread.
func makeClosingPipe(_ ends: UnsafeMutablePointer<Int32>?) -> Int32 {
    #if os(Linux)
        return unsafe pipe2(ends, O_CLOEXEC)
    #else
        guard let ends = unsafe ends, unsafe pipe(ends) == 0 else { return -1 }
        _ = unsafe fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        _ = unsafe fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        return 0
    #endif
}

/// A file that never has a name: open(2) with O_TMPFILE. Nil where the file system, or the
/// system, has no such thing, and after any other failure.
func openNameless(in folder: UnsafePointer<CChar>) -> Int32? {
    #if os(Linux)
        let flags = cs_tmpfile_flag() | O_RDWR | O_CLOEXEC
        let number = try? retrying { unsafe open(folder, flags, 0o600) }
        return number
    #else
        return nil
    #endif
}

/// Asks for room for `bytes` in a pipe. A wish: anything else, a pipe that has more, and
/// a kernel that refuses, is left as it is.
public func enlargePipe(_ descriptor: FileDescriptor, to bytes: Int32) {
    #if os(Linux)
        let size = fcntl(descriptor.rawValue, CS_F_GETPIPE_SZ)
        if size > 0 && size < bytes { _ = fcntl(descriptor.rawValue, CS_F_SETPIPE_SZ, bytes) }
    #endif
}

/// Gives back the room that a piece of a file takes, where the file system can: fallocate(2).
public func punchHole(_ descriptor: FileDescriptor, offset: Int, count: Int) {
    #if os(Linux)
        let mode = CS_FALLOC_FL_PUNCH_HOLE | CS_FALLOC_FL_KEEP_SIZE
        _ = fallocate(descriptor.rawValue, mode, offset, count)
    #endif
}

/// Moves bytes from one descriptor to another, one of them a pipe, without copying them
/// and without waiting: splice(2). Elsewhere than on Linux it is always refused.
///
/// - Returns: the bytes moved, 0 at the end of the input.
/// - Throws: `Errno.wouldBlock` if the input has nothing or the output has no room.
public func moveBytes(
    from input: FileDescriptor, to output: FileDescriptor, atMost count: Int
) throws(Errno) -> Int {
    #if os(Linux)
        let flags = UInt32(CS_SPLICE_F_MOVE | CS_SPLICE_F_NONBLOCK)
        return try retrying {
            splice(input.rawValue, nil, output.rawValue, nil, count, flags)
        }
    #else
        throw .invalid
    #endif
}

/// The CPUs that this process may run on, by its affinity mask where there is one.
public func affinityCPUs() -> Int {
    #if os(Linux)
        // The kernel refuses a mask too small for the machine; this one holds 65,536 CPUs.
        var mask = [UInt64](repeating: 0, count: 1024)
        let bytes = mask.count * MemoryLayout<UInt64>.stride
        if unsafe sched_getaffinity(0, bytes, &mask) == 0 {
            return mask.reduce(0) { $0 + $1.nonzeroBitCount }
        }
    #endif
    return Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}

/// getrlimit(2)'s names for the stack and for core files, of a type that differs from
/// system to system.
#if canImport(Glibc)
    typealias Resource = __rlimit_resource
#else
    typealias Resource = Int32
#endif

/// A limit of getrlimit(2); `Int.max` where there is none.
func resourceLimit(_ resource: Resource) -> Int {
    var limits = rlimit()
    #if canImport(Glibc)
        let result = unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &limits)
    #else
        let result = unsafe getrlimit(resource, &limits)
    #endif
    return result == 0 ? Int(clamping: limits.rlim_cur) : .max
}

#if canImport(Glibc)
    public let stackResource = __rlimit_resource_t(RLIMIT_STACK.rawValue)
    public let coreResource = __rlimit_resource_t(RLIMIT_CORE.rawValue)
#else
    public let stackResource = RLIMIT_STACK
    public let coreResource = RLIMIT_CORE
#endif

/// Signals that ask for a line about how far the work is; SIGINFO where there is one.
#if canImport(Darwin)
    public let statusSignals = [SIGUSR1, SIGINFO]
#else
    public let statusSignals = [SIGUSR1]
#endif

/// The time of a clock that nobody sets: CLOCK_MONOTONIC.
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
