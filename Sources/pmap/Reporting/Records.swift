import Shared

/// The files that a run leaves behind beside its output, opened before anything is run.
struct RecordFiles: ~Copyable {
    var log: OpenFile?
    /// What an earlier run did, by its log: the chunks that succeeded.
    var done: [Int: ChunkMark] = [:]
    var failedItems: OpenFile?

    init() {}

    init(_ settings: Settings) throws(Failure) {
        if let name = settings.logFile {
            let opened = try LogFile(name, resumes: settings.resumes)
            done = opened.done
            log = try opened.begin()
        }
        if let name = settings.failedItemsFile {
            do {
                failedItems = try OpenFile(
                    path: name, flags: O_WRONLY | O_CREAT | O_TRUNC | O_APPEND)
            } catch {
                throw Failure(name.text, error.reason)
            }
        }
    }
}

/// The log, and the list of the items of failed chunks.
struct Records<S: System>: ~Copyable {
    private let system: S
    private let logName: String
    private let failedItemsName: String
    private let delimiter: UInt8
    /// nil if there is none, or it cannot be written any more.
    private var log: FileDescriptor?
    private var failedItems: FileDescriptor?
    private let done: [Int: ChunkMark]
    /// Rows of chunks that are not all written yet. A log that called these done could not be
    /// trusted after a crash.
    private var rows: [Int: LogRow] = [:]

    init(_ system: S, _ settings: Settings, _ files: consuming RecordFiles) {
        self.system = system
        logName = settings.logFile?.text ?? ""
        failedItemsName = settings.failedItemsFile?.text ?? ""
        delimiter = settings.delimiter
        done = files.done
        var files = files
        log = files.log.take()?.release()
        failedItems = files.failedItems.take()?.release()
    }

    /// What an earlier run says of a chunk that it has done; nil if it must be done now.
    func markOfDone(chunk number: Int) -> ChunkMark? { done[number] }

    /// Notes the row of a chunk that is finished. It is written at once if the chunk printed
    /// nothing, so that nothing of it can be lost.
    ///
    /// - Throws: a `Failure` that names the log, which is given up.
    mutating func addRow(_ row: @autoclosure () -> LogRow) throws(Failure) {
        if log == nil { return }
        let row = row()
        if row.bytes == 0 { return try write(row) }
        rows[row.chunk] = row
    }

    /// Writes the rows of chunks whose output is written.
    ///
    /// - Throws: a `Failure` that names the log, which is given up.
    mutating func writeRows(of chunks: [Int]) throws(Failure) {
        for chunk in chunks {
            if let row = rows.removeValue(forKey: chunk) { try write(row) }
        }
    }

    private mutating func write(_ row: LogRow) throws(Failure) {
        guard let log else { return }
        do throws(Errno) {
            try system.writeAll(Array(row.text.utf8), to: log)
        } catch {
            system.close(log)
            self.log = nil
            rows = [:]
            throw Failure(logName, error.reason)
        }
    }

    /// Writes the items of a chunk that failed for good.
    ///
    /// - Throws: a `Failure` that names the file, which is given up.
    mutating func addFailed(_ items: [UInt8]) throws(Failure) {
        guard let failedItems else { return }
        do throws(Errno) {
            try system.writeAll(
                items.last == delimiter ? items : items + [delimiter], to: failedItems)
        } catch {
            system.close(failedItems)
            self.failedItems = nil
            throw Failure(failedItemsName, error.reason)
        }
    }

    deinit {
        if let log { system.close(log) }
        if let failedItems { system.close(failedItems) }
    }
}
