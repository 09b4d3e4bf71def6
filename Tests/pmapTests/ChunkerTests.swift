import Testing

@testable import pmap

/// Cuts `input` as a reader does to whom it comes in pieces of `pieceSize` bytes.
private func cuts(
    _ input: [UInt8], limits: ChunkLimits, delimiter: UInt8 = 0x0A, pieceSize: Int = .max
) -> [Cut] {
    var chunker = Chunker(limits: limits, delimiter: delimiter)
    var found: [Cut] = []
    var start = 0
    var end = 0
    while true {
        let atEnd = end == input.count
        let seen = Array(input[start..<end])
        switch seen.withUnsafeBytes({ chunker.next($0, atEnd: atEnd) }) {
        case nil:
            if atEnd { return found }
            end = min(input.count, pieceSize == .max ? input.count : end + pieceSize)
        case .chunk(let byteCount, let itemCount):
            found.append(.chunk(byteCount: byteCount, itemCount: itemCount))
            start += byteCount
        case .refused(let byteCount, let why):
            found.append(.refused(byteCount: byteCount, why: why))
            start += byteCount
        }
    }
}

private func limits(
    items: Int = .max, bytes: Int = .max, room: Int? = nil
) -> ChunkLimits {
    ChunkLimits(
        items: items, bytes: bytes,
        room: room.map {
            ArgumentRoom(total: $0, words: [], separator: [])
        })
}

@Suite struct ChunkerTests {
    @Test func aChunkHoldsTheItemsAskedForAndTheLastOneTheRest() {
        #expect(
            cuts(Array("a\nb\nc\nd\ne\n".utf8), limits: limits(items: 2)) == [
                .chunk(byteCount: 4, itemCount: 2), .chunk(byteCount: 4, itemCount: 2),
                .chunk(byteCount: 2, itemCount: 1),
            ])
    }

    @Test func aLastLineWithoutNewlineIsAnItem() {
        #expect(
            cuts(Array("a\nb".utf8), limits: limits(items: 1)) == [
                .chunk(byteCount: 2, itemCount: 1), .chunk(byteCount: 1, itemCount: 1),
            ])
    }

    @Test func emptyLinesAreItems() {
        #expect(
            cuts(Array("\n\n\n".utf8), limits: limits(items: 2)) == [
                .chunk(byteCount: 2, itemCount: 2), .chunk(byteCount: 1, itemCount: 1),
            ])
    }

    @Test func noInputIsNoChunk() {
        #expect(cuts([], limits: limits(items: 1)).isEmpty)
    }

    @Test func bytesBoundAChunkAndALongerItemStandsAlone() {
        #expect(
            cuts(Array("12\n34\n5678901\n2\n3\n".utf8), limits: limits(bytes: 6)) == [
                .chunk(byteCount: 6, itemCount: 2), .chunk(byteCount: 8, itemCount: 1),
                .chunk(byteCount: 4, itemCount: 2),
            ])
    }

    @Test func argumentsTakeTheirBytesANulAndAPointer() {
        // Three items of one byte: 3 x (1 + 1 + 8) = 30.
        let input = Array("a\nb\nc\n".utf8)
        #expect(cuts(input, limits: limits(room: 30)) == [.chunk(byteCount: 6, itemCount: 3)])
        #expect(
            cuts(input, limits: limits(room: 29)) == [
                .chunk(byteCount: 4, itemCount: 2), .chunk(byteCount: 2, itemCount: 1),
            ])
    }

    @Test func anItemTooLongForAnArgumentIsRefusedAlone() throws {
        // MAX_ARG_STRLEN of Linux is 32 pages, the NUL included.
        let longest = [UInt8](repeating: 0x78, count: 131_071)
        let tooLong = longest + [0x78]
        let input = [0x61, 0x0A] + tooLong + [0x0A] + longest + [0x0A]
        let found = cuts(input, limits: limits(room: 1 << 20))
        try #require(found.count == 3)
        #expect(found[0] == .chunk(byteCount: 2, itemCount: 1))
        guard case .refused(131_073, let why) = found[1] else {
            Issue.record("not refused: \(found[1])")
            return
        }
        #expect(why.contains("131072 bytes"))
        #expect(found[2] == .chunk(byteCount: 131_072, itemCount: 1))
    }

    @Test func anItemWithNULIsRefusedWhereItWouldBeAnArgument() throws {
        let input: [UInt8] = [0x61, 0, 0x62, 0x0A, 0x63, 0x0A]
        let found = cuts(input, limits: limits(room: 1000))
        try #require(found.count == 2)
        guard case .refused(4, _) = found[0] else {
            Issue.record("not refused: \(found[0])")
            return
        }
        #expect(found[1] == .chunk(byteCount: 2, itemCount: 1))
        #expect(cuts(input, limits: limits()) == [.chunk(byteCount: 6, itemCount: 2)])
        #expect(
            cuts(input, limits: limits(room: 1000), delimiter: 0) == [
                .chunk(byteCount: 6, itemCount: 2)
            ])
    }

    /// Whatever the sizes, the cuts are the input, in order, and each as full as it may be.
    @Test(arguments: UInt64(1)...40)
    func chunkingLosesAndRepeatsNothing(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let delimiter: UInt8 = Bool.random(using: &random) ? 0x0A : 0
        let input = (0..<Int.random(in: 0...3000, using: &random)).map { _ -> UInt8 in
            Int.random(in: 0..<6, using: &random) == 0 ? delimiter : 0x61
        }
        let limits = limits(
            items: Bool.random(using: &random) ? .max : .random(in: 1...9, using: &random),
            bytes: Bool.random(using: &random) ? .max : .random(in: 1...60, using: &random),
            room: Bool.random(using: &random) ? nil : .random(in: 2000...9000, using: &random))
        let whole = cuts(input, limits: limits, delimiter: delimiter)
        for pieceSize in [1, 7, 512] {
            #expect(
                cuts(input, limits: limits, delimiter: delimiter, pieceSize: pieceSize) == whole)
        }
        var items = input.split(separator: delimiter, omittingEmptySubsequences: false)[...]
        if items.last?.isEmpty == true { items.removeLast() }
        var rest = input[...]
        for cut in whole {
            guard case .chunk(let byteCount, let itemCount) = cut else {
                Issue.record("refused")
                return
            }
            let expected = items.prefix(itemCount).joined(separator: [delimiter])
            #expect(
                Array(rest.prefix(byteCount)) == Array(expected) + [delimiter]
                    || Array(rest) == Array(expected))
            #expect(itemCount <= limits.items)
            #expect(byteCount <= limits.bytes || itemCount == 1)
            rest = rest.dropFirst(byteCount)
            items = items.dropFirst(itemCount)
        }
        #expect(rest.isEmpty && items.isEmpty)
    }
}
