/// A buffer of bytes that are read and not yet consumed, contiguous in memory. It grows as long as
/// the end of a record is not found, so only memory limits the length of a record.
@safe
public struct InputBuffer: ~Copyable {
    /// The number of bytes after the last one that may be read. Their contents are garbage. A scan
    /// in steps of 8 or 64 bytes needs no special case at the end.
    public static let padding = 64

    private var storage: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0

    /// - Parameter capacity: the first size in bytes. Each read asks for at least half of it.
    /// - Throws: `Errno.noMemory`.
    public init(capacity: Int) throws(Errno) {
        unsafe storage = try Self.allocate(capacity)
    }

    deinit { unsafe free(storage.baseAddress) }

    /// The number of bytes read and not yet consumed.
    public var count: Int { end - start }

    /// The bytes read and not yet consumed. They are valid until the next `fill` or `consume`.
    public var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: storage[start..<end])
    }

    /// Removes `size` bytes from the front.
    public mutating func consume(_ size: Int) {
        precondition(size <= count)
        start += size
    }

    /// Puts back the last `size` bytes that were consumed. There must be no `fill` in between.
    public mutating func putBack(_ size: Int) {
        precondition(size <= start)
        start -= size
    }

    /// Removes the last `size` bytes that were read.
    public mutating func removeLast(_ size: Int) {
        precondition(size <= count)
        end -= size
    }

    /// Reads once, and appends the result to the bytes that are there.
    ///
    /// - Returns: the number of bytes added, 0 at the end of the file.
    /// - Throws: `Errno` if reading fails or if there is no memory.
    @inline(__always)
    public mutating func fill(from descriptor: FileDescriptor) throws(Errno) -> Int {
        try unsafe fill { room throws(Errno) in try unsafe descriptor.read(into: room) }
    }

    /// Calls a function that reads, and appends the result to the bytes that are there.
    ///
    /// - Parameter read: reads into the given memory, and returns the number of bytes it read.
    /// - Returns: the number of bytes added.
    /// - Throws: the error of `read`; `Errno.noMemory`.
    public mutating func fill(
        _ read: (UnsafeMutableRawBufferPointer) throws(Errno) -> Int
    ) throws(Errno) -> Int {
        try makeRoom()
        let added = try unsafe read(UnsafeMutableRawBufferPointer(rebasing: storage[end...]))
        end += added
        return added
    }

    /// Makes sure that half of the storage is free at its end. If the bytes fill at most half of
    /// the storage, they move to the front; else the storage doubles. So each byte is moved a
    /// bounded number of times, even if a record is very long.
    private mutating func makeRoom() throws(Errno) {
        if count == 0 {
            start = 0
            end = 0
        }
        if unsafe storage.count - end >= storage.count / 2 { return }
        if unsafe count > storage.count / 2 {
            let larger = try unsafe Self.allocate(storage.count * 2)
            unsafe larger.copyMemory(from: UnsafeRawBufferPointer(bytes))
            unsafe free(storage.baseAddress)
            unsafe storage = larger
        } else {
            unsafe storage.baseAddress!.copyMemory(
                from: storage.baseAddress!.advanced(by: start), byteCount: count)
        }
        end = count
        start = 0
    }

    /// Uses malloc(3), since Swift's own allocation ends the program if there is no memory.
    private static func allocate(
        _ capacity: Int
    ) throws(Errno) -> UnsafeMutableRawBufferPointer {
        guard let memory = unsafe malloc(capacity + padding) else { throw .noMemory }
        return unsafe UnsafeMutableRawBufferPointer(start: memory, count: capacity)
    }
}
