import Shared
import Testing

@testable import wcreduce

@Suite struct SelectionTests {
    private let fruit = [
        Entry(3, "pear"), Entry(3, "Pear"), Entry(5, "apple"), Entry(1, "fig"), Entry(1, "quince"),
    ]

    private func chosen(_ selection: Selection) throws -> [String] {
        var counts = try Counts()
        for entry in fruit { try add(entry.key, entry.count, to: &counts) }
        return try selected(&counts, selection).map { readable($0.key) }
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
        #expect(
            try chosen(Selection(sequence: .byKey)) == ["Pear", "apple", "fig", "pear", "quince"])
    }

    @Test func orderDoesNotChangeWhatTopKeeps() throws {
        #expect(try chosen(Selection(top: 3, sequence: .byKey)) == ["Pear", "apple", "pear"])
        #expect(try chosen(Selection(top: 3, isReversed: true)) == ["pear", "Pear", "apple"])
        #expect(
            try chosen(Selection(top: 3, sequence: .byKey, isReversed: true)) == [
                "pear", "apple", "Pear",
            ])
    }

    @Test func reverseTurnsTheOutputRound() throws {
        #expect(
            try chosen(Selection(isReversed: true)) == ["quince", "fig", "pear", "Pear", "apple"])
    }

    /// Against the standard library's sort of the keys as arrays.
    @Test func orderIsThatOfAnIndependentSort() throws {
        var random = SeededGenerator()
        for _ in 0..<30 {
            let keys = (0..<500).map { _ in randomKey(upTo: 40, &random) }
            var expected: [[UInt8]: UInt64] = [:]
            for key in keys { expected[key, default: 0] += 1 }
            func printed(_ selection: Selection) throws -> [Entry] {
                var counts = try Counts()
                for key in keys { try add(key, to: &counts) }
                return try selected(&counts, selection)
            }
            let entries = expected.map { Entry($1, $0) }
            let byCount = entries.sorted(by: isPrintedBefore)
            let byKey = entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            #expect(try printed(Selection()) == byCount, "\(random)")
            #expect(try printed(Selection(sequence: .byKey)) == byKey, "\(random)")
            #expect(
                try printed(Selection(isReversed: true)) == Array(byCount.reversed()),
                "\(random)")
            let top = Int.random(in: 0...600, using: &random)
            #expect(
                try printed(Selection(top: top)) == Array(byCount.prefix(top)), "\(random)"
            )
        }
    }

    /// Keys that share a beginning of every length, more of them than are sorted by insertion, and
    /// differ in one byte after it: each of the words of 8 and 7 bytes that a sort compares has
    /// a border there.
    @Test(arguments: 0...48) func keysThatShareABeginningAreSortedByTheNextByte(_ length: Int)
        throws
    {
        var random = SeededGenerator()
        let common = (0..<length).map { UInt8(0x61 + $0 % 26) }
        for count in [2, 24, 25, 200] {
            var keys = (0..<count).map { common + [UInt8($0)] + randomKey(upTo: 9, &random) }
            keys.append(common)
            var counts = try Counts()
            for key in keys.shuffled(using: &random) { try add(key, to: &counts) }
            let expected = keys.sorted { $0.lexicographicallyPrecedes($1) }
            #expect(
                try selected(&counts, Selection(sequence: .byKey)).map(\.key) == expected,
                "\(count) \(random)")
        }
    }

    /// A sort of long keys looks at 7 bytes at a time. Keys that differ before such a piece, are
    /// equal in all of it, and differ in the byte after it; the bytes after that one are in the
    /// opposite order, so one that is left out shows.
    @Test(arguments: 0...40) func noByteIsLeftOutBetweenTwoPieces(_ length: Int) throws {
        var random = SeededGenerator()
        let common = (0..<length).map { UInt8(0x61 + $0 % 26) }
        for gap in 5...8 {
            let keys = (0..<240).map { number in
                let inner = [UInt8](repeating: 0x78, count: gap)
                let last = UInt8(number / 2)
                return common + [UInt8(number % 2)] + inner + [last, 255 - last]
            }
            var counts = try Counts()
            for key in keys.shuffled(using: &random) { try add(key, to: &counts) }
            let expected = keys.sorted { $0.lexicographicallyPrecedes($1) }
            #expect(
                try selected(&counts, Selection(sequence: .byKey)).map(\.key) == expected,
                "gap \(gap) \(random)")
        }
    }

    /// Words of 8 bytes are compared where keys have so many, and NULs are bytes as others.
    @Test func keysOfEveryLengthAreComparedByTheirBytes() {
        var random = SeededGenerator()
        for _ in 0..<5000 {
            let common = randomKey(upTo: 24, &random)
            let a = common + randomKey(upTo: 3, &random)
            let b = common + randomKey(upTo: 3, &random)
            withPaddedCopy(of: a) { first in
                withPaddedCopy(of: b) { second in
                    let (one, other) = (Record(count: 1, key: first), Record(count: 1, key: second))
                    #expect(
                        Order.byKey.precedes(one, other) == a.lexicographicallyPrecedes(b),
                        "\(a) \(b) \(random)")
                    #expect(one.hasKey(of: other) == (a == b), "\(a) \(b) \(random)")
                }
            }
        }
    }

    /// What comes in so many sorted pieces is merged where they are few.
    /// All keys short, or some long.
    @Test(arguments: [1, 2, 15, 16, 17, 40], [15, 40])
    func keysThatComeInSortedPiecesComeOutInOrder(_ pieces: Int, _ longest: Int) throws {
        var random = SeededGenerator()
        let keys = Set((0..<6000).map { _ in randomKey(upTo: longest, &random) })
        let sorted = keys.sorted { $0.lexicographicallyPrecedes($1) }
        #expect(sorted.count > EntryRuns.fewestEntries)
        var dealt = [[[UInt8]]](repeating: [], count: pieces)
        for key in sorted { dealt[Int.random(in: 0..<pieces, using: &random)].append(key) }
        for selection in [
            Selection(), Selection(sequence: .byKey), Selection(isReversed: true),
            Selection(minimum: 2), Selection(top: 2000),
        ] {
            var counts = try Counts()
            // As counts too are to be in order: those of the first half are all twice as high.
            for key in dealt.joined() {
                let isEarly = key.lexicographicallyPrecedes(sorted[sorted.count / 2])
                try add(key, isEarly ? 2 : 1, to: &counts)
            }
            let expected = sorted.indices.map { Entry($0 < sorted.count / 2 ? 2 : 1, sorted[$0]) }
                .filter { $0.count >= selection.minimum }.prefix(selection.top ?? .max)
            #expect(
                try selected(&counts, selection)
                    == (selection.isReversed ? expected.reversed() : Array(expected)),
                "\(pieces), \(random)")
        }
    }
}
