import Shared

/// A fifo(7) in a folder of its own that only this user can open; both are gone with it.
struct NamedPipe: ~Copyable {
    let path: String
    private let folder: String

    /// - Parameter place: where the folder is made.
    init(in place: Argument) throws(Failure) {
        let folder = try Self.newFolder(in: place)
        let path = folder + "/slots"
        if unsafe path.withCString({ unsafe mkfifo($0, 0o600) }) == -1 {
            let error = Errno.last
            unsafe folder.withCString { _ = unsafe rmdir($0) }
            throw Failure(place.text, error.reason)
        }
        self.folder = folder
        self.path = path
    }

    deinit {
        unsafe path.withCString { _ = unsafe unlink($0) }
        unsafe folder.withCString { _ = unsafe rmdir($0) }
    }

    /// A path that is good in every folder, and that MAKEFLAGS can hold: make and others cut
    /// it at blanks, and to make two more characters mean something.
    private static func newFolder(in place: Argument) throws(Failure) -> String {
        guard let absolute = unsafe realpath(place.cString, nil) else {
            throw Failure(place.text, Errno.last.reason)
        }
        defer { unsafe free(absolute) }
        let bytes = unsafe Argument(absolute).bytes
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
