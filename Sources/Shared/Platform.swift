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

/// read(2) and write(2) under names that `FileDescriptor`'s methods do not hide.
let systemRead = unsafe read
let systemWrite = unsafe write

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

/// Asks for room for `bytes` in a pipe. A wish: anything else, and a kernel that
/// refuses, is left as it is.
public func enlargePipe(_ descriptor: FileDescriptor, to bytes: Int32) {
    #if os(Linux)
        _ = fcntl(descriptor.rawValue, CS_F_SETPIPE_SZ, bytes)
    #endif
}
