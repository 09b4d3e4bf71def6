import Shared

/// What `--log` tells of a chunk: one row, when its output is written.
struct LogRow: Equatable {
    var chunk: Int
    var slot: Int
    var process: Int
    /// Seconds since 1970, of the last attempt.
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
    /// The items, with something left out in the middle of a long list.
    var shownItems: String

    static let header = oldHeader.dropLast() + "\thash\tinput\n"

    /// That of logs without the last two columns.
    static let oldHeader =
        "chunk\tslot\tpid\tstart\tseconds\tuser\tsys\tmax_rss\texit\tsignal\tattempts\tbytes\titems\n"

    /// The row with its newline. The outcome is two columns: a status and a signal, 0
    /// where there is none; a worker that was ended for its time has -1 for a status.
    var text: String {
        let (exit, signal) =
            switch outcome {
            case .exited(let status): (status, Int32(0))
            case .killed(let signal): (0, signal)
            case .timedOut: (-1, 0)
            }
        let columns = [
            "\(chunk)", "\(slot)", "\(process)", decimal(start), decimal(wallTime),
            decimal(userTime), decimal(systemTime), "\(maximumResidentSize)", "\(exit)",
            "\(signal)", "\(attempts)", "\(bytes)", "\(mark.items)", mark.hashText, shownItems,
        ]
        return columns.joined(separator: "\t") + "\n"
    }
}

/// What tells a chunk from others without its items: their number and a hash.
struct ChunkMark: Equatable {
    let items: Int
    /// FNV-1a with 64 bits, of the items, each with its delimiter: G. Fowler, L. C. Noll,
    /// K.-P. Vo and D. Eastlake, "The FNV Non-Cryptographic Hash Algorithm", RFC 9923.
    let hash: UInt64

    init(_ chunk: Chunk, delimiter: UInt8) {
        items = chunk.itemCount
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        for byte in chunk.bytes { add(byte) }
        if chunk.bytes.last != delimiter { add(delimiter) }
        self.hash = hash
    }

    /// - Returns: nil if the columns of a log are something else.
    init?(items: Substring, hash: Substring) {
        guard let items = Int(items), let hash = UInt64(hash, radix: 16) else { return nil }
        self.items = items
        self.hash = hash
    }

    /// 16 hexadecimal digits.
    var hashText: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// Seconds with three places.
func decimal(_ time: Duration) -> String {
    let milliseconds = Int((time / .milliseconds(1)).rounded())
    let places = "\(milliseconds % 1000)"
    return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - places.count) + places
}

/// The file of `--log`, opened and not changed yet.
struct LogFile: ~Copyable {
    private let name: Argument
    private let file: NamedFile
    /// Bytes at the front that are kept: none, or a header and rows.
    private let size: Int
    /// What an earlier run did, with `--resume`: the chunks that succeeded.
    let done: [Int: ChunkMark]

    /// - Parameter resumes: whether what is there is kept.
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

    /// What fstat(2) says of the file.
    var status: stat { file.status }

    /// Makes it ready for rows: cuts off what is not kept, and writes the header to an empty
    /// one.
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

    /// What is in a file that is to be a log.
    private struct Contents {
        enum Kind {
            /// Nothing, a part of a header that a crash left, or a log.
            case log
            /// A log without hashes.
            case old
            case other
        }

        var kind = Kind.log
        /// Bytes of whole lines. A crash leaves a last line without its end.
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

        /// - Returns: whether it is a row.
        private mutating func note(row: Substring) -> Bool {
            guard let logged = LoggedChunk(row: row) else { return false }
            if logged.isDone { done[logged.number] = logged.mark }
            return true
        }
    }
}

/// What a row of a log says of its chunk.
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
