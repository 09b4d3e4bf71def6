import Foundation
import Testing

/// What wcreduce(1) promises of the forms of its output, and of the input with -K.
@Suite struct WcreduceFormTests {
    private let lines = "printf '%s\\n' c a b b a a d"

    @Test func keyFirstIsLineTabCount() throws {
        #expect(try shell("\(lines) | wcreduce -K").text == "a\t3\nb\t2\nc\t1\nd\t1\n")
        #expect(
            try shell("\(lines) | wcreduce --key-first -k -r -n 3").text == "c\t1\nb\t2\na\t3\n")
    }

    @Test func keyFirstIsTakenByMerge() throws {
        let counts = #"printf 'a\t1\nb\tc\t2\n\t3\na\t4\n5\t6\n'"#
        #expect(try shell("\(counts) | wcreduce -mK").text == "5\t6\na\t5\n\t3\nb\tc\t2\n")
    }

    @Test(arguments: [
        ("apple", "does not end with a tab and a count: 'apple'"),
        ("5\tapple", "does not end with a tab and a count: '5\\tapple'"),
        ("apple\t", "does not end with a tab and a count: 'apple\\t'"),
        ("apple 5", "does not end with a tab and a count: 'apple 5'"),
        ("apple\t5 ", "does not end with a tab and a count: 'apple\\t5 '"),
        ("x\t18446744073709551616", "count passes 2^64-1: 'x\\t18446744073709551616'"),
    ])
    func aLineThatIsNotKeyFirstIsNamedAndNothingIsPrinted(
        _ line: String, _ problem: String
    ) throws {
        let folder = try TemporaryFolder()
        try folder.write("there.counts", "fig\t1\n\(line)\npear\t1\n")
        let result = try shell("wcreduce -m -K there.counts", in: folder)
        #expect(result.errors == "wcreduce: there.counts: line 2: \(problem)\n")
        #expect(result.output.isEmpty && result.status == 2)
    }

    /// 1/3 and 2/3 are rounded; 1/32 is 3.125 exactly.
    @Test func percentIsTheShareOfAllLines() throws {
        #expect(
            try shell("printf '%s\\n' a b b | wcreduce -p").text == "2\t66.6667\tb\n1\t33.3333\ta\n"
        )
        #expect(
            try shell("printf '31\\ta\\n1\\tb\\n' | wcreduce -mp").text
                == "31\t96.8750\ta\n1\t3.1250\tb\n")
        #expect(try shell("printf 'a\\n' | wcreduce -pK").text == "a\t1\t100.0000\n")
        #expect(try shell("\(lines) | wcreduce -p -n 1").text == "3\t42.8571\ta\n")
        #expect(try shell("wcreduce -p").text == "")
        #expect(try shell("printf '0\\ta\\n' | wcreduce -mp").text == "")
        let zeros = "printf '0\\ta\\n2\\tb\\n0\\tb\\n0\\ta\\n'"
        #expect(try shell("\(zeros) | wcreduce -mp").text == "2\t100.0000\tb\n")
    }

    /// The products of count and scale have more than 64 bits. The shares are those of bc(1).
    @Test(.enabled(if: isInstalled("bc"))) func sharesOfTheLargestCountsAreRounded() throws {
        for count: UInt64 in [1 << 62, 5_000_000_000_000_000_001, 12_345_678_901_234_567_890] {
            let rest = UInt64.max - count
            let result = try shell("printf '\(count)\\ta\\n\(rest)\\tb\\n' | wcreduce -mpk")
            let expected = try shell(
                """
                echo 'scale = 4; (\(count) * 100 + \(UInt64.max) / 20000) / \(UInt64.max)' | bc
                """)
            #expect(result.lines.first == "\(count)\t\(expected.lines[0])\ta")
        }
    }

    @Test func totalIsALineOnStandardErrorAfterTheOutput() throws {
        let result = try shell("\(lines) | wcreduce -T -n 1 2>&1")
        #expect(result.text == "3\ta\nwcreduce: 7 lines, 4 different\n")
        #expect(try shell("wcreduce --total").errors == "wcreduce: 0 lines, 0 different\n")
        let open = try shell("printf 'a\\nb\\nb' | wcreduce -T")
        #expect(open.errors == "wcreduce: 3 lines, 2 different\n")
        let merged = try shell("printf '5\\ta\\n6\\tb\\n7\\ta\\n' | wcreduce -mT")
        #expect(merged.errors == "wcreduce: 18 lines, 2 different\n")
    }

    @Test(arguments: ["-p", "-T"])
    func aTotalPast64BitsIsAnErrorWhereItIsAskedFor(_ option: String) throws {
        let counts = "printf '18446744073709551615\\ta\\n1\\tb\\n'"
        #expect(try shell("\(counts) | wcreduce -m").status == 0)
        let result = try shell("\(counts) | wcreduce -m \(option)")
        #expect(result.errors == "wcreduce: the counts together: pass 2^64-1\n")
        #expect(result.output.isEmpty && result.status == 2)
    }

    /// Read back by another program's parser.
    @Test(.enabled(if: isInstalled("python3"))) func jsonIsReadByOthers() throws {
        let folder = try TemporaryFolder()
        var bytes = Data()
        for byte in UInt8.min...UInt8.max where byte != 0x0A {
            bytes += [0x61, byte, 0x62, 0x0A] + Data("é\"\\/\u{2028}🎭\n".utf8)
        }
        bytes += Data("\n\t\n".utf8) + [0xFF, 0x0A, 0xFF, 0xFE, 0x0A, 0xFF, 0xFE, 0xFD, 0x0A]
        try folder.write("in", bytes)
        let result = try shell(
            """
            wcreduce in >expected
            wcreduce --json in | python3 -c '
            import base64, json, sys
            for text in sys.stdin:
                row = json.loads(text)
                key = base64.b64decode(row["bytes"]) if "bytes" in row else row["line"].encode()
                sys.stdout.buffer.write(str(row["count"]).encode() + b"\\t" + key + b"\\n")
            ' | cmp - expected
            """, in: folder)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    /// Every character that is a control or changes the direction of text: U+0080 to U+009F,
    /// U+061C, U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF.
    @Test func jsonControlsNoTerminal() throws {
        let ranges: [ClosedRange<UInt32>] = [
            1...9, 0x0B...0x1F, 0x7F...0x9F, 0x61C...0x61C, 0x200B...0x200F, 0x2028...0x202E,
            0x2060...0x206F, 0xFEFF...0xFEFF,
        ]
        let keys = ranges.joined().map { "a\(Unicode.Scalar($0)!)b\"\\" }
        // Neighbours of these, and characters of as many bytes, stay.
        let others = ["\u{A0}\u{2010}\u{2027}\u{202F}\u{205F}\u{2070}\u{FEFE}é猫😀"]
        let folder = try TemporaryFolder()
        try folder.write("in", (keys + others).joined(separator: "\n"))
        let result = try shell("wcreduce --json -k in", in: folder)
        let lines = result.lines
        #expect(lines.count == keys.count + 1)
        #expect(lines.count { $0.utf8.allSatisfy { (0x20..<0x7F).contains($0) } } == keys.count)
        #expect(lines.contains { $0.contains(others[0]) })
        let read = try lines.map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])[
                "line"]
                as? String
        }
        #expect(
            Set(read.compactMap { $0.map { Array($0.utf8) } })
                == Set((keys + others).map { Array($0.utf8) }))
    }

    @Test func jsonIsAnObjectALine() throws {
        #expect(
            try shell("printf 'a\"\\n\\377\\n\\377\\n' | wcreduce --json").text
                == #"{"count":2,"bytes":"/w=="}"# + "\n" + #"{"count":1,"line":"a\""}"# + "\n")
        #expect(
            try shell("printf 'a\\n' | wcreduce --json -pK").text
                == #"{"line":"a","count":1,"percent":100.0000}"# + "\n")
    }

    /// Only what JSON or a terminal needs is escaped.
    @Test func jsonHasVisibleCharactersAsTheyAre() throws {
        let line = String(
            decoding: (0x20...0x7E).filter { $0 != 0x22 && $0 != 0x5C }, as: UTF8.self)
        let result = try shell("wcreduce --json", input: Data("\(line)é猫🎭\n".utf8))
        #expect(result.output == Data("{\"count\":1,\"line\":\"\(line)é猫🎭\"}\n".utf8))
    }

    /// RFC 4648, base 64: each of the 64 digits at each of four places.
    @Test func bytesOfJSONAreInBase64() throws {
        let keys = (0..<64 as Range<UInt8>).map { digit in
            let bytes = [digit << 2 | digit >> 4, digit << 4 | digit >> 2, digit << 6 | digit]
            return Data([0xFF, 0xFE, 0x41] + bytes)
        }
        let input = Data(keys.joined(separator: [0x0A]))
        let rows = keys.map { "{\"count\":1,\"bytes\":\"\($0.base64EncodedString())\"}" }
        #expect(try shell("wcreduce --json", input: input).lines.sorted() == rows.sorted())
    }

    /// Half of 40 columns are for bars, less those of the counts; eighths are rounded down.
    @Test func barsAreScaledToTheWindow() throws {
        let counts = "printf '%s\\n' '100\ta' '50\tb' '1\tc\u{1B}[2J'"
        let bar = String(repeating: "█", count: 17)
        let half = String(repeating: "█", count: 8) + "▌" + String(repeating: " ", count: 8)
        let least = "▏" + String(repeating: " ", count: 16)
        #expect(
            try shell("\(counts) | COLUMNS=40 wcreduce -mb").text
                == "100 \(bar) a\n 50 \(half) b\n  1 \(least) c\\x1b[2J\n")
        // What is less than an eighth is shown too.
        let tiny = try shell("printf '1000\\ta\\n1\\tb\\n' | COLUMNS=40 wcreduce -mb").lines
        #expect(tiny[1] == "   1 ▏" + String(repeating: " ", count: 15) + " b")
        let wide = try shell("\(counts) | wcreduce -mb -n 1").text
        #expect(wide == "100 \(String(repeating: "█", count: 37)) a\n")
        let shares = try shell("\(counts) | COLUMNS=20 wcreduce -mbp -n 1").text
        #expect(shares == "100  66.2252% \(String(repeating: "█", count: 8)) a\n")
    }

    /// A terminal's width has 16 bits.
    @Test(arguments: ["65535", "65536", "1000000000", "1000000000000", "9223372036854775807"])
    func aWindowHasABoundedWidth(_ columns: String) throws {
        let result = try shell("echo a | COLUMNS=\(columns) wcreduce -b")
        #expect(result.text == "1 \(String(repeating: "█", count: 65_535 / 2 - 1)) a\n")
        #expect(result.status == 0 && result.errors.isEmpty)
    }

    /// Only half of the columns are for bars, so a window that has none is as one of 16.
    @Test(arguments: ["0", "-1", "x", "", "99999999999999999999", "1e3"])
    func whatIsNoWidthIsTakenFor80(_ columns: String) throws {
        let result = try shell("echo a | COLUMNS='\(columns)' wcreduce -b")
        #expect(result.text == "1 \(String(repeating: "█", count: 39)) a\n")
    }

    /// Control characters are spelled out wherever a piece of a long line begins.
    @Test func longLinesAreMadeVisibleWhole() throws {
        for length in 4090...4100 {
            let line = String(repeating: "x", count: length) + "é\u{1B}🎭\u{202E}"
            let input = Data(line.utf8) + [0xFF, 0xC3] + Data("y\n".utf8)
            let result = try shell("wcreduce -b", input: input)
            let shown =
                String(repeating: "x", count: length) + "é\\x1b🎭\\xe2\\x80\\xae\\xff\\xc3y\n"
            #expect(result.text.hasSuffix(" " + shown), "\(length)")
        }
    }

    /// Nor is a character cut in two that stands across the end of a piece.
    @Test(arguments: ["é", "猫", "\u{800}", "🎭", "\u{10FFFF}"])
    func longLinesAreCutBetweenCharacters(_ character: String) throws {
        let characters = Data(String(repeating: character, count: 4000).utf8)
        for shift in 0..<4 {
            let input = Data(String(repeating: "\u{1}", count: shift).utf8) + characters
            let shown = Data(String(repeating: "\\x01", count: shift).utf8) + characters
            let result = try shell("wcreduce -b", input: input)
            let isShown = result.output.suffix(shown.count + 2) == Data(" ".utf8) + shown + [0x0A]
            #expect(isShown, "after \(shift) bytes")
        }
    }

    /// What -p prints has keys of its own for each file, if the share is taken for a part of it.
    @Test(arguments: ["-p", "-p -n 2", "-p -k", "-p --min 2"])
    func aMergeRefusesShares(_ options: String) throws {
        let result = try shell(
            """
            printf '%s\\n' a a a b c d d e e e e e >in; wcreduce \(options) in >there.counts
            cat there.counts there.counts >both.counts
            yes | head -n 5 | wcreduce \(options) >one.counts
            for file in there both one; do wcreduce -m $file.counts; echo $?; done
            """)
        #expect(result.text == "2\n2\n2\n")
        #expect(
            result.errorLines
                == ["there", "both", "one"].map {
                    "wcreduce: \($0).counts: its lines have shares in percent, as -p prints them; "
                        + "-m takes counts and keys only"
                })
    }

    /// Keys that begin with a number and a tab, but not with the share of their count.
    @Test func aMergeTakesKeysThatLookLikeShares() throws {
        for counts in [
            "3\t3.1416\tx\n2\t2.7183\te\n", "1\t50.0000\ta\n1\tb\n", "1\t50.000\ta\n",
            "1\t100.0001\ta\n", "1\t.5000\ta\n", "1\t50.0000\n", "5\t10.0000\ta\n5\t90.0000\tb\n",
        ] {
            let result = try shell("wcreduce -m", input: Data(counts.utf8))
            #expect(result.text == counts && result.status == 0, "\(counts)\(result.errors)")
        }
        let escaped = try shell("printf '50.0000\\ta\\t1\\n' | wcreduce -m -K")
        #expect(escaped.text == "50.0000\ta\t1\n" && escaped.status == 0)
    }

    @Test func theLeastCountGoesAsFarAsCounts() throws {
        let counts = "printf '18446744073709551615\\ta\\n18446744073709551614\\tb\\n'"
        let result = try shell("\(counts) | wcreduce -m --min 18446744073709551615")
        #expect(result.text == "18446744073709551615\ta\n")
        let beyond = try shell("wcreduce --min 18446744073709551616")
        #expect(
            beyond.errors == "wcreduce: --min '18446744073709551616': passes the largest number "
                + "that it takes, 18446744073709551615\n")
    }

    @Test func unsortedIsTheSameLinesInAnyOrder() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            cat '\(samples)'/* | tr -s ' ' '\\n' >words
            wcreduce words | sort >expected; wcreduce -u words | sort | cmp - expected
            wcreduce -n 10 words | sort >expected; wcreduce -un10 words | sort | cmp - expected
            """, in: folder)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    @Test(arguments: [
        ("-u -k", "-u and -k"), ("-ur", "-u and -r"), ("-b --json", "-b and --json"),
        ("-K -b", "-b and -K"),
    ])
    func whatContradictsIsAUsageError(_ options: String, _ names: String) throws {
        let result = try shell("echo a | wcreduce \(options)")
        #expect(result.errors == "wcreduce: \(names): cannot both be done\n")
        #expect(result.output.isEmpty && result.status == 2)
    }

    @Test func severalFilesAreOneInputAndAnUnreadableOneIsAMessage() throws {
        let folder = try TemporaryFolder()
        try folder.write("one", "a\nb")
        try folder.write("two", "a\n")
        let result = try shell("echo c | wcreduce one absent - two .", in: folder)
        #expect(result.text == "2\ta\n1\tb\n1\tc\n" && result.status == 1)
        #expect(
            result.errors == """
                wcreduce: absent: No such file or directory
                wcreduce: .: Is a directory

                """)
    }
}
