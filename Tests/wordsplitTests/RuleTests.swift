import Testing

@testable import wordsplit

/// The rules for ASCII text: Unicode Standard Annex #29, section 4.1, WB5 to WB13.
@Suite struct RuleTests {
    @Test func wordsAreInLowerCase() throws {
        #expect(try words("To BE, or not") == ["to", "be", "or", "not"])
    }

    @Test func anApostropheBetweenLettersIsPartOfTheWord() throws {
        #expect(try words("don't o'er") == ["don't", "o'er"])
    }

    @Test func anApostropheAtAnEndIsNone() throws {
        #expect(try words("'tis o' 'quoted' ''") == ["tis", "o", "quoted"])
        #expect(try words("a''b") == ["a", "b"])
    }

    @Test func numbersKeepTheirPointsAndCommas() throws {
        #expect(try words("3.14 1,000 1;2 9'5") == ["3.14", "1,000", "1;2", "9'5"])
        #expect(try words("3. .5 1,,2 4.a b.4") == ["3", "5", "1", "2", "4", "a", "b", "4"])
    }

    @Test func abbreviationsKeepTheirInnerFullStops() throws {
        #expect(try words("e.g. U.S.A. a:b") == ["e.g", "u.s.a", "a:b"])
        #expect(try words("a,b a;b 1:2") == ["a", "b", "a", "b", "1", "2"])
    }

    @Test func lettersAndDigitsJoin() throws {
        #expect(try words("r2d2 2nd") == ["r2d2", "2nd"])
    }

    @Test func anUnderscoreJoinsButIsNoWordByItself() throws {
        #expect(try words("snake_case _x_ _ __ _1") == ["snake_case", "_x_", "_1"])
        #expect(try words("a_'b") == ["a_", "b"])
    }

    @Test func aHyphenSeparates() throws {
        #expect(try words("well-known --") == ["well", "known"])
    }

    @Test func everyASCIIWhiteSpaceSeparates() throws {
        #expect(
            try words("a\tb\nc\rd\u{B}e\u{C}f g\r\nh") == ["a", "b", "c", "d", "e", "f", "g", "h"])
    }

    @Test func controlCharactersSeparate() throws {
        #expect(try words("a\0b\u{1B}c\u{7F}d") == ["a", "b", "c", "d"])
    }

    @Test func noTextHasNoWords() throws {
        #expect(try words("") == [])
        #expect(try words(" \n,.;:!?-'\"\n") == [])
    }

    @Test func lastWordWithoutNewlineIsAWord() throws {
        #expect(try words("one two") == ["one", "two"])
    }

    @Test func caseIsKeptOnRequest() throws {
        #expect(try words("To BE", Rule(keepsCase: true)) == ["To", "BE"])
    }

    @Test func asciiWordsAreRunsOfLetters() throws {
        let rule = Rule(words: .asciiLetters)
        #expect(
            try words("Don't r2d2 snake_case 3.14 é", rule) == [
                "don", "t", "r", "d", "snake", "case",
            ])
        #expect(try words("naïve", rule) == ["na", "ve"])
    }

    @Test func shortWordsAreLeftOut() throws {
        let text = "a bb ccc dddd o'er 3.14 é éé éée"
        #expect(try words(text, Rule(minimumLength: 3)) == ["ccc", "dddd", "o'er", "3.14", "éée"])
        #expect(try words(text, Rule(minimumLength: 5)) == [])
        let ascii = Rule(words: .asciiLetters, minimumLength: 2)
        #expect(try words("a bb c-dd e", ascii) == ["bb", "dd"])
    }

    /// Whatever its characters take in bytes, a word has as many as it has.
    @Test func charactersAreCountedAndNotBytes() throws {
        for character in ["a", "é", "ऄ", "𐐨"] {
            for length in 1...12 {
                let word = String(repeating: character, count: length)
                #expect(try words(word, Rule(minimumLength: length)) == [word])
                #expect(try words(word, Rule(minimumLength: length + 1)) == [])
            }
        }
    }

    @Test func wordsEndWithTheTerminatorAskedFor() throws {
        #expect(try split([Array("a é b".utf8)], Rule(terminator: 0)) == Array("a\0é\0b\0".utf8))
        let short = Rule(minimumLength: 2, terminator: 0)
        #expect(try split([Array("a bb".utf8)], short) == Array("bb\0".utf8))
    }
}
