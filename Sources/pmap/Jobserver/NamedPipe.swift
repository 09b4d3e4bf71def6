import Shared

/// A fifo(7) in a folder of its own that only this user can open; both are gone with it.
///
/// The folder is locked before the fifo is made, and the kernel takes the lock away when this
/// process is gone, even if it was killed. So `removeAbandonedPipes` can tell.
struct NamedPipe: ~Copyable {
    static let name = "slots"

    let path: String
    let folder: String
    private let lock: OpenFile?

    /// - Parameter place: where the folder is made.
    init(in place: Argument) throws(Failure) {
        let folder = try Self.newFolder(in: place)
        let path = "\(folder)/\(Self.name)"
        let lock = Self.lock(folder)
        if unsafe path.withCString({ unsafe mkfifo($0, 0o600) }) == -1 {
            let error = Errno.last
            removeFolder(folder)
            throw Failure(place.text, error.reason)
        }
        self.folder = folder
        self.path = path
        self.lock = consume lock
    }

    private static func lock(_ folder: String) -> OpenFile? {
        guard let file = try? openedFile(folder, O_RDONLY | O_DIRECTORY) else { return nil }
        // Another process may have it for a moment, to look for a pipe that is abandoned.
        _ = try? retrying { flock(file.descriptor.rawValue, LOCK_EX) }
        return file
    }

    deinit { removeFolder(folder) }

    /// A path that is good in every folder, and that MAKEFLAGS can hold: make and others cut
    /// it at blanks, and to make two more characters mean something.
    private static func newFolder(in place: Argument) throws(Failure) -> String {
        guard let absolute = unsafe realpath(place.cString, nil) else {
            throw Failure(place.text, Errno.last.reason)
        }
        defer { unsafe free(absolute) }
        let bytes = unsafe bytesOfCString(absolute)
        let isRefused = { (byte: UInt8) in
            byte <= 0x20 || byte == UInt8(ascii: "$") || byte == UInt8(ascii: "\\")
        }
        guard !bytes.contains(where: isRefused), String(validating: bytes, as: UTF8.self) != nil
        else {
            throw Failure(
                place.text,
                "make cannot be told of a pipe there: the name has a blank, '$' or '\\'")
        }
        var name = bytes + Array("/pmap.XXXXXX".utf8) + [0]
        let isMade = unsafe name.withUnsafeMutableBytes { memory in
            unsafe mkdtemp(memory.assumingMemoryBound(to: CChar.self).baseAddress!) != nil
        }
        if !isMade { throw Failure(place.text, Errno.last.reason) }
        return String(decoding: name.dropLast(), as: UTF8.self)
    }
}

/// Removes the folders of named pipes whose processes were killed before they could do it.
///
/// A folder stays unless it is this user's, has a pipe in it, is locked by nobody, and nobody
/// has the pipe open for reading, as everything has that shares slots.
func removeAbandonedPipes(in place: Argument) {
    guard let entries = unsafe opendir(place.cString) else { return }
    defer { unsafe closedir(entries) }
    while let entry = unsafe readdir(entries) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
            unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                unsafe String(cString: $0)
            }
        }
        if name.hasPrefix("pmap."), name.utf8.count == "pmap.XXXXXX".utf8.count {
            removeIfAbandoned("\(place.text)/\(name)")
        }
    }
}

private func removeIfAbandoned(_ folder: String) {
    let path = "\(folder)/\(NamedPipe.name)"
    guard let file = try? openedFile(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
        file.descriptor.status?.st_uid == geteuid(),
        flock(file.descriptor.rawValue, LOCK_EX | LOCK_NB) == 0, isPipeWithoutReader(path)
    else { return }
    removeFolder(folder)
}

/// Removes a folder with the pipe, and the `LifeLine` beside it, that may be in it.
private func removeFolder(_ folder: String) {
    for name in [NamedPipe.name, LifeLine.name] {
        unsafe "\(folder)/\(name)".withCString { _ = unsafe unlink($0) }
    }
    unsafe folder.withCString { _ = unsafe rmdir($0) }
}

private func isPipeWithoutReader(_ path: String) -> Bool {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
        return false
    }
    do throws(Errno) {
        _ = try openedFile(path, O_WRONLY | O_NONBLOCK)
        return false
    } catch {
        return error.rawValue == ENXIO
    }
}
