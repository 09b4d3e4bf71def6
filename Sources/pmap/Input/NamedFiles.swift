import Shared

/// A file named by the user. It was opened without waiting, and is not changed yet.
struct NamedFile: ~Copyable {
    let file: OpenFile
    let status: stat

    /// Opens a file for writing, and creates it if necessary.
    ///
    /// open(2) for writing waits until a named pipe has a reader, and so does a write to it. So the
    /// file is opened with O_NONBLOCK. A regular file can be read too.
    init(writing name: Argument) throws(Failure) {
        var before = stat()
        let exists = unsafe stat(name.cString, &before) == 0
        let access = !exists || before.isRegular ? O_RDWR | O_CREAT : O_WRONLY
        let opened: OpenFile
        do throws(Errno) {
            opened = try OpenFile(path: name, flags: access | O_APPEND | O_NONBLOCK | O_NOCTTY)
        } catch {
            let isUnread = error.rawValue == ENXIO && before.isNamedPipe
            throw Failure(name.text, isUnread ? "is a named pipe that nobody reads" : error.reason)
        }
        guard let status = opened.descriptor.status else {
            throw Failure(name.text, Errno.last.reason)
        }
        file = opened
        self.status = status
    }

    /// Hands over the file.
    consuming func release() -> OpenFile { file }
}

extension stat {
    var isRegular: Bool { st_mode & S_IFMT == S_IFREG }
    var isNamedPipe: Bool { st_mode & S_IFMT == S_IFIFO }

    func isSameFile(as other: stat) -> Bool {
        st_dev == other.st_dev && st_ino == other.st_ino
    }
}

// MARK: Files with two parts in a run

/// How a run uses a file.
struct FilePart {
    enum Kind {
        case items, output, errors, workers, log, failedItems
    }

    let kind: Kind
    /// The name used in messages.
    let name: String
    let status: stat

    /// Whether using one file for both would spoil the run.
    fileprivate func clashes(with later: FilePart) -> Bool {
        if !status.isSameFile(as: later.status) { return false }
        switch (kind, later.kind) {
        case (.items, .errors), (.output, .errors): return false
        // A regular input file is replaced only at the end.
        case (.items, .failedItems): return status.isNamedPipe
        case (.errors, _): return status.isRegular
        case (_, .log), (_, .failedItems): return status.isRegular || status.isNamedPipe
        default: return status.isRegular
        }
    }
}

/// Checks that no file is used in two ways that exclude each other.
func requireDifferentFiles(_ parts: [FilePart]) throws(Failure) {
    for (index, part) in parts.enumerated() {
        for earlier in parts[..<index] where earlier.clashes(with: part) {
            throw Failure(part.name, "is also \(earlier.name)")
        }
    }
}

// MARK: The jobs file

/// Returns the text of a small regular file. Only the first 4 KiB are read.
///
/// - Throws: `Errno.invalid` if it is another kind of file, which might block pmap.
func textOfRegularFile(_ path: Argument) throws(Errno) -> String {
    let file = try OpenFile(path: path, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
    guard let status = file.descriptor.status else { throw Errno.last }
    if status.st_mode & S_IFMT == S_IFDIR { throw Errno(EISDIR) }
    if !status.isRegular { throw .invalid }
    return String(decoding: try file.descriptor.beginning(4096), as: UTF8.self)
}

extension FileDescriptor {
    /// Returns the first bytes of a file; fewer if it is shorter.
    func beginning(_ count: Int) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let found = try unsafe bytes.withUnsafeMutableBufferPointer { buffer throws(Errno) in
            try unsafe read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
        }
        return Array(bytes[..<found])
    }
}

// MARK: Replacing a file

/// A new file that replaces another one when it is complete, so that one whole file exists even
/// after a crash: rename(2). Until then it has its own name in the same folder.
@safe
struct ReplacementFile: ~Copyable {
    let descriptor: FileDescriptor
    private let target: UnsafeMutablePointer<CChar>
    private var name: [UInt8]

    /// - Parameter path: a file that exists. If it is a symbolic link, its target is replaced.
    init(for path: Argument) throws(Errno) {
        guard let target = unsafe realpath(path.cString, nil) else { throw Errno.last }
        let length = unsafe strrchr(target, 0x2F).map { unsafe $0 - target + 1 } ?? 0
        let folder = unsafe UnsafeRawBufferPointer(start: target, count: length)
        var name = unsafe Array(folder) + Array("pmap.XXXXXX".utf8) + [0]
        let number = unsafe name.withUnsafeMutableBytes { bytes in
            unsafe mkstemp(bytes.assumingMemoryBound(to: CChar.self).baseAddress!)
        }
        if number < 0 {
            let error = Errno.last
            unsafe free(target)
            throw error
        }
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        var status = stat()
        if unsafe stat(target, &status) == 0 {
            // Only root can change the owner of a file. For other users, the new file is their own.
            if fchown(number, status.st_uid, status.st_gid) != 0 {
                _ = fchown(number, .max, status.st_gid)
            }
            _ = fchmod(number, status.st_mode & 0o7777)
        }
        descriptor = FileDescriptor(number)
        unsafe self.target = unsafe target
        self.name = name
    }

    /// Replaces the other file, after the new one is safely on disk.
    mutating func replace() throws(Errno) {
        _ = try retrying { fsync(descriptor.rawValue) }
        let result = unsafe name.withUnsafeBytes { bytes in
            unsafe rename(bytes.assumingMemoryBound(to: CChar.self).baseAddress!, target)
        }
        if result != 0 { throw Errno.last }
        name = []
    }

    deinit {
        try? descriptor.close()
        if !name.isEmpty {
            _ = unsafe name.withUnsafeBytes { bytes in
                unsafe unlink(bytes.assumingMemoryBound(to: CChar.self).baseAddress!)
            }
        }
        unsafe free(target)
    }
}
