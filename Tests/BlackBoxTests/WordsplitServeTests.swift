import Foundation
import Testing

/// `--serve`: file names in as they arrive, an answer out for each.
@Suite struct WordsplitServeTests {
    /// An answer is what `wordsplit FILE` prints, and an empty line.
    @Test(arguments: ["", "-a", "-w", "-yk", "-m 5", "-g 2 -m 3", "-H", "--strict"])
    func anAnswerIsTheWordsOfTheFileAndAnEmptyLine(_ options: String) throws {
        let result = try shell(
            """
            : >empty; printf '. ,\\n' >wordless; printf 'a\\0b' >nul; printf '\\357\\273\\277c' >mark
            cp '\(samples)'/* .; set -- *; printf '%s\\n' "$@" >names
            for file; do wordsplit \(options) -- "$file"; echo; done >expected
            wordsplit --serve \(options) <names >answers; echo $?
            cmp expected answers; grep -c '^$' answers; wc -l <names
            """)
        #expect(result.errors.isEmpty && result.lines[0] == "0")
        #expect(result.lines.count == 3)
        #expect(result.lines[1] == result.lines[2])
    }

    @Test func withNullNamesWordsAndAnswersEndWithNUL() throws {
        let folder = try TemporaryFolder()
        try folder.write("two\nlines", "a b")
        try folder.write("-m", "c")
        try folder.write("names", "two\nlines\0-m\0")
        for options in ["-0", "-0 -H"] {
            let result = try shell("wordsplit --serve \(options) <names", in: folder)
            let expected =
                options == "-0"
                ? "a\0b\0\0c\0\0" : "two\nlines\ta\0two\nlines\tb\0\0-m\tc\0\0"
            #expect(result.text == expected)
            #expect(result.status == 0 && result.errors.isEmpty)
        }
    }

    @Test func noNamesHaveNoAnswer() throws {
        let result = try shell("wordsplit --serve")
        #expect(result.output.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    /// The asker gets each answer whole before it asks again.
    @Test func eachAnswerIsWrittenBeforeMoreNamesAreWaitedFor() throws {
        let result = try shell(
            """
            mkfifo names answers; echo a >one; echo b c >two; : >three
            wordsplit --serve <names >answers & exec 3>names 4<answers
            answer() {
                while read -r line <&4; do
                    [ "$line" ] || { echo end; return; }
                    echo "$line"
                done
            }
            echo one >&3; answer
            echo three >&3; answer
            printf 'two\\non' >&3; answer
            printf 'e' >&3; exec 3>&-; answer; cat <&4; wait $!; echo $?
            """)
        #expect(result.lines == ["a", "end", "end", "b", "c", "end", "a", "end", "0"])
        #expect(result.errors.isEmpty)
    }

    /// Names that are there are answered without a write for each.
    @Test(.enabled(if: isInstalled("strace") && programsAreStatic))
    func answersToNamesThatAreThereAreWrittenTogether() throws {
        let result = try shell(
            """
            echo a >x; seq 100 | sed 's/.*/x/' >names
            strace -o calls -e trace=write wordsplit --serve <names | wc -l; grep -c 'write(1,' calls
            """)
        #expect(result.lines == ["200", "1"])
    }

    @Test(arguments: [
        ("missing", "missing: No such file or directory"), (".", ".: Is a directory"),
        ("utf16", "utf16: is UTF-16, not UTF-8: convert it with iconv -f UTF-16 -t UTF-8"),
        ("", "standard input: name 2 is empty"),
        ("-", "standard input: name 2 is -, but standard input holds the names"),
        ("one\\0two", "standard input: name 2 holds a NUL byte"),
    ])
    func aFileThatCannotBeReadEndsItBeforeItsAnswer(_ name: String, _ message: String) throws {
        let result = try shell(
            """
            echo a >one; printf '\\377\\376a\\0' >utf16
            printf 'one\\n\(name)\\none\\n' | wordsplit --serve
            """)
        #expect(result.text == "a\n\n" && result.status == 1)
        #expect(result.errors == "wordsplit: \(message)\n")
    }

    @Test(.hasPlainUser) func anUnreadableFileEndsItBeforeItsAnswer() throws {
        let result = try shellWithPlainUser(
            """
            echo a >one; echo b >secret; chmod 0 secret
            printf 'one\\nsecret\\none\\n' | $plain wordsplit --serve
            """)
        #expect(result.text == "a\n\n" && result.status == 1)
        #expect(result.errors == "wordsplit: secret: Permission denied\n")
    }

    /// The words before the byte are printed, but nobody takes them for an answer.
    @Test func aByteThatIsNotUTF8EndsOnlyAStrictOne() throws {
        let folder = try TemporaryFolder()
        try folder.write("bad", [0x61, 0x20, 0xFF, 0x62])
        try folder.write("names", "bad\nbad\n")
        let lenient = try shell("wordsplit --serve <names", in: folder)
        #expect(lenient.text == "a\nb\n\na\nb\n\n" && lenient.status == 0)
        #expect(lenient.errorLines.count == 2)
        let strict = try shell("wordsplit --serve --strict <names", in: folder)
        #expect(strict.text == "a\n" && strict.status == 2)
        #expect(strict.errors == "wordsplit: bad: not UTF-8 at offset 2\n")
    }

    @Test func namesThatCannotBeReadAreAMessage() throws {
        let result = try shell("wordsplit --serve </")
        #expect(result.errors == "wordsplit: standard input: Is a directory\n")
        #expect(result.status == 1)
    }

    @Test func aClosedReaderEndsIt() throws {
        let result = try shell(
            "(yes '\(samples)/sonnet-018.txt' | wordsplit --serve; echo $? >&2) | head -n 1")
        #expect(result.lines.count == 1)
        #expect(result.errors == "\(Signal.pipe.status)\n")
        let full = try shell("echo '\(samples)/sonnet-018.txt' | wordsplit --serve >/dev/full")
        #expect(full.errors == "wordsplit: write error: No space left on device\n")
        #expect(full.status == 2)
    }

    @Test func namesComeFromNowhereElse() throws {
        let reasons = [
            "--serve file": "extra operand 'file': standard input names the files already",
            "--serve -": "extra operand '-': standard input names the files already",
            "--serve --files0-from=names":
                "--files0-from and --serve: each says where the names come from: give one",
        ]
        for (options, reason) in reasons {
            let result = try shell("wordsplit \(options) </dev/zero")
            #expect(result.errors == "wordsplit: \(reason)\n" && result.status == 2)
            #expect(result.output.isEmpty)
        }
    }

    /// Ten thousand files one after the other, with room for the descriptors and the memory of a
    /// few.
    @Test(.enabled(if: programsAreStatic)) func manyNamesTakeNoMoreThanOne() throws {
        let result = try shell(
            """
            for name in $(seq 100); do echo $name >n$name; echo n$name; done >hundred
            for turn in $(seq 100); do cat hundred; done >names; sed 's/n//' names >expected
            ulimit -n 20; ulimit -v 20000; wordsplit --serve <names | tr -s '\\n' >answers
            cmp expected answers && echo same
            """)
        #expect(result.text == "same\n" && result.errors.isEmpty)
    }
}
