/// Reads a file in large blocks. Each block that `next` returns ends at the end of a unit (a record
/// or a word), so no unit is split between two blocks.
public struct BlockReader: ~Copyable {
    private var descriptor: FileDescriptor
    private var buffer: InputBuffer
    private var handedOut = 0
    /// Whether the last read found the end of the file.
    public private(set) var isAtEnd = false

    /// - Parameter blockSize: the first size of the buffer in bytes. Each read asks for at least
    ///   half of it.
    /// - Throws: `Errno.noMemory`.
    public init(_ descriptor: FileDescriptor, blockSize: Int = 256 * 1024) throws(Errno) {
        self.descriptor = descriptor
        buffer = try InputBuffer(capacity: blockSize)
    }

    /// Discards all bytes that are left, and begins to read another file into the same memory.
    public mutating func turn(to descriptor: FileDescriptor) {
        self.descriptor = descriptor
        buffer.consume(buffer.count)
        handedOut = 0
        isAtEnd = false
    }

    /// The next block, or nil at the end of the file. A block is never empty, and it is valid until
    /// the next call. The last block ends at the end of the file.
    ///
    /// - Parameter endOfLastUnit: takes the bytes of one read. It returns how many of them are
    ///   before the end of the last whole unit, or nil if no unit ends in them.
    /// - Throws: `Errno` if reading fails or if there is no memory.
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

    /// The last bytes of the previous block, followed by the bytes of one read. At the end of the
    /// file (see `isAtEnd`), no new bytes follow.
    ///
    /// - Parameter kept: the number of bytes of the previous block to return again, at the front.
    /// - Throws: `Errno` if reading fails or if there is no memory.
    public mutating func nextBytes(keeping kept: Int) throws(Errno) -> UnsafeRawBufferPointer {
        buffer.consume(handedOut - kept)
        handedOut = kept
        if !isAtEnd { isAtEnd = try read() == 0 }
        handedOut = buffer.count
        return unsafe UnsafeRawBufferPointer(buffer.bytes)
    }

    /// The next block of whole records, or nil at the end of the file. Each record ends with the
    /// delimiter, but the last one of a file may lack it.
    ///
    /// - Throws: `Errno` if reading fails or if there is no memory.
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
