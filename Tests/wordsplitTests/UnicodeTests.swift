import Shared
import Testing

@testable import wordsplit

/// Text past ASCII. Expected words are by the rules of Unicode Standard Annex #29 and by
/// the data of the Unicode Standard (UnicodeData.txt, SpecialCasing.txt).
@Suite struct UnicodeTests {
    @Test func aCurlyApostropheComesOutStraight() throws {
        #expect(try words("Don\u{2019}t don't") == ["don't", "don't"])
        #expect(try words("\u{2018}quoted\u{2019}") == ["quoted"])
        #expect(try words("Don\u{2019}t", Rule(keepsCase: true)) == ["Don't"])
        #expect(try words("O\u{2018}Neill Hawai\u{2018}i") == ["o'neill", "hawai'i"])
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

    /// Where one block or one window ends and the next begins, at each place of the text.
    @Test func marksComeInCanonicalOrderWhereverTextIsCut() throws {
        // U+0315 is of class 232, U+0316 of class 220: neither is part of a composite.
        let text = Array("-- aa\u{315}\u{316}a\u{301}\u{316}, a.a\u{315}\u{316}".utf8)
        let expected = Array("aa\u{316}\u{315}\u{E1}\u{316}\na.a\u{316}\u{315}\n".utf8)
        for place in 0...text.count {
            #expect(try split(cut(text, at: place), Rule()) == expected, "cut at \(place)")
        }
        for offset in 16_384 - text.count...16_384 {
            for byte in " ,".utf8 {
                let before = [UInt8](repeating: byte, count: offset)
                #expect(try split([before + text]) == expected, "offset \(offset)")
            }
        }
    }

    /// Unicode 17.0, sections 3.11 and 3.12, and UnicodeData.txt: parts that compose with what is
    /// before them though they are composites themselves.
    @Test(arguments: [
        ("\u{16D63}\u{16D68}", "\u{16D6A}"),
        ("\u{16D63}\u{16D67}\u{16D67}", "\u{16D6A}"),
        ("\u{1138B}\u{113C5}", "\u{1138E}\u{113C2}"),
        ("\u{16100}\u{1611E}\u{16121}", "\u{16100}\u{16121}\u{1611E}"),
    ])
    func compositesMayComposeWithWhatIsBefore(_ text: String, _ expected: String) throws {
        #expect(Array(composed(text).utf8) == Array(expected.utf8))
        #expect(try split([Array(text.utf8)]) == Array((expected + "\n").utf8))
    }

    /// Their own combining class is 0, that of their parts is not.
    @Test func vowelsThatAreTwoMarksComeInOrder() throws {
        for (text, expected) in [
            ("\u{F40}\u{F74}\u{F73}", "\u{F40}\u{F71}\u{F72}\u{F74}"),
            ("\u{F40}\u{F72}\u{F75}", "\u{F40}\u{F71}\u{F72}\u{F74}"),
            ("\u{F40}\u{F80}\u{F81}", "\u{F40}\u{F71}\u{F80}\u{F80}"),
        ] {
            #expect(try split([Array(text.utf8)]) == Array((expected + "\n").utf8))
        }
    }

    /// A letter with a mark of class 230, and a mark of class 220 or 202 after it.
    @Test func aMarkComesBetweenALetterAndItsMark() throws {
        for (text, expected) in [
            ("\u{E9}\u{323}", "\u{1EB9}\u{301}"),
            ("x\u{1ED9}\u{327}y", "x\u{1ED9}\u{327}y"),
            ("\u{1EC7}\u{301}", "\u{1EC7}\u{301}"),
            ("\u{AC00}\u{11A8}\u{E9}\u{323}", "\u{AC01}\u{1EB9}\u{301}"),
        ] {
            #expect(try split([Array(text.utf8)]) == Array((expected + "\n").utf8))
        }
    }

    /// Few marks are sorted by insertion, many by counting; those of one class stay as they are.
    @Test(arguments: [2, 15, 16, 17, 18, 300, 70_000])
    func anyNumberOfMarksComesInOrder(_ count: Int) throws {
        let marks: [Unicode.Scalar] = (0..<count).map {
            ["\u{315}", "\u{316}", "\u{317}", "\u{334}"][$0 * 7 % 4]
        }
        let classes: [[Unicode.Scalar]] = [["\u{334}"], ["\u{316}", "\u{317}"], ["\u{315}"]]
        let sorted = classes.flatMap { one in marks.filter(one.contains) }
        func text(_ marks: [Unicode.Scalar]) -> [UInt8] {
            Array("a\(String(String.UnicodeScalarView(marks)))".utf8)
        }
        #expect(try split([text(marks)]) == text(sorted) + [0x0A])
    }

    /// The segment that begins at the full stop holds a letter, U+FF9E, which is Extend.
    @Test func marksBehindWhatJoinsNothingComeInOrderToo() throws {
        let text = Array("a.\u{64E}\u{94D}\u{FF9E} ".utf8)
        #expect(try split([text]) == Array("a\n.\u{94D}\u{64E}\u{FF9E}\n".utf8))
    }

    /// U+FF9E is Extend, and a letter: with what is before it, it is a word (WB4), but not with
    /// white space or a control character.
    @Test func marksBelongToThePunctuationBeforeThem() throws {
        for mark in "!\"#$%&()*+/<=>?@[\\]^`{|}~" {
            #expect(try words("ab cd \(mark)\u{FF9E} e") == ["ab", "cd", "\(mark)\u{FF9E}", "e"])
        }
        for other in ["\u{1}", "\0", "\u{7F}", "\n"] {
            #expect(try words("ab cd\(other)\u{FF9E} e") == ["ab", "cd", "\u{FF9E}", "e"])
        }
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

    /// What composes to a syllable of Hangul, and the letters next to it, which do not.
    @Test func hangulComposesWithinItsLimits() throws {
        let first = Array(0x10FF...0x1114) + [0xAC00, 0xAC01, 0xAC1B, 0xAC1C, 0xD788, 0xD7A3]
        let second = Array(0x1160...0x1177) + Array(0x11A6...0x11C4)
        let texts = first.flatMap { one in
            second.flatMap { two in
                [0x11A7, 0x11A8, 0x61].map { three in
                    String(
                        String.UnicodeScalarView([one, two, three].compactMap(Unicode.Scalar.init)))
                }
            }
        }
        let found = try words(texts.joined(separator: " "), Rule(keepsCase: true))
        #expect(found == texts.map { composed($0) })
    }

    /// All letters, one after the other: what is known of one must not be taken for another's.
    @Test func everyLetterHasItsOwnLowerCase() throws {
        let letters = (0x80...0x1FFFF).compactMap(Unicode.Scalar.init)
            .filter { $0.properties.isAlphabetic && $0.properties.changesWhenLowercased }
        let text = letters.map { "x\($0)" }.joined(separator: " ")
        #expect(letters.count > 1000)
        let expected = Reference(rule: Rule()).words(Array(text.utf8))
        #expect(try words(text) == expected)
    }

    /// Whether a sigma is final depends on what the letters around it are.
    @Test func everyLetterBeforeASigmaIsKnown() throws {
        let letters =
            (0x80...0x3FF).compactMap(Unicode.Scalar.init)
            + (0x1E00...0x2FFF).compactMap(Unicode.Scalar.init)
        let text = letters.flatMap { ["a\($0)Σ", "\($0)Σ"] }.joined(separator: " ")
        let expected = Reference(rule: Rule()).words(Array(text.utf8))
        #expect(expected.contains { $0.hasSuffix("ς") } && expected.contains { $0.hasSuffix("σ") })
        #expect(try words(text) == expected)
    }

    /// WB3c: the pictograph U+2139, which is a letter, belongs to what the joiner before it belongs to.
    @Test(arguments: ["", "a", "a.", "a:", "1,"])
    func marksBeforeAPictographAreOrdered(_ start: String) throws {
        let text = start + "\u{315}\u{316}\u{200D}\u{2139} b"
        let expected = Reference(rule: Rule()).words(Array(text.utf8))
        #expect(expected.contains { $0.unicodeScalars.contains("\u{2139}") })
        #expect(try words(text) == expected)
    }

    /// With -w a word may begin with marks, which have their order too.
    @Test func marksAtTheStartOfAWordAreOrdered() throws {
        let text = "\u{315}\u{316} \u{315}\u{316}a a\u{315}\u{316}"
        for rule in [
            Rule(words: .betweenWhiteSpace), Rule(words: .betweenWhiteSpace, keepsCase: true),
        ] {
            let found = try words(text, rule)
            #expect(found == Reference(rule: rule).words(Array(text.utf8)))
        }
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

    /// WB7a.
    @Test func anApostropheAfterAHebrewLetterIsPartOfTheWord() throws {
        #expect(try words("ג' ג'ירפה ג'. a'") == ["ג'", "ג'ירפה", "ג'", "a"])
        // U+2019 is MidNumLet, and no Single_Quote.
        #expect(try words("ג\u{2019} ג\u{2019}א") == ["ג", "ג'א"])
    }

    /// General category L* or N*, whatever the Word_Break of it; U+05F3 and U+24B6 join letters
    /// and are none.
    @Test func hyphensJoinLettersAndDigitsOfAnyScript() throws {
        let rule = Rule(joinsHyphens: true)
        for word in [
            "日-本", "½-cup", "カ-タ", "a-カ", "カ-a", "٣-а", "ⅷ-a", "א-ב", "é-日-1", "q\u{323}-a", "한-국",
        ] {
            #expect(try words(word, rule) == [word])
        }
        #expect(try words("日--本 日- -本 _-a a-_b", rule) == ["日", "本", "日", "本", "a", "a", "_b"])
        #expect(try words("\u{5F3}-a a-\u{5F3} \u{24B6}-a a-\u{24B6}b", rule).last == "\u{24D0}b")
        #expect(try words("\u{5F3}-a a-\u{5F3} \u{24B6}-a", rule) == ["a", "a", "a"])
        #expect(try words("日本-語", rule) == ["日", "本-語"])
        #expect(try words("ג'-א 1\u{66B}-2", rule) == ["ג'", "א", "1\u{66B}", "2"])
    }

    @Test func hyphensOfTypographersArePlainWithHyphensOnly() throws {
        let text = Array("a\u{2010}b \u{2011}\u{FF9E}".utf8)
        #expect(
            try split([text], Rule(joinsHyphens: true)) == Array("a-b\n-\u{FF9E}\n".utf8))
        #expect(try split([text]) == Array("a\nb\n\u{2011}\u{FF9E}\n".utf8))
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

    @Test func bytesThatAreNotUTF8AreCountedWhereverTheyStand() throws {
        let letter = Array("é".utf8)
        for (text, count, first) in [
            (letter + [0xFF], 1, 2), (letter + [0xFF, 0x80, 0x0A, 0xC1] + letter, 3, 2),
            (letter + [0x20, 0xF5] + letter, 1, 3), ([0xE9, 0x20, 0xFF, 0x61, 0xF0, 0x80], 4, 0),
            (letter, 0, 0),
        ] {
            var tokenizer = Tokenizer(Rule())
            var output = Output(try ScratchFile().duplicate())
            try split([text], &tokenizer, into: &output)
            try output.finish()
            let invalid = tokenizer.invalid
            #expect(invalid.count == count && (count == 0 || invalid.first == first), "\(text)")
        }
    }

    /// What is behind a block in memory may be letters of an earlier one.
    @Test func aWordDoesNotBeginAfterTheEndOfABlock() throws {
        for word in ["éé ", "ééb ", "éébc "] {
            let pieces = [Array(word.utf8), Array("'a".utf8)]
            #expect(try words(pieces) == [String(word.dropLast()), "a"])
        }
    }

    @Test func lengthIsCountedInThePrintedWord() throws {
        // Three letters, five scalars as they stand in the text, three as printed.
        let text = "e\u{301}te\u{301}"
        #expect(try words(text, Rule(minimumLength: 3)) == ["été"])
        #expect(try words(text, Rule(minimumLength: 4)) == [])
        #expect(try words("🎭x 𝒳𝒴", Rule(minimumLength: 2)) == ["𝒳𝒴"])
        for (length, minimum) in [(3, 4), (4, 4), (5, 6), (6, 6), (15, 16), (16, 16)] {
            let word = String(repeating: "𝒳", count: length)
            let found = try words(word, Rule(minimumLength: minimum))
            #expect(found == (length < minimum ? [] : [word]))
        }
    }
}
