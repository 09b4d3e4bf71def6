/// What `--tag` and `-l` make of a worker's output: a tag before each line, and an end
/// for an unfinished last one.
struct LineFilter {
    /// Stands before each line; may be empty.
    let tag: [UInt8]
    private var atLineStart = true

    init(tag: [UInt8]) { self.tag = tag }

    private static let newline = UInt8(ascii: "\n")

    /// The next bytes of the output, tagged.
    mutating func tagged(_ bytes: [UInt8]) -> [UInt8] {
        guard let last = bytes.last else { return [] }
        defer { atLineStart = last == Self.newline }
        if tag.isEmpty { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + tag.count * 8)
        var rest = bytes[...]
        var startsLine = atLineStart
        while !rest.isEmpty {
            if startsLine { result += tag }
            let end = rest.firstIndex(of: Self.newline).map { $0 + 1 } ?? rest.endIndex
            result += rest[..<end]
            rest = rest[end...]
            startsLine = true
        }
        return result
    }

    /// What is missing at the end of the output.
    mutating func ending() -> [UInt8] {
        defer { atLineStart = true }
        return atLineStart ? [] : [Self.newline]
    }
}
