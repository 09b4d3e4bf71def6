import Shared
import Testing

@testable import wcreduce

@Suite struct CountTableTests {
    /// Against Swift's Dictionary: keys of all lengths on both sides of the 16 bytes that a
    /// slot holds, with NUL bytes and bytes past 0x7F.
    @Test func countsAreThoseOfADictionary() throws {
        var random = SeededGenerator()
        var counts = try Counts()
        var expected: [[UInt8]: UInt64] = [:]
        for _ in 0..<100_000 {
            let key = randomKey(upTo: 70, &random)
            let count = UInt64.random(in: 1...3, using: &random)
            try add(key, count, to: &counts)
            expected[key, default: 0] += count
        }
        let found = try selected(&counts)
        #expect(found.count == expected.count, "\(random)")
        #expect(found.allSatisfy { expected[$0.key] == $0.count }, "\(random)")
    }

    @Test func itGrowsAndForgetsNothing() throws {
        var counts = try Counts()
        for number in 0..<50_000 { try add(Array("key \(number % 40_000)".utf8), to: &counts) }
        let found = try selected(&counts)
        #expect(found.count == 40_000)
        #expect(found.filter { $0.count == 2 }.count == 10_000)
    }

    @Test func keysThatDifferByANULByteAreDifferent() throws {
        var counts = try Counts()
        let keys: [[UInt8]] = [[], [0], [0, 0], [97], [97, 0], [97, 0, 0]]
        for (index, key) in keys.enumerated() { try add(key, UInt64(index + 1), to: &counts) }
        let expected = keys.enumerated().map { Entry(UInt64($0 + 1), $1) }.reversed()
        #expect(try selected(&counts) == Array(expected))
    }

    @Test func keysThatDifferInTheLastByteAreDifferent() throws {
        for length in 1...70 {
            var counts = try Counts()
            let common = [UInt8](repeating: 97, count: length - 1)
            try add(common + [98], 1, to: &counts)
            try add(common + [99], 2, to: &counts)
            try add(common, 3, to: &counts)
            #expect(
                try selected(&counts) == [
                    Entry(3, common), Entry(2, common + [99]), Entry(1, common + [98]),
                ],
                "length \(length)")
        }
    }

    private func isAdded(_ key: [UInt8], to table: inout CountTable) throws -> Bool {
        try withPaddedCopy(of: key) { try table.add($0, 1) }
    }

    /// Else a key that is longer than all memory could not be counted at all.
    @Test(arguments: [0, 1, 66_000, 70_000, 1 << 20]) func anEmptyTableTakesAKeyOfAnyLength(
        _ limit: Int
    ) throws {
        for length in [1, 15, 16, 100, 70_000, 1 << 20, 3 << 20] {
            var table = try CountTable(limit: limit)
            let key = [UInt8](repeating: 97, count: length)
            try #require(isAdded(key, to: &table), "\(length)")
            // The next one waits for memory, at the latest when another one is in.
            let others = try (0..<3).map { try isAdded(key + [UInt8($0)], to: &table) }
            if length > limit { #expect(others == [false, false, false]) }
            let isKnown = try isAdded(key, to: &table)
            #expect(isKnown && table.count == 1 + others.filter { $0 }.count)
        }
    }

    @Test func aTableThatWasEmptiedKnowsNoKey() throws {
        var table = try CountTable(limit: 1 << 20)
        let keys = (0..<5000).map { Array("\($0 % 2 == 0 ? "" : "a long key, number ")\($0)".utf8) }
        for _ in 0..<3 {
            for key in keys { try #require(isAdded(key, to: &table)) }
            #expect(table.count == keys.count)
            table.removeAll()
            #expect(table.count == 0)
        }
        for key in keys { try #require(isAdded(key, to: &table)) }
        var counts: Set<UInt64> = []
        try table.takeEntries().visit { counts.insert($0.count) }
        #expect(counts == [1])
    }

    @Test func aTableThatIsFullTakesMoreOnlyWithAHigherLimit() throws {
        var table = try CountTable(limit: 1 << 20)
        var number = 0
        func fill() throws {
            while try isAdded(Array("\(number)".utf8), to: &table) { number += 1 }
        }
        try fill()
        let first = number
        for limit in [0, 1 << 19, 1 << 20] {
            let isRaised = table.raise(limit: limit)
            #expect(!isRaised)
        }
        let isRaised = table.raise(limit: 2 << 20)
        #expect(isRaised)
        try fill()
        #expect(number > first + first / 2 && table.count == number)
        // 24 bytes an entry and 8 a place of the index.
        #expect(number * 24 + (table.indexMask + 1) * 8 <= 2 << 20)
    }

    /// The numbers of a hash for which all keys with this beginning, or this end, have one hash.
    private struct Numbers: RandomNumberGenerator {
        var rest: [UInt64]
        mutating func next() -> UInt64 { rest.removeFirst() }
    }

    private func word(_ text: String) -> UInt64 {
        text.utf8.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A product of 0 is 0 whatever the other half of the key.
    @Test func keysOfOneHashAreDifferent() throws {
        let (beginning, end) = ("beginnin", "abcdefg\u{F}")
        var numbers = Numbers(rest: [word(beginning), word(end), 7])
        let hash = KeyedHash(using: &numbers)
        var keys: [String] = []
        for letter in ["", "a", "b", "aa", "ab", "aaaaaaa", "aaaaaab", "baaaaaa"] {
            keys.append(beginning + letter)
        }
        // As long as a short key may be: its last byte in the table is its length, 15.
        for letter in ["a", "b", "c"] { keys.append("1234567" + letter + end.dropLast()) }
        for letter in ["", "a", "b", "aa"] {
            keys.append("a long key 1" + letter + end)
            keys.append(letter + "a long key 2" + end)
        }
        // The beginning of another one.
        keys.append("a long key 1" + end + end)
        var table = try CountTable(hash: hash)
        for _ in 0..<2 {
            for (index, key) in keys.enumerated() {
                let isAdded = try withPaddedCopy(of: key.utf8) {
                    try table.add($0, UInt64(index + 1))
                }
                #expect(isAdded)
            }
        }
        var found: [String: UInt64] = [:]
        try table.takeEntries().visit { found[readable($0.key)] = $0.count }
        #expect(found.count == keys.count)
        for (index, key) in keys.enumerated() {
            #expect(found[readable(Array(key.utf8))] == UInt64(2 * (index + 1)), "\(key)")
        }
    }

    @Test(arguments: ["short", "a key that is longer than a slot"])
    func aCountPast64BitsIsAnError(_ key: String) throws {
        var counts = try Counts()
        try add(Array(key.utf8), .max - 1, to: &counts)
        try add(Array(key.utf8), 1, to: &counts)
        var error: (any Error)?
        do { try add(Array(key.utf8), 1, to: &counts) } catch let thrown { error = thrown }
        #expect(error as? Errno == .overflow)
        #expect(try selected(&counts) == [Entry(.max, key)])
    }
}

@Suite struct CountingTests {
    private func counted(_ text: String, delimiter: UInt8 = 0x0A) throws -> [Entry] {
        var counts = try Counts()
        try count(Array(text.utf8), delimiter: delimiter, into: &counts)
        return try selected(&counts)
    }

    @Test func equalLinesAreCounted() throws {
        #expect(try counted("b\na\nb\n") == [Entry(2, "b"), Entry(1, "a")])
    }

    @Test func noInputHasNoLines() throws { #expect(try counted("") == []) }

    @Test func anEmptyLineIsALine() throws {
        #expect(try counted("\n\na\n") == [Entry(2, ""), Entry(1, "a")])
    }

    @Test func lastLineWithoutNewlineIsCounted() throws {
        #expect(try counted("a\nb\na") == [Entry(2, "a"), Entry(1, "b")])
        #expect(try counted("a\n\n") == [Entry(1, ""), Entry(1, "a")])
    }

    @Test func caseAndBlanksCount() throws {
        #expect(try counted("a\nA\na \n a\n").count == 4)
    }

    @Test func anyByteMayDelimit() throws {
        #expect(try counted("a\nb\0c\0a\nb\0", delimiter: 0) == [Entry(2, "a\nb"), Entry(1, "c")])
    }

    /// Lines of every length up to 40 bytes, each followed by one that would show a byte too
    /// many or too few.
    @Test func linesOfEveryLengthAreTakenWhole() throws {
        for length in 0...40 {
            let line = String("abcdefghijklmnopqrstuvwxyz0123456789ABCD".prefix(length))
            let found = try counted("\(line)\n\(line)\n\(line)x\n")
            #expect(found == [Entry(2, line), Entry(1, line + "x")], "length \(length)")
        }
    }

    @Test func blocksDoNotMatter() throws {
        var random = SeededGenerator()
        for _ in 0..<100 {
            let lines = (0..<50).map { _ in randomKey(upTo: 40, &random) }
            var expected: [[UInt8]: UInt64] = [:]
            for line in lines { expected[line, default: 0] += 1 }
            let bytes = Array(lines.joined(separator: [0x0A])) + [0x0A]
            for blockSize in [2, 7, 64, 4096] {
                var counts = try Counts()
                try count(bytes, blockSize: blockSize, into: &counts)
                let entries = expected.map { Entry($1, $0) }.sorted(by: isPrintedBefore)
                #expect(try selected(&counts) == entries, "\(random), block size \(blockSize)")
            }
        }
    }
}
