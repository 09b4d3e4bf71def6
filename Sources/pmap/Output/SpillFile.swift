import Shared

/// Output that waits and does not fit into memory: pieces of an unlinked file.
///
/// Pieces are appended. The room of a piece that was read is given back at once if the file
/// system can do that (fallocate(2)), and in any case when no piece is left.
struct SpillFile<S: System>: ~Copyable {
    private let system: S
    private let folder: Argument
    private var file: FileDescriptor?
    private var end = 0
    private(set) var liveBytes = 0
    /// Why nothing more could be written when it was last tried.
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

    /// The first bytes of a piece, whose room is given back.
    ///
    /// - Parameter limit: bytes at most; the rest stays in `extent`.
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

    /// Gives back the room of a piece.
    mutating func release(_ extent: SpillExtent) {
        guard let file else { return }
        liveBytes -= extent.count
        if liveBytes == 0 {
            // A new file costs no more than to truncate this one.
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

/// A piece of a `SpillFile`: where it begins, and its bytes.
struct SpillExtent: Equatable {
    var offset: Int
    var count: Int
}
