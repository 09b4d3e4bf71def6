import Shared

/// One row of `--log`. It describes a chunk, and is written after the chunk's output.
struct LogRow: Equatable {
    var chunk: Int
    var slot: Int
    var process: Int
    /// Start of the last attempt, as time since 1970.
    var start: Duration
    var wallTime: Duration
    var userTime: Duration
    var systemTime: Duration
    /// KiB.
    var maximumResidentSize: Int
    var outcome: Outcome
    var attempts: Int
    var bytes: Int
    var mark: ChunkMark
    /// The items; a long list is shortened in the middle.
    var shownItems: String

    static let header = oldHeader.dropLast() + "\thash\tinput\n"

    /// The header of older logs, which lack the last two columns.
    static let oldHeader =
        "chunk\tslot\tpid\tstart\tseconds\tuser\tsys\tmax_rss\texit\tsignal\tattempts\tbytes\titems\n"

    /// The row with its newline. The outcome takes two columns, a status and a signal, each 0 if it
    /// does not apply. A worker that ran into `--timeout` has status -1, and one that gave too few
    /// or too many answers has -2.
    var text: String {
        let (exit, signal) =
            switch outcome {
            case .exited(let status): (status, Int32(0))
            case .killed(let signal): (0, signal)
            case .timedOut: (-1, 0)
            case .tooFewAnswers, .tooManyAnswers: (-2, 0)
            }
        let columns = [
            "\(chunk)", "\(slot)", "\(process)", decimal(start), decimal(wallTime),
            decimal(userTime), decimal(systemTime), "\(maximumResidentSize)", "\(exit)",
            "\(signal)", "\(attempts)", "\(bytes)", mark.itemsText, mark.hashText, shownItems,
        ]
        return columns.joined(separator: "\t") + "\n"
    }
}

/// Identifies a chunk without storing its items: their number and a hash.
struct ChunkMark: Equatable {
    /// nil if they are not counted.
    let items: Int?
    /// A 64-bit FNV-1a hash. Source: G. Fowler, L. C. Noll, K.-P. Vo and D. Eastlake, "The FNV
    /// Non-Cryptographic Hash Algorithm", RFC 9923.
    let hash: UInt64

    /// Hashes all items, each with its delimiter. Of a range of a file, to read all would cost more
    /// than to move it to the worker. So its hash is of its size, of both ends, and of the time of
    /// the file's last change.
    ///
    /// - Parameter isBlock: whether the chunk is a block of bytes.
    init(_ chunk: Chunk, delimiter: UInt8, isBlock: Bool = false) {
        items = chunk.itemCount
        var hash = FNVHash()
        switch chunk.contents {
        case .memory(let bytes, _):
            if isBlock {
                var block = BlockHash()
                unsafe bytes.withUnsafeBytes { unsafe block.add($0) }
                hash = block.hash
            } else {
                hash.add(bytes)
            }
            if bytes.last != delimiter { hash.add([delimiter]) }
        case .piped(let block):
            if let known = block.hash { hash = known.hash }
        case .range(let range):
            hash.add(Array("\(range.count) \(range.changed)".utf8))
            hash.add(range.head)
            hash.add(range.tail)
        }
        self.hash = hash.value
    }

    /// - Returns: nil if the columns hold something else.
    init?(items: Substring, hash: Substring) {
        guard let count = items == "-" ? 0 : Int(items), let hash = UInt64(hash, radix: 16)
        else { return nil }
        self.items = items == "-" ? nil : count
        self.hash = hash
    }

    /// The number of items, or `-`.
    var itemsText: String { items.map { "\($0)" } ?? "-" }

    /// The hash as 16 hexadecimal digits.
    var hashText: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// A 64-bit FNV-1a hash of bytes.
private struct FNVHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325
    private static let prime: UInt64 = 0x100_0000_01B3

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* Self.prime }
    }
}

/// The hash of a block, whose bytes may come in pieces. FNV-1a alone would take more than a second for
/// a gigabyte. So eight words at a time are mixed into eight lanes, each a step of a generator of the
/// multiply-with-carry kind, and the hash is of the lanes. Source: G. Marsaglia, "Random Number
/// Generators", Journal of Modern Applied Statistical Methods 2(1), 2003.
struct BlockHash {
    private var lanes: SIMD8<UInt64>
    /// Bytes that do not fill the lanes yet.
    private var rest: [UInt8] = []

    private static let width = 64
    private static let multiplier: UInt64 = 4_294_957_665

    init() {
        let start = FNVHash().value
        lanes = start &+ SIMD8(0, 1, 2, 3, 4, 5, 6, 7)
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var bytes = unsafe bytes
        if !rest.isEmpty {
            let missing = min(Self.width - rest.count, bytes.count)
            unsafe rest += bytes[..<missing]
            if rest.count < Self.width { return }
            unsafe bytes = UnsafeRawBufferPointer(rebasing: bytes[missing...])
            let whole = rest
            rest = []
            unsafe whole.withUnsafeBytes { unsafe addWhole($0) }
        }
        let whole = bytes.count - bytes.count % Self.width
        unsafe addWhole(UnsafeRawBufferPointer(rebasing: bytes[..<whole]))
        unsafe rest += bytes[whole...]
    }

    private mutating func addWhole(_ bytes: UnsafeRawBufferPointer) {
        var lanes = self.lanes
        for offset in stride(from: 0, to: bytes.count, by: Self.width) {
            let words = unsafe bytes.loadUnaligned(
                fromByteOffset: offset, as: SIMD8<UInt64>.self)
            let mixed = lanes ^ words
            lanes = (mixed & 0xFFFF_FFFF) &* Self.multiplier &+ mixed &>> 32
        }
        self.lanes = lanes
    }

    /// The hash of the bytes so far.
    fileprivate var hash: FNVHash {
        var hash = FNVHash()
        for lane in lanes.indices {
            hash.add((0..<8).map { UInt8(truncatingIfNeeded: lanes[lane] >> (8 * $0)) })
        }
        hash.add(rest)
        return hash
    }
}

/// Formats seconds with three decimal places.
func decimal(_ time: Duration) -> String {
    let milliseconds = Int((time / .milliseconds(1)).rounded())
    let places = "\(milliseconds % 1000)"
    return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - places.count) + places
}

/// The file of `--log`, open but not changed yet.
struct LogFile: ~Copyable {
    private let name: Argument
    private let file: NamedFile
    /// Bytes at the start of the file that are kept: 0, or a header and rows.
    private let size: Int
    /// The chunks that succeeded in an earlier run, for `--resume`.
    let done: [Int: ChunkMark]

    /// - Parameter resumes: whether the existing rows are kept.
    init(_ name: Argument, resumes: Bool) throws(Failure) {
        let file = try NamedFile(writing: name)
        var contents = Contents()
        do throws(Errno) {
            if file.status.isRegular {
                contents = try Contents(of: file.file.descriptor, wantsRows: resumes)
            }
        } catch {
            throw Failure(name.text, error.reason)
        }
        switch contents.kind {
        case .log: break
        case .old where !resumes: break
        case .old:
            throw Failure(name.text, "is a log of an older pmap, which cannot be resumed")
        case .other:
            throw Failure(name.text, "is no log of pmap; move it away, or name another file")
        }
        self.name = name
        self.file = file
        size = resumes ? contents.size : 0
        done = contents.done
    }

    /// The file's status from fstat(2).
    var status: stat { file.status }

    /// Prepares the file for new rows: cuts off what is not kept, and writes the header if the file
    /// is empty.
    ///
    /// - Returns: the file.
    consuming func begin() throws(Failure) -> OpenFile {
        let descriptor = file.file.descriptor
        do throws(Errno) {
            if file.status.isRegular, file.status.st_size > size {
                _ = try retrying { ftruncate(descriptor.rawValue, off_t(size)) }
            }
            if size == 0 { try descriptor.writeAll(Array(LogRow.header.utf8)) }
        } catch {
            throw Failure(name.text, error.reason)
        }
        return file.release()
    }

    /// The contents of an existing file that is to become the log.
    private struct Contents {
        enum Kind {
            /// A log, an empty file, or a part of a header left by a crash.
            case log
            /// A log of an older version, without hashes.
            case old
            case other
        }

        var kind = Kind.log
        /// Bytes of complete lines. After a crash the last line may be incomplete.
        var size = 0
        var done: [Int: ChunkMark] = [:]

        init() {}

        init(of file: FileDescriptor, wantsRows: Bool) throws(Errno) {
            let header = LogRow.header
            let first = String(
                decoding: try file.beginning(header.utf8.count), as: UTF8.self)
            if first == header {
                if wantsRows { try readRows(of: file) }
            } else if first.hasPrefix(LogRow.oldHeader) {
                kind = .old
            } else if !first.isEmpty, !header.hasPrefix(first) || first.utf8.count < 5 {
                kind = .other
            }
        }

        private mutating func readRows(of file: FileDescriptor) throws(Errno) {
            var reader = try BlockReader(file)
            var isHeader = true
            while let block = try unsafe reader.nextRecords(delimiter: UInt8(ascii: "\n")) {
                let lines = unsafe String(decoding: block, as: UTF8.self)
                guard lines.utf8.last == UInt8(ascii: "\n") else { return }
                size += block.count
                for line in lines.split(separator: "\n") {
                    if isHeader {
                        isHeader = false
                    } else if !note(row: line) {
                        kind = .other
                        return
                    }
                }
            }
        }

        /// - Returns: whether it is a valid row.
        private mutating func note(row: Substring) -> Bool {
            guard let logged = LoggedChunk(row: row) else { return false }
            if logged.isDone { done[logged.number] = logged.mark }
            return true
        }
    }
}

/// A chunk as described by a row of a log.
struct LoggedChunk {
    let number: Int
    let mark: ChunkMark
    let isDone: Bool

    /// - Parameter row: without its newline.
    init?(row: Substring) {
        let columns = row.split(separator: "\t", omittingEmptySubsequences: false)
        guard columns.count == 15, let number = Int(columns[0]),
            let mark = ChunkMark(items: columns[12], hash: columns[13])
        else { return nil }
        self.number = number
        self.mark = mark
        isDone = columns[8] == "0" && columns[9] == "0"
    }
}
