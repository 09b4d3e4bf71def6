import Foundation
import Testing

/// Lines with their counts by sort(1), uniq(1) and awk(1), in the order that is promised.
let countedByOthers = """
    LC_ALL=C sort | LC_ALL=C uniq -c | awk '{ n = $1; sub(/^ *[0-9]+ /, ""); print n "\\t" $0 }' | \
    LC_ALL=C sort -t "$(printf '\\t')" -k1,1nr -k2
    """

/// What wcreduce(1) promises.
@Suite struct WcreduceTests {
    /// Lines of a few words, many of them equal; without tabs, for the sake of sort(1).
    private func randomLines(_ count: Int, _ random: inout SeededGenerator) -> Data {
        let parts = [
            "a", "b", "A", " ", "  ", "ab", "é", "\u{FFFD}", "-", "longer part of a line", "",
        ]
        let lines = (0..<count).map { _ in
            (0..<Int.random(in: 0...4, using: &random)).map { _ in
                parts.randomElement(using: &random)!
            }.joined()
        }
        return Data((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// Where the second text ends, the buffer still has line ends of the first.
    @Test func whatIsBehindTheTextIsNotCounted() throws {
        let folder = try TemporaryFolder()
        try folder.write("one", String(repeating: "\n", count: 300))
        for length in 1...130 {
            let line = String(repeating: "x", count: length)
            try folder.write("two", "\(line)\n")
            let result = try shell("wcreduce one two", in: folder)
            #expect(result.lines == ["300\t", "1\t\(line)"])
        }
    }

    @Test func theManualsExample() throws {
        let result = try shell("printf '%s\\n' pear apple fig apple | wcreduce")
        #expect(result.text == "2\tapple\n1\tfig\n1\tpear\n")
    }

    @Test func countsAndOrderAreThoseOfSortAndUniq() throws {
        var random = SeededGenerator()
        let folder = try TemporaryFolder()
        try folder.write("in", randomLines(20_000, &random))
        let result = try shell(
            "cat in | \(countedByOthers) >expected; wcreduce in | cmp - expected", in: folder)
        #expect(result.text.isEmpty && result.status == 0, "\(random)")
    }

    @Test func theOrderOfInputDoesNotMatter() throws {
        var random = SeededGenerator()
        let folder = try TemporaryFolder()
        try folder.write("in", randomLines(5000, &random))
        let result = try shell(
            "wcreduce in >out; tac in | wcreduce | cmp - out; sort in | wcreduce | cmp - out",
            in: folder)
        #expect(result.text.isEmpty && result.status == 0, "\(random)")
    }

    @Test func manyDifferentLinesAreCounted() throws {
        let result = try shell(
            """
            seq 300000 | LC_ALL=C sort | sed 's/^/1\t/' >expected
            seq 300000 | wcreduce | cmp - expected
            """)
        #expect(result.text.isEmpty && result.status == 0)
    }

    @Test func aLineHasNoLengthLimit() throws {
        let long = "head -c 5000000 /dev/zero | tr '\\0' a; echo"
        let result = try shell("{ \(long); \(long); echo b; } | wcreduce")
        let line =
            Data("2\t".utf8) + Data(repeating: 0x61, count: 5_000_000) + Data("\n1\tb\n".utf8)
        #expect(result.output == line)
    }

    @Test func linesOfTwoFilesAreNotGluedTogether() throws {
        let folder = try TemporaryFolder()
        try folder.write("one", "a\nb")
        try folder.write("two", "a\nb\n")
        #expect(try shell("wcreduce one two", in: folder).text == "2\ta\n2\tb\n")
    }

    @Test func bytesAreTakenAsTheyAre() throws {
        let result = try shell(#"printf 'a\0b\na\0c\n\377\r\n\na\0b\n' | wcreduce"#)
        let expected = Data("2\ta\0b\n1\t\n1\ta\0c\n1\t".utf8) + [0xFF, 0x0D, 0x0A]
        #expect(result.output == expected)
    }

    @Test func topKeepsTheMostFrequent() throws {
        let lines = "printf '%s\\n' c a b b a a d"
        #expect(try shell("\(lines) | wcreduce -n 2").text == "3\ta\n2\tb\n")
        #expect(try shell("\(lines) | wcreduce --top=3").text == "3\ta\n2\tb\n1\tc\n")
        #expect(try shell("\(lines) | wcreduce -n 0").text == "")
        #expect(try shell("\(lines) | wcreduce -k -r -n 3").text == "1\tc\n2\tb\n3\ta\n")
    }

    @Test func minimumKeepsWhatOccursThatOften() throws {
        let lines = "printf '%s\\n' c a b b a a d"
        #expect(try shell("\(lines) | wcreduce --min 2").text == "3\ta\n2\tb\n")
        #expect(try shell("\(lines) | wcreduce --min=4").text == "")
    }

    @Test func byKeyIsTheOrderOfSort() throws {
        var random = SeededGenerator()
        let folder = try TemporaryFolder()
        try folder.write("in", randomLines(5000, &random))
        let result = try shell(
            """
            LC_ALL=C sort -u in >keys; LC_ALL=C sort -ur in >reversed
            wcreduce -k in | cut -f 2- | cmp - keys
            wcreduce --by-key --reverse in | cut -f 2- | cmp - reversed
            wcreduce in >out; wcreduce -r in | tac | cmp - out
            """, in: folder)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0, "\(random)")
    }

    @Test func nullEndsRecordsOnBothSides() throws {
        let records = #"printf 'b\nb\0a\0b\nb\0'"#
        #expect(try shell("\(records) | wcreduce -0").text == "2\tb\nb\01\ta\0")
        #expect(try shell("\(records) | wcreduce -0 | wcreduce -0m").text == "2\tb\nb\01\ta\0")
    }

    /// Whether it is the table, the sort or the output that finds no memory.
    @Test(.enabled(if: programsAreStatic)) func noMemoryIsAMessageWhereverItRunsOut() throws {
        let result = try shell(
            """
            seq 200000 >in
            for limit in $(seq 10000 2000 60000); do
                (ulimit -v $limit; wcreduce in >out 2>errors)
                echo $? $(wc -l <out) $(head -n 1 errors)
            done | sort | uniq -c
            """)
        for line in result.lines {
            let outcome = line.split(separator: " ").dropFirst().joined(separator: " ")
            #expect(["0 200000", "2 0 wcreduce: Cannot allocate memory"].contains(outcome))
        }
        #expect(result.lines.count > 1)
    }
}

/// What wcreduce(1) promises of -m.
@Suite struct WcreduceMergeTests {
    @Test func mergeTakesWhatUniqPrints() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            cat '\(samples)'/* | tr -s ' ' '\\n' >words
            wcreduce words >expected
            LC_ALL=C sort words | uniq -c | wcreduce -m | cmp - expected
            """, in: folder)
        #expect(result.text.isEmpty && result.status == 0)
    }

    @Test func mergingPrintsWhatItWasGiven() throws {
        let counts = "7\tto be\n3\t\n3\tbe\n"
        #expect(try shell("wcreduce -m", input: Data(counts.utf8)).text == counts)
    }

    @Test func partialCountsGiveTheCountOfTheWhole() throws {
        let result = try shell(
            """
            cat '\(samples)'/* >whole; wcreduce whole >expected
            split -n l/7 whole part.
            for part in part.*; do wcreduce "$part" >"$part.count"; done
            wcreduce -m *.count | cmp - expected
            wcreduce -m *[aceg].count >odd; wcreduce -m *[bdf].count | wcreduce -m - odd | cmp - expected
            cat part.*.count | wcreduce --merge | cmp - expected
            """)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    @Test(arguments: [
        ("apple", "does not begin with a count: 'apple'"),
        ("5", "no tab or space after the count: '5'"),
        ("99999999999999999999\tx", "count passes 2^64-1: '99999999999999999999\\tx'"),
    ])
    func aMalformedLineIsNamedAndNothingIsPrinted(_ line: String, _ problem: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("there.counts", "1\tfig\n\(line)\n1\tpear\n")
        let result = try shell("wcreduce -m there.counts", in: folder)
        #expect(result.errors == "wcreduce: there.counts: line 2: \(problem)\n")
        #expect(result.output.isEmpty && result.status == 2)
        let input = try shell("cat there.counts | wcreduce -m", in: folder)
        #expect(input.errors == "wcreduce: standard input: line 2: \(problem)\n")
    }

    @Test func aSumPast64BitsIsAnErrorAndNothingIsPrinted() throws {
        let largest = "18446744073709551615"
        let fits = try shell("printf '18446744073709551614\\ta\\n1\\ta\\n' | wcreduce -m")
        #expect(fits.text == "\(largest)\ta\n" && fits.status == 0)
        let result = try shell("printf '\(largest)\\ta\\n1\\ta\\n' | wcreduce -m")
        let message = "standard input: line 2: the sum of its counts passes 2^64-1"
        #expect(result.errors == "wcreduce: \(message)\n")
        #expect(result.output.isEmpty && result.status == 2)
        let key = String(repeating: "long", count: 99)
        let long = try shell("printf '\(largest)\\t\(key)\\n1\\t\(key)\\n' | wcreduce -m")
        #expect(long.errors == "wcreduce: \(message)\n")
        #expect(long.output.isEmpty && long.status == 2)
    }
}
