import Foundation
import Testing

/// Bytes that are not UTF-8, other encodings, and files that are not quite files.
@Suite struct WordsplitEncodingTests {
    /// Not UTF-8 by table 3-7 of the Unicode Standard, whatever the bytes around.
    static let invalid: [[UInt8]] = [
        [0xFF], [0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xC3], [0xE0, 0x80, 0xAF], [0xE2, 0x80],
        [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0xAF], [0xF0, 0x9F, 0x98],
        [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80],
        [0xFE, 0xFE],
    ]

    @Test(arguments: invalid) func anInvalidByteEndsAWordAndIsDropped(_ bytes: [UInt8]) throws {
        let folder = try TemporaryFolder()
        try folder.write("in", Array("ab".utf8) + bytes + Array("cd é".utf8))
        let what = bytes.count == 1 ? "a byte that is" : "\(bytes.count) bytes that are"
        let place = bytes.count == 1 ? "at offset 2" : "the first at offset 2"
        for options in ["", "-w", "-H", "-y -m 1"] {
            let result = try shell("wordsplit \(options) in | sed 's/.*\t//'", in: folder)
            #expect(result.lines == ["ab", "cd", "é"], "\(options)")
            #expect(result.errors == "wordsplit: in: dropped \(what) not UTF-8, \(place)\n")
        }
        #expect(try shell("wordsplit in", in: folder).status == 0)
        let strict = try shell("wordsplit --strict in missing", in: folder)
        #expect(strict.text == "ab\n" && strict.status == 2)
        #expect(strict.errors == "wordsplit: in: not UTF-8 at offset 2\n")
        let letters = try shell("wordsplit -a in", in: folder)
        #expect(letters.lines == ["ab", "cd"] && letters.errors.isEmpty)
    }

    @Test func eachFileHasOneMessageAndItsOwnPlaces() throws {
        let folder = try TemporaryFolder()
        try folder.write("one", Array(repeating: 0x20, count: 700_000) + [0xFF, 0x61, 0xFF, 0xFF])
        try folder.write("two", "fine")
        try folder.write("three", [0xEF, 0xBB, 0xBF, 0x61, 0xE2, 0x82])
        let result = try shell("wordsplit one two three", in: folder)
        #expect(result.lines == ["a", "fine", "a"] && result.status == 0)
        #expect(
            result.errorLines == [
                "wordsplit: one: dropped 3 bytes that are not UTF-8, the first at offset 700000",
                "wordsplit: three: dropped 2 bytes that are not UTF-8, the first at offset 4",
            ])
    }

    /// Where the second text ends, the buffer still has the rest of the character, from the first.
    @Test(arguments: ["é", "日", "𐐀"]) func aCharacterThatIsCutIsNone(_ character: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("one", "x \(character)")
        for length in 1..<character.utf8.count {
            try folder.write("two", Array("x ".utf8) + character.utf8.prefix(length))
            let result = try shell("wordsplit -k one two", in: folder)
            #expect(result.lines == ["x", character, "x"])
            #expect(result.errors.hasSuffix("at offset 2\n"))
        }
    }

    /// A pipe hands over the pieces of a character one by one.
    @Test func aCharacterThatComesInPiecesIsOne() throws {
        for character in ["é", "日", "𐐀"] {
            let bytes = Array(character.utf8).map { "printf '\\\($0.octal)'; sleep 0.02" }
            let result = try shell(
                "{ printf x; \(bytes.joined(separator: "; ")); } | wordsplit -k --strict")
            let words = character == "日" ? ["x", "日"] : ["x" + character]
            #expect(result.lines == words && result.errors.isEmpty && result.status == 0)
        }
    }

    @Test func nulBytesSeparateWords() throws {
        for options in ["", "-a", "-w", "-y", "-H"] {
            let result = try shell(
                "printf 'a\\0b\\0\\0é c' | wordsplit \(options) | sed 's/.*\t//'")
            #expect(result.lines == (options == "-a" ? ["a", "b", "c"] : ["a", "b", "é", "c"]))
        }
    }

    @Test func aByteOrderMarkIsNoPartOfAWord() throws {
        for options in ["", "-w", "-a", "-H --strict"] {
            let result = try shell("printf '\\357\\273\\277a' | wordsplit \(options)")
            #expect(result.output.suffix(2) == Data("a\n".utf8) && result.output.count <= 4)
        }
        #expect(try shell("printf '\\357\\273\\277' | wordsplit --strict").status == 0)
        // A pipe may hand it over byte by byte.
        for options in ["", "-w", "-a", "-kw"] {
            let result = try shell(
                """
                for byte in 357 273 277 141; do printf "\\\\$byte"; sleep 0.05; done |
                    wordsplit \(options)
                """)
            #expect(result.output == Data("a\n".utf8), "\(options)")
        }
        #expect(try shell("printf '\\357\\273' | wordsplit").errors.contains("dropped 2 bytes"))
    }

    /// A mark is enough, even at the end of the file.
    @Test(arguments: [#"\377\376"#, #"\376\377"#, #"\377\376\0\0"#, #"\0\0\376\377"#])
    func aByteOrderMarkAloneNamesItsEncoding(_ mark: String) throws {
        let result = try shell("printf '\(mark)' | wordsplit")
        let name = mark.contains("0") ? "UTF-32" : "UTF-16"
        #expect(result.errors.hasPrefix("wordsplit: standard input: is \(name), not UTF-8"))
        #expect(result.status == 1 && result.output.isEmpty)
    }

    /// The words before a failed read are printed, and it is the failed read that is told. A
    /// connection that is reset gives its bytes first.
    @Test(.enabled(if: isInstalled("python3")), arguments: ["", "--strict", "-g2", "-w"])
    func whatComesBeforeAFailedReadIsPrinted(_ options: String) throws {
        let result = try shell(
            """
            python3 -c '
            import socket, struct, subprocess, sys
            server = socket.create_server(("127.0.0.1", 0))
            client = socket.create_connection(server.getsockname())
            peer, _ = server.accept()
            peer.sendall(b"one two")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            sys.exit(subprocess.run(["wordsplit", *sys.argv[1:]], stdin=client).returncode)
            ' \(options)
            """)
        #expect(result.errors == "wordsplit: standard input: Connection reset by peer\n")
        #expect(result.text == (options == "-g2" ? "one two\n" : "one\ntwo\n"))
        #expect(result.status == 1)
    }

    @Test(arguments: ["UTF-16", "UTF-32"]) func anotherEncodingIsRefusedAndNamed(_ encoding: String)
        throws
    {
        for order in ["LE", "BE"] {
            for options in ["", "-a", "-w", "--strict"] {
                // iconv writes no mark where the order is named: it is the text's first character.
                let result = try shell(
                    """
                    printf '\\357\\273\\277\\303\\251a' | iconv -f UTF-8 -t \(encoding)\(order) >in
                    echo b >good; wordsplit \(options) in good; echo $?
                    iconv -f \(encoding) -t UTF-8 in | wordsplit
                    """)
                #expect(result.lines == ["b", "1", "éa"])
                #expect(
                    result.errors
                        == "wordsplit: in: is \(encoding), not UTF-8: convert it with iconv -f \(encoding) -t UTF-8\n"
                )
            }
        }
    }
}

extension UInt8 {
    fileprivate var octal: String {
        let digits = String(self, radix: 8)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }
}

/// Files that change, end, or are none.
@Suite struct WordsplitFileTests {
    /// The program has read the first piece; then the file is cut to nothing.
    @Test func aFileThatShrinksWhileItIsReadJustEnds() throws {
        let result = try shell(
            """
            yes 'to be' | head -c 60000000 >in
            (wordsplit in; echo $? >status) | { head -c 4 >start; : >in; cat >/dev/null; }
            cat status start
            """)
        #expect(result.lines == ["0", "to", "b"] && result.errors.isEmpty)
    }

    @Test func aFileThatGrowsWhileItIsReadIsReadOn() throws {
        let result = try shell(
            """
            mkfifo out; yes 'to be' | head -c 600000 >in
            wordsplit in >out & exec 3<out; head -c 4 <&3 >/dev/null; echo last >>in
            cat <&3 | tail -n 1
            """)
        #expect(result.text == "last\n")
    }

    @Test(.hasPlainUser) func aFileWithoutPermissionIsAMessage() throws {
        let result = try shellWithPlainUser(
            "echo a >good; echo b >secret; chmod 0 secret; $plain wordsplit secret good")
        #expect(result.text == "a\n" && result.status == 1)
        #expect(result.errors == "wordsplit: secret: Permission denied\n")
    }

    @Test func aNameThatBeginsWithAHyphenFollowsTwo() throws {
        let result = try shell("echo a >-m; wordsplit -- -m; wordsplit ./-m; wordsplit -m")
        #expect(result.lines == ["a", "a"] && result.status == 2)
        #expect(result.errors == "wordsplit: option '-m' needs a value: N\n")
    }

    @Test func filesOfTheKernelAreRead() throws {
        let result = try shell("wordsplit /proc/self/status | head -n 2")
        #expect(result.lines == ["name", "wordsplit"])
    }

    @Test func aFIFOIsReadToItsEnd() throws {
        let result = try shell(
            "mkfifo fifo; (echo a; sleep 0.1; printf 'b\\303'; sleep 0.1; printf '\\251') >fifo & wordsplit fifo"
        )
        #expect(result.lines == ["a", "bé"])
    }

    /// Memory of a word is what the word takes, and of a line that of its longest word.
    @Test(.enabled(if: programsAreStatic)) func aLongLineTakesNoMemory() throws {
        for (unit, count) in [("to be, ", 8_000_000), ("日本", 5_000_000), ("été ", 6_000_000)] {
            let size = unit.utf8.count * count
            let run =
                "yes '\(unit)' | tr -d '\\n' | head -c \(size) | (ulimit -v 20000; wordsplit) | wc -l"
            let words = unit == "été " ? count : count * 2
            #expect(
                try shell(run).text.trimmingCharacters(in: .whitespacesAndNewlines) == "\(words)")
        }
    }

    @Test(.enabled(if: programsAreStatic), arguments: ["a", "é", "e\u{301}", "Σ"])
    func aLongWordTakesMemoryInProportion(_ letter: String) throws {
        // 10 MB for the program, and for each byte 16.
        let run = """
            yes '\(letter)' | tr -d '\\n' | head -c \(letter.utf8.count * 2_000_000) >in
            ulimit -v \(10_000 + letter.utf8.count * 2_000 * 16); wordsplit in | wc -lc
            """
        let count = try shell(run).text.split { $0.isWhitespace }.compactMap { Int($0) }
        let printed = letter == "e\u{301}" ? 2 : letter.utf8.count
        #expect(count == [1, printed * 2_000_000 + 1])
    }
}
