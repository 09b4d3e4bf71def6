/// Bytes read and not yet used, in one piece. It grows when a piece has no end in
/// sight, so there is no limit to a record's length but memory's.
@safe
public struct InputBuffer: ~Copyable {
    /// Bytes that may be read behind the last one, as garbage: a scan by words of 8
    /// bytes or lines of 64 needs no special case at the end.
    public static let padding = 64

    private var storage: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0

    /// - Parameter capacity: bytes to begin with; half of it is what a read asks for
    ///   at least.
    public init(capacity: Int) throws(Errno) {
        unsafe storage = try Self.allocate(capacity)
    }

    deinit { unsafe free(storage.baseAddress) }

    /// The number of bytes read and not yet consumed.
    public var count: Int { end - start }

    /// What is read and not yet consumed; valid until the next `fill` or `consume`.
    public var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: storage[start..<end])
    }

    public mutating func consume(_ size: Int) {
        precondition(size <= count)
        start += size
    }

    /// Takes back bytes that were consumed last, if nothing was read since.
    public mutating func putBack(_ size: Int) {
        precondition(size <= start)
        start -= size
    }

    /// Forgets bytes that were read last.
    public mutating func removeLast(_ size: Int) {
        precondition(size <= count)
        end -= size
    }

    /// Reads once, behind the bytes that are there.
    ///
    /// - Returns: the number of bytes added, 0 at the end of the file.
    @inline(__always)
    public mutating func fill(from descriptor: FileDescriptor) throws(Errno) -> Int {
        try unsafe fill { room throws(Errno) in try unsafe descriptor.read(into: room) }
    }

    /// The same with another way to read.
    ///
    /// - Parameter read: reads into the memory it is given, and returns the number of bytes.
    public mutating func fill(
        _ read: (UnsafeMutableRawBufferPointer) throws(Errno) -> Int
    ) throws(Errno) -> Int {
        try makeRoom()
        let added = try unsafe read(UnsafeMutableRawBufferPointer(rebasing: storage[end...]))
        end += added
        return added
    }

    /// Leaves half of the storage free at its end: moves the bytes to the front when
    /// they fill no more than half of it, else doubles it. So each byte is moved a
    /// bounded number of times however long a record grows.
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

    /// malloc(3), since what Swift allocates with ends the program where memory does.
    private static func allocate(
        _ capacity: Int
    ) throws(Errno) -> UnsafeMutableRawBufferPointer {
        guard let memory = unsafe malloc(capacity + padding) else { throw .noMemory }
        return unsafe UnsafeMutableRawBufferPointer(start: memory, count: capacity)
    }
}
