import Shared

/// A file that the user names, opened without waiting and not changed yet.
struct NamedFile: ~Copyable {
    let file: OpenFile
    let status: stat

    /// Opens a file for writing, and makes it if there is none.
    ///
    /// open(2) waits until somebody reads a named pipe, and a write waits for its reader, so
    /// it is O_NONBLOCK. A regular file can be read too.
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
}
