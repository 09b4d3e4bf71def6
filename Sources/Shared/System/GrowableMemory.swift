/// Zero-filled memory that grows without a copy. It consists of whole pages. Pages that were never
/// touched take no physical memory.
@safe
public struct GrowableMemory: ~Copyable {
    /// The start of the memory, valid until it grows.
    public private(set) var start: UnsafeMutableRawPointer
    /// The size in bytes.
    public private(set) var count: Int

    /// The size in bytes from which large pages are requested. With a table of 250 MB in pages of 4
    /// KiB, a program spends more time in the kernel than in its own code.
    private static let largePagesFrom = 4 << 20

    /// - Parameter capacity: bytes, more than 0.
    /// - Throws: `Errno.noMemory`.
    public init(capacity: Int) throws(Errno) {
        unsafe start = try Self.map(capacity)
        count = capacity
    }

    deinit { unsafe munmap(start, count) }

    /// Grows to `capacity` bytes. The new bytes are zero.
    ///
    /// - Throws: `Errno.noMemory`, with nothing changed.
    public mutating func grow(to capacity: Int) throws(Errno) {
        let moved = unsafe cs_remap(start, count, capacity)
        if let moved = unsafe moved, unsafe moved != MAP_FAILED {
            unsafe start = unsafe moved
            unsafe Self.askForLargePages(moved, capacity)
            count = capacity
            return
        }
        if Errno.last == .noMemory { throw .noMemory }
        // A sandbox may refuse mremap(2) alone. Then copy.
        let larger = try unsafe Self.map(capacity)
        unsafe larger.copyMemory(from: start, byteCount: count)
        unsafe munmap(start, count)
        unsafe start = unsafe larger
        count = capacity
    }

    /// Frees all but the first `capacity` bytes, rounded up to whole pages. Unlike a smaller copy
    /// this needs no memory, so it works when there is none.
    ///
    /// - Parameter capacity: bytes, more than 0.
    public mutating func shrink(to capacity: Int) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let kept = (capacity + page - 1) / page * page
        if kept >= count { return }
        unsafe munmap(start + kept, count - kept)
        count = kept
    }

    /// Has the kernel provide all pages in one call, not in a fault at the first touch of each: for
    /// memory that is soon touched everywhere. Best effort: a kernel that cannot do it (before Linux
    /// 5.14) provides the pages as they are touched.
    public func populate() { unsafe madvise(start, count, MADV_POPULATE_WRITE) }

    private static func map(_ capacity: Int) throws(Errno) -> UnsafeMutableRawPointer {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        let memory = unsafe mmap(nil, capacity, PROT_READ | PROT_WRITE, flags, -1, 0)
        // Report any failure as lack of memory: the caller must not mistake another error for a
        // failure to read its input file.
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { throw .noMemory }
        unsafe askForLargePages(memory, capacity)
        return unsafe memory
    }

    /// Best effort: without large pages the program is only slower.
    private static func askForLargePages(_ start: UnsafeMutableRawPointer, _ count: Int) {
        if count >= largePagesFrom { unsafe madvise(start, count, MADV_HUGEPAGE) }
    }
}
