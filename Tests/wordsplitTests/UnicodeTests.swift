import Testing

@testable import wordsplit

/// Text past ASCII. Expected words are by the rules of Unicode Standard Annex #29 and by
/// the data of the Unicode Standard (UnicodeData.txt, SpecialCasing.txt).
@Suite struct UnicodeTests {
    @Test func aCurlyApostropheComesOutStraight() throws {
        #expect(try words("Don\u{2019}t don't") == ["don't", "don't"])
        #expect(try words("\u{2018}quoted\u{2019}") == ["quoted"])
        #expect(try words("Don\u{2019}t", Rule(keepsCase: true)) == ["Don't"])
    }

    @Test func canonicallyEquivalentWordsAreTheSameBytes() throws {
        // U+00C9; E and U+0301 COMBINING ACUTE ACCENT. A String compares equal either way.
        let composed = try split([Array("\u{C9}cole".utf8)])
        let decomposed = try split([Array("E\u{301}cole".utf8)])
        #expect(composed == Array("\u{E9}cole\n".utf8))
        #expect(decomposed == composed)
        // U+212B ANGSTROM SIGN is U+00C5; Hangul jamo compose to a syllable.
        #expect(try split([Array("\u{212B}".utf8)]) == Array("\u{E5}\n".utf8))
        #expect(try split([Array("\u{1112}\u{1161}\u{11AB}".utf8)]) == Array("\u{D55C}\n".utf8))
    }

    @Test func marksComeInCanonicalOrder() throws {
        // U+0323 DOT BELOW (class 220) goes before U+0307 DOT ABOVE (class 230).
        let one = try split([Array("q\u{307}\u{323}".utf8)])
        #expect(one == Array("q\u{323}\u{307}\n".utf8))
    }

    /// The segment that begins at the full stop holds a letter, U+FF9E, which is Extend.
    @Test func marksBehindWhatJoinsNothingComeInOrderToo() throws {
        let text = Array("a.\u{64E}\u{94D}\u{FF9E} ".utf8)
        #expect(try split([text]) == Array("a\n.\u{94D}\u{64E}\u{FF9E}\n".utf8))
    }

    @Test func manyMarksBehindWhatJoinsNothingHaveRoom() throws {
        let marks = String(repeating: "\u{AD}", count: 400_000)
        let output = try split([Array("a.\(marks)\u{FF9E} b".utf8)], Rule(withFilename: true))
        #expect(output == Array("name\ta\nname\t.\(marks)\u{FF9E}\nname\tb\n".utf8))
    }

    @Test func lowerCaseIsTheFullMapping() throws {
        #expect(
            try words("STRA\u{1E9E}E ÄÖÜ ЧЕХОВ Ἀθῆναι") == ["straße", "äöü", "чехов", "ἀθῆναι"])
        // SpecialCasing.txt: U+0130 becomes i and U+0307, whatever the locale.
        #expect(try split([Array("\u{130}".utf8)]) == Array("i\u{307}\n".utf8))
        // Deseret, past the basic plane.
        #expect(try words("\u{10400}") == ["\u{10428}"])
    }

    @Test func sigmaAtTheEndOfAWordIsFinal() throws {
        #expect(try words("ΣΊΣΥΦΟΣ ΟΔΟΣ, ΟΔΟΣ") == ["σίσυφος", "οδος", "οδος"])
        #expect(try words("Σ ΑΣ ΑΣ1 ΣΑ") == ["σ", "ας", "ας1", "σα"])
    }

    @Test func scriptsWithoutSpacesAreCutAsTheStandardSays() throws {
        #expect(try words("日本語") == ["日", "本", "語"])
        #expect(try words("カタカナ") == ["カタカナ"])
    }

    /// WordBreakProperty.txt: AC00..D7A3 ; ALetter.
    @Test func hangulSyllablesJoin() throws {
        #expect(try words("가각 한국어 힣힣") == ["가각", "한국어", "힣힣"])
    }

    @Test func otherScriptsHaveWordsAndDigits() throws {
        #expect(try words("שלום عربي हिन्दी ١٢٣") == ["שלום", "عربي", "हिन्दी", "١٢٣"])
        // WB7: U+05F4 GERESHAYIM between letters; WB7b: a double quote between Hebrew ones.
        #expect(try words("צה״ל צה\"ל") == ["צה״ל", "צה\"ל"])
    }

    @Test func symbolsAndPunctuationAreNoWords() throws {
        #expect(try words("… — « » € 🎭 👨‍👩‍👧 ¿qué?") == ["qué"])
    }

    @Test func spacesPastASCIISeparate() throws {
        #expect(
            try words("a\u{A0}b\u{2003}c\u{3000}d\u{85}e\u{2028}f") == [
                "a", "b", "c", "d", "e", "f",
            ])
        #expect(try words("well\u{2011}known \u{2014}dash") == ["well", "known", "dash"])
    }

    @Test func aByteOrderMarkIsDropped() throws {
        #expect(try words("\u{FEFF}hello \u{FEFF}") == ["hello"])
    }

    @Test func aByteThatIsNotUTF8EndsAWord() throws {
        #expect(try words([Array("ab".utf8) + [0xFF] + Array("cd".utf8)]) == ["ab", "cd"])
        #expect(try words([[0x80, 0x61, 0xC3]]) == ["a"])
        #expect(try words([[0xC3, 0xA9, 0xC3, 0x61]]) == ["é", "a"])
        // Overlong "/", a surrogate, past U+10FFFF, and a sequence cut short.
        #expect(try words([[0x61, 0xC0, 0xAF, 0x62]]) == ["a", "b"])
        #expect(try words([[0x61, 0xED, 0xA0, 0x80, 0x62]]) == ["a", "b"])
        #expect(try words([[0x61, 0xF4, 0x90, 0x80, 0x80, 0x62]]) == ["a", "b"])
        #expect(try words([[0x61, 0xE2, 0x80, 0x62]]) == ["a", "b"])
    }

    @Test func lengthIsCountedInThePrintedWord() throws {
        // Three letters, five scalars as they stand in the text, three as printed.
        let text = "e\u{301}te\u{301}"
        #expect(try words(text, Rule(minimumLength: 3)) == ["été"])
        #expect(try words(text, Rule(minimumLength: 4)) == [])
        #expect(try words("🎭x 𝒳𝒴", Rule(minimumLength: 2)) == ["𝒳𝒴"])
    }
}
