/// Reports when any process closes a file that was open for writing: inotify(7).
public struct CloseWatch: ~Copyable {
    private let file: OpenFile

    public init(path: String) throws(Errno) {
        let flags = Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)
        let number = try retrying { inotify_init1(flags) }
        let file = OpenFile(owning: FileDescriptor(number))
        _ = try retrying {
            unsafe inotify_add_watch(number, path, UInt32(IN_CLOSE_WRITE))
        }
        self.file = consume file
    }

    /// Becomes readable when the file was closed.
    public var descriptor: FileDescriptor { file.descriptor }

    /// Discards pending reports.
    public func clear() {
        var events = [UInt8](repeating: 0, count: 4096)
        unsafe events.withUnsafeMutableBytes { buffer in
            while let count = try? unsafe descriptor.read(into: buffer), count > 0 {}
        }
    }
}
