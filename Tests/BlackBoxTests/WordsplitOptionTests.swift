import Foundation
import Testing

/// The options of wordsplit(1), alone and with each other.
@Suite struct WordsplitOptionTests {
    @Test func whiteSpaceParts() throws {
        let text =
            #"printf 'Well-known: «\303\211t\303\251» don\342\200\231t\302\240(E\314\201)\t--\n'"#
        let words = ["well-known:", "«été»", "don\u{2019}t", "(e\u{301})", "--"]
        for option in ["-w", "--whitespace"] {
            let result = try shell("\(text) | wordsplit \(option)")
            // As bytes: strings are equal that are canonically equivalent.
            #expect(result.output == Data(words.map { $0 + "\n" }.joined().utf8))
        }
        #expect(try shell("\(text) | wordsplit -kw").lines[1] == "«Été»")
    }

    @Test func hyphensJoinOnRequest() throws {
        let text = "well-known 3-year-old mother--in-law -x y- COVID-19 a-b_c 1990-2000"
        let words = [
            "well-known", "3-year-old", "mother", "in-law", "x", "y", "covid-19", "a-b_c",
            "1990-2000",
        ]
        #expect(try shell("echo '\(text)' | wordsplit -y").lines == words)
        #expect(try shell("echo '\(text) é' | wordsplit --hyphen").lines == words + ["é"])
        let typographic = try shell(#"printf 'a\342\200\220b c\342\200\221d' | wordsplit -y"#)
        #expect(typographic.lines == ["a-b", "c-d"])
    }

    /// Whatever the script, and as the page says what a letter or digit is: general category L*
    /// or N*. U+05F3 joins letters and is punctuation.
    @Test func hyphensJoinLettersAndDigitsOfAnyScript() throws {
        let words = ["日-本", "½-cup", "カ-タ", "a-カ", "٣-а", "ⅷ-a", "é-日", "q\u{323}\u{302}-1"]
        let text = Data(words.joined(separator: " ").utf8)
        let expected = Data(words.map { $0 + "\n" }.joined().utf8)
        #expect(try shell("wordsplit -y", input: text).output == expected)
        let others = Data("\u{5F3}-a 日--本 カ--タ".utf8)
        #expect(try shell("wordsplit -y", input: others).lines == ["a", "日", "本", "カ", "タ"])
        let folded = Data("\u{2011}\u{FF9E}".utf8)
        #expect(try shell("wordsplit -y", input: folded).text == "-\u{FF9E}\n")
        #expect(try shell("wordsplit", input: folded).text == "\u{2011}\u{FF9E}\n")
    }

    /// n-grams by awk(1), from the words.
    @Test(arguments: [2, 3, 5]) func runsOfWordsAreThoseOfTheWords(_ length: Int) throws {
        let result = try shell(
            """
            for options in '' -k -a -w -y '-m 4'; do
                for file in '\(samples)'/*; do wordsplit $options "$file" | awk '
                    { word[NR] = $0 } NR >= \(length) { line = word[NR - \(length) + 1]
                    for (i = NR - \(length) + 2; i <= NR; i++) line = line " " word[i]; print line }'
                done >expected
                wordsplit -g \(length) $options '\(samples)'/* | cmp - expected && wc -l <expected
            done
            """)
        #expect(result.lines.count == 6 && result.lines.allSatisfy { Int($0) ?? 0 > 1000 })
    }

    /// Of words that are longer than what is kept of them for the next run.
    @Test func runsOfLongWordsAreThoseOfTheWords() throws {
        let result = try shell(
            """
            for letter in a b c d e f g h; do head -c 5000 /dev/zero | tr '\\0' $letter; echo; done >words
            tail -n +2 words | paste -d ' ' words - | sed '$d' >expected
            wordsplit -g2 words | cmp - expected && wc -l <expected
            """)
        #expect(result.lines == ["7"])
    }

    @Test func aRunOfOneWordIsAWord() throws {
        #expect(try shell("echo To be | wordsplit --ngram=1").lines == ["to", "be"])
    }

    @Test func noRunReachesFromOneFileIntoTheNext() throws {
        let folder = try TemporaryFolder()
        try folder.write("one", "a b. C\n\nd")
        try folder.write("two", "e")
        try folder.write("three", "f g")
        let result = try shell("wordsplit -g 2 one two three", in: folder)
        #expect(result.lines == ["a b", "b c", "c d", "f g"])
    }

    @Test func aRunMayBeLongerThanAFile() throws {
        let result = try shell("echo a b c | wordsplit -g 9223372036854775807")
        #expect(result.output.isEmpty && result.status == 0)
    }

    @Test func theFilesNameComesFirst() throws {
        let folder = try TemporaryFolder()
        try folder.write("one", "To be")
        try folder.write("-two", "é")
        let result = try shell("echo x | wordsplit -H one - ./one -- -two", in: folder)
        #expect(
            result.lines == ["one\tto", "one\tbe", "-\tx", "./one\tto", "./one\tbe", "-two\té"])
        let grams = try shell("wordsplit --with-filename -g2 -0 one", in: folder)
        #expect(grams.text == "one\tto be\0")
        #expect(try shell("echo a | wordsplit -H").text == "-\ta\n")
    }

    @Test func aNameIsPrintedByteForByte() throws {
        let result = try shell(#"f=$(printf 'a\377\n\tb'); echo x >"$f"; wordsplit -H "$f""#)
        #expect(result.output == Data([0x61, 0xFF, 0x0A, 0x09, 0x62, 0x09, 0x78, 0x0A]))
    }

    /// Each pair of options is refused, or does what both say.
    @Test func optionsThatContradictEachOtherAreRefused() throws {
        let reasons = [
            "-a -w": "-a and -w: each says what a word is: give one of them",
            "-y -a": "-a and -y: by -a a word is nothing but letters",
            "-yw": "-w and -y: by -w a hyphen is part of the word already",
            "--strict -a": "-a and --strict: by -a any byte will do",
            "--files0-from=names file":
                "extra operand 'file': --files0-from names the files already",
        ]
        for (options, reason) in reasons {
            let result = try shell("wordsplit \(options) </dev/zero")
            #expect(result.errors == "wordsplit: \(reason)\n", "\(options)")
            #expect(result.status == 2 && result.output.isEmpty)
        }
    }

    /// The words of each rule, of a length, in runs, behind a name, ended by NUL: by the
    /// programs that do one of these things, behind each other.
    @Test func allOtherOptionsWorkTogether() throws {
        let result = try shell(
            #"""
            printf 'L\303\211tat, well-known: 3-year-old U.S.A. \316\223\316\221\316\243 x y\n' >in
            for rule in '' -a -w -y; do for keep in '' -k; do for length in 1 3; do for gram in 1 2; do
                wordsplit $rule $keep in | while read -r word; do
                    if [ "$(printf %s "$word" | LC_ALL=C.UTF-8 wc -m)" -ge $length ]; then echo "$word"; fi
                done | awk -v n=$gram '{ if (n == 1) print; else if (NR > 1) print last " " $0; last = $0 }' |
                    sed 's/^/in\t/' | tr '\n' '\0' >expected
                for strict in '' --strict; do
                    if [ "$rule$strict" = -a--strict ]; then continue; fi
                    wordsplit $rule $keep -m $length -g $gram -H0 $strict in >found
                    cmp expected found || echo "$rule $keep $length $gram"
                done
                wc -c <expected
            done; done; done; done
            """#)
        #expect(result.lines.count == 32 && result.lines.allSatisfy { (Int($0) ?? 0) > 20 })
        #expect(result.errors.isEmpty)
    }
}

/// `--files0-from`, which is that of wc(1) and sort(1).
@Suite struct WordsplitFileNamesTests {
    @Test func filesAreNamedByAnother() throws {
        let folder = try TemporaryFolder()
        try folder.write("one", "a")
        try folder.write("two\nlines", "b")
        try folder.write("-0", "c")
        try folder.write("names", "one\0two\nlines\0-0\0-\0one")
        let result = try shell("echo d | wordsplit --files0-from names", in: folder)
        #expect(result.lines == ["a", "b", "c", "d", "a"])
        #expect(result.status == 0 && result.errors.isEmpty)
    }

    @Test func namesAreReadAsTheyCome() throws {
        let result = try shell(
            """
            echo a >one; mkfifo two
            { printf 'one\\0two\\0'; echo b >two; printf 'one\\0'; } | wordsplit --files0-from=-
            """)
        #expect(result.lines == ["a", "b", "a"])
        let found = try shell(
            "find '\(samples)' -type f -print0 | wordsplit --files0-from=- | wc -l; "
                + "wordsplit '\(samples)'/* | wc -l")
        #expect(found.lines[0] == found.lines[1])
    }

    /// Its reader has the words of the first file before the second name is there.
    @Test func wordsArePrintedBeforeMoreNamesAreWaitedFor() throws {
        let result = try shell(
            """
            mkfifo names out; echo a >one; echo b >two
            wordsplit --files0-from=names >out & exec 4<out 3>names
            printf 'one\\0' >&3; timeout 10 head -c 2 <&4 || echo late
            printf 'two\\0tw' >&3; timeout 10 head -c 2 <&4 || echo late
            printf 'o' >&3; exec 3>&-; cat <&4
            """)
        #expect(result.lines == ["a", "b", "b"])
    }

    @Test func noNamesAreNoFiles() throws {
        let result = try shell("echo a | wordsplit --files0-from=/dev/null")
        #expect(result.output.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    @Test func whatIsNoNameIsAMessage() throws {
        let result = try shell(
            "echo a >a; printf 'a\\0\\0-\\0missing\\0a\\0' | wordsplit --files0-from=-")
        #expect(result.lines == ["a", "a"] && result.status == 1)
        #expect(
            result.errorLines == [
                "wordsplit: standard input: name 2 is empty",
                "wordsplit: standard input: name 3 is -, but standard input holds the names",
                "wordsplit: missing: No such file or directory",
            ])
    }

    @Test func namesThatCannotBeReadAreAMessage() throws {
        for (file, reason) in [("missing", "No such file or directory"), ("/", "Is a directory")] {
            let result = try shell("wordsplit --files0-from=\(file)")
            #expect(result.errors == "wordsplit: \(file): \(reason)\n" && result.status == 1)
        }
    }
}
