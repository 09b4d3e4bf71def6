/// Reads a file in large blocks and hands them out cut where a unit (a record, a
/// word) may end, so that no unit is ever split between two blocks.
public struct BlockReader: ~Copyable {
    private var descriptor: FileDescriptor
    private var buffer: InputBuffer
    private var handedOut = 0
    /// Whether the last read found the end of the file.
    public private(set) var isAtEnd = false

    /// - Parameter blockSize: bytes; half of it is what one read asks for at least.
    public init(_ descriptor: FileDescriptor, blockSize: Int = 256 * 1024) throws(Errno) {
        self.descriptor = descriptor
        buffer = try InputBuffer(capacity: blockSize)
    }

    /// Goes on with another file from its start, in the same memory.
    public mutating func turn(to descriptor: FileDescriptor) {
        self.descriptor = descriptor
        buffer.consume(buffer.count)
        handedOut = 0
        isAtEnd = false
    }

    /// The next block, never empty, or nil at the end of the file. It is valid until
    /// the next call. The last one ends where the file does.
    ///
    /// - Parameter endOfLastUnit: given the bytes that came since it was asked last,
    ///   how many of them lie before the end of the last whole unit; nil if none ends there.
    public mutating func next(
        _ endOfLastUnit: (UnsafeRawBufferPointer) -> Int?
    ) throws(Errno) -> UnsafeRawBufferPointer? {
        buffer.consume(handedOut)
        handedOut = 0
        while !isAtEnd {
            let seen = buffer.count
            let added = try read()
            if added == 0 {
                isAtEnd = true
                handedOut = buffer.count
            } else {
                let fresh = unsafe UnsafeRawBufferPointer(rebasing: buffer.bytes[seen...])
                guard let end = unsafe endOfLastUnit(fresh) else { continue }
                handedOut = seen + end
            }
            if handedOut > 0 {
                return unsafe UnsafeRawBufferPointer(rebasing: buffer.bytes[..<handedOut])
            }
        }
        return nil
    }

    /// What one read gives, behind the last bytes of the block before. At the end of the file
    /// (see `isAtEnd`) it is these bytes alone.
    ///
    /// - Parameter kept: how many bytes of the last block come once more, at the front.
    public mutating func nextBytes(keeping kept: Int) throws(Errno) -> UnsafeRawBufferPointer {
        buffer.consume(handedOut - kept)
        handedOut = kept
        if !isAtEnd { isAtEnd = try read() == 0 }
        handedOut = buffer.count
        return unsafe UnsafeRawBufferPointer(buffer.bytes)
    }

    /// The next block of whole records, each ending with the delimiter but for the
    /// last one of a file that lacks it.
    public mutating func nextRecords(
        delimiter: UInt8
    ) throws(Errno) -> UnsafeRawBufferPointer? {
        try unsafe next { bytes in unsafe bytes.lastIndex(of: delimiter).map { $0 + 1 } }
    }

    private mutating func read() throws(Errno) -> Int {
        while true {
            do {
                let added = try buffer.fill(from: descriptor)
                StatusReport.add(bytes: added)
                return added
            } catch .wouldBlock {
                try descriptor.wait(for: POLLIN)
            }
        }
    }
}
