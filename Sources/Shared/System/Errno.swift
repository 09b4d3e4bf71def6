/// Why a system call failed: the value of errno(3).
public struct Errno: Error, Equatable, Sendable {
    public let rawValue: Int32

    public init(_ rawValue: Int32) { self.rawValue = rawValue }

    /// The error of the last failed call in this thread.
    public static var last: Errno { Errno(errno) }

    public static let interrupted = Errno(EINTR)
    public static let wouldBlock = Errno(EAGAIN)
    public static let brokenPipe = Errno(EPIPE)
    public static let badDescriptor = Errno(EBADF)
    public static let notPermitted = Errno(EPERM)
    public static let noEntry = Errno(ENOENT)
    public static let noMemory = Errno(ENOMEM)
    public static let noSpace = Errno(ENOSPC)
    public static let overflow = Errno(EOVERFLOW)
    public static let inputOutput = Errno(EIO)
    public static let invalid = Errno(EINVAL)

    /// The text of strerror(3), such as "No space left on device".
    public var reason: String {
        unsafe strerror(rawValue).map { unsafe String(cString: $0) } ?? "Error \(rawValue)"
    }
}

/// Runs a call that returns -1 on failure, and repeats it while signals interrupt it.
@inlinable
public func retrying<Value: SignedInteger>(_ call: () -> Value) throws(Errno) -> Value {
    while true {
        let value = call()
        if value != -1 { return value }
        let error = Errno.last
        if error != .interrupted { throw error }
    }
}
