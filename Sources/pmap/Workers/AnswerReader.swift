import Shared

/// Finds the ends of answers in the output of a persistent worker.
///
/// Each item of the chunk gets one answer. An answer is one line or, if `--answer-end` is given,
/// any number of lines up to a line with that text, which is not part of the output.
struct AnswerReader {
    let delimiter: UInt8
    /// The line that ends an answer, with its delimiter; nil if each line is an answer.
    private let endLine: [UInt8]?
    /// The answers that the chunk still needs.
    private(set) var owed: Int
    private let expected: Int
    /// Whether the output so far ends at the end of a line.
    private var isAtLineStart = true
    /// The start of a line that may end an answer. It is held back until that is known.
    private var held: [UInt8] = []

    /// - Parameters:
    ///   - items: the number of items in the chunk.
    ///   - end: the text of `--answer-end`, if any. It does not contain the delimiter.
    init(items: Int, end: [UInt8]?, delimiter: UInt8) {
        owed = items
        expected = items
        endLine = end.map { $0 + [delimiter] }
        self.delimiter = delimiter
    }

    /// The number of answers read so far, and the number of items.
    var progress: (given: Int, of: Int) { (expected - owed, expected) }

    /// What was taken from a piece of output.
    struct Taken: Equatable {
        /// The number of bytes taken. Bytes after them come after the last answer.
        let count: Int
        /// The output in these bytes, without lines that end an answer; nil if it is all of them.
        let text: [UInt8]?
    }

    /// Takes the next bytes of the worker's output, up to the end of the last answer owed.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Taken {
        if owed == 0 { return Taken(count: 0, text: []) }
        guard let endLine else { return unsafe Taken(count: takeLines(bytes), text: nil) }
        if held.isEmpty { return unsafe takeBlocks(bytes, endLine) }
        let before = held.count
        let whole = unsafe held + Array(bytes)
        held = []
        let taken = unsafe whole.withUnsafeBytes { unsafe takeBlocks($0, endLine) }
        return Taken(
            count: taken.count - before, text: taken.text ?? Array(whole[..<taken.count]))
    }

    /// - Returns: the number of bytes taken.
    private mutating func takeLines(_ bytes: UnsafeRawBufferPointer) -> Int {
        var lines = ItemCount()
        let isLast = unsafe lines.add(bytes, delimiter: delimiter, limit: owed)
        let count = isLast ? lines.bytes : bytes.count
        owed -= lines.items
        if count > 0 { isAtLineStart = unsafe bytes[count - 1] == delimiter }
        return count
    }

    private mutating func takeBlocks(
        _ bytes: UnsafeRawBufferPointer, _ endLine: [UInt8]
    ) -> Taken {
        /// The output, if it is not all of the bytes. It lacks those from `start` on.
        var text: [UInt8] = []
        var start = 0
        var next = 0
        while owed > 0, next < bytes.count {
            if !isAtLineStart {
                // A line that ends an answer follows a delimiter.
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[next...])
                if let offset = unsafe firstOffset(ofPair: (delimiter, endLine[0]), in: rest) {
                    next += offset + 1
                    isAtLineStart = true
                } else {
                    next = bytes.count
                    isAtLineStart = unsafe bytes[next - 1] == delimiter
                }
                continue
            }
            let line = unsafe UnsafeRawBufferPointer(
                rebasing: bytes[next...].prefix(endLine.count))
            guard unsafe zip(line, endLine).allSatisfy({ $0 == $1 }) else {
                isAtLineStart = false
                continue
            }
            unsafe text += bytes[start..<next]
            next += line.count
            start = next
            if line.count == endLine.count { owed -= 1 } else { held = unsafe Array(line) }
        }
        if start == 0 { return Taken(count: next, text: nil) }
        unsafe text += bytes[start..<next]
        return Taken(count: next, text: text)
    }

    /// Ends the output of a worker that gives no more answers.
    ///
    /// - Returns: the bytes that were held back, and whether the output then ends within a line.
    mutating func finish() -> (held: [UInt8], isInLine: Bool) {
        defer { held = [] }
        return (held, !held.isEmpty || !isAtLineStart)
    }
}

/// Returns the first offset of two bytes that follow each other.
///
/// The compiler turns the inner loop into SIMD.
func firstOffset(ofPair pair: (UInt8, UInt8), in bytes: UnsafeRawBufferPointer) -> Int? {
    var offset = 0
    while offset + 1 < bytes.count {
        let end = min(offset + 64, bytes.count - 1)
        var found: UInt8 = 0
        for index in offset..<end {
            unsafe found |= (bytes[index] == pair.0 ? 1 : 0) & (bytes[index + 1] == pair.1 ? 1 : 0)
        }
        if found != 0 {
            for index in offset..<end
            where unsafe bytes[index] == pair.0 && bytes[index + 1] == pair.1 {
                return index
            }
        }
        offset = end
    }
    return nil
}
