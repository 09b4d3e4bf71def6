import Shared

/// The limits of execve(2) on Linux. argv, envp and the path, with their NULs and pointers, may
/// take a quarter of the stack limit, but at least 128 KiB and at most 6 MiB. No string may be
/// longer than 128 KiB with its NUL (execve(2), "Limits on size of arguments").
enum ArgumentLimit {
    /// Bytes of the longest argument, without its NUL.
    static let longestArgument = 131_071

    /// Bytes kept free for the path, and for a `#!` interpreter and its arguments.
    static let reserve = 16 << 10

    /// Bytes for arguments and environment together.
    static var total: Int {
        var limit = rlimit()
        let known = unsafe getrlimit(stackResource, &limit) == 0
        let quarter = known ? Int(clamping: limit.rlim_cur / 4) : 0
        return min(max(quarter, 128 << 10), 6 << 20) - reserve
    }

    /// Bytes that a string counts against `total`: its own, a NUL and a pointer.
    static func cost(of byteCount: Int) -> Int {
        unsafe byteCount + 1 + MemoryLayout<UnsafeRawPointer>.size
    }
}
