import Shared
import Testing

private let newline = UInt8(ascii: "\n")

/// What a reader makes of a file: its blocks, each of whole records.
private func blocks(
    _ bytes: [UInt8], blockSize: Int, delimiter: UInt8 = newline
) throws -> [[UInt8]] {
    let file = try ScratchFile(bytes)
    var reader = try BlockReader(file.descriptor, blockSize: blockSize)
    var found: [[UInt8]] = []
    while let block = try reader.nextRecords(delimiter: delimiter) { found.append(Array(block)) }
    return found
}

/// The same through a pipe that never holds more than the next piece.
private func blocksThroughPipe(
    _ bytes: [UInt8], blockSize: Int, pieceSize: () -> Int
) throws -> [[UInt8]] {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    var reader = try BlockReader(FileDescriptor(ends[0]), blockSize: blockSize)
    var rest = bytes[...]
    var inPipe = 0
    func refill() {
        guard inPipe == 0, ends[1] != -1 else { return }
        let piece = rest.prefix(pieceSize())
        rest = rest.dropFirst(piece.count)
        inPipe = piece.count
        _ = Array(piece).withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
        if rest.isEmpty {
            close(ends[1])
            ends[1] = -1
        }
    }
    refill()
    var found: [[UInt8]] = []
    // The reader asks once for each read that brought something.
    while let block = try reader.next({ fresh in
        inPipe -= fresh.count
        refill()
        return fresh.lastIndex(of: newline).map { $0 + 1 }
    }) { found.append(Array(block)) }
    return found
}

@Suite struct BlockReaderTests {
    @Test func anEmptyFileHasNoBlock() throws { #expect(try blocks([], blockSize: 16) == []) }

    @Test func lastRecordWithoutDelimiterIsHandedOut() throws {
        #expect(
            try blocks(Array("a\nbc".utf8), blockSize: 64).flatMap { $0 } == Array("a\nbc".utf8))
        #expect(try blocks(Array("abc".utf8), blockSize: 64) == [Array("abc".utf8)])
    }

    @Test func anyByteMayDelimit() throws {
        let found = try blocks([1, 0, 10, 10, 0, 2], blockSize: 64, delimiter: 0)
        #expect(found == [[1, 0, 10, 10, 0], [2]])
    }

    /// A record of a megabyte in a buffer of 16 bytes.
    @Test func aRecordHasNoLengthLimit() throws {
        let long = [UInt8](repeating: 7, count: 1 << 20) + [newline]
        let found = try blocks([1, newline] + long + [2, newline], blockSize: 16)
        #expect(found.flatMap { $0 } == [1, newline] + long + [2, newline])
        #expect(found.allSatisfy { $0.last == newline })
    }

    @Test func noRecordIsSplitAtAnyBlockSize() throws {
        var random = SeededGenerator()
        for _ in 0..<300 {
            let size = Int.random(in: 0...2000, using: &random)
            let longest = Int.random(in: 1...200, using: &random)
            let bytes = (0..<size).map { _ in
                Int.random(in: 0..<longest, using: &random) == 0
                    ? newline : .random(in: .min ... .max, using: &random)
            }
            let blockSize = Int.random(in: 2...300, using: &random)
            let found = try blocks(bytes, blockSize: blockSize)
            #expect(found.flatMap { $0 } == bytes, "\(random)")
            #expect(found.dropLast().allSatisfy { $0.last == newline }, "\(random)")
            #expect(found.allSatisfy { !$0.isEmpty }, "\(random)")
        }
    }

    @Test func aPipeThatGivesOneByteAtATimeLosesNothing() throws {
        let bytes = Array("one\ntwo\n\nthree, a longer one\nlast".utf8)
        let found = try blocksThroughPipe(bytes, blockSize: 8) { 1 }
        let records = ["one\n", "two\n", "\n", "three, a longer one\n", "last"]
        #expect(found == records.map { Array($0.utf8) })
    }

    @Test func shortReadsLoseNothing() throws {
        var random = SeededGenerator()
        for _ in 0..<100 {
            let bytes = (0..<Int.random(in: 0...3000, using: &random)).map { _ in
                UInt8.random(in: 0...40, using: &random)
            }
            let blockSize = Int.random(in: 2...300, using: &random)
            var sizes = random
            let found = try blocksThroughPipe(bytes, blockSize: blockSize) {
                Int.random(in: 1...500, using: &sizes)
            }
            #expect(found.flatMap { $0 } == bytes, "\(random)")
            #expect(found.dropLast().allSatisfy { $0.last == newline }, "\(random)")
        }
    }

    @Test func aReaderTurnsToAnotherFile() throws {
        let first = try ScratchFile(Array("a\nb".utf8))
        let second = try ScratchFile(Array("c\n".utf8))
        var reader = try BlockReader(first.descriptor, blockSize: 4)
        #expect(try reader.nextRecords(delimiter: newline).map { Array($0) } == Array("a\n".utf8))
        reader.turn(to: second.descriptor)
        #expect(try reader.nextRecords(delimiter: newline).map { Array($0) } == Array("c\n".utf8))
        #expect(try reader.nextRecords(delimiter: newline) == nil)
    }

    @Test func aFileThatCannotBeReadIsAnError() throws {
        let folder = try OpenFile(path: "/")
        var reader = try BlockReader(folder.descriptor)
        #expect(throws: Errno(EISDIR)) { try reader.nextRecords(delimiter: newline) == nil }
    }
}

@Suite struct InputBufferTests {
    @Test func itGrowsAndKeepsWhatItHolds() throws {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let file = try ScratchFile(bytes)
        var buffer = try InputBuffer(capacity: 16)
        while try buffer.fill(from: file.descriptor) > 0 {}
        #expect(buffer.count == bytes.count)
        #expect(Array(buffer.bytes) == bytes)
    }

    @Test func whatIsConsumedIsGoneAndNothingElse() throws {
        var random = SeededGenerator()
        let bytes = (0..<20_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let file = try ScratchFile(bytes)
        var buffer = try InputBuffer(capacity: 64)
        var used: [UInt8] = []
        while try buffer.fill(from: file.descriptor) > 0 || buffer.count > 0 {
            let size = Int.random(in: 0...buffer.count, using: &random)
            used += buffer.bytes[..<size]
            buffer.consume(size)
        }
        #expect(used == bytes, "\(random)")
    }
}
