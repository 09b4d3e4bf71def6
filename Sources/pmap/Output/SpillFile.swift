import Shared

/// Output that waits and for which memory is too small: pieces of an unlinked file.
///
/// Pieces are appended; where the file system can, the room of one that was read is given
/// back at once (fallocate(2)), else when no piece is left.
struct SpillFile: ~Copyable {
    /// A piece: where it begins, and its bytes.
    struct Extent {
        var offset: Int
        var count: Int
    }

    private let folder: Argument
    private var file: OpenFile?
    private var end = 0
    private var liveBytes = 0
    /// Why nothing more could be written when it was last tried.
    private(set) var failure: Errno?

    init(folder: Argument) { self.folder = folder }

    /// - Returns: nil where nothing could be written; see `failure`.
    mutating func append(_ bytes: [UInt8]) -> Extent? {
        do throws(Errno) {
            if file == nil { file = try OpenFile(unlinkedIn: folder) }
            try file?.descriptor.writeAll(bytes, at: end)
        } catch {
            failure = error
            return nil
        }
        defer {
            end += bytes.count
            liveBytes += bytes.count
        }
        return Extent(offset: end, count: bytes.count)
    }

    /// The first bytes of a piece, whose room is given back.
    ///
    /// - Parameter limit: bytes at most; the rest stays in `extent`.
    mutating func takeFirst(_ limit: Int, of extent: inout Extent) throws(Errno) -> [UInt8] {
        let count = min(limit, extent.count)
        guard let bytes = try file?.descriptor.readAll(count, at: extent.offset) else { return [] }
        release(Extent(offset: extent.offset, count: count))
        extent.offset += count
        extent.count -= count
        return bytes
    }

    /// Gives back the room of a piece.
    mutating func release(_ extent: Extent) {
        guard let descriptor = file?.descriptor else { return }
        liveBytes -= extent.count
        if liveBytes == 0 {
            _ = ftruncate(descriptor.rawValue, 0)
            end = 0
        } else {
            punchHole(descriptor, offset: extent.offset, count: extent.count)
        }
        failure = nil
    }
}
