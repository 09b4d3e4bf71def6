import Shared

/// Collects blocks of items from a pipe without copying them.
///
/// splice(2) moves the pages that hold the bytes from the input to pipes of pmap's own, and later to
/// a worker. To find and count the items, pmap reads a copy that tee(2) makes, into a window that
/// stays in the processor's cache. To read and write the bytes takes several times as long.
final class BlockPipes<S: System> {
    private let system: S
    private let delimiter: UInt8
    private let hashes: Bool
    /// The bytes that a pipe can hold if its pages are full.
    private let pipeSize: Int
    /// A smaller block is read into memory.
    private let leastBlock: Int
    private let live: LivePipes

    /// Bytes that are in no block yet, and the pipe for the copy of them.
    private let staging: PipeEnds
    private let copying: PipeEnds
    private var stagedBytes = 0
    private var stagedItems = 0
    private var window: [UInt8] = []
    /// The block that is being collected: whole items.
    private var block: PipedBlock

    /// - Parameters:
    ///   - hashes: whether the hashes of the blocks are needed.
    ///   - live: counts the pipes of all blocks.
    init(
        _ system: S, _ file: InputFile, delimiter: UInt8, hashes: Bool, live: LivePipes
    ) throws(Errno) {
        self.system = system
        self.delimiter = delimiter
        self.hashes = hashes
        self.live = live
        pipeSize = file.pipeSize
        leastBlock = file.leastRange
        staging = try Self.makePipe(system, size: file.pipeSize)
        do throws(Errno) {
            copying = try Self.makePipe(system, size: file.pipeSize)
        } catch {
            system.close(staging.reading)
            system.close(staging.writing)
            throw error
        }
        block = PipedBlock(live, hashes: hashes) { system.close($0) }
    }

    deinit {
        for pipe in [staging, copying] {
            system.close(pipe.reading)
            system.close(pipe.writing)
        }
    }

    /// - Throws: also `Errno.notPermitted` if the kernel grants only a smaller pipe.
    private static func makePipe(_ system: S, size: Int) throws(Errno) -> PipeEnds {
        let pipe = try system.makePipe()
        if system.enlargePipe(pipe.writing, to: size) >= size { return pipe }
        system.close(pipe.reading)
        system.close(pipe.writing)
        throw .notPermitted
    }

    /// Bytes in the block and after it.
    var count: Int { block.count + stagedBytes }
    /// Delimiters among them.
    var items: Int { block.itemCount + stagedItems }
    /// Whether there is a block of whole items.
    var hasBlock: Bool { block.count > 0 }
    /// Whether the bytes after the block are more than is worth moving: an item is long.
    var isClogged: Bool { stagedBytes > leastBlock }

    // MARK: Collecting

    /// Moves what the input has now. Call `collect` next.
    ///
    /// - Returns: the number of bytes moved; 0 at the end of the input.
    /// - Throws: `Errno.wouldBlock` if it has nothing; other errors if it cannot be moved.
    func take(from input: FileDescriptor) throws(Errno) -> Int {
        let count: Int
        do throws(Errno) {
            count = try system.splice(from: input, to: staging.writing, atMost: pipeSize)
        } catch {
            // The kernel counts the parts of pages, so the pipe can be full of a few bytes.
            if error == .wouldBlock, stagedBytes > 0, system.isReady(input, for: .reading) {
                throw .noSpace
            }
            throw error
        }
        stagedBytes += count
        return count
    }

    /// Takes bytes that were read before. There must be no others, and they must fit into a pipe.
    func put(_ bytes: [UInt8]) throws(Errno) {
        try system.writeAll(bytes, to: staging.writing)
        stagedBytes = bytes.count
    }

    /// Moves whole items into the block, as many as fit.
    ///
    /// - Parameter limit: the most bytes in the block.
    func collect(limit: Int) throws(Errno) {
        let room = limit - block.count
        if stagedBytes == 0 || room <= 0 { return }
        try readCopy()
        let (all, delimiter) = (stagedBytes, self.delimiter)
        let (end, found, left) = unsafe window.withUnsafeBytes { window in
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: window[..<all])
            let fitting = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<min(all, room)])
            let end = unsafe lastOffset(of: delimiter, in: fitting).map { $0 + 1 } ?? 0
            let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<end])
            unsafe block.note(part)
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[end...])
            return unsafe (
                end, occurrences(of: delimiter, in: part), occurrences(of: delimiter, in: rest)
            )
        }
        var unmoved = end
        while unmoved > 0 {
            let moved = try move(atMost: unmoved)
            unmoved -= moved
            stagedBytes -= moved
        }
        block.itemCount += found
        stagedItems = left
    }

    /// Copies all staged bytes into the window.
    private func readCopy() throws(Errno) {
        let wanted = stagedBytes
        if window.count < wanted {
            window = [UInt8](repeating: 0, count: max(wanted, min(2 * wanted, pipeSize)))
        }
        let count = try system.tee(from: staging.reading, to: copying.writing, atMost: wanted)
        var known = 0
        while known < count {
            let (system, source) = (self.system, copying.reading)
            known += try unsafe window.withUnsafeMutableBufferPointer { window throws(Errno) in
                let part = unsafe UnsafeMutableBufferPointer(rebasing: window[known..<count])
                return try unsafe system.read(
                    source, into: UnsafeMutableRawBufferPointer(part))
            }
        }
        if count < wanted { throw .noSpace }
    }

    /// Moves staged bytes to the end of the block.
    private func move(atMost count: Int) throws(Errno) -> Int {
        if let last = block.pipes.last {
            do throws(Errno) {
                let moved = try system.splice(
                    from: staging.reading, to: last.ends.writing, atMost: count)
                block.add(moved)
                return moved
            } catch {
                if error != .wouldBlock { throw error }
            }
        }
        if live.count >= LivePipes.most { throw .noSpace }
        block.add(try Self.makePipe(system, size: pipeSize))
        return 0
    }

    // MARK: Cutting

    /// Ends the block, and begins another one. Call `collect` next.
    func takeBlock() throws(Errno) -> Chunk.Contents {
        let taken = block
        if taken.count >= leastBlock {
            block = PipedBlock(live, hashes: hashes, close: taken.close)
            return .piped(taken)
        }
        let bytes = try readBlock()
        let items = block.itemCount
        block = PipedBlock(live, hashes: hashes, close: taken.close)
        return .memory(bytes, itemCount: items)
    }

    private func readBlock() throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        for pipe in block.pipes { bytes += try read(pipe.count, from: pipe.ends.reading) }
        return bytes
    }

    /// Reads all bytes into memory: those of the block and those after it.
    func drain() throws(Errno) -> [UInt8] {
        let bytes = try readBlock()
        return try bytes + read(stagedBytes, from: staging.reading)
    }

    /// Reads bytes that are known to be in a pipe.
    private func read(_ count: Int, from pipe: FileDescriptor) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var known = 0
        while known < count {
            let system = self.system
            known += try unsafe bytes.withUnsafeMutableBufferPointer { bytes throws(Errno) in
                let part = unsafe UnsafeMutableBufferPointer(rebasing: bytes[known...])
                return try unsafe system.read(pipe, into: UnsafeMutableRawBufferPointer(part))
            }
        }
        return bytes
    }
}

/// The pipes that hold blocks.
final class LivePipes {
    fileprivate(set) var count = 0

    /// The most pipes at a time. All large pipes of an unprivileged user may take 64 MiB together
    /// (pipe(7)).
    static let most = 24

    /// Whether another block of this size can be had.
    ///
    /// - Parameter pipeSize: the bytes in a pipe.
    func hasRoom(for block: Int, pipeSize: Int) -> Bool {
        // Its pages need not be full.
        block < pipeSize * Self.most && count + block / pipeSize + 2 <= Self.most
    }
}

/// A block of whole items in pipes. It can be read once.
final class PipedBlock {
    fileprivate(set) var pipes: [(ends: PipeEnds, count: Int)] = []
    fileprivate(set) var count = 0
    fileprivate(set) var itemCount = 0
    /// The first and the last bytes, as many as in a sample of a range.
    private(set) var head: [UInt8] = []
    private(set) var tail: [UInt8] = []
    private(set) var hash: BlockHash?
    private let live: LivePipes
    fileprivate let close: (FileDescriptor) -> Void

    /// - Parameter close: closes a descriptor.
    init(_ live: LivePipes, hashes: Bool, close: @escaping (FileDescriptor) -> Void) {
        self.live = live
        self.close = close
        if hashes { hash = BlockHash() }
    }

    deinit { while !pipes.isEmpty { closeFirst() } }

    private func closeFirst() {
        let (ends, _) = pipes.removeFirst()
        close(ends.reading)
        close(ends.writing)
        live.count -= 1
    }

    fileprivate func add(_ pipe: PipeEnds) {
        pipes.append((pipe, 0))
        live.count += 1
    }

    fileprivate func add(_ moved: Int) {
        pipes[pipes.count - 1].count += moved
        count += moved
    }

    /// Notes bytes that will be added.
    fileprivate func note(_ bytes: UnsafeRawBufferPointer) {
        let sample = FileRange.sampleSize
        if head.count < sample {
            unsafe head += bytes[..<min(sample - head.count, bytes.count)]
        }
        tail = Array(tail[max(0, min(tail.count, tail.count + bytes.count - sample))...])
        unsafe tail += bytes[max(0, bytes.count - sample)...]
        unsafe hash?.add(bytes)
    }

    /// Moves what is in the first pipe to another one. There must be something left.
    ///
    /// - Returns: the number of bytes moved, and whether these were all of that pipe.
    func move<S: System>(
        to output: FileDescriptor, _ system: S
    ) throws(Errno) -> (count: Int, isAll: Bool) {
        guard let first = pipes.first else { wrongState("a block has less than was in it") }
        let moved = try system.splice(
            from: first.ends.reading, to: output, atMost: first.count)
        pipes[0].count -= moved
        if moved < first.count { return (moved, false) }
        closeFirst()
        return (moved, true)
    }
}
