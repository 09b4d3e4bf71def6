/// Output that could not be written. A type of its own, so that it is never taken
/// for an input that could not be read.
public struct WriteError: Error, Equatable, Sendable {
    public let cause: Errno

    public init(_ cause: Errno) { self.cause = cause }
}

/// Buffered writing to a descriptor in which no failure is silent: every call that
/// writes throws, and `finish` must be the last one.
@safe
public struct Output: ~Copyable {
    private let descriptor: FileDescriptor
    private let capacity: Int
    /// Allocated with the first byte; larger than `capacity` only for one long piece.
    private var buffer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var count = 0

    /// - Parameter capacity: bytes gathered before a write. A pipe's 64 KiB times four
    ///   was no slower than any larger size, and stays in the second-level cache.
    public init(_ descriptor: FileDescriptor, capacity: Int = 256 * 1024) {
        self.descriptor = descriptor
        self.capacity = capacity
    }

    deinit {
        assert(count == 0, "output was neither finished nor failed")
        unsafe free(buffer.baseAddress)
    }

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

    public mutating func append(_ text: String) throws(WriteError) {
        for byte in text.utf8 { try append(byte) }
    }

    /// Appends a number in decimal digits.
    public mutating func append(decimal number: UInt64) throws(WriteError) {
        unsafe try appendUpTo(20) { room in unsafe writeDecimal(number, at: room) }
    }

    /// Lets a tight loop write behind what is buffered, without a check for each byte.
    ///
    /// - Parameters:
    ///   - size: bytes of room that the loop needs at most; the buffer grows to hold them.
    ///   - fill: writes at the pointer and returns how many bytes it wrote.
    /// - Returns: how many that were.
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

    /// Room to write behind what is buffered, for one who then commits what is to stay.
    ///
    /// - Parameters:
    ///   - size: bytes of room; the buffer grows to hold them.
    ///   - kept: bytes at the beginning of the room reserved last that were not committed, and
    ///     come first in this one.
    /// - Returns: where the room begins: `kept` bytes, then `size` free ones. It is valid until
    ///   the next call of anything but `commit`.
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
        // Doubled, so that what is kept and grows is moved a bounded number of times.
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

    /// Says that so many bytes of the room reserved last are buffered.
    public mutating func commit(_ written: Int) { count += written }

    /// Writes what is buffered. After a failure the rest is given up.
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

    /// Writes what is buffered and closes the descriptor.
    public consuming func finish() throws(WriteError) {
        try flush()
        do {
            try descriptor.close()
        } catch {
            throw WriteError(error)
        }
    }
}

/// Writes a number in decimal digits, of which there are up to 20.
///
/// - Returns: how many.
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
