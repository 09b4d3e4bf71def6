import Shared

/// The reason why a file was not split, or not to its end.
struct TextProblem: Error {
    /// The text of the message, to print after the file's name.
    let why: String
    /// Whether the program stops without reading the remaining files.
    let endsRun: Bool
}

/// Reads files one after the other and splits their text.
struct TextReader: ~Copyable {
    private var tokenizer: Tokenizer
    private var reader: BlockReader

    init(_ rule: Rule) throws(Errno) {
        tokenizer = Tokenizer(rule)
        reader = try BlockReader(.standardInput)
    }

    /// Splits a file into words.
    ///
    /// - Parameter name: the name that `-H` prints.
    /// - Returns: the bytes that were dropped because they are not UTF-8.
    /// - Throws: `TextProblem`; `WriteError`; `Errno` if reading fails or if there is no memory. If
    ///   reading fails, the words before are in the output.
    mutating func split(
        _ descriptor: FileDescriptor, named name: FileName, into output: inout Output
    ) throws -> InvalidBytes {
        reader.turn(to: descriptor)
        var block = try unsafe reader.nextBytes(keeping: 0)
        while block.count < ByteOrderMark.length && !reader.isAtEnd {
            unsafe block = try reader.nextBytes(keeping: block.count)
        }
        var markLength = 0
        switch unsafe ByteOrderMark(block) {
        case .none: break
        case .utf8: markLength = 3
        case .other(let encoding):
            let advice = "convert it with iconv -f \(encoding) -t UTF-8"
            throw TextProblem(why: "is \(encoding), not UTF-8: \(advice)", endsRun: false)
        }
        unsafe block = UnsafeRawBufferPointer(rebasing: block[markLength...])
        try tokenizer.begin(named: name, at: markLength)
        do {
            while true {
                let rest = try unsafe block.count - tokenizer.split(block, into: &output)
                if reader.isAtEnd {
                    try tokenizer.finish(rest: rest, into: &output)
                    return tokenizer.invalid
                }
                unsafe block = try reader.nextBytes(keeping: rest)
            }
        } catch let error as NotUTF8 {
            throw TextProblem(why: "not UTF-8 at offset \(error.offset)", endsRun: true)
        } catch let error as Errno where error != .noMemory {
            try tokenizer.finish(rest: 0, into: &output)
            throw error
        }
    }
}
