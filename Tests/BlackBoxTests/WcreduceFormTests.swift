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
    }

    @Test func totalIsALineOnStandardErrorAfterTheOutput() throws {
        let result = try shell("\(lines) | wcreduce -T -n 1 2>&1")
        #expect(result.text == "3\ta\nwcreduce: 7 lines, 4 different\n")
        #expect(try shell("wcreduce --total").errors == "wcreduce: 0 lines, 0 different\n")
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

    @Test func jsonIsAnObjectALine() throws {
        #expect(
            try shell("printf 'a\"\\n\\377\\n\\377\\n' | wcreduce --json").text
                == #"{"count":2,"bytes":"/w=="}"# + "\n" + #"{"count":1,"line":"a\""}"# + "\n")
        #expect(
            try shell("printf 'a\\n' | wcreduce --json -pK").text
                == #"{"line":"a","count":1,"percent":100.0000}"# + "\n")
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
        let wide = try shell("\(counts) | wcreduce -mb -n 1").text
        #expect(wide == "100 \(String(repeating: "█", count: 37)) a\n")
        let shares = try shell("\(counts) | COLUMNS=20 wcreduce -mbp -n 1").text
        #expect(shares == "100  66.2252% \(String(repeating: "█", count: 8)) a\n")
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
