import Shared

/// Changes a worker's output for `--tag` and `-l`: puts a tag before each line, and ends an
/// unfinished last line.
struct LineFilter {
    /// The text before each line; may be empty.
    let tag: [UInt8]
    private var isAtLineStart = true

    init(tag: [UInt8]) { self.tag = tag }

    private static let newline = UInt8(ascii: "\n")

    /// Processes the next bytes of the output.
    ///
    /// - Returns: the bytes with tags; nil if they are unchanged.
    mutating func tagged(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let last = unsafe bytes.last else { return nil }
        defer { isAtLineStart = last == Self.newline }
        if tag.isEmpty { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + tag.count * 8)
        var rest = unsafe bytes[...]
        var startsLine = isAtLineStart
        while unsafe !rest.isEmpty {
            if startsLine { result += tag }
            let offset = unsafe firstOffset(
                of: Self.newline, in: UnsafeRawBufferPointer(rebasing: rest))
            let end = unsafe offset.map { unsafe rest.startIndex + $0 + 1 } ?? rest.endIndex
            unsafe result += rest[..<end]
            unsafe rest = rest[end...]
            startsLine = true
        }
        return result
    }

    /// Returns what must be added at the end of the output.
    mutating func ending() -> [UInt8] {
        defer { isAtLineStart = true }
        return isAtLineStart ? [] : [Self.newline]
    }
}
