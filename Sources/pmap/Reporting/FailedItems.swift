import Shared

/// The file of `--failed`, opened before anything is run.
struct FailedItemsFile: ~Copyable {
    let name: Argument
    var file: OpenFile
    /// Whether it can be read again, to sort it.
    let isRegular: Bool
    /// True if the named file is also the input. Then this is a new file, which replaces the
    /// named one at the end.
    let replaces: Bool
}

/// The list of the items that were not done (`--failed`).
///
/// Items are written as they fail, so a crash loses none. At the end the list is sorted into the
/// order of the input.
struct FailedItems<S: System>: ~Copyable {
    private let system: S
    private let name: Argument
    private let delimiter: UInt8
    private let file: FileDescriptor
    private let isRegular: Bool
    private let replaces: Bool
    private var size = 0
    private var isEmpty = true
    /// The parts of the file, as long as all of them are known.
    private var pieces: [Piece] = []
    private var isOrdered = true
    /// Whether reading the input failed. Then the input file must not be replaced.
    private var inputIsCut = false

    private struct Piece {
        let place: Int
        let offset: Int
        let count: Int
    }

    /// The most pieces that are remembered; they take 6 MiB.
    private static var mostPieces: Int { 1 << 18 }
    /// Bytes copied at a time.
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
    /// - Parameters:
    ///   - header: what stands first in the list.
    ///   - place: the items' place in the input, by which the list is sorted at the end.
    /// - Returns: how many bytes are missing, because a file has become shorter.
    mutating func add(
        _ items: Chunk.Contents, header: [UInt8], place: Int
    ) throws(Errno) -> Int {
        if isEmpty, !header.isEmpty {
            try system.writeAll(header, to: file)
            note(header.count, place: -1)
        }
        isEmpty = false
        var count = 0
        var last: UInt8?
        func write(_ bytes: [UInt8]) throws(Errno) {
            try system.writeAll(bytes, to: file)
            count += bytes.count
            last = bytes.last
        }
        switch items {
        case .memory(let bytes, _): try write(bytes)
        case .range(let range):
            while count < range.count {
                let bytes = try read(range, from: count)
                let whole = bytesOfWholeItems(bytes, left: range.count - count)
                if whole == 0 { break }
                try write(Array(bytes[..<whole]))
            }
        case .piped: wrongState("items that must be kept are in pipes")
        }
        let missing = items.byteCount - count
        if let last, last != delimiter { try write([delimiter]) }
        note(count, place: place)
        return missing
    }

    /// Returns how much of a piece of a range is to be written. If the file has become shorter, the
    /// last item that is still there may be only a part of one, so it is left out.
    ///
    /// - Parameter left: bytes of the range from the start of the piece on.
    private func bytesOfWholeItems(_ piece: [UInt8], left: Int) -> Int {
        if piece.count == left { return left }
        if let end = piece.lastIndex(of: delimiter) { return end + 1 }
        // An item may be longer than a piece.
        return piece.count == Self.copySize ? piece.count : 0
    }

    /// Reads a piece of a range; less at the end of the file.
    private func read(_ range: FileRange, from start: Int) throws(Errno) -> [UInt8] {
        let (system, size) = (self.system, min(range.count - start, Self.copySize))
        var bytes = [UInt8](repeating: 0, count: size)
        let found = try unsafe bytes.withUnsafeMutableBufferPointer { memory throws(Errno) in
            try unsafe system.read(
                range.file, at: range.offset + start,
                into: UnsafeMutableRawBufferPointer(memory))
        }
        bytes.removeLast(size - found)
        return bytes
    }

    private mutating func note(_ count: Int, place: Int) {
        if !isRegular { return }
        if let last = pieces.last, place < last.place { isOrdered = false }
        if pieces.count < Self.mostPieces {
            pieces.append(Piece(place: place, offset: size, count: count))
        }
        size += count
    }

    /// Notes that the input cannot be read any further. The items that were not read are only in
    /// the input file.
    mutating func noteCutInput() { inputIsCut = true }

    /// Sorts the list, if the order is known, and moves it to its final place.
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
                // Unsorted, the list is still complete, in the order of failure.
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

    /// Closes the list unfinished. A file that it was to replace stays as it is.
    func abandon() { system.close(file) }
}
