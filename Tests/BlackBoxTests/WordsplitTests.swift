import Foundation
import Testing

/// What wordsplit(1) promises.
@Suite struct WordsplitTests {
    @Test func theManualsExample() throws {
        let text = #""'Tis well-known: don't pay 3.14, o'er!""#
        let words = ["tis", "well", "known", "don't", "pay", "3.14", "o'er"]
        #expect(try shell("echo \(text) | wordsplit").lines == words)
    }

    @Test func aCurlyApostropheComesOutStraight() throws {
        let result = try shell(#"printf "DON\342\200\231T don't" | wordsplit"#)
        #expect(result.lines == ["don't", "don't"])
    }

    @Test func anApostropheThatCurlsTheOtherWayComesOutStraightToo() throws {
        let result = try shell(#"printf "O\342\200\230Neill O'Neill \342\200\230tis" | wordsplit"#)
        #expect(result.lines == ["o'neill", "o'neill", "tis"])
    }

    @Test func anApostropheAfterAHebrewLetterEndsAWord() throws {
        let text = Data("ג' a' ג'ירפה".utf8)
        #expect(try shell("wordsplit", input: text).lines == ["ג'", "a", "ג'ירפה"])
    }

    /// The command of the page, and what the page says of a log that keeps them.
    @Test func escapeSequencesAreRemovedBefore() throws {
        let result = try shell(
            #"""
            printf '\033[32minfo\033[0m \033[1;38:5:4mgo\033[m\303\251\033[?25l\033[2 q\n' >build.log
            LC_ALL=C sed 's,\x1b\[[0-?]*[ -/]*[@-~],,g' build.log | wordsplit
            wordsplit build.log | head -n 1
            """#)
        #expect(result.lines == ["info", "goé", "32minfo"])
    }

    /// Texts on which the program took from 20 to 4000 ns a byte, or did not end.
    @Test(arguments: [
        ("NULs", #"head -c 4000000 /dev/zero"#),
        ("names", #"yes /usr/share/doc/name | head -c 4000000 | tr '\n' '\0'"#),
        ("JSON", #"yes '{"id":12345,"name":"Ann","tags":["x"]},' | tr -d '\n' | head -c 4000000"#),
        ("numbers", "yes 1, | tr -d '\\n' | head -c 4000000"),
        ("escapes", #"printf '%0400000d' 0 | sed 's/0/\x1b[0mab/g'"#),
        ("marks", #"printf a; printf '%0500000d' 0 | sed 's/0/\xCC\x81\xCC\xA3/g'"#),
    ])
    func noTextTakesLong(_ name: String, _ command: String) throws {
        let result = try shell(
            """
            { \(command); } >in; wc -c <in
            for options in '' -a -w -y '-m 2' '-g 2' -H; do
                (ulimit -t 4; wordsplit $options in >/dev/null) || echo "$options: $?"
            done
            """)
        #expect(result.lines.count == 1 && (Int(result.lines[0]) ?? 0) > 1_500_000, "\(name)")
    }

    @Test func accentedLettersComeOutComposed() throws {
        // U+00E9 is C3 A9; e and U+0301 are 65 CC 81.
        let result = try shell(#"printf 'caf\303\251 cafe\314\201' | wordsplit"#)
        let word = Data([0x63, 0x61, 0x66, 0xC3, 0xA9, 0x0A])
        #expect(result.output == word + word)
    }

    @Test func aByteOrderMarkIsDroppedFromEachFile() throws {
        let folder = try TemporaryFolder()
        for name in ["one", "two"] {
            try folder.write(name, [0xEF, 0xBB, 0xBF] + Array(name.utf8))
        }
        #expect(try shell("wordsplit one two", in: folder).text == "one\ntwo\n")
    }

    @Test func aByteThatIsNotUTF8EndsAWordAndIsDropped() throws {
        let result = try shell(#"printf 'one\377two \303' | wordsplit"#)
        #expect(result.text == "one\ntwo\n" && result.status == 0)
        #expect(
            result.errors
                == "wordsplit: standard input: dropped 2 bytes that are not UTF-8, the first at offset 3\n"
        )
    }

    @Test func noWordReachesFromOneFileIntoTheNext() throws {
        let folder = try TemporaryFolder()
        try folder.write("one", "inter")
        try folder.write("two", "national é")
        for options in ["", "-a", "-m 2"] {
            let result = try shell("wordsplit \(options) one two", in: folder)
            #expect(result.lines.prefix(2) == ["inter", "national"], "\(options)")
        }
    }

    @Test func keepCaseLeavesCaseAsItIs() throws {
        #expect(try shell("echo To BE É | wordsplit -k").lines == ["To", "BE", "É"])
        #expect(try shell("echo To BE | wordsplit --keep-case -a").lines == ["To", "BE"])
    }

    /// wc -m counts characters as the manual says it does.
    @Test func minimumLengthIsCountedAsWcDoes() throws {
        let words = ["a", "ab", "été", "naïve", "日本", "o'er", "3.14"]
        let text = words.joined(separator: "\n") + "\n"
        for length in 1...5 {
            let result = try shell("wordsplit -k -m \(length)", input: Data(text.utf8))
            let expected = try shell(
                """
                while read -r word; do
                    if [ $(printf %s "$word" | LC_ALL=C.UTF-8 wc -m) -ge \(length) ]; then echo "$word"; fi
                done
                """, input: Data(text.replacingOccurrences(of: "日本", with: "日\n本").utf8))
            #expect(result.text == expected.text && !result.output.isEmpty, "length \(length)")
        }
    }

    @Test(arguments: ["POSIX", "C.UTF-8", "tr_TR.UTF-8", "de_DE.ISO-8859-1", "nonsense"])
    func theLocaleDoesNotMatter(_ locale: String) throws {
        let command = "printf 'TITLE I \\303\\211 \\304\\260 \\351 x' | wordsplit"
        let words = try shell(command, environment: ["LC_ALL": locale, "LANG": locale])
        #expect(words.lines == ["title", "i", "é", "i\u{307}", "x"])
    }

    /// `-a` against the command that the manual names, on bytes of every value.
    @Test func asciiWordsAreThoseOfTr() throws {
        var random = SeededGenerator()
        let letters = Array("eEtTaAoOiIzZ".utf8)
        // It does not begin with the mark of another encoding.
        let bytes =
            [0x61]
            + (0..<400_000).map { _ in
                Int.random(in: 0..<4, using: &random) > 0
                    ? letters.randomElement(using: &random)!
                    : UInt8.random(in: .min ... .max, using: &random)
            }
        let folder = try TemporaryFolder()
        try folder.write("in", bytes)
        let tr = "tr -cs A-Za-z '\\n' <in | tr A-Z a-z | grep ."
        let result = try shell("\(tr) >expected; wordsplit -a in | cmp - expected", in: folder)
        #expect(result.text.isEmpty && result.status == 0, "\(random)")
    }

    @Test(arguments: ["", "-a", "-m 2", "-k"]) func aWordMayBeAsLongAsMemory(_ options: String)
        throws
    {
        let result = try shell("head -c 3000000 /dev/zero | tr '\\0' a | wordsplit \(options)")
        #expect(result.output == Data(repeating: 0x61, count: 3_000_000) + [0x0A])
        #expect(result.status == 0)
    }

    @Test func aLongTextWithoutWhiteSpaceIsSplit() throws {
        let result = try shell("yes 'é,' | tr -d '\\n' | head -c 900000 | wordsplit | uniq -c")
        #expect(result.text.trimmingCharacters(in: .whitespacesAndNewlines) == "300000 é")
    }

    /// 100 MB of text in 20 MB of address space, half of which is the program's file.
    @Test(.enabled(if: programsAreStatic)) func memoryDoesNotGrowWithTheFile() throws {
        for (text, count) in [
            ("To be, or not to be: that is", 3_600_000), ("L'été, là-bas", 100_000),
        ] {
            let run = "yes \"\(text)\" | head -n \(count) | (ulimit -v 20000; wordsplit) | wc -l"
            // `To be, or not to be: that is` has 8 words; `l'été`, `là` and `bas` are 3.
            let words = try shell(run).text.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(words == "\(count * (text.hasPrefix("To") ? 8 : 3))")
        }
    }

    /// ASCII or not, whether it is reading, splitting or the output that finds no memory.
    @Test(.enabled(if: programsAreStatic), arguments: ["a", "é"])
    func noMemoryIsAMessageWhereverItRunsOut(_ letter: String) throws {
        let result = try shell(
            """
            yes '\(letter)' | head -n 3000000 | tr -d '\\n' >in
            for limit in $(seq 10000 500 20000) 40000; do
                (ulimit -v $limit; wordsplit in >out 2>errors)
                echo $? $(wc -l <out) $(head -n 1 errors)
            done | sort | uniq -c
            """)
        for line in result.lines {
            let outcome = line.split(separator: " ").dropFirst().joined(separator: " ")
            let refused = "0 wordsplit: Cannot allocate memory"
            #expect(["0 1", "2 \(refused)"].contains(outcome))
        }
        #expect(result.lines.count > 1)
    }

    /// A letter with 6 million marks, which are sorted.
    @Test(.enabled(if: programsAreStatic)) func noMemoryForMarksIsAMessage() throws {
        let result = try shell(
            #"""
            { printf a; yes "$(printf '\314\201\314\243')" | head -n 3000000 | tr -d '\n'; } >in
            for limit in $(seq 15000 5000 100000) 200000; do
                (ulimit -v $limit; wordsplit in >out 2>errors)
                echo $? $(wc -l <out) $(head -n 1 errors)
            done | sort | uniq -c
            """#)
        let outcomes = result.lines.map {
            $0.split(separator: " ").dropFirst().joined(separator: " ")
        }
        #expect(outcomes == ["0 1", "2 0 wordsplit: Cannot allocate memory"])
    }
}

/// Every letter of Unicode against perl, which has the Unicode data in a version of its own;
/// what is compared does not change from one version to the next.
@Suite(.enabled(if: isInstalled("perl"))) struct WordsplitUnicodeDataTests {
    private static let start = """
        use feature "unicode_strings"; use Unicode::Normalize; binmode STDOUT, ":utf8"; no warnings;
        for my $code (0x20 .. 0xD7FF, 0xE000 .. 0x10FFFF) { my $x = chr $code;
        """

    /// WB4, WB5, WB13a: what has Word_Break ALetter, Hebrew_Letter, Extend, Format, ZWJ or
    /// ExtendNumLet joins two letters, whatever it is.
    @Test func allThatJoinsLettersJoinsThem() throws {
        let classes = "ALetter Hebrew_Letter Extend Format ZWJ ExtendNumLet"
            .split(separator: " ").map { "\\p{WB=\($0)}" }.joined()
        let script = Self.start + "print NFC(lc(\"a${x}b\")), \"\\n\" if $x =~ /[\(classes)]/ }"
        try expectWholeLines(script)
    }

    @Test func everyLetterComesOutInLowerCaseAndComposed() throws {
        // U+02BC and its like are letters; U+2019 is none.
        let script = Self.start + "print \"$x\\n\" if $x =~ /\\p{L}/ }"
        let lowered = Self.start + "print NFC(lc $x), \"\\n\" if $x =~ /\\p{L}/ }"
        try expectWholeLines(script, expected: lowered)
    }

    private func expectWholeLines(_ script: String, expected: String? = nil) throws {
        let folder = try TemporaryFolder()
        try folder.write("input.pl", script)
        try folder.write("expected.pl", expected ?? script)
        let result = try shell(
            """
            perl input.pl >input; perl expected.pl >expected
            wordsplit input >output; wc -l <expected; diff expected output | head -n 20
            """, in: folder)
        #expect((Int(result.lines[0]) ?? 0) > 30_000)
        #expect(result.lines.dropFirst().isEmpty)
    }
}

/// The case of sigma depends on what stands around it: Python's str.lower knows the rule.
@Suite(.enabled(if: isInstalled("python3"))) struct WordsplitSigmaTests {
    @Test func sigmaIsFinalWherePythonHasItSo() throws {
        var random = SeededGenerator()
        let parts = [
            "Α", "Σ", "Σ", "σ", "ς", "'", "\u{2019}", ".", ":", "\u{301}", "\u{B7}", "1", "_",
            "\u{AD}",
        ]
        let words = (0..<5000).map { _ in
            (0..<Int.random(in: 1...7, using: &random)).map { _ in
                parts.randomElement(using: &random)!
            }
            .joined()
        }
        let folder = try TemporaryFolder()
        try folder.write("in", words.joined(separator: "\n"))
        try folder.write(
            "lower.py",
            """
            import sys, unicodedata
            for word in sys.stdin.buffer.read().decode().splitlines():
                sys.stdout.buffer.write((unicodedata.normalize("NFC", word.lower()) + "\\n").encode())
            """)
        let result = try shell(
            """
            wordsplit -k in | python3 lower.py >expected; wc -l <expected
            wordsplit in | diff expected - | head -n 20
            """, in: folder)
        #expect((Int(result.lines[0]) ?? 0) > 1000, "\(random)")
        #expect(result.lines.dropFirst().isEmpty, "\(random)")
    }
}
