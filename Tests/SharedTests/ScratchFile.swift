import Shared
import Testing

/// A file without a name, by tmpfile(3).
final class ScratchFile {
    private let file: UnsafeMutablePointer<FILE>
    var descriptor: FileDescriptor { FileDescriptor(fileno(file)) }

    /// Holds the bytes, to be read from the start.
    init(_ bytes: [UInt8] = []) throws {
        file = try #require(tmpfile())
        try #require(write(descriptor.rawValue, bytes, bytes.count) == bytes.count)
        lseek(descriptor.rawValue, 0, SEEK_SET)
    }

    deinit { fclose(file) }

    /// All that the file holds.
    func contents() throws -> [UInt8] {
        let size = Int(try #require(descriptor.status).st_size)
        var bytes = [UInt8](repeating: 0, count: size)
        #expect(pread(descriptor.rawValue, &bytes, size, 0) == size)
        return bytes
    }

    /// A descriptor of its own for the file, which its user may close.
    func duplicate() throws -> FileDescriptor {
        FileDescriptor(try retrying { fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 3) })
    }
}
