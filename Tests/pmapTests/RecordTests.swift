import Testing

@testable import pmap

/// What the log, the list of failed items and the last line are made of.
struct RecordTests {
    /// The vectors are those of the algorithm's authors. The last byte is taken for the
    /// delimiter, of which each item has one already.
    @Test(
        arguments: [("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
            as [(String, UInt64)])
    func theHashIsFNV1a(text: String, hash: UInt64) {
        let bytes = Array(text.utf8)
        let chunk = Chunk(number: 1, itemCount: 1, bytes: bytes)
        #expect(ChunkMark(chunk, delimiter: bytes.last!).hash == hash)
        // The last item of the input may lack its delimiter.
        let short = Chunk(number: 1, itemCount: 1, bytes: Array(bytes.dropLast()))
        #expect(ChunkMark(short, delimiter: bytes.last!).hash == hash)
    }

    @Test func aHashHas16Digits() throws {
        let mark = try #require(ChunkMark(items: "3", hash: "00000000000000ff"))
        #expect(mark.hash == 255 && mark.hashText == "00000000000000ff")
        #expect(ChunkMark(items: "x", hash: "0") == nil)
        #expect(ChunkMark(items: "1", hash: "items") == nil)
    }

    /// Cutting all items and taking the outer ones is the same.
    @Test func outerItemsAreThoseOfAllItems() {
        var random = SeededGenerator()
        for _ in 0..<500 {
            let count = Int.random(in: 1...12, using: &random)
            let items = (0..<count).map { _ in
                [UInt8](repeating: 0x61, count: .random(in: 0...2, using: &random))
            }
            var bytes = Array(items.joined(separator: [0x0A]))
            if items.last == [] || Bool.random(using: &random) { bytes.append(0x0A) }
            let chunk = Chunk(number: 1, itemCount: count, bytes: bytes)
            let first = Int.random(in: 1...4, using: &random)
            let last = Int.random(in: 1...4, using: &random)
            let outer = chunk.outerItems(delimiter: 0x0A, first: first, last: last)
            let wanted =
                count <= first + last ? items : Array(items.prefix(first) + items.suffix(last))
            #expect((outer.front + outer.back).map { Array($0) } == wanted, "\(random)")
            #expect(outer.leftOut == count - wanted.count)
        }
    }

    @Test func aPauseDoublesUpToAnHour() {
        let pauses = (1...15).map { pause(afterAttempt: $0, .seconds(1)) / .seconds(1) }
        #expect(pauses.prefix(12) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048])
        #expect(pauses[12...] == [3600, 3600, 3600])
        #expect(pause(afterAttempt: .max, .seconds(7200)) == .seconds(7200))
        #expect(pause(afterAttempt: 9, .zero) == .zero)
    }

    @Test func theFirstFailureIsThatOfTheLowestChunk() throws {
        var summary = FailureSummary()
        #expect(summary.message(total: 9, place: "see x") == nil)
        summary.noteDone()
        #expect(summary.isFirst(7))
        summary.noteFailed(7, "seven")
        #expect(summary.isFirst(3) && !summary.isFirst(8))
        summary.noteFailed(3, "three")
        summary.noteFailed(8, "eight")
        let message = try #require(summary.message(total: 9, place: "see x"))
        #expect(message.what == "3 of 9 chunks failed, 5 were not done")
        #expect(message.why == "the first, chunk 3, three; see x")
    }

    /// Nobody may take a list for complete that is not.
    @Test func aLostRecordGives1WhateverElseHappened() {
        var tally = Tally()
        for outcome in [Outcome.exited(status: 255), .killed(signal: 9)] { tally.note(outcome) }
        tally.noteNotStarted(.noEntry)
        #expect(tally.exitStatus == 127)
        tally.noteLostRecord()
        #expect(tally.exitStatus == 1)
    }
}
