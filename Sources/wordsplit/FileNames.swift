import Shared

/// A file that holds file names.
struct NameList {
    /// `-` is standard input.
    let file: Argument
    /// The byte that ends each name.
    let delimiter: UInt8
    /// The byte that ends the empty line after the words of each file. It is nil if no such line
    /// is printed.
    let answerEnd: UInt8?

    /// The list of `--files0-from`.
    init(file: Argument) {
        self.file = file
        delimiter = 0
        answerEnd = nil
    }

    /// The names that `--serve` answers.
    init(serving rule: Rule) {
        file = "-"
        delimiter = rule.terminator
        answerEnd = rule.terminator
    }

    /// The name of the file in a message.
    var text: String { file == "-" ? "standard input" : file.text }
}

/// Reads file names from a list. It gives a name out as soon as it is read.
struct FileNames: ~Copyable {
    enum Name {
        case name(Path)
        /// A name that cannot be used, and the reason.
        case bad(String)
    }

    private let opened: OpenFile?
    private let isStandardInput: Bool
    private let delimiter: UInt8
    private var reader: BlockReader
    /// The last bytes read. Those from `start` on are not yet given out.
    private var pending: [UInt8] = []
    private var start = 0
    private var number = 0

    init(_ list: NameList) throws(Errno) {
        if list.file == "-" {
            let reader = try BlockReader(.standardInput, blockSize: 4096)
            self.init(nil, reader, list.delimiter)
        } else {
            let opened = try OpenFile(path: list.file)
            let reader = try BlockReader(opened.descriptor, blockSize: 4096)
            self.init(opened, reader, list.delimiter)
        }
    }

    private init(
        _ opened: consuming OpenFile?, _ reader: consuming BlockReader, _ delimiter: UInt8
    ) {
        isStandardInput = opened == nil
        self.opened = opened
        self.reader = reader
        self.delimiter = delimiter
    }

    /// Whether the next call of `next` has to read from the file, which may take long.
    var isNextUnread: Bool { start == pending.count }

    /// The next name, or nil after the last one.
    ///
    /// - Throws: `Errno` if the file cannot be read or if there is no memory.
    mutating func next() throws(Errno) -> Name? {
        if start == pending.count {
            guard let block = try unsafe reader.nextRecords(delimiter: delimiter) else {
                return nil
            }
            pending = unsafe Array(block)
            start = 0
        }
        let end = pending[start...].firstIndex(of: delimiter) ?? pending.count
        let name = pending[start..<end]
        start = min(end + 1, pending.count)
        number += 1
        if name.isEmpty { return .bad("name \(number) is empty") }
        if isStandardInput && name == [UInt8(ascii: "-")] {
            return .bad("name \(number) is -, but standard input holds the names")
        }
        // Only a name that ends with a newline can hold one.
        if name.contains(0) { return .bad("name \(number) holds a NUL byte") }
        return .name(Path(name))
    }
}
