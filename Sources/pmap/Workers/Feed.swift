import Shared

extension Worker.Feed {
    enum Result {
        case done
        /// The pipe is full, or it is the turn of other workers.
        case paused
        /// The chunk is a range of a file, which has become shorter.
        case shrunk
    }

    /// The most bytes at a time, so that a fast worker does not keep the others waiting.
    private static let bytesAtOnce = 1 << 20

    /// Writes what the pipe has room for.
    mutating func write<S: System>(_ system: S) throws(Errno) -> Result {
        let pause = bytesFed + Self.bytesAtOnce
        do throws(Errno) {
            while !isDone {
                if bytesFed >= pause { return .paused }
                let place = bytesFed - chunk.header.count
                if place < 0 {
                    bytesFed += try write(chunk.header, from: bytesFed, system)
                    continue
                }
                if place >= chunk.byteCount {
                    bytesFed += try write(ending, from: place - chunk.byteCount, system)
                    continue
                }
                // A pipe that takes only a part is full. To ask it once more costs time: it may wait
                // until the worker lets go of it.
                switch chunk.contents {
                case .memory(let bytes, _):
                    let count = try write(bytes, from: place, system)
                    bytesFed += count
                    if place + count < bytes.count { return .paused }
                case .range(let range):
                    let moved = try move(range, from: place, system)
                    if moved == 0 { return .shrunk }
                    bytesFed += moved
                case .piped(let block):
                    let (count, isAll) = try block.move(to: descriptor, system)
                    bytesFed += count
                    if !isAll { return .paused }
                }
            }
        } catch .wouldBlock {
            return .paused
        }
        return .done
    }

    private func write<S: System>(
        _ bytes: [UInt8], from start: Int, _ system: S
    ) throws(Errno) -> Int {
        try unsafe bytes.withUnsafeBufferPointer { bytes throws(Errno) in
            try unsafe system.write(
                UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start...])),
                to: descriptor)
        }
    }

    /// Moves bytes of a range into the pipe.
    ///
    /// - Returns: how many; 0 if the file ends before the range.
    private func move<S: System>(
        _ range: FileRange, from start: Int, _ system: S
    ) throws(Errno) -> Int {
        let (offset, left) = (range.offset + start, range.count - start)
        do throws(Errno) {
            return try system.splice(
                from: range.file, at: offset, to: descriptor,
                atMost: min(left, Self.bytesAtOnce))
        } catch .invalid {
            // Some file systems cannot splice.
            let size = min(left, usualPipeSize)
            var bytes = [UInt8](repeating: 0, count: size)
            let count = try unsafe bytes.withUnsafeMutableBufferPointer { memory throws(Errno) in
                try unsafe system.read(
                    range.file, at: offset, into: UnsafeMutableRawBufferPointer(memory))
            }
            if count == 0 { return 0 }
            bytes.removeLast(size - count)
            return try write(bytes, from: 0, system)
        }
    }
}
