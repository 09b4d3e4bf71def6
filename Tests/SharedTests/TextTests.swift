import Shared
import Testing

/// Bytes as text that a message can hold.
@Suite struct ReadableTests {
    @Test(arguments: ["", "plain", "é", "日本", "🎭", "a\nb"])
    func validTextStaysAsItIs(_ text: String) {
        #expect(readable(Array(text.utf8)) == text)
    }

    /// Ill-formed sequences of the Unicode Standard, section 3.9: a lone byte, a sequence cut
    /// short, an overlong form, a surrogate, one past U+10FFFF.
    @Test(arguments: [
        ([0xFF], #"\xff"#), ([0x61, 0x80, 0x62], #"a\x80b"#), ([0xC3], #"\xc3"#),
        ([0xE2, 0x82], #"\xe2\x82"#), ([0xC0, 0xAF], #"\xc0\xaf"#),
        ([0xED, 0xA0, 0x80], #"\xed\xa0\x80"#), ([0xF4, 0x90, 0x80, 0x80], #"\xf4\x90\x80\x80"#),
        ([0xC3, 0xA9, 0xFE, 0xC3, 0xA9], #"é\xfeé"#),
    ])
    func bytesThatAreNotUTF8AreSpelledOut(_ bytes: [UInt8], _ text: String) {
        #expect(readable(bytes) == text)
    }
}

@Suite struct VisibleTests {
    @Test(arguments: ["plain", "with blanks", "é", "日本", "🎭", #"\n"#])
    func printableTextStaysAsItIs(_ text: String) { #expect(visible(text) == text) }

    @Test func commonControlsHaveTheirNames() {
        #expect(visible("a\nb\tc\rd") == #"a\nb\tc\rd"#)
        #expect(visible("a\r\nb") == #"a\r\nb"#)
    }

    @Test func anEscapeSequenceCannotPaintTheTerminal() {
        #expect(visible("\u{1B}[31mred") == #"\x1b[31mred"#)
        #expect(visible("\u{9B}31m") == #"\xc2\x9b31m"#)
        #expect(visible("\0\u{7F}") == #"\x00\x7f"#)
        #expect(visible("\u{F}\u{10}") == #"\x0f\x10"#)
    }

    /// U+202E RIGHT-TO-LEFT OVERRIDE, U+2028 LINE SEPARATOR, U+200B ZERO WIDTH SPACE.
    @Test func textCannotBeTurnedRoundBrokenOrHidden() {
        #expect(visible("a\u{202E}b") == #"a\xe2\x80\xaeb"#)
        #expect(visible("a\u{2028}b") == #"a\xe2\x80\xa8b"#)
        #expect(visible("a\u{200B}b") == #"a\xe2\x80\x8bb"#)
    }

    @Test func controlCharactersAreSpelledOutAndNoOthers() {
        let hidden: Set<Unicode.GeneralCategory> = [
            .control, .format, .lineSeparator, .paragraphSeparator,
        ]
        for scalar in (0...0x2FFF).compactMap(Unicode.Scalar.init) {
            let text = String(scalar)
            let isHidden = hidden.contains(scalar.properties.generalCategory)
            #expect((visible(text) != text) == isHidden, "U+\(String(scalar.value, radix: 16))")
            #expect(!isHidden || visible(text).utf8.allSatisfy { (0x20...0x7E).contains($0) })
        }
    }
}

@Suite struct ArgumentTests {
    @Test func aWordIsItsBytes() {
        let word: Argument = "plays/é"
        #expect(word.bytes == Array("plays/é".utf8))
        #expect(word.byteCount == 8)
        #expect(word == "plays/é")
        #expect(!(word == "plays"))
    }
}

@Suite struct ErrnoTests {
    @Test func theReasonIsThatOfStrerror() {
        #expect(Errno(ENOSPC).reason == "No space left on device")
        #expect(Errno.noEntry.reason == "No such file or directory")
    }

    @Test func anInterruptedCallIsMadeAgain() throws {
        var answers: [Int32?] = [EINTR, EINTR, nil, EIO]
        let value = try retrying { () -> Int in
            guard let code = answers.removeFirst() else { return 7 }
            errno = code
            return -1
        }
        #expect(value == 7)
        #expect(answers == [EIO])
    }

    @Test func anyOtherFailureIsThrown() {
        #expect(throws: Errno(EIO)) {
            try retrying { () -> Int in
                errno = EIO
                return -1
            }
        }
    }
}
