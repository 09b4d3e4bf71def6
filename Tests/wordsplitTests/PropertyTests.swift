import Foundation
import Shared
import Testing

@testable import wordsplit

/// What holds for any text, on random ones.
@Suite struct PropertyTests {
    /// The default rule on ASCII text as a regular expression, by the annex's table of
    /// Word_Break values: letters and digits and underscore join; `.` and `'` join letters
    /// and join digits, `:` letters only, `,` and `;` digits only.
    private static let pattern =
        #"(?:[A-Za-z0-9_]|(?<=[A-Za-z])[.':](?=[A-Za-z])|(?<=[0-9])[.',;](?=[0-9]))+"#

    private func expectedWords(_ text: String, minimumLength: Int = 1) throws -> [String] {
        let expression = try NSRegularExpression(pattern: Self.pattern)
        let whole = NSRange(text.startIndex..., in: text)
        return expression.matches(in: text, range: whole)
            .map { text[Range($0.range, in: text)!].lowercased() }
            .filter { $0.contains { $0.isLetter || $0.isNumber } && $0.count >= minimumLength }
    }

    private func randomText(_ alphabet: [String], _ random: inout SeededGenerator) -> String {
        (0..<Int.random(in: 0...80, using: &random))
            .map { _ in alphabet.randomElement(using: &random)! }.joined()
    }

    private static let ascii = "abZ129_.':,;- \n\t\"".map(String.init) + ["a", "B", "c", "1"]
    private static let mixed =
        ascii + ["é", "e\u{301}", "\u{2019}", "Σ", "日", "\u{300}", "\u{FEFF}", "א", "\u{A0}", "🎭"]

    @Test func asciiTextIsSplitByTheTable() throws {
        var random = SeededGenerator()
        for _ in 0..<1000 {
            let text = randomText(Self.ascii, &random)
            #expect(try words(text) == expectedWords(text), "\(random)")
        }
    }

    @Test func minimumLengthOnlyLeavesOut() throws {
        var random = SeededGenerator()
        for _ in 0..<500 {
            let text = randomText(Self.ascii, &random)
            let minimum = Int.random(in: 2...5, using: &random)
            let expected = try expectedWords(text, minimumLength: minimum)
            #expect(try words(text, Rule(minimumLength: minimum)) == expected, "\(random)")
        }
    }

    /// The kernel and the loops for ASCII text and the machine for any text are one rule.
    @Test(arguments: [Rule.Words.unicode, .asciiLetters, .betweenWhiteSpace], 1...3)
    func asciiTextIsSplitAsAnyTextIs(_ words: Rule.Words, gramLength: Int) throws {
        var random = SeededGenerator()
        let characters = (0..<0x80).map { String(Unicode.Scalar(UInt8($0))) }
        for _ in 0..<200 {
            let alphabet =
                Bool.random(using: &random) ? Self.ascii + ["_"] : characters + Self.ascii
            let texts = (0...3).map { _ in randomText(alphabet, &random) }
            let text = Array(texts.joined(separator: " ").utf8)
            var rule = Rule(words: words, keepsCase: .random(using: &random))
            rule.joinsHyphens = words == .unicode && .random(using: &random)
            rule.minimumLength = [1, 1, 2].randomElement(using: &random)!
            rule.gramLength = gramLength
            rule.withFilename = .random(using: &random)
            let expected = try split([text], rule, asciiBy: .machine)
            for means in means {
                #expect(try split([text], rule, asciiBy: means) == expected, "\(random), \(means)")
            }
        }
    }

    @Test func splittingInputAnywhereGivesTheSameWords() throws {
        var random = SeededGenerator()
        let rules = [
            Rule(), Rule(words: .asciiLetters), Rule(keepsCase: true), Rule(minimumLength: 3),
            Rule(words: .betweenWhiteSpace), Rule(joinsHyphens: true), Rule(gramLength: 2),
        ]
        for _ in 0..<8 {
            let text = Array(randomText(Self.mixed, &random).utf8)
            for rule in rules {
                let whole = try split([text], rule)
                for place in 0...text.count {
                    #expect(
                        try split(cut(text, at: place), rule, window: 16) == whole,
                        "\(random), cut at \(place)")
                }
            }
        }
    }

    @Test func bytesOneByOneGiveTheSameWords() throws {
        let text = "Don\u{2019}t o'er 3.14, l'été \u{FEFF}E\u{301}cole ΟΔΟΣ 日本 U.S.A."
        let expected = ["don't", "o'er", "3.14", "l'été", "école", "οδος", "日", "本", "u.s.a"]
        #expect(try words(text.utf8.map { [$0] }) == expected)
    }

    /// A byte that is not UTF-8 does what a space does.
    @Test func bytesThatAreNotUTF8DoWhatASpaceDoes() throws {
        var random = SeededGenerator()
        for _ in 0..<500 {
            var dirty: [UInt8] = []
            var clean: [UInt8] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let text = randomText(Self.mixed, &random).utf8
                dirty += text
                clean += text
                if Bool.random(using: &random) {
                    dirty.append([0xFF, 0xC0, 0xFE, 0xF5].randomElement(using: &random)!)
                    clean.append(0x20)
                }
            }
            #expect(try words([dirty]) == words([clean]), "\(random)")
        }
    }

    @Test func anyBytesGiveWordsInUTF8() throws {
        var random = SeededGenerator()
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
            #expect(String(validating: try split([bytes]), as: UTF8.self) != nil, "\(random)")
        }
    }

    /// Work goes on in stretches of 16 KiB: a word stands across their border at each offset.
    @Test(arguments: [" ", "\n", ", "]) func noWordIsSplitBetweenStretches(_ separator: String)
        throws
    {
        for offset in 16_384 - 40...16_384 {
            let before = String(repeating: " ", count: offset)
            let text = before + ["o'er", "3.14", "don't", "x"].joined(separator: separator) + " é"
            let pieces = [Array(text.utf8)]
            #expect(try words(pieces) == ["o'er", "3.14", "don't", "x", "é"], "offset \(offset)")
        }
    }
}
