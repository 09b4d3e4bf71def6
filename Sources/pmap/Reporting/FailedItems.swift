import Shared

/// The file of `--failed`, opened before anything is run.
struct FailedItemsFile: ~Copyable {
    let name: Argument
    var file: OpenFile
    /// Whether it can be read again, to put it into order.
    let isRegular: Bool
    /// Whether it is not the named file, which is the input too, but one whose contents take
    /// the place of that file's at the end.
    let replaces: Bool
}

/// The list of the items that were not done: `--failed`.
///
/// They are written as they fail, so that a crash loses none. At the end the list is put into
/// the order of the input.
struct FailedItems<S: System>: ~Copyable {
    private let system: S
    private let name: Argument
    private let delimiter: UInt8
    private let file: FileDescriptor
    private let isRegular: Bool
    private let replaces: Bool
    private var size = 0
    /// What is where in the file, as long as it is known.
    private var pieces: [Piece] = []
    private var isOrdered = true
    /// Whether the input could not be read to its end, so that its file must stay.
    private var inputIsCut = false

    private struct Piece {
        let place: Int
        let offset: Int
        let count: Int
    }

    /// Pieces that are remembered, in 6 MiB.
    private static var mostPieces: Int { 1 << 18 }
    /// Bytes that are copied at once.
    private static var copySize: Int { 256 << 10 }

    init(_ system: S, _ opened: consuming FailedItemsFile, delimiter: UInt8) {
        let (name, isRegular, replaces) = (opened.name, opened.isRegular, opened.replaces)
        self.init(
            system, opened.file.release(), name: name, isRegular: isRegular, replaces: replaces,
            delimiter: delimiter)
    }

    /// The parameters are those of `FailedItemsFile`.
    init(
        _ system: S, _ file: FileDescriptor, name: Argument, isRegular: Bool, replaces: Bool,
        delimiter: UInt8
    ) {
        self.system = system
        self.file = file
        self.name = name
        self.isRegular = isRegular
        self.replaces = replaces
        self.delimiter = delimiter
    }

    /// Writes items.
    ///
    /// - Parameter place: in the input, by which the list is sorted at the end.
    mutating func add(_ items: [UInt8], place: Int) throws(Errno) {
        let bytes = items.last == delimiter ? items : items + [delimiter]
        try system.writeAll(bytes, to: file)
        if !isRegular { return }
        if let last = pieces.last, place < last.place { isOrdered = false }
        if pieces.count < Self.mostPieces {
            pieces.append(Piece(place: place, offset: size, count: bytes.count))
        }
        size += bytes.count
    }

    /// The input cannot be read any further. What was not read is in no list but its own.
    mutating func noteCutInput() { inputIsCut = true }

    /// Puts the list into order, if that is known, and into its place.
    mutating func finish() throws(Errno) {
        if replaces && inputIsCut { return try system.closeFile(file) }
        let sorts = !isOrdered && pieces.count < Self.mostPieces
        if replaces || sorts {
            let all = [Piece(place: 0, offset: 0, count: size)]
            let order =
                sorts ? pieces.sorted { ($0.place, $0.offset) < ($1.place, $1.offset) } : all
            do throws(Errno) {
                let (system, file) = (self.system, self.file)
                try system.replaceFile(name) { copy throws(Errno) in
                    try Self.copy(order, from: file, to: copy, system)
                }
            } catch {
                // Without that the list is complete too, in the order of failure.
                if replaces { throw error }
            }
        }
        try system.closeFile(file)
    }

    private static func copy(
        _ pieces: [Piece], from source: FileDescriptor, to copy: FileDescriptor, _ system: S
    ) throws(Errno) {
        var bytes: [UInt8] = []
        for piece in pieces {
            var offset = 0
            while offset < piece.count {
                let count = min(piece.count - offset, copySize)
                bytes += try system.read(count, from: source, at: piece.offset + offset)
                offset += count
                if bytes.count >= copySize {
                    try system.writeAll(bytes, to: copy)
                    bytes = []
                }
            }
        }
        try system.writeAll(bytes, to: copy)
    }

    /// Gives the list up. A file that it was to replace stays as it is.
    func abandon() { system.close(file) }
}
