import Shared

/// Waiting output that does not fit into memory, in unlinked files.
///
/// A chunk with much output gets a file of its own, as long as there are few of these. Its output
/// is moved into the file and out of it by splice(2), so that pmap never copies it. Moving it out
/// shares the pages of the file with the pipe of standard output, and nobody can tell how long the
/// readers keep them. So what is in such a file never changes, and its space is freed only when all
/// of it is written: a hole in the file would fill the shared pages with zeros.
///
/// All other output is in one common file, in pieces. The space of a piece is freed at once after
/// it was read, if the file system supports this (fallocate(2)). Otherwise it is freed when no piece
/// is left.
struct SpillFiles<S: System>: ~Copyable {
    private let system: S
    private let folder: Argument
    private var common: FileDescriptor?
    private var commonEnd = 0
    /// Bytes in the common file that are not taken yet.
    private(set) var commonBytes = 0
    private var ownFiles = 0
    private let mostOwnFiles: Int
    /// Whether the last attempt to make a file for a chunk succeeded.
    private var canMakeChunkFiles = true
    /// Whether splice(2) may move bytes into the files.
    private var takesSplices = true
    /// Why the last attempt to write failed; nil if it did not.
    private(set) var failure: Errno?

    init(_ system: S, folder: Argument) {
        self.system = system
        self.folder = folder
        // The others are for workers.
        mostOwnFiles = min(64, system.descriptorLimit / 4)
    }

    // MARK: The common file

    /// - Returns: nil if the bytes could not be written; see `failure`.
    mutating func append(_ bytes: [UInt8]) -> SpillExtent? {
        do throws(Errno) {
            if common == nil { common = try system.makeNamelessFile(in: folder) }
            if let common { try system.write(bytes, to: common, at: commonEnd) }
        } catch {
            failure = error
            if commonBytes == 0, let common {
                system.close(common)
                self.common = nil
            }
            return nil
        }
        defer {
            commonEnd += bytes.count
            commonBytes += bytes.count
        }
        return SpillExtent(offset: commonEnd, count: bytes.count)
    }

    /// Returns the first bytes of a piece and frees their space.
    ///
    /// - Parameter limit: the most bytes to return; the rest stays in `extent`.
    mutating func takeFirst(
        _ limit: Int, of extent: inout SpillExtent
    ) throws(Errno) -> [UInt8] {
        let count = min(limit, extent.count)
        guard let common else { wrongState("output was put into no file") }
        let bytes = try system.read(count, from: common, at: extent.offset)
        release(SpillExtent(offset: extent.offset, count: count))
        extent.offset += count
        extent.count -= count
        return bytes
    }

    /// Frees the space of a piece.
    mutating func release(_ extent: SpillExtent) {
        guard let common else { return }
        commonBytes -= extent.count
        if commonBytes == 0 {
            // Making a new file costs no more than truncating this one.
            system.close(common)
            self.common = nil
            commonEnd = 0
        } else {
            system.release(common, offset: extent.offset, count: extent.count)
        }
        failure = nil
    }

    // MARK: Files of chunks

    /// Makes a file for one chunk.
    ///
    /// - Returns: nil if there are enough of them, or if it cannot be made.
    mutating func makeChunkFile() -> ChunkFile? {
        guard ownFiles < mostOwnFiles, canMakeChunkFiles else { return nil }
        guard let file = try? system.makeNamelessFile(in: folder) else {
            canMakeChunkFiles = false
            return nil
        }
        ownFiles += 1
        return ChunkFile(descriptor: file)
    }

    /// Appends bytes.
    ///
    /// - Returns: false if they could not be written; see `failure`.
    mutating func append(_ bytes: [UInt8], to file: inout ChunkFile) -> Bool {
        do {
            try system.write(bytes, to: file.descriptor, at: file.end)
        } catch {
            failure = error
            return false
        }
        file.end += bytes.count
        return true
    }

    /// Moves bytes from a pipe to the end of the file.
    ///
    /// - Returns: the bytes moved, 0 at the end of the input; nil if they must be read instead.
    /// - Throws: `Errno.wouldBlock` if the pipe is empty.
    mutating func splice(
        from pipe: FileDescriptor, to file: inout ChunkFile
    ) throws(Errno) -> Int? {
        guard takesSplices, failure == nil else { return nil }
        do {
            let count = try system.splice(
                from: pipe, to: file.descriptor, at: file.end, atMost: largePipeSize)
            file.end += count
            return count
        } catch .wouldBlock {
            throw .wouldBlock
        } catch .invalid {
            takesSplices = false
        } catch {
            failure = error
        }
        return nil
    }

    /// Removes and returns the first bytes.
    func readFirst(_ limit: Int, of file: inout ChunkFile) throws(Errno) -> [UInt8] {
        let bytes = try system.read(
            min(limit, file.count), from: file.descriptor, at: file.start)
        file.start += bytes.count
        return bytes
    }

    /// Closes a file, which frees its space.
    mutating func close(_ file: ChunkFile) {
        system.close(file.descriptor)
        ownFiles -= 1
        failure = nil
    }

    deinit { if let common { system.close(common) } }
}

/// A piece of the common file: its offset and its length in bytes.
struct SpillExtent: Equatable {
    var offset: Int
    var count: Int
}

/// A file with output of one chunk. The bytes from `start` to `end` are not written yet.
struct ChunkFile: Equatable {
    let descriptor: FileDescriptor
    var start = 0
    var end = 0

    var count: Int { end - start }
}
