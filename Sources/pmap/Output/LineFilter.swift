import Shared

/// Changes a worker's output for `--tag` and `-l`: puts a tag before each line, and ends an
/// unfinished last line.
struct LineFilter {
    /// The text before each line; may be empty.
    let tag: [UInt8]
    /// The tag, and bytes that a copy in steps may read too.
    private let paddedTag: [UInt8]
    private var isAtLineStart = true

    init(tag: [UInt8]) {
        self.tag = tag
        paddedTag = tag + [UInt8](repeating: 0, count: Self.step)
    }

    private static let newline = UInt8(ascii: "\n")
    /// Most lines are short. Copying them in steps of this many bytes is twice as fast as
    /// memcpy(3), but up to a step too much is read and written.
    private static let step = 64
    /// The least memory for a result, besides the tag.
    private static let leastMemory = 1 << 10

    /// Notes output that is passed on unchanged, because the tag is empty.
    mutating func pass(_ bytes: UnsafeRawBufferPointer) {
        if let last = unsafe bytes.last { isAtLineStart = last == Self.newline }
    }

    /// The memory that `copyTagged` should have, so that it rarely stops early.
    func memoryForResult(ofBytes count: Int) -> Int {
        2 * count + 8 * tag.count + Self.leastMemory
    }

    /// Copies output, with a tag before each line. It stops early if there is no room for the next
    /// line, and splits only a line that is longer than the memory.
    ///
    /// - Parameters:
    ///   - bytes: the next bytes of the output.
    ///   - memory: where the result goes; at least `memoryForResult(ofBytes: 0)` bytes.
    /// - Returns: how many bytes were read, at least one if there are any, and how many were
    ///   written.
    mutating func copyTagged(
        _ bytes: UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer
    ) -> (read: Int, written: Int) {
        guard let from = bytes.baseAddress, let to = memory.baseAddress else { return (0, 0) }
        let room = memory.count - tag.count - 2 * Self.step
        var read = 0
        var written = 0

        /// Copies the bytes up to `end`, which are a line or the first part of one.
        ///
        /// - Returns: whether there was room for all of them.
        func copyLine(to end: Int) -> Bool {
            if written > 0, end - read > room - written { return false }
            let count = min(end - read, room)
            if isAtLineStart {
                unsafe paddedTag.withUnsafeBytes { padded in
                    unsafe Self.copyInSteps(padded.baseAddress!, tag.count, to: to + written)
                }
                written += tag.count
            }
            if read + count + Self.step <= bytes.count {
                unsafe Self.copyInSteps(from + read, count, to: to + written)
            } else {
                unsafe (to + written).copyMemory(from: from + read, byteCount: count)
            }
            read += count
            written += count
            isAtLineStart = unsafe bytes[read - 1] == Self.newline
            return read == end
        }

        var block = 0
        while block + 64 <= bytes.count {
            var newlines = unsafe cs_matches64(
                (from + block).assumingMemoryBound(to: UInt8.self), Self.newline)
            while newlines != 0 {
                let end = block + newlines.trailingZeroBitCount + 1
                if !copyLine(to: end) { return (read, written) }
                newlines &= newlines - 1
            }
            block += 64
        }
        while read < bytes.count {
            let searched = max(read, block)
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[searched...])
            let newline = unsafe firstOffset(of: Self.newline, in: rest)
            if !copyLine(to: newline.map { searched + $0 + 1 } ?? bytes.count) { break }
        }
        return (read, written)
    }

    /// Copies at least `count` bytes, and less than a step more than that.
    @inline(__always)
    private static func copyInSteps(
        _ from: UnsafeRawPointer, _ count: Int, to: UnsafeMutableRawPointer
    ) {
        var done = 0
        while done < count {
            let piece = unsafe from.loadUnaligned(
                fromByteOffset: done, as: SIMD64<UInt8>.self)
            unsafe to.storeBytes(of: piece, toByteOffset: done, as: SIMD64<UInt8>.self)
            done += step
        }
    }

    /// Returns a text with a tag before each line.
    mutating func tagged(_ text: [UInt8]) -> [UInt8] {
        if tag.isEmpty { return text }
        var result: [UInt8] = []
        var rest = text[...]
        while !rest.isEmpty {
            let memory = memoryForResult(ofBytes: rest.count)
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: memory) { piece, count in
                let (read, written) = unsafe rest.withUnsafeBytes { bytes in
                    unsafe copyTagged(bytes, into: UnsafeMutableRawBufferPointer(piece))
                }
                rest = rest.dropFirst(read)
                count = written
            }
            result += piece
        }
        return result
    }

    /// Returns what must be added at the end of the output.
    mutating func ending() -> [UInt8] {
        defer { isAtLineStart = true }
        return isAtLineStart ? [] : [Self.newline]
    }
}
