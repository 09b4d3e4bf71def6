/// Waits for many descriptors at once: epoll(7). The cost of a wait depends on how many descriptors
/// are ready, not on how many are watched. With poll(2), each of 2,000 concurrent workers took
/// three times as long as each of 200.
@safe
public struct Poller: ~Copyable {
    public enum Interest: Sendable {
        case reading, writing
    }

    private let file: OpenFile
    private var ready: [epoll_event]

    /// The most descriptors that one wait reports. The next wait reports the rest.
    private static let atOnce = 256

    public init() throws(Errno) {
        let flags = Int32(EPOLL_CLOEXEC)
        file = OpenFile(owning: FileDescriptor(try retrying { epoll_create1(flags) }))
        unsafe ready = unsafe Array(repeating: epoll_event(), count: Self.atOnce)
    }

    /// Watches a descriptor until it is closed or removed.
    ///
    /// - Parameter token: the value by which `wait` reports the descriptor.
    /// - Throws: `Errno.notPermitted` for a file that is always ready, such as a regular file.
    public mutating func add(
        _ descriptor: FileDescriptor, for interest: Interest, token: UInt64
    ) throws(Errno) {
        var event = unsafe epoll_event()
        unsafe event.events = interest == .reading ? EPOLLIN.rawValue : EPOLLOUT.rawValue
        unsafe event.data.u64 = token
        _ = try retrying {
            unsafe epoll_ctl(
                file.descriptor.rawValue, EPOLL_CTL_ADD, descriptor.rawValue, &event)
        }
    }

    public mutating func remove(_ descriptor: FileDescriptor) {
        var event = unsafe epoll_event()
        _ = unsafe epoll_ctl(
            file.descriptor.rawValue, EPOLL_CTL_DEL, descriptor.rawValue, &event)
    }

    /// Waits until a descriptor is ready for its interest, or has an error or a hang-up.
    ///
    /// - Parameter milliseconds: the longest time to wait; -1 means no limit.
    /// - Returns: the tokens of these descriptors; none if the time is up or a signal arrived.
    public mutating func wait(milliseconds: Int32) -> [UInt64] {
        let count = unsafe epoll_wait(
            file.descriptor.rawValue, &ready, Int32(ready.count), milliseconds)
        return unsafe ready.prefix(max(0, Int(count))).map { unsafe $0.data.u64 }
    }
}
