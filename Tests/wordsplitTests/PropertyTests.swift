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
        for number in 0..<1000 {
            // An underscore leaves the kernel, which takes 64 bytes at a time.
            let alphabet = Self.ascii.filter { $0 != "_" || number % 4 == 0 }
            let text = (0..<3).map { _ in randomText(alphabet, &random) }.joined()
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
        for _ in 0..<100 {
            // An underscore leaves the kernel, so that most texts have none.
            let alphabet = [
                Self.ascii.filter { $0 != "_" }, Self.ascii, ["a", "1", ",", "x", "\n"],
                (characters + Self.ascii).filter { $0 != "_" },
            ].randomElement(using: &random)!
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

    /// Work goes on in windows: a word stands across their border at each offset, after white space,
    /// after words, and after text without any white space.
    @Test(arguments: [" ", "\n", ", "]) func noWordIsSplitBetweenWindows(_ separator: String)
        throws
    {
        let last = ["o'er", "3.14", "don't", "l'été", "x", "1,5"]
        let text = last.joined(separator: separator)
        let window = 1024
        for offset in window - text.utf8.count...window {
            for unit in [" ", "a ", "a,", "é ", "é,", "_ "] {
                let before =
                    String(repeating: unit, count: offset / unit.utf8.count)
                    + String(repeating: " ", count: offset % unit.utf8.count)
                let count = unit == " " || unit == "_ " ? 0 : offset / unit.utf8.count
                for rest in ["", " é"] {
                    let found = try words([Array((before + text + rest).utf8)], window: window)
                    let expected = last + (rest == "" ? [] : [String(rest.dropFirst())])
                    #expect(found.count == count + expected.count, "offset \(offset), \(unit)")
                    #expect(
                        found.suffix(expected.count) == expected[...], "offset \(offset), \(unit)")
                }
            }
        }
    }

    /// Windows of any size, and reads of any size, give what one window and one read give.
    @Test func windowsAndReadsChangeNothing() throws {
        var random = SeededGenerator()
        for _ in 0..<60 {
            let alphabet = Bool.random(using: &random) ? Self.mixed : Self.ascii
            let few = (0..<6).map { _ in alphabet.randomElement(using: &random)! }
            let text = (0..<8).map { _ in
                randomText(Bool.random(using: &random) ? few : alphabet, &random)
            }
            let bytes = Array(text.joined().utf8)
            for words in [Rule.Words.unicode, .asciiLetters, .betweenWhiteSpace] {
                let rule = Rule(words: words, joinsHyphens: words == .unicode)
                let whole = try split([bytes], rule, window: 1 << 20)
                for window in [16, 17, 31, 64, 100, 129] {
                    #expect(try split([bytes], rule, window: window) == whole, "\(random)")
                    let reads = cut(bytes, at: .random(in: 0...bytes.count, using: &random))
                    #expect(try split(reads, rule, window: window) == whole, "\(random)")
                }
            }
        }
    }

    /// Lines are made in memory that grows, and long ones are written by themselves.
    @Test(arguments: [1, 2, 3, 50])
    func linesOfAnyLengthHoldTheWordsBefore(gramLength: Int) throws {
        var random = SeededGenerator()
        for withFilename in [false, true] where withFilename || gramLength > 1 {
            let words = (0..<150).map { number in
                let length =
                    number % 20 == 0
                    ? Int.random(in: 5_000...40_000, using: &random)
                    : Int.random(in: 1...30, using: &random)
                let letter = ["a", "é", "日本"].randomElement(using: &random)!
                return String(repeating: letter, count: length)
            }
            let text = Array((words.joined(separator: " ") + "\n").utf8)
            var rule = Rule()
            rule.words = .betweenWhiteSpace
            rule.gramLength = gramLength
            rule.withFilename = withFilename
            let expected = (0...words.count - gramLength).map { first in
                (withFilename ? "name\t" : "")
                    + words[first..<first + gramLength].joined(separator: " ") + "\n"
            }
            let reads = cut(text, at: .random(in: 0...text.count, using: &random))
            for window in [100, 16 * 1024] {
                let printed = try split(reads, rule, window: window)
                #expect(printed == Array(expected.joined().utf8), "\(random), \(window)")
            }
        }
    }

    /// Work counted in bytes looked at, not in time: whatever is repeated, a byte is looked at a
    /// bounded number of times, in any mode.
    @Test func costGrowsWithTheInputOnly() throws {
        var random = SeededGenerator()
        let pieces = FuzzTests.pieces
        for number in 0..<300 {
            var unit = (0..<Int.random(in: 1...4, using: &random)).flatMap { _ in
                pieces.randomElement(using: &random)!
            }
            // Some of one piece and many of another.
            if number % 3 == 0 {
                let other = pieces.randomElement(using: &random)!
                unit += [[UInt8]](repeating: other, count: 2000).joined()
            }
            let count = 40_000 / unit.count + 1
            let input = Array([[UInt8]](repeating: unit, count: count).joined())
            let rule = FuzzTests.randomRule(&random)
            var tokenizer = Tokenizer(rule)
            var output = Output(try ScratchFile().duplicate())
            try split([input], &tokenizer, into: &output)
            try output.finish()
            #expect(
                tokenizer.work <= 24 * input.count,
                "\(random), \(rule), \(unit.prefix(40)): \(tokenizer.work / input.count) a byte")
        }
    }
}
