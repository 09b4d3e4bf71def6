import Shared

/// What a run leaves behind beside its output: the log, and the items of failed chunks.
struct Records: ~Copyable {
    let logName: String
    private var log: LogFile? = nil
    /// What an earlier run did, by its log: the number of items of each chunk.
    private var done: [Int: Int] = [:]
    /// Rows of chunks that are not all written yet: a log that called them done could not
    /// be trusted after a crash.
    private var rows: [Int: LogRow] = [:]
    private let failedItemsName: Argument?
    private var failedItems: OpenFile? = nil
    private let delimiter: UInt8

    init(_ settings: Settings) throws(Failure) {
        delimiter = settings.delimiter
        failedItemsName = settings.failedItemsFile
        logName = settings.logFile?.text ?? ""
        if let name = settings.logFile {
            let opened = try LogFile(name, resumes: settings.resumes)
            done = opened.done
            log = consume opened
        }
        if let name = settings.failedItemsFile { failedItems = try Self.emptied(name) }
    }

    private static func emptied(_ name: Argument) throws(Failure) -> OpenFile {
        do {
            return try OpenFile(path: name, flags: O_WRONLY | O_CREAT | O_TRUNC | O_APPEND)
        } catch {
            throw Failure(name.text, error.reason)
        }
    }

    /// The number of items of a chunk that an earlier run did; nil if it must be done.
    func itemsDone(inChunk number: Int) -> Int? { done[number] }

    mutating func addRow(_ row: @autoclosure () -> LogRow) {
        if log == nil { return }
        let row = row()
        rows[row.chunk] = row
    }

    /// Writes the rows of chunks whose output is written.
    ///
    /// - Throws: a `Failure` that names the log, which is given up.
    mutating func writeRows(of chunks: [Int]) throws(Failure) {
        for chunk in chunks {
            guard let row = rows.removeValue(forKey: chunk) else { continue }
            do throws(Errno) {
                try log?.write(row)
            } catch {
                log = nil
                rows = [:]
                throw Failure(logName, error.reason)
            }
        }
    }

    /// Writes the items of a chunk that failed for good.
    ///
    /// - Throws: a `Failure` that names the file, which is given up.
    mutating func addFailed(_ items: [UInt8]) throws(Failure) {
        guard let descriptor = failedItems?.descriptor else { return }
        do throws(Errno) {
            try descriptor.writeAll(items.last == delimiter ? items : items + [delimiter])
        } catch {
            failedItems = nil
            throw Failure(failedItemsName?.text ?? "", error.reason)
        }
    }
}
