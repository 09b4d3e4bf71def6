import Shared

/// Reads file names from a file, each terminated by NUL. It gives a name out as soon as it is read.
struct FileNames: ~Copyable {
    enum Name {
        /// A path, including its NUL.
        case name([UInt8])
        /// A name that cannot be used, and the reason.
        case bad(String)
    }

    private let opened: OpenFile?
    private let isStandardInput: Bool
    private var reader: BlockReader
    /// The last bytes read. Those from `start` on are not yet given out.
    private var pending: [UInt8] = []
    private var start = 0
    private var number = 0

    /// - Parameter file: `-` is standard input.
    init(_ file: Argument) throws(Errno) {
        if file == "-" {
            self.init(nil, try BlockReader(.standardInput, blockSize: 4096))
        } else {
            let opened = try OpenFile(path: file)
            let reader = try BlockReader(opened.descriptor, blockSize: 4096)
            self.init(opened, reader)
        }
    }

    private init(_ opened: consuming OpenFile?, _ reader: consuming BlockReader) {
        isStandardInput = opened == nil
        self.opened = opened
        self.reader = reader
    }

    /// Whether the next call of `next` has to read from the file, which may take long.
    var isNextUnread: Bool { start == pending.count }

    /// The next name, or nil after the last one.
    ///
    /// - Throws: `Errno` if the file cannot be read or if there is no memory.
    mutating func next() throws(Errno) -> Name? {
        if start == pending.count {
            guard let block = try unsafe reader.nextRecords(delimiter: 0) else { return nil }
            pending = unsafe Array(block)
            start = 0
        }
        let end = pending[start...].firstIndex(of: 0) ?? pending.count
        let name = pending[start..<end]
        start = min(end + 1, pending.count)
        number += 1
        if name.isEmpty { return .bad("name \(number) is empty") }
        if isStandardInput && name == [UInt8(ascii: "-")] {
            return .bad("name \(number) is -, but standard input holds the names")
        }
        return .name(name + [0])
    }
}
