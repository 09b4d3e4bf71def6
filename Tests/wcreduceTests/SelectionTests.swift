import Shared
import Testing

@testable import wcreduce

@Suite struct SelectionTests {
    private let fruit = [
        Entry(3, "pear"), Entry(3, "Pear"), Entry(5, "apple"), Entry(1, "fig"), Entry(1, "quince"),
    ]

    private func chosen(_ selection: Selection) throws -> [String] {
        var counts = try CountTable()
        for entry in fruit { try add(entry.key, entry.count, to: &counts) }
        return try selected(counts, selection).map { readable($0.key) }
    }

    @Test func theHighestCountIsFirstAndEqualCountsGoByBytes() throws {
        #expect(try chosen(Selection()) == ["apple", "Pear", "pear", "fig", "quince"])
    }

    @Test func topKeepsTheMostFrequent() throws {
        #expect(try chosen(Selection(top: 2)) == ["apple", "Pear"])
        #expect(try chosen(Selection(top: 0)) == [])
        #expect(try chosen(Selection(top: 99)).count == 5)
    }

    @Test func minimumKeepsWhatOccursThatOften() throws {
        #expect(try chosen(Selection(minimum: 3)) == ["apple", "Pear", "pear"])
        #expect(try chosen(Selection(minimum: 6)) == [])
        #expect(try chosen(Selection(top: 4, minimum: 3)) == ["apple", "Pear", "pear"])
    }

    @Test func byKeyIsTheOrderOfBytes() throws {
        #expect(try chosen(Selection(byKey: true)) == ["Pear", "apple", "fig", "pear", "quince"])
    }

    @Test func orderDoesNotChangeWhatTopKeeps() throws {
        #expect(try chosen(Selection(top: 3, byKey: true)) == ["Pear", "apple", "pear"])
        #expect(try chosen(Selection(top: 3, reversed: true)) == ["pear", "Pear", "apple"])
        #expect(
            try chosen(Selection(top: 3, byKey: true, reversed: true)) == ["pear", "apple", "Pear"])
    }

    @Test func reverseTurnsTheOutputRound() throws {
        #expect(
            try chosen(Selection(reversed: true)) == ["quince", "fig", "pear", "Pear", "apple"])
    }

    /// Against the standard library's sort of the keys as arrays.
    @Test func orderIsThatOfAnIndependentSort() throws {
        var random = SeededGenerator()
        for _ in 0..<30 {
            var expected: [[UInt8]: UInt64] = [:]
            var counts = try CountTable()
            for _ in 0..<500 {
                let key = randomKey(upTo: 40, &random)
                try add(key, to: &counts)
                expected[key, default: 0] += 1
            }
            let entries = expected.map { Entry($1, $0) }
            let byCount = entries.sorted(by: isPrintedBefore)
            let byKey = entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            #expect(try selected(counts) == byCount, "\(random)")
            #expect(try selected(counts, Selection(byKey: true)) == byKey, "\(random)")
            #expect(
                try selected(counts, Selection(reversed: true)) == Array(byCount.reversed()),
                "\(random)")
            let top = Int.random(in: 0...600, using: &random)
            #expect(
                try selected(counts, Selection(top: top)) == Array(byCount.prefix(top)), "\(random)"
            )
        }
    }
}
