/// The name of a file: a word of the command line, or a name that was made at run time.
public enum FileName: Sendable {
    case word(Argument)
    case path(Path)

    public var bytes: [UInt8] {
        switch self {
        case .word(let word): word.bytes
        case .path(let path): path.bytes
        }
    }

    /// The name as text; bytes that are not UTF-8 are spelled `\xff`.
    public var text: String { readable(bytes) }

    /// Whether it is `-`, which stands for standard input.
    var isStandardInput: Bool {
        switch self {
        case .word(let word): word == "-"
        case .path(let path): path.bytes == [UInt8(ascii: "-")]
        }
    }

    /// Opens the file for reading.
    func open() throws(Errno) -> OpenFile {
        switch self {
        case .word(let word): try OpenFile(path: word)
        case .path(let path): try OpenFile(path: path)
        }
    }
}
