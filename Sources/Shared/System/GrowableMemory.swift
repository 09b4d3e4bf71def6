/// Memory that begins as zeros and grows without being copied: whole pages, of which those
/// that nobody has touched take no room.
@safe
public struct GrowableMemory: ~Copyable {
    /// Where it begins; valid until it grows.
    public private(set) var start: UnsafeMutableRawPointer
    /// Bytes.
    public private(set) var count: Int

    /// Large pages from this size on: a table of 250 MB in pages of 4 KiB spends more time
    /// in the kernel than in its owner.
    private static let largePagesFrom = 4 << 20

    /// - Parameter capacity: bytes, more than 0.
    /// - Throws: `Errno.noMemory`.
    public init(capacity: Int) throws(Errno) {
        unsafe start = try Self.map(capacity)
        count = capacity
    }

    deinit { unsafe munmap(start, count) }

    /// Makes it larger; what is new is zero.
    ///
    /// - Throws: `Errno.noMemory`, and then it is as it was.
    public mutating func grow(to capacity: Int) throws(Errno) {
        #if os(Linux)
            let moved = unsafe cs_remap(start, count, capacity)
            if let moved = unsafe moved, unsafe moved != MAP_FAILED {
                unsafe start = unsafe moved
                unsafe Self.askForLargePages(moved, capacity)
                count = capacity
                return
            }
            if Errno.last == .noMemory { throw .noMemory }
        // A sandbox may refuse mremap(2) alone.
        #endif
        let larger = try unsafe Self.map(capacity)
        unsafe larger.copyMemory(from: start, byteCount: count)
        unsafe munmap(start, count)
        unsafe start = unsafe larger
        count = capacity
    }

    /// Gives back all but the first bytes, which stay as they are. Unlike a smaller copy it
    /// needs no memory, so it works when there is none.
    ///
    /// - Parameter capacity: bytes, more than 0.
    public mutating func shrink(to capacity: Int) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let kept = (capacity + page - 1) / page * page
        if kept >= count { return }
        unsafe munmap(start + kept, count - kept)
        count = kept
    }

    private static func map(_ capacity: Int) throws(Errno) -> UnsafeMutableRawPointer {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        let memory = unsafe mmap(nil, capacity, PROT_READ | PROT_WRITE, flags, -1, 0)
        // Whatever the kernel's reason is, the caller learns that there is no memory: it must not
        // take another error for one of the file that it reads.
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { throw .noMemory }
        unsafe askForLargePages(memory, capacity)
        return unsafe memory
    }

    /// A wish: without them it is slower.
    private static func askForLargePages(_ start: UnsafeMutableRawPointer, _ count: Int) {
        if count >= largePagesFrom { unsafe madvise(start, count, MADV_HUGEPAGE) }
    }
}
