import Shared

/// Waiting output that does not fit into memory: pieces of an unlinked file.
///
/// New pieces are appended. The space of a piece is freed at once after it was read, if the file
/// system supports this (fallocate(2)). Otherwise it is freed when no piece is left.
struct SpillFile<S: System>: ~Copyable {
    private let system: S
    private let folder: Argument
    private var file: FileDescriptor?
    private var end = 0
    private(set) var liveBytes = 0
    /// Why the last attempt to write failed; nil if it did not.
    private(set) var failure: Errno?

    init(_ system: S, folder: Argument) {
        self.system = system
        self.folder = folder
    }

    /// - Returns: nil if the bytes could not be written; see `failure`.
    mutating func append(_ bytes: [UInt8]) -> SpillExtent? {
        do throws(Errno) {
            if file == nil { file = try system.makeNamelessFile(in: folder) }
            if let file { try system.write(bytes, to: file, at: end) }
        } catch {
            failure = error
            return nil
        }
        defer {
            end += bytes.count
            liveBytes += bytes.count
        }
        return SpillExtent(offset: end, count: bytes.count)
    }

    /// Returns the first bytes of a piece and frees their space.
    ///
    /// - Parameter limit: the most bytes to return; the rest stays in `extent`.
    mutating func takeFirst(
        _ limit: Int, of extent: inout SpillExtent
    ) throws(Errno) -> [UInt8] {
        let count = min(limit, extent.count)
        guard let file else { wrongState("output was put into no file") }
        let bytes = try system.read(count, from: file, at: extent.offset)
        release(SpillExtent(offset: extent.offset, count: count))
        extent.offset += count
        extent.count -= count
        return bytes
    }

    /// Frees the space of a piece.
    mutating func release(_ extent: SpillExtent) {
        guard let file else { return }
        liveBytes -= extent.count
        if liveBytes == 0 {
            // Making a new file costs no more than truncating this one.
            system.close(file)
            self.file = nil
            end = 0
        } else {
            system.release(file, offset: extent.offset, count: extent.count)
        }
        failure = nil
    }

    deinit { if let file { system.close(file) } }
}

/// A piece of a `SpillFile`: its offset and its length in bytes.
struct SpillExtent: Equatable {
    var offset: Int
    var count: Int
}
