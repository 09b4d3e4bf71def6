import Shared

/// Reads the records of a run, and frees the disk space of what it has read.
@safe
struct RunReader: ~Copyable {
    private let descriptor: FileDescriptor
    private var rest: RunFile.Run
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    /// The current record, in the buffer; nil before the first `advance` and at the end.
    private(set) var current: Record?

    /// - Parameter bufferSize: the size of the buffer in bytes. It grows for a longer record.
    init(_ run: RunFile.Run, of descriptor: FileDescriptor, bufferSize: Int) throws(Errno) {
        let memory = try unsafe Self.allocate(min(bufferSize, run.count))
        self.descriptor = descriptor
        rest = run
        unsafe buffer = unsafe memory
    }

    deinit { unsafe free(buffer.baseAddress) }

    /// Advances to the next record.
    ///
    /// - Throws: `Errno.inputOutput` if the file does not hold what was written.
    mutating func advance() throws(Errno) {
        if end - start < 20 { try fill() }
        if start == end {
            current = nil
            return
        }
        let count = try varint()
        let length = Int(truncatingIfNeeded: try varint())
        while end - start < length {
            if rest.count == 0 { throw .inputOutput }
            if unsafe length > buffer.count { try grow(to: length) }
            try fill()
        }
        current = unsafe Record(
            count: count,
            key: UnsafeRawBufferPointer(start: buffer.baseAddress! + start, count: length))
        start += length
    }

    private mutating func varint() throws(Errno) -> UInt64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while start < end {
            let byte = unsafe buffer[start]
            start += 1
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
        throw .inputOutput
    }

    private mutating func fill() throws(Errno) {
        if rest.count == 0 { return }
        let kept = end - start
        unsafe buffer.baseAddress!.copyMemory(
            from: buffer.baseAddress! + start, byteCount: kept)
        start = 0
        end = kept
        let size = unsafe min(rest.count, buffer.count - kept)
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[kept..<kept + size])
        if try unsafe descriptor.read(into: room, at: rest.offset) < size { throw .inputOutput }
        punchHole(descriptor, offset: rest.offset, count: size)
        rest.offset += size
        rest.count -= size
        end += size
    }

    private mutating func grow(to size: Int) throws(Errno) {
        let larger = try unsafe Self.allocate(size)
        unsafe larger.baseAddress!.copyMemory(
            from: buffer.baseAddress! + start, byteCount: end - start)
        unsafe free(buffer.baseAddress)
        unsafe buffer = larger
        end -= start
        start = 0
    }

    private static func allocate(_ size: Int) throws(Errno) -> UnsafeMutableRawBufferPointer {
        // This is enough for a record's header. The padding makes the first 16 bytes of a key
        // readable, wherever the key ends.
        let size = max(size, 64)
        guard let memory = unsafe malloc(size + InputBuffer.padding) else { throw .noMemory }
        return unsafe UnsafeMutableRawBufferPointer(start: memory, count: size)
    }
}
