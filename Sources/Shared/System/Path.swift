/// The name of a file, built at run time, byte for byte. It owns its bytes, unlike `Argument`,
/// which only points to a word of the command line.
public struct Path: Equatable, Sendable {
    /// With a NUL at the end.
    private let terminated: [UInt8]

    /// - Parameter bytes: the name, without a NUL. A NUL ends the name, as in C.
    public init(_ bytes: some Sequence<UInt8>) {
        terminated = bytes.prefix { $0 != 0 } + [0]
    }

    public init(_ text: String) { self.init(text.utf8) }

    public var bytes: [UInt8] { Array(terminated.dropLast()) }

    /// The path as text; bytes that are not UTF-8 are spelled `\xff`.
    public var text: String { readable(bytes) }

    /// Calls `body` with the path as a C string, valid until `body` returns.
    public func withCString<Result>(
        _ body: (UnsafePointer<CChar>) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        try unsafe terminated.withUnsafeBufferPointer { bytes throws(Errno) in
            let start = unsafe UnsafeRawPointer(bytes.baseAddress!)
            return try unsafe body(start.assumingMemoryBound(to: CChar.self))
        }
    }

    /// The result of stat(2), or nil if there is no such file.
    public var status: stat? {
        var status = stat()
        let result = try? unsafe withCString { path throws(Errno) in unsafe stat(path, &status) }
        return result == 0 ? status : nil
    }

    /// Whether it is a regular file that this process may execute, by access(2).
    public var isExecutableFile: Bool {
        guard let status, status.st_mode & S_IFMT == S_IFREG else { return false }
        return unsafe (try? withCString { path throws(Errno) in unsafe access(path, X_OK) }) == 0
    }
}
