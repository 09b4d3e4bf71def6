import Shared

/// Waiting output in pipes of pmap's own. splice(2) moves its pages there from a worker's pipe, and on
/// to standard output, so that nobody copies a byte. To move output into a file copies it once.
struct HeldPipes<S: System>: ~Copyable {
    private let system: S
    private let pipeSize: Int
    private var count = 0
    private let most: Int
    /// Whether the kernel has granted all that was asked of it.
    private var works = true
    /// The capacity of the last pipe that was made, at least `pipeSize`.
    private var lastCapacity: Int
    /// The bytes of memory that the pipes may take.
    private(set) var memoryBytes = 0

    /// - Parameter pipeSize: the bytes that a pipe should hold if its pages are full.
    init(_ system: S, pipeSize: Int) {
        self.system = system
        self.pipeSize = pipeSize
        lastCapacity = pipeSize
        // Other descriptors are for workers and files. The large pipes of an unprivileged user may
        // take 64 MiB together (pipe(7)), and blocks of the input are in such pipes too.
        most = min(24, system.descriptorLimit / 16)
    }

    /// Makes a pipe for one chunk.
    ///
    /// - Parameter room: the bytes of memory that it may take.
    /// - Returns: nil if there are enough of them, or if it cannot be had.
    mutating func make(room: Int) -> HeldPipe? {
        guard works, count < most, lastCapacity <= room else { return nil }
        guard let ends = try? system.makePipe() else {
            works = false
            return nil
        }
        let capacity = system.enlargePipe(ends.writing, to: pipeSize)
        lastCapacity = max(capacity, pipeSize)
        if capacity < pipeSize || capacity > room {
            works = capacity >= pipeSize
            closeEnds(ends)
            return nil
        }
        count += 1
        memoryBytes += capacity
        return HeldPipe(ends: ends, capacity: capacity)
    }

    /// Moves bytes from a worker's pipe to the end of this one.
    ///
    /// - Returns: the bytes moved, 0 at the end of the input; nil if they do not go there.
    /// - Throws: `Errno.wouldBlock` if the worker's pipe is empty.
    mutating func splice(
        from source: FileDescriptor, to pipe: inout HeldPipe
    ) throws(Errno) -> Int? {
        guard works, pipe.count < pipe.capacity else { return nil }
        do {
            let count = try system.splice(
                from: source, to: pipe.ends.writing, atMost: largePipeSize)
            pipe.count += count
            return count
        } catch .wouldBlock {
            // The kernel counts parts of pages, so a pipe can be full of a few bytes.
            if system.isReady(source, for: .reading) { return nil }
            throw .wouldBlock
        } catch {
            works = false
            return nil
        }
    }

    /// Removes and returns the first bytes.
    func readFirst(_ limit: Int, of pipe: inout HeldPipe) throws(Errno) -> [UInt8] {
        if pipe.count == 0 { return [] }
        var bytes = [UInt8](repeating: 0, count: min(limit, pipe.count))
        let (system, source) = (self.system, pipe.ends.reading)
        let count = try unsafe bytes.withUnsafeMutableBufferPointer { bytes throws(Errno) in
            try unsafe system.read(source, into: UnsafeMutableRawBufferPointer(bytes))
        }
        if count == 0 { throw .inputOutput }
        pipe.count -= count
        return Array(bytes.prefix(count))
    }

    /// Closes a pipe, with what is left in it.
    mutating func close(_ pipe: HeldPipe) {
        closeEnds(pipe.ends)
        count -= 1
        memoryBytes -= pipe.capacity
    }

    private func closeEnds(_ ends: PipeEnds) {
        system.close(ends.reading)
        system.close(ends.writing)
    }
}

/// A pipe with output of one chunk, of which `count` bytes are not written yet.
struct HeldPipe {
    let ends: PipeEnds
    let capacity: Int
    var count = 0
}
