import Shared
import Testing

@testable import wcreduce

@Suite struct CountedRecordTests {
    private func parsed(_ record: String) throws -> Entry {
        try withPaddedCopy(of: record.utf8) { copy in
            let (count, key) = try CountedForm.countFirst.parse(copy)
            return Entry(count, Array(key))
        }
    }

    @Test func aRecordIsCountTabKey() throws {
        #expect(try parsed("5\tapple") == Entry(5, "apple"))
        #expect(try parsed("5\tapple pie") == Entry(5, "apple pie"))
        #expect(try parsed("007\t7") == Entry(7, "7"))
    }

    /// `%7d %s` in coreutils, `%4d %s` in BSD.
    @Test func aRecordMayBeWhatUniqPrints() throws {
        #expect(try parsed("      5 apple") == Entry(5, "apple"))
        #expect(try parsed("   5 apple") == Entry(5, "apple"))
        #expect(try parsed("12345678 apple") == Entry(12_345_678, "apple"))
    }

    @Test func onlyOneSeparatorIsTaken() throws {
        #expect(try parsed("5\t\tapple") == Entry(5, "\tapple"))
        #expect(try parsed("5  apple") == Entry(5, " apple"))
        #expect(try parsed("5\t") == Entry(5, ""))
        #expect(try parsed("5 ") == Entry(5, ""))
    }

    @Test(arguments: ["", " ", "apple", "-1\ta", "+1\ta", "\t5\ta", "٣\ta", "x5\ta"])
    func aRecordWithoutCountIsRefused(_ record: String) {
        #expect(throws: CountProblem.noCount) { try parsed(record) }
    }

    @Test(arguments: ["5", "  5", "5x", "5.0\ta", "5,000\ta", "1e3\ta", "0x10\ta"])
    func aCountWithoutKeyIsRefused(_ record: String) {
        #expect(throws: CountProblem.noKey) { try parsed(record) }
    }

    @Test func aCountPast64BitsIsRefused() throws {
        #expect(try parsed("18446744073709551615\ta") == Entry(.max, "a"))
        for count in ["18446744073709551616", "28446744073709551615", "184467440737095516150"] {
            #expect(throws: CountProblem.tooLarge) { try parsed("\(count)\ta") }
        }
    }
}

@Suite struct MergeTests {
    private func failure(_ text: String) -> Failure? {
        do {
            var counts = try Counts()
            try merge(Array(text.utf8), into: &counts)
            return nil
        } catch { return error as? Failure }
    }

    @Test func countsOfEqualKeysAddUp() throws {
        var counts = try Counts()
        try merge(Array("2\ta\n      3 b\n4\ta".utf8), into: &counts)
        #expect(try selected(&counts) == [Entry(6, "a"), Entry(3, "b")])
    }

    @Test func aCountOfZeroIsNoLine() throws {
        var counts = try Counts()
        try merge(Array("0\ta\n1\tb\n".utf8), into: &counts)
        #expect(try selected(&counts) == [Entry(1, "b")])
    }

    @Test func anErrorNamesFileAndLine() {
        let long = String(repeating: "1\ta long line that fills more than one block\n", count: 9)
        #expect(failure("1\ta\napple\n")?.what == "file: line 2")
        #expect(failure(long + "apple\n")?.what == "file: line 10")
        #expect(failure("1\ta\n\n")?.why == "does not begin with a count: ''")
        #expect(failure("5\n")?.why == "no tab or space after the count: '5'")
        #expect(
            failure("18446744073709551615\ta\n1\ta\n")
                == Failure("file: line 2", "the sum of its counts passes 2^64-1"))
    }

    /// What one run prints.
    private func printed(_ counts: inout Counts) throws -> [UInt8] {
        try selected(&counts).flatMap { Array("\($0.count)\t".utf8) + $0.key + [0x0A] }
    }

    /// Partial counts of any parts, merged in any grouping, are the count of the whole.
    @Test func mergingGivesTheCountOfTheWholeInAnyGrouping() throws {
        var random = SeededGenerator()
        for _ in 0..<60 {
            let lines = (0..<200).map { _ in randomKey(upTo: 20, &random) + [0x0A] }
            var whole = try Counts()
            try count(lines.flatMap { $0 }, into: &whole)

            var parts: [[UInt8]] = []
            var rest = lines[...]
            while !rest.isEmpty {
                let part = rest.prefix(Int.random(in: 1...60, using: &random))
                rest = rest.dropFirst(part.count)
                var counts = try Counts()
                try count(part.flatMap { $0 }, into: &counts)
                try parts.append(printed(&counts))
            }
            while parts.count > 1 {
                parts.shuffle(using: &random)
                let group = parts.prefix(Int.random(in: 2...4, using: &random))
                parts.removeFirst(group.count)
                var counts = try Counts()
                try merge(group.flatMap { $0 }, into: &counts)
                try parts.append(printed(&counts))
            }
            #expect(try parts == [printed(&whole)], "\(random)")
        }
    }
}
