import Shared

/// The files that a run writes besides its output. They are opened before the first worker starts.
struct RecordFiles: ~Copyable {
    var log: OpenFile?
    /// The chunks that succeeded in an earlier run, according to its log.
    var done: [Int: ChunkMark] = [:]
    var failedItems: FailedItemsFile?
    /// Whether the input is a regular file, so that the rest of it can be read at any time.
    var inputIsFile = false

    init() {}

    /// Opens the files. None is changed until all of them are known to be the right ones.
    init(_ settings: Settings, input files: [InputFile]) throws(Failure) {
        let input = files.map { $0.descriptor.status ?? stat() }
        let output = FileDescriptor.standardOutput.status ?? stat()
        inputIsFile = input.allSatisfy(\.isRegular)
        if input.contains(where: { $0.isRegular && $0.isSameFile(as: output) }) {
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
            let isInput = input.contains {
                $0.isRegular && $0.isSameFile(as: opened.status)
            }
            if isInput, files.count > 1 {
                throw Failure(
                    "--failed '\(name.text)'", "is also one of several inputs; name another file")
            }
            self.failedItems = try Self.failedItemsFile(
                name, opened, isInput: isInput, settings.temporaryFolder)
        }
        if let log = log.take() {
            done = log.done
            self.log = try log.begin()
        }
    }

    /// The streams that the run reads and prints to.
    private static func otherParts(
        _ settings: Settings, _ input: [stat], _ output: stat
    ) -> [FilePart] {
        var parts = input.map { FilePart(kind: .items, name: "the input", status: $0) }
        parts.append(FilePart(kind: .output, name: "standard output", status: output))
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

    /// Empties the file. If it is also the input, makes a new file that replaces it at the end.
    private static func failedItemsFile(
        _ name: Argument, _ opened: consuming NamedFile, isInput: Bool, _ folder: Argument
    ) throws(Failure) -> FailedItemsFile {
        let isRegular = opened.status.isRegular
        do throws(Errno) {
            if isInput {
                // Check now that it can be replaced, not only at the end.
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

/// The log and the list of the items that were not done.
struct Records<S: System>: ~Copyable {
    private let system: S
    private let logName: String
    private let failedItemsName: String
    /// nil if there is no log, or if writing it has failed.
    private var log: FileDescriptor?
    private var failedItems: FailedItems<S>?
    private let done: [Int: ChunkMark]
    private let inputIsFile: Bool
    /// Rows of chunks whose output is not completely written yet. If they were in the log after a
    /// crash, it would call chunks done whose output is lost.
    private var rows: [Int: LogRow] = [:]
    /// Items of chunks that succeeded and whose output is not completely written yet. If it never
    /// is, they go to the list of failed items.
    private var unwritten: [Int: Chunk] = [:]

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
    ///   - log: the log, positioned at its end; nil if there is none.
    ///   - done: the chunks that succeeded in an earlier run, according to its log.
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

    /// Whether an earlier run has done any chunks.
    var resumes: Bool { !done.isEmpty }

    /// Returns the earlier run's mark of a chunk that it has done; nil if the chunk must be run.
    func markOfDone(chunk number: Int) -> ChunkMark? { done[number] }

    /// Stores the row of a finished chunk. If the chunk printed nothing, the row is written at
    /// once, since there is no output to lose.
    ///
    /// - Throws: a `Failure` that names the log. The log is then given up.
    mutating func addRow(_ row: @autoclosure () -> LogRow, chunk: Chunk) throws(Failure) {
        if log == nil && !hasFailedItems { return }
        let row = row()
        if row.bytes == 0 { return try write(row) }
        if hasFailedItems && row.outcome.isSuccess { unwritten[row.chunk] = chunk }
        if log != nil { rows[row.chunk] = row }
    }

    /// Removes and returns the chunks that succeeded and whose output was not written.
    mutating func takeUnwritten() -> [Chunk] {
        defer { unwritten = [:] }
        return unwritten.values.sorted { $0.number < $1.number }
    }

    /// Writes the rows of chunks whose output is written.
    ///
    /// - Throws: a `Failure` that names the log. The log is then given up.
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

    /// Whether to list all items that were not done, including those not read yet.
    var wantsUnreadItems: Bool { inputIsFile && hasFailedItems }

    private var hasFailedItems: Bool {
        switch failedItems {
        case nil: false
        default: true
        }
    }

    /// Lists items that failed for good or were not tried.
    ///
    /// - Parameters:
    ///   - header: what must stand before the items if they are read again.
    ///   - place: the items' place in the input, by which the list is sorted at the end.
    /// - Returns: how many bytes are missing, because a file has become shorter.
    /// - Throws: a `Failure` that names the file. The file is then given up.
    mutating func addFailed(
        _ items: Chunk.Contents, header: [UInt8], place: Int
    ) throws(Failure) -> Int {
        do throws(Errno) {
            return try failedItems?.add(items, header: header, place: place) ?? 0
        } catch {
            failedItems?.abandon()
            failedItems = nil
            throw Failure(failedItemsName, error.reason)
        }
    }

    /// Notes that the input cannot be read any further.
    mutating func noteCutInput() { failedItems?.noteCutInput() }

    /// Sorts the list and moves it to its final place.
    mutating func finishFailedItems() throws(Failure) {
        do throws(Errno) {
            try failedItems?.finish()
        } catch {
            throw Failure(failedItemsName, error.reason)
        }
        failedItems = nil
    }
}
