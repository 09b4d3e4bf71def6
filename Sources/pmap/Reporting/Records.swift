import Shared

/// The files that a run leaves behind beside its output, opened before anything is run.
struct RecordFiles: ~Copyable {
    var log: OpenFile?
    /// What an earlier run did, by its log: the number of items of each chunk.
    var done: [Int: Int] = [:]
    var failedItems: OpenFile?

    init() {}

    init(_ settings: Settings) throws(Failure) {
        if let name = settings.logFile {
            let opened = try LogFile(name, resumes: settings.resumes)
            done = opened.done
            log = opened.release()
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
    private let done: [Int: Int]
    /// Rows of chunks that are not all written yet. A log that called these done could not be
    /// trusted after a crash.
    private var rows: [Int: LogRow] = [:]
    /// The items of chunks that succeeded and are not all written yet, for the list of failed
    /// items in case they never are.
    private var unwritten: [Int: [UInt8]] = [:]

    init(_ system: S, _ settings: Settings, _ files: consuming RecordFiles) {
        var files = files
        self.init(
            system, settings, log: files.log.take()?.release(), done: files.done,
            failed: files.failedItems.take()?.release())
    }

    /// - Parameters:
    ///   - log: the file of the log, at its end; nil if there is none.
    ///   - done: what an earlier run did: the number of items of each chunk.
    ///   - failed: the file of failed items.
    init(
        _ system: S, _ settings: Settings, log: FileDescriptor?, done: [Int: Int],
        failed: FileDescriptor?
    ) {
        self.system = system
        logName = settings.logFile?.text ?? ""
        failedItemsName = settings.failedItemsFile?.text ?? ""
        delimiter = settings.delimiter
        self.done = done
        self.log = log
        failedItems = failed
    }

    /// Whether an earlier run has done any chunk.
    var resumes: Bool { !done.isEmpty }

    /// What an earlier run says of a chunk: the number of its items if it was done; nil if it
    /// must be done now.
    func itemsDone(inChunk number: Int) -> Int? { done[number] }

    /// Keeps a row until the output of its chunk is written.
    ///
    /// - Parameter items: of the chunk.
    mutating func addRow(_ row: @autoclosure () -> LogRow, items: [UInt8]) {
        if log == nil && failedItems == nil { return }
        let row = row()
        if failedItems != nil && row.outcome.isSuccess { unwritten[row.chunk] = items }
        if log != nil { rows[row.chunk] = row }
    }

    /// Takes out the items of chunks that succeeded and whose output was not written.
    mutating func takeUnwritten() -> [[UInt8]] {
        defer { unwritten = [:] }
        return unwritten.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Writes the rows of chunks whose output is written.
    ///
    /// - Throws: a `Failure` that names the log, which is given up.
    mutating func writeRows(of chunks: [Int]) throws(Failure) {
        for chunk in chunks {
            unwritten[chunk] = nil
            guard let row = rows.removeValue(forKey: chunk), let log else { continue }
            do throws(Errno) {
                try system.writeAll(Array(row.text.utf8), to: log)
            } catch {
                system.close(log)
                self.log = nil
                rows = [:]
                throw Failure(logName, error.reason)
            }
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
