import Shared

/// A file with items. It stays open until pmap exits.
struct InputFile {
    let descriptor: FileDescriptor
    /// Its name in messages.
    let name: String
    /// nil if it is not a regular file.
    let extent: Extent?
    /// Whether it is worth to cut it into ranges.
    let isLarge: Bool
    /// Whether its pages can be moved to another pipe.
    var isPipe = false
    /// To copy a smaller chunk costs less than to move it.
    var leastRange = 64 << 10
    /// The size of pipes that hold blocks.
    var pipeSize = largePipeSize

    /// What is known of a regular file before it is read.
    struct Extent: Equatable {
        /// Where the items begin.
        var start: Int
        /// Where the file ends.
        var end: Int
        /// When it was last changed, as time since 1970.
        var changed: Duration
    }

    /// The size of a large file. The files of /proc and /sys tell no size or a wrong one, which is
    /// never as large.
    private static let large = 1 << 20
}

/// Opens the files of `-a`, or standard input.
func openInput(_ settings: Settings) throws(Failure) -> [InputFile] {
    if settings.argumentFiles.isEmpty { return [InputFile(standardInput: true)] }
    var files: [InputFile] = []
    for name in settings.argumentFiles {
        files.append(name == "-" ? InputFile(standardInput: true) : try InputFile(named: name))
    }
    return files
}

extension InputFile {
    fileprivate init(standardInput: Bool) {
        self.init(.standardInput, name: "standard input")
    }

    /// The file is opened without waiting: otherwise the second of two named pipes would wait for a
    /// writer that may come only when the first has been read.
    fileprivate init(named name: Argument) throws(Failure) {
        do {
            let file = try OpenFile(path: name, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
            self.init(file.release(), name: name.text)
        } catch {
            throw Failure(name.text, error.reason)
        }
    }

    private init(_ descriptor: FileDescriptor, name: String) {
        var extent: Extent?
        let status = descriptor.status
        if let status, status.isRegular {
            let start = lseek(descriptor.rawValue, 0, SEEK_CUR)
            if start >= 0 {
                extent = Extent(
                    start: Int(start), end: Int(status.st_size),
                    changed: .seconds(status.st_mtim.tv_sec)
                        + .nanoseconds(status.st_mtim.tv_nsec))
            }
        }
        let size = extent.map { $0.end - $0.start } ?? 0
        self.init(
            descriptor: descriptor, name: name, extent: extent, isLarge: size >= Self.large,
            isPipe: status?.isNamedPipe ?? false)
    }
}
