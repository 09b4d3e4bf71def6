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
    var items: Int

    static let header =
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
            "\(signal)", "\(attempts)", "\(bytes)", "\(items)",
        ]
        return columns.joined(separator: "\t") + "\n"
    }
}

/// Seconds with three places.
func decimal(_ time: Duration) -> String {
    let milliseconds = Int((time / .milliseconds(1)).rounded())
    let places = "\(milliseconds % 1000)"
    return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - places.count) + places
}

/// What a log says is done: the items of each chunk that succeeded.
///
/// - Parameter text: whole lines; nil is returned where they are no log.
func doneChunks(log text: String) -> [Int: Int]? {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    guard let header = lines.popFirst(), header + "\n" == LogRow.header else { return nil }
    var done: [Int: Int] = [:]
    for line in lines where !line.isEmpty {
        let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard columns.count == 13, let chunk = Int(columns[0]), let items = Int(columns[12]) else {
            return nil
        }
        if columns[8] == "0" && columns[9] == "0" { done[chunk] = items }
    }
    return done
}

/// The file of `--log`, opened.
struct LogFile: ~Copyable {
    private let file: OpenFile
    /// What an earlier run did, with `--resume`: the number of items of each chunk.
    let done: [Int: Int]

    /// - Parameter resumes: whether what is there is kept.
    init(_ name: Argument, resumes: Bool) throws(Failure) {
        let flags = O_RDWR | O_CREAT | O_APPEND | (resumes ? 0 : O_TRUNC)
        let opened: OpenFile
        do throws(Errno) {
            opened = try OpenFile(path: name, flags: flags)
        } catch {
            throw Failure(name.text, error.reason)
        }
        let text: String
        do throws(Errno) {
            text = resumes ? try Self.wholeLines(of: opened.descriptor) : ""
            if text.isEmpty { try opened.descriptor.writeAll(Array(LogRow.header.utf8)) }
        } catch {
            throw Failure(name.text, error.reason)
        }
        guard let found = text.isEmpty ? [:] : doneChunks(log: text) else {
            throw Failure(name.text, "is no log of pmap; --resume needs one")
        }
        done = found
        file = opened
    }

    /// Hands over the file.
    consuming func release() -> OpenFile { file }

    /// The text of a log. A last line without its end, which a crash leaves behind, is cut
    /// off.
    private static func wholeLines(of log: FileDescriptor) throws(Errno) -> String {
        var text = ""
        var reader = try BlockReader(log)
        while let block = try unsafe reader.next({ $0.count }) {
            unsafe text += String(decoding: block, as: UTF8.self)
        }
        let end = text.utf8.lastIndex(of: UInt8(ascii: "\n")).map { text.utf8.index(after: $0) }
        let whole = text[..<(end ?? text.startIndex)]
        if whole.utf8.count < text.utf8.count {
            _ = try retrying { ftruncate(log.rawValue, off_t(whole.utf8.count)) }
        }
        return String(whole)
    }
}
