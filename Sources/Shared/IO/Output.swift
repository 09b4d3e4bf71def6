/// The error for output that could not be written. It has its own type so that it is never mistaken
/// for an error of reading.
public struct WriteError: Error, Equatable, Sendable {
    /// The error of write(2) or close(2), or `noMemory`.
    public let cause: Errno

    public init(_ cause: Errno) { self.cause = cause }
}

/// Writes to a descriptor through a buffer. No failure is silent: every call that writes throws,
/// and the last call must be `finish`.
@safe
public struct Output: ~Copyable {
    private let descriptor: FileDescriptor
    private let capacity: Int
    /// Allocated when the first byte comes. It grows beyond `capacity` only for one long piece.
    private var buffer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var count = 0

    /// - Parameter capacity: the number of bytes to collect before a write. The default is four
    ///   times the 64 KiB of a pipe. It was no slower than any larger size, and it fits in the
    ///   second-level cache.
    public init(_ descriptor: FileDescriptor, capacity: Int = 256 * 1024) {
        self.descriptor = descriptor
        self.capacity = capacity
    }

    deinit {
        assert(count == 0, "output was neither finished nor failed")
        unsafe free(buffer.baseAddress)
    }

    /// Appends bytes. If there are more than `capacity`, they are written at once.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(WriteError) {
        if bytes.count > capacity {
            try flush()
            return try unsafe write(bytes)
        }
        guard let source = bytes.baseAddress, unsafe !bytes.isEmpty else { return }
        unsafe try reserve(bytes.count).update(
            from: source.assumingMemoryBound(to: UInt8.self), count: bytes.count)
        count += bytes.count
    }

    public mutating func append(_ byte: UInt8) throws(WriteError) {
        unsafe try reserve(1).pointee = byte
        count += 1
    }

    public mutating func append(_ bytes: ArraySlice<UInt8>) throws(WriteError) {
        unsafe try bytes.withUnsafeBufferPointer { memory throws(WriteError) in
            try unsafe append(UnsafeRawBufferPointer(memory))
        }
    }

    /// Appends text as UTF-8.
    public mutating func append(_ text: String) throws(WriteError) {
        let bytes = text.utf8Span.span
        unsafe try bytes.withUnsafeBufferPointer { memory throws(WriteError) in
            try unsafe append(UnsafeRawBufferPointer(memory))
        }
    }

    /// Appends a number in decimal digits.
    public mutating func append(decimal number: UInt64) throws(WriteError) {
        unsafe try appendUpTo(20) { room in unsafe writeDecimal(number, at: room) }
    }

    /// Lets a tight loop append to the buffer without a check for each byte.
    ///
    /// - Parameters:
    ///   - size: the most bytes that the loop writes; the buffer grows if it must.
    ///   - fill: writes at the pointer and returns the number of bytes it wrote.
    /// - Returns: the number of bytes written.
    @inlinable @discardableResult
    public mutating func appendUpTo(
        _ size: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Int
    ) throws(WriteError) -> Int {
        let room = try unsafe reserve(size)
        let written = unsafe fill(room)
        precondition(written <= size)
        commit(written)
        return written
    }

    /// Reserves room after the buffered bytes. The caller writes there, and then calls `commit` for
    /// the bytes to keep.
    ///
    /// - Parameters:
    ///   - size: the number of free bytes; the buffer grows if it must.
    ///   - kept: the number of bytes to keep from the start of the previous room. They were not
    ///     committed, and they come first in the new room.
    /// - Returns: the start of the room, which holds `kept` bytes and then `size` free ones. It is
    ///   valid until the next call other than `commit`.
    /// - Throws: `WriteError` if writing fails or if there is no memory.
    public mutating func reserve(
        _ size: Int, keeping kept: Int = 0
    ) throws(WriteError) -> UnsafeMutablePointer<UInt8> {
        if unsafe kept + size > buffer.count - count { try makeRoom(for: size, keeping: kept) }
        return unsafe buffer.baseAddress!.advanced(by: count)
            .assumingMemoryBound(to: UInt8.self)
    }

    private mutating func makeRoom(for size: Int, keeping kept: Int) throws(WriteError) {
        let start = count
        try flush()
        if unsafe kept + size <= buffer.count {
            if kept > 0 {
                unsafe memmove(buffer.baseAddress!, buffer.baseAddress! + start, kept)
            }
            return
        }
        // Double the buffer, so that kept bytes are moved a bounded number of times.
        let larger = unsafe kept > 0 ? max(kept + size, buffer.count * 2) : max(size, capacity)
        if kept == 0 {
            unsafe free(buffer.baseAddress)
            unsafe buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        }
        guard let memory = unsafe malloc(larger) else { throw WriteError(.noMemory) }
        if kept > 0 { unsafe memcpy(memory, buffer.baseAddress! + start, kept) }
        unsafe free(buffer.baseAddress)
        unsafe buffer = UnsafeMutableRawBufferPointer(start: memory, count: larger)
    }

    /// Adds the first `written` bytes of the reserved room to the buffered bytes.
    public mutating func commit(_ written: Int) { count += written }

    /// Writes the buffered bytes. If that fails, bytes that are not yet written are lost.
    public mutating func flush() throws(WriteError) {
        let pending = count
        count = 0
        try unsafe write(UnsafeRawBufferPointer(rebasing: buffer[..<pending]))
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(WriteError) {
        do {
            try unsafe descriptor.writeAll(bytes)
        } catch {
            throw WriteError(error)
        }
    }

    /// Writes the buffered bytes and closes the descriptor.
    public consuming func finish() throws(WriteError) {
        try flush()
        do {
            try descriptor.close()
        } catch {
            throw WriteError(error)
        }
    }
}

/// Writes a number in decimal digits, 20 at most.
///
/// - Returns: the number of digits.
@inlinable
public func writeDecimal(_ number: UInt64, at place: UnsafeMutablePointer<UInt8>) -> Int {
    var digits = 1
    var rest = number
    while rest >= 10 {
        rest /= 10
        digits += 1
    }
    rest = number
    for index in (0..<digits).reversed() {
        unsafe place[index] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
        rest /= 10
    }
    return digits
}
