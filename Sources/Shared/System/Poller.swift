/// Waits for many descriptors at once: epoll(7) on Linux, where a wait costs what is ready
/// and not what is watched, elsewhere poll(2). With poll, each of 2,000 workers at once took
/// three times the time of each of 200.
@safe
public struct Poller: ~Copyable {
    public enum Interest: Sendable {
        case reading, writing
    }

    #if os(Linux)
        private let file: OpenFile
        private var ready: [epoll_event]
    #else
        private var watched: [Int32: (interest: Interest, token: UInt64)] = [:]
    #endif

    /// What one wait reports at the most; the rest is reported by the next.
    private static let atOnce = 256

    public init() throws(Errno) {
        #if os(Linux)
            let flags = Int32(EPOLL_CLOEXEC)
            file = OpenFile(owning: FileDescriptor(try retrying { epoll_create1(flags) }))
            unsafe ready = unsafe Array(repeating: epoll_event(), count: Self.atOnce)
        #endif
    }

    /// Watches a descriptor until it is closed or removed.
    ///
    /// - Parameter token: what `wait` calls it.
    /// - Throws: `Errno.notPermitted` for a file that never has to be waited for.
    public mutating func add(
        _ descriptor: FileDescriptor, for interest: Interest, token: UInt64
    ) throws(Errno) {
        #if os(Linux)
            var event = unsafe epoll_event()
            unsafe event.events = interest == .reading ? EPOLLIN.rawValue : EPOLLOUT.rawValue
            unsafe event.data.u64 = token
            _ = try retrying {
                unsafe epoll_ctl(
                    file.descriptor.rawValue, EPOLL_CTL_ADD, descriptor.rawValue, &event)
            }
        #else
            watched[descriptor.rawValue] = (interest, token)
        #endif
    }

    public mutating func remove(_ descriptor: FileDescriptor) {
        #if os(Linux)
            var event = unsafe epoll_event()
            _ = unsafe epoll_ctl(
                file.descriptor.rawValue, EPOLL_CTL_DEL, descriptor.rawValue, &event)
        #else
            watched[descriptor.rawValue] = nil
        #endif
    }

    /// Waits until a descriptor has what it is watched for, an error or a hang-up.
    ///
    /// - Parameter milliseconds: at most; -1 for no end.
    /// - Returns: the tokens of those descriptors; none when the time is up or a signal came.
    public mutating func wait(milliseconds: Int32) -> [UInt64] {
        #if os(Linux)
            let count = unsafe epoll_wait(
                file.descriptor.rawValue, &ready, Int32(ready.count), milliseconds)
            return unsafe ready.prefix(max(0, Int(count))).map { unsafe $0.data.u64 }
        #else
            var requests = watched.map { descriptor, watch in
                let events = watch.interest == .reading ? POLLIN : POLLOUT
                return pollfd(fd: descriptor, events: Int16(events), revents: 0)
            }
            guard unsafe poll(&requests, nfds_t(requests.count), milliseconds) > 0 else {
                return []
            }
            for request in requests where Int32(request.revents) & POLLNVAL != 0 {
                watched[request.fd] = nil  // It was closed.
            }
            return requests.filter { $0.revents != 0 }.compactMap { watched[$0.fd]?.token }
        #endif
    }
}
