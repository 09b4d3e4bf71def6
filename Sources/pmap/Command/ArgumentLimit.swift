import Shared

/// What execve(2) takes on Linux: the bytes of argv, envp and the path, with their NULs
/// and pointers, up to a quarter of the stack limit, at least 128 KiB, at most 6 MiB;
/// no string longer than 128 KiB with its NUL (execve(2), "Limits on size of arguments").
enum ArgumentLimit {
    /// Bytes of the longest argument, its NUL not counted.
    static let longestArgument = 131_071

    /// Bytes kept free for the path, and for a `#!` interpreter and its arguments.
    static let reserve = 16 << 10

    /// Bytes for arguments and environment.
    static var total: Int {
        var limit = rlimit()
        let known = unsafe getrlimit(stackResource, &limit) == 0
        let quarter = known ? Int(clamping: limit.rlim_cur / 4) : 0
        return min(max(quarter, 128 << 10), 6 << 20) - reserve
    }

    /// What a string takes of `total`: its bytes, a NUL and a pointer.
    static func cost(of byteCount: Int) -> Int {
        unsafe byteCount + 1 + MemoryLayout<UnsafeRawPointer>.size
    }
}
