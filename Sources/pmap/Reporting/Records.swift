import Shared

/// The files that a run leaves behind in addition to its output, opened before anything is
/// run.
struct RecordFiles: ~Copyable {
    var log: OpenFile?
    /// What an earlier run did, by its log: the chunks that succeeded.
    var done: [Int: ChunkMark] = [:]
    var failedItems: FailedItemsFile?
    /// Whether the input is a regular file, whose rest can be read at any time.
    var inputIsFile = false

    init() {}

    /// Opens the files, and changes them only when all of them are known to be the right ones.
    init(_ settings: Settings, items: FileDescriptor) throws(Failure) {
        let input = items.status ?? stat()
        let output = FileDescriptor.standardOutput.status ?? stat()
        inputIsFile = input.isRegular
        if inputIsFile, input.isSameFile(as: output) {
            throw Failure("standard output", "is also the input")
        }
        let names = (settings.logFile, settings.failedItemsFile, settings.workersFile)
        if names.0 == nil && names.1 == nil && names.2 == nil { return }
        var parts = Self.otherParts(settings, input, output)
        var log: LogFile?
        if let name = settings.logFile {
            let opened = try LogFile(name, resumes: settings.resumes)
            parts.append(
                FilePart(kind: .log, name: "--log '\(name.text)'", status: opened.status))
            log = consume opened
        }
        var failedItems: NamedFile?
        if let name = settings.failedItemsFile {
            let opened = try NamedFile(writing: name)
            parts.append(
                FilePart(
                    kind: .failedItems, name: "--failed '\(name.text)'", status: opened.status))
            failedItems = consume opened
        }
        try requireDifferentFiles(parts)
        if let name = settings.failedItemsFile, let opened = failedItems.take() {
            let isInput = inputIsFile && input.isSameFile(as: opened.status)
            self.failedItems = try Self.failedItemsFile(
                name, opened, isInput: isInput, settings.temporaryFolder)
        }
        if let log = log.take() {
            done = log.done
            self.log = try log.begin()
        }
    }

    /// What the run reads and prints.
    private static func otherParts(
        _ settings: Settings, _ input: stat, _ output: stat
    ) -> [FilePart] {
        var parts = [
            FilePart(kind: .items, name: "the input", status: input),
            FilePart(kind: .output, name: "standard output", status: output),
        ]
        if let errors = FileDescriptor.standardError.status {
            parts.append(FilePart(kind: .errors, name: "standard error", status: errors))
        }
        if let name = settings.workersFile {
            var status = stat()
            if unsafe stat(name.cString, &status) == 0 {
                let name = "--jobs-file '\(name.text)'"
                parts.append(FilePart(kind: .workers, name: name, status: status))
            }
        }
        return parts
    }

    /// Empties the file, or makes another one for the time being if it is the input too.
    private static func failedItemsFile(
        _ name: Argument, _ opened: consuming NamedFile, isInput: Bool, _ folder: Argument
    ) throws(Failure) -> FailedItemsFile {
        let isRegular = opened.status.isRegular
        do throws(Errno) {
            if isInput {
                // Whether it can be replaced is better known now than at the end.
                _ = try ReplacementFile(for: name)
            } else if isRegular {
                _ = try retrying { ftruncate(opened.file.descriptor.rawValue, 0) }
            }
        } catch {
            throw Failure(isInput ? "cannot replace \(name.text)" : name.text, error.reason)
        }
        var file = opened.release()
        if isInput {
            do throws(Errno) {
                file = try OpenFile(unlinkedIn: folder)
            } catch {
                throw Failure(folder.text, error.reason)
            }
        }
        return FailedItemsFile(name: name, file: file, isRegular: isRegular, replaces: isInput)
    }
}

/// The log, and the list of the items that were not done.
struct Records<S: System>: ~Copyable {
    private let system: S
    private let logName: String
    private let failedItemsName: String
    /// nil if there is none, or it cannot be written any more.
    private var log: FileDescriptor?
    private var failedItems: FailedItems<S>?
    private let done: [Int: ChunkMark]
    private let inputIsFile: Bool
    /// Rows of chunks that are not all written yet. A log that called these done could not be
    /// trusted after a crash.
    private var rows: [Int: LogRow] = [:]
    /// The items of chunks that succeeded and are not all written yet, for the list of failed
    /// items in case they never are.
    private var unwritten: [Int: [UInt8]] = [:]

    init(_ system: S, _ settings: Settings, _ files: consuming RecordFiles) {
        var files = files
        var failed: FailedItems<S>?
        if let file = files.failedItems.take() {
            failed = FailedItems(system, file, delimiter: settings.delimiter)
        }
        self.init(
            system, settings, log: files.log.take()?.release(), done: files.done, failed: failed,
            inputIsFile: files.inputIsFile)
    }

    /// - Parameters:
    ///   - log: the file of the log, at its end; nil if there is none.
    ///   - done: what an earlier run did, by its log.
    ///   - inputIsFile: whether the rest of the input can be read at any time.
    init(
        _ system: S, _ settings: Settings, log: FileDescriptor?, done: [Int: ChunkMark],
        failed: consuming FailedItems<S>?, inputIsFile: Bool
    ) {
        self.system = system
        logName = settings.logFile?.text ?? ""
        failedItemsName = settings.failedItemsFile?.text ?? ""
        self.done = done
        self.inputIsFile = inputIsFile
        self.log = log
        failedItems = failed
    }

    // MARK: The log

    /// Whether an earlier run has done any chunk.
    var resumes: Bool { !done.isEmpty }

    /// What an earlier run says of a chunk that it has done; nil if it must be done now.
    func markOfDone(chunk number: Int) -> ChunkMark? { done[number] }

    /// Notes the row of a chunk that is finished. It is written at once if the chunk printed
    /// nothing, so that nothing of it can be lost.
    ///
    /// - Parameter items: of the chunk.
    /// - Throws: a `Failure` that names the log, which is given up.
    mutating func addRow(_ row: @autoclosure () -> LogRow, items: [UInt8]) throws(Failure) {
        if log == nil && !hasFailedItems { return }
        let row = row()
        if row.bytes == 0 { return try write(row) }
        if hasFailedItems && row.outcome.isSuccess { unwritten[row.chunk] = items }
        if log != nil { rows[row.chunk] = row }
    }

    /// Takes out the chunks that succeeded and whose output was not written.
    mutating func takeUnwritten() -> [(chunk: Int, items: [UInt8])] {
        defer { unwritten = [:] }
        return unwritten.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Writes the rows of chunks whose output is written.
    ///
    /// - Throws: a `Failure` that names the log, which is given up.
    mutating func writeRows(of chunks: [Int]) throws(Failure) {
        for chunk in chunks {
            unwritten[chunk] = nil
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

    /// Closes the log.
    mutating func finishLog() throws(Failure) {
        guard let log else { return }
        self.log = nil
        do throws(Errno) {
            try system.closeFile(log)
        } catch {
            throw Failure(logName, error.reason)
        }
    }

    // MARK: The list of items

    /// Whether all items that were not done are wanted, even those that nobody has read.
    var wantsUnreadItems: Bool { inputIsFile && hasFailedItems }

    private var hasFailedItems: Bool {
        switch failedItems {
        case nil: false
        default: true
        }
    }

    /// Writes items that failed for good or were not tried.
    ///
    /// - Parameter place: in the input, by which the list is sorted at the end.
    /// - Throws: a `Failure` that names the file, which is given up.
    mutating func addFailed(_ items: [UInt8], place: Int) throws(Failure) {
        do throws(Errno) {
            try failedItems?.add(items, place: place)
        } catch {
            failedItems?.abandon()
            failedItems = nil
            throw Failure(failedItemsName, error.reason)
        }
    }

    /// The input cannot be read any further.
    mutating func noteCutInput() { failedItems?.noteCutInput() }

    /// Puts the list into its order and its place.
    mutating func finishFailedItems() throws(Failure) {
        do throws(Errno) {
            try failedItems?.finish()
        } catch {
            throw Failure(failedItemsName, error.reason)
        }
        failedItems = nil
    }
}
