import Foundation
import Testing

/// A program as people use it, which prints a line for each line it reads.
struct LineFilter: CustomTestStringConvertible, Sendable {
    let tool: String
    /// The program with its arguments, as typed in a shell.
    let command: String
    /// What it prints for the line that holds a number.
    let answer: @Sendable (Int) -> String
    /// What the message of pmap advises if the filter answers only at the end of its input.
    let advice: String

    init(
        _ tool: String, _ command: String, advice: String = "stdbuf -oL",
        _ answer: @escaping @Sendable (Int) -> String = { "\($0)!" }
    ) {
        self.tool = tool
        self.command = command
        self.advice = advice
        self.answer = answer
    }

    var testDescription: String { command }

    /// Those that write each line at once.
    static let answeringByLine = [
        LineFilter("cat", "cat") { "\($0)" },
        LineFilter("sed", "sed -u 's/$/!/'"),
        LineFilter("gawk", #"gawk '{ print $0 "!"; fflush() }'"#),
        LineFilter("mawk", #"mawk -W interactive '{ print $0 "!" }'"#),
        LineFilter("perl", "perl -pe 'BEGIN { $| = 1 } s/$/!/'"),
        LineFilter("perl", #"perl -e '$| = 1; while (<STDIN>) { chomp; print "$_!\n" }'"#),
        LineFilter(
            "python3", #"python3 -uc 'import sys; [print(line[:-1] + "!") for line in sys.stdin]'"#),
        LineFilter("jq", "jq --unbuffered -c '. * 2'") { "\($0 * 2)" },
        LineFilter("grep", "grep --line-buffered ''") { "\($0)" },
        LineFilter("sh", #"sh -c 'while read -r line; do echo "$line!"; done'"#),
        LineFilter("bash", #"bash -c 'while read -r line; do printf "%s!\n" "$line"; done'"#),
        LineFilter("bc", "bc") { "\($0)" },
        LineFilter("stdbuf", "stdbuf -oL tr 0-9 a-j") { letters($0) },
        LineFilter("stdbuf", "stdbuf -oL rev") { String("\($0)".reversed()) },
    ]

    /// Those that write when their buffer is full or their input ends.
    static let answeringAtTheEnd = [
        LineFilter("sed", "sed 's/$/!/'", advice: "sed -u"),
        LineFilter("awk", #"awk '{ print $0 "!" }'"#, advice: "fflush()"),
        LineFilter("gawk", #"gawk '{ print $0 "!" }'"#, advice: "fflush()"),
        LineFilter("mawk", #"mawk '{ print $0 "!" }'"#, advice: "mawk -W interactive"),
        LineFilter("perl", "perl -pe 's/$/!/'", advice: "$|"),
        LineFilter(
            "python3", #"python3 -c 'import sys; [print(line[:-1] + "!") for line in sys.stdin]'"#,
            advice: "python3 -u"),
        LineFilter("jq", "jq -c '. * 2'", advice: "jq --unbuffered") { "\($0 * 2)" },
        LineFilter("grep", "grep ''", advice: "grep --line-buffered") { "\($0)" },
        LineFilter("tr", "tr 0-9 a-j") { letters($0) },
        LineFilter("rev", "rev") { String("\($0)".reversed()) },
        LineFilter("cut", "cut -c 1") { String("\($0)".prefix(1)) },
        LineFilter("sort", "sort -n") { "\($0)" },
    ]

    /// What `tr 0-9 a-j` makes of a number.
    private static func letters(_ number: Int) -> String {
        String(
            String.UnicodeScalarView(
                "\(number)".unicodeScalars.map { Unicode.Scalar(UInt8($0.value) + 49) }))
    }
}

/// `--persistent` with the programs that everybody has.
@Suite struct PmapFilterTests {
    /// Two processes answer all 30 chunks.
    @Test(arguments: LineFilter.answeringByLine)
    func aFilterThatAnswersByLineKeepsItsWorkers(_ filter: LineFilter) throws {
        if !isInstalled(filter.tool) { try Test.cancel("\(filter.tool) is not installed") }
        let result = try shell(
            """
            seq 600 | pmap --persistent -j2 -c20 --progress=none --log log \(filter.command) >answers; echo $?
            tail -n +2 log | wc -l; tail -n +2 log | cut -f 3 | sort -u | wc -l; cat answers
            """)
        #expect(result.errors == "")
        #expect(result.lines.prefix(2) == ["0", "30"])
        #expect(result.lines.count > 2 && ["1", "2"].contains(result.lines[2]))
        #expect(Array(result.lines.dropFirst(3)) == (1...600).map(filter.answer))
    }

    /// The first workers are found to wait for the end of their input, which takes 2 seconds each.
    /// Then each chunk has a worker of its own, and nobody waits.
    @Test(arguments: LineFilter.answeringAtTheEnd)
    func aFilterThatAnswersAtTheEndIsNotWaitedForAgain(_ filter: LineFilter) throws {
        if !isInstalled(filter.tool) { try Test.cancel("\(filter.tool) is not installed") }
        let result = try shell(
            """
            seq 200 | pmap --persistent -j2 -c10 --progress=none --log log \(filter.command)
            echo $?; awk -F '\\t' 'NR > 1 && $5 < 2' log | grep -c .
            """)
        #expect(result.lines.prefix(200) == (1...200).map(filter.answer)[...])
        #expect(result.lines.count == 202)
        #expect(result.lines.dropFirst(200).first == "0")
        #expect(result.lines.last != "0")
        #expect(result.errorLines.count == 1)
        #expect(result.errors.contains("answered only when its input ended"))
        #expect(result.errors.contains(filter.advice))
    }
}

/// Items and answers that fill the pipes, in any order: pmap neither waits for ever nor mixes
/// them up.
@Suite struct PmapFullPipeTests {
    @Test(arguments: ["-j1 -c1", "-j2 -c1", "-j2 -c3", "-j2 -u", "-j3 -c2 --buffer=1M", "-j2 -l"])
    func itemsAndAnswersOfTenMegabytesPass(_ options: String) throws {
        let result = try shell(
            """
            for letter in a b c d e f; do
                head -c 10000000 /dev/zero | tr '\\0' $letter; echo
            done >items
            pmap --persistent --progress=none \(options) cat <items >answers; echo $?
            sort answers | cmp - items && echo same
            """)
        #expect(result.text == "0\nsame\n" && result.errors == "")
    }

    /// A short item has an answer of 10 MB, in one line or in many.
    @Test func answersMayBeMuchLongerThanItems() throws {
        let result = try shell(
            """
            long() { head -c 10000000 /dev/zero | tr '\\0' "$1"; echo; }
            for letter in a b c d; do echo $letter; done >items
            for letter in a b c d; do long $letter; done >expected
            pmap --persistent --progress=none -j2 -c2 -s \\
                'while read -r x; do head -c 10000000 /dev/zero | tr "\\\\0" $x; echo; done' <items |
                cmp - expected && echo same
            while read -r letter; do echo $letter; seq 1400000; done <items >expected
            pmap --persistent --progress=none --answer-end=. -j2 -c2 -s \\
                'while read -r x; do echo $x; seq 1400000; echo .; done' <items |
                cmp - expected && echo same
            """)
        #expect(result.text == "same\nsame\n" && result.errors == "")
    }

    /// Items of 100 bytes: a chunk of 10,000 fills the pipe sixteen times.
    @Test(
        .enabled(if: isInstalled("perl")),
        arguments: [
            // Reads all of the chunk before it answers.
            "late": "while (my @all = map { scalar(<STDIN>) // () } 1..10000) { print @all }",
            // Answers in bursts.
            "bursts": "while (my @some = map { scalar(<STDIN>) // () } 1..2500) { print @some }",
            "at once": "while (<STDIN>) { print }",
            "in small pieces": "while (<STDIN>) { print for unpack \"(a25)*\", $_ }",
            "read byte by byte": "while (sysread STDIN, $_, 1) { syswrite STDOUT, $_ }",
        ].map { [$0.key, $0.value] })
    func aChunkOfTenThousandIsAnswered(_ worker: [String]) throws {
        let bytewise = worker[0] == "read byte by byte"
        let result = try shell(
            """
            seq -f '%099g' \(bytewise ? 2000 : 40000) >items
            pmap --persistent --progress=none -j2 -c10000 perl -e '$| = 1; \(worker[1])' <items |
                cmp - items && echo same
            """)
        #expect(result.text == "same\n" && result.errors == "", "\(worker[0])")
    }

    /// It knows all answers after the first item. The others still have to be written.
    @Test(.enabled(if: isInstalled("perl"))) func answersMayComeBeforeTheItemsAreRead() throws {
        let result = try shell(
            """
            for item in $(seq 20); do
                echo $item | tr '\\n' ' '; head -c 1000000 /dev/zero | tr '\\0' x; echo
            done >items
            pmap --persistent --progress=none -j2 -c10 --log log perl -e '$| = 1; while (<STDIN>) {
                my ($n) = split; print map { "$_\\n" } $n..$n + 9; <STDIN> for 2..10 }' <items
            tail -n +2 log | wc -l
            """)
        #expect(result.lines == (1...20).map { "\($0)" } + ["2"] && result.errors == "")
    }

    /// Half a second without a byte in the middle of each answer, and a pause before it that is
    /// longer than what pmap waits before it looks whether the worker waits for more input.
    @Test func aWorkerThatThinksIsLeftAlone() throws {
        let result = try shell(
            """
            seq 4 | pmap --persistent --progress=none -j2 -c1 --log log -s \\
                'while read -r x; do sleep 3; printf "%s" $x; sleep 0.5; echo !; done'
            tail -n +2 log | cut -f 3 | sort -u | wc -l
            """)
        #expect(result.lines == ["1!", "2!", "3!", "4!", "2"] && result.errors == "")
    }

    /// Lines of random length, chunks of random size.
    @Test(arguments: 1...12) func whatGoesThroughCatIsUnchanged(seed: Int) throws {
        let result = try shell(
            """
            awk 'BEGIN { srand(\(seed)); for (i = 0; i < 3000; i++) {
                length_ = int(exp(rand() * 11)); line = i ""
                while (length(line) < length_) line = line line
                print substr(line, 1, length_) } }' >items
            set -- $(awk 'BEGIN { srand(\(seed)); print 1 + int(rand() * 3), 1 + int(rand() * 500) }')
            pmap --persistent --progress=none -j $1 -c $2 cat <items | cmp - items && echo same
            """)
        #expect(result.text == "same\n" && result.errors == "")
    }
}
