import Foundation
import Testing

/// What pmap(1) says of `-c auto` and `--stats`.
@Suite struct PmapAutoTests {
    @Test func everyItemIsInOneChunkAndInOrder() throws {
        let folder = try TemporaryFolder()
        let sum = try shell(
            "seq 30000 >in; pmap -c auto -j3 --log log printf '%s\\n' <in | cmp - in && "
                + "awk 'NR > 1 { n += $13 } END { print n, (NR > 3 && NR < 200) }' log",
            in: folder)
        #expect(sum.text == "30000 1\n" && sum.status == 0)
    }

    @Test func chunksGrowWhereItemsAreCheap() throws {
        let folder = try TemporaryFolder()
        let largest = try shell(
            "seq 30000 | pmap -c auto -j2 --log log true; sort -nk13 log | tail -n1 | cut -f13",
            in: folder)
        #expect((Int(largest.text.dropLast()) ?? 0) > 500)
    }

    /// Lines of 16 bytes fill a block. The share of a worker is half of the file.
    @Test func theFirstBlockOfAFileIsASixtyFourthOfAShare() throws {
        let folder = try TemporaryFolder()
        let sizes = try shell(
            """
            for size in 64M 4M; do
                yes 123456789012345 | head -c $size >in; pmap -i -j2 -a in wc -c | head -n1
            done
            """, in: folder)
        #expect(sizes.text == "524288\n65536\n")
    }

    /// Half of what is left for each would be 10 items; more than 8 would mean that a start
    /// takes an eighth of a second.
    @Test func chunksStaySmallWhereItemsTakeLong() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            "seq 40 | pmap -c auto -j2 --log log -s 'for i; do sleep 0.3; done'; cut -f13 log",
            in: folder)
        let sizes = result.lines.dropFirst().compactMap { Int($0) }
        #expect(sizes.reduce(0, +) == 40 && sizes.max() ?? 99 <= 8, "\(sizes)")
    }

    /// Endless input: the next item comes only when the one before is done.
    @Test(arguments: ["", "-i"])
    func anItemStartsWhenItComes(option: String) throws {
        let folder = try TemporaryFolder()
        let worker = option == "" ? "echo $1; echo >>done" : "cat; echo >>done"
        let result = try shell(
            """
            touch done
            for i in $(seq 30); do
                until [ $(wc -l <done) -ge $((i - 1)) ]; do sleep 0.005; done; echo $i
            done | pmap -c auto -j4 \(option) -s '\(worker)'
            """, in: folder)
        #expect(result.lines == (1...30).map(String.init))
    }

    @Test func theLimitsOfAChunkStillApply() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            "seq -w 9999 | pmap -c auto -b 500 --log log true; tail -n +2 log | cut -f13 | sort -n "
                + "| tail -n1", in: folder)
        // An item and its newline are five bytes.
        #expect(result.text == "100\n")
        let long = try shell(
            "head -c 200000 /dev/zero | tr '\\0' x >long; { seq 99; cat long; echo; seq 99; } | "
                + "pmap -c auto printf '%s\\n' | md5sum; { seq 99; seq 99; } | md5sum", in: folder)
        #expect(long.lines.count == 2 && long.lines[0] == long.lines[1])
        #expect(long.errors.hasPrefix("pmap: item 100: too long for an argument"))
    }

    @Test func whatNeedsANumberSaysSo() throws {
        for (options, reason) in [
            ("--log log --resume", "chunks differ from run to run; --resume needs a number"),
            ("-n", "finds its number while workers run; -n needs one"),
        ] {
            let result = try shell("seq 3 | pmap -c auto \(options) true")
            #expect(result.errors == "pmap: -c auto: \(reason)\n" && result.status == 1)
        }
        let wrong = try shell("pmap -c automatic true")
        #expect(
            wrong.errors == "pmap: -c 'automatic': takes a whole number of at least 1, or auto\n")
        #expect(try shell("seq 4 | pmap -c auto -c 2 echo").text == "1 2\n3 4\n")
    }
}

@Suite struct PmapStatisticsTests {
    private func table(_ result: ShellResult) -> [String: String] {
        var rows: [String: String] = [:]
        for line in result.errorLines where !line.hasPrefix(" ") {
            let name = line.prefix(16).trimmingCharacters(in: .whitespaces)
            rows[name] = String(line.dropFirst(16))
        }
        return rows
    }

    /// The log, which is made elsewhere, has the same sums.
    @Test func theTableAgreesWithTheLog() throws {
        let folder = try TemporaryFolder()
        // The second chunk lasts as long as the three after it.
        let result = try shell(
            """
            seq 23 | pmap --stats --log log -j2 -c5 -s '
                printf 1234567
                case $1 in
                    6) until [ -e go ]; do sleep 0.01; done ;;
                    21) sleep 0.5; touch go ;;
                esac
                [ $1 -lt 9 ]'
            """, in: folder)
        let rows = table(result)
        #expect(rows["chunks"] == "5, 3 failed" && rows["items"] == "23")
        #expect(rows["bytes out"] == "35" && result.output.count == 35)
        let log = try folder.text(of: "log").split(separator: "\n").dropFirst().map {
            $0.split(separator: "\t").map(String.init)
        }
        let seconds = log.compactMap { Double($0[4]) }.sorted()
        let shown = try #require(rows["chunk seconds"]).matches(of: /[a-z%] ([0-9.]+)/)
            .compactMap { Double($0.1) }
        try #require(shown.count == 4 && seconds.count == 5)
        // The log's seconds begin once the worker runs, which a busy machine may delay.
        for (value, expected) in zip(shown, [seconds[0], seconds[2], seconds[4], seconds[4]]) {
            #expect(value > expected * 0.98 - 0.001 && value < expected * 1.02 + 5)
        }
        #expect(rows["slowest chunks"]?.hasPrefix("2: ") == true)
    }

    /// All 40 run at the same time, as 39 of them wait for the last.
    @Test func ofManySlotsTheExtremesAndTheMedianAreShown() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 40 | pmap --stats -j40 -s \
                '[ $1 != 40 ] || touch go; until [ -e go ]; do sleep 0.1; done'
            """, in: folder)
        let busy = try #require(table(result)["slots busy"])
        let shares = try #require(
            busy.wholeMatch(of: /least ([0-9]+) %  median ([0-9]+) %  most ([0-9]+) %/))
        let numbers = [shares.1, shares.2, shares.3].compactMap { Int($0) }
        #expect(numbers == numbers.sorted() && numbers.last! <= 100, "\(busy)")
    }

    @Test func theAdviceNamesNumbersToTry() throws {
        // What share of the time starts take is a matter of the machine, and is in the table.
        for (input, option) in [("seq 300", "-c"), ("seq 3000", "-b")] {
            let size = option == "-b" ? "-b 100" : ""
            let rows = table(try shell("\(input) | pmap --stats \(size) -j2 true"))
            let starting = try #require(rows["starting"]?.firstMatch(of: /^([0-9]+) %/))
            let share = try #require(Int(starting.1))
            let advice = try #require(rows["advice"])
            if share >= 8 { #expect(advice.hasPrefix("try \(option) "), "\(rows)") }
            let namesStarts = advice.contains("starting workers took")
            #expect(namesStarts ? share >= 2 : share < 8, "\(rows)")
        }
        // All blocks are of one size, so the sleep is not mistaken for the start.
        let copies =
            table(
                try shell(
                    "seq 100000 239999 | pmap --stats -b 70000 -j2 -i -s 'sleep 0.2; cat'"))[
                "advice"] ?? ""
        #expect(copies.hasPrefix("try -b "), "\(copies)")
        let auto =
            table(
                try shell("seq 200 | pmap --stats -c auto -j2 -s 'sleep 0.0$#'"))["advice"] ?? ""
        #expect(auto.hasPrefix("try -c "), "\(auto)")
        #expect(
            table(try shell("pmap --stats true </dev/null"))["advice"]
                == "none: no worker ran to its end.")
    }

    /// A start may take a twentieth of a chunk's time. How long it takes beside half a second is a
    /// matter of the machine, and is in the table.
    @Test func chunksThatAreTooFewShouldBeSmallerIfStartsAreCheap() throws {
        let rows = table(try shell("seq 40 | pmap --stats -j4 -c 20 -s 'sleep 0.5'"))
        let advice = try #require(rows["advice"])
        let start = try #require(rows["starting"]?.firstMatch(of: /([0-9.]+) s a worker/))
        let longest = try #require(rows["chunk seconds"]?.firstMatch(of: /max ([0-9.]+)/))
        let starts = try #require(Double(start.1)) * 19
        let fewer = advice.wholeMatch(
            of: /try -c ([0-9]+) -j 4: 2 chunks are too few for 4 workers\./)
        // The limit is four fifths of 20.
        if starts / (0.5 / 20) < 15 {
            #expect((3...16).contains(Int(fewer?.1 ?? "") ?? 0), "\(rows)")
        } else if try starts / (#require(Double(longest.1)) / 20) > 17 {
            #expect(advice.hasPrefix("keep -c 20 -j 4: "), "\(rows)")
        }
    }

    @Test func namesInTheTableCannotPaintTheTerminal() throws {
        let result = try shell(#"printf 'a\033[31m\0b\nc\0' | pmap -0 -c2 --stats true"#)
        #expect(result.errors.contains(#": $'a\033[31m' $'b\nc'"#))
        #expect(!result.errors.contains("\u{1B}"))
    }
}
