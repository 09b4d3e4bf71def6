import Shared
import Testing

@testable import wordsplit

/// Each kernel that this processor can run, and the portable loops, on what lies at the
/// borders of the 64 bytes that a kernel looks at at once.
@Suite struct KernelTests {
    /// The loops are among them; only the machine does not split by `ASCIIText`.
    private static let kernels = means.filter { $0 != .machine }

    /// What `ASCIIText` writes for a text, as words.
    ///
    /// - Parameter after: the byte that follows the text in memory.
    private func asciiWords(
        _ text: String, _ rule: Rule, by means: ASCIIText.Means, after: UInt8 = 0x61
    ) -> [String] {
        let bytes = written(Array(text.utf8), rule, by: means, after: after)
        #expect(bytes.isEmpty || bytes.last == rule.terminator)
        return bytes.split(separator: rule.terminator, omittingEmptySubsequences: false)
            .dropLast().map { String(decoding: $0, as: UTF8.self) }
    }

    private func written(
        _ text: [UInt8], _ rule: Rule, by means: ASCIIText.Means, after: UInt8
    ) -> [UInt8] {
        let padded = text + Array(repeating: after, count: InputBuffer.padding)
        var scratch = [UInt8](repeating: 0xEE, count: text.count)
        return Array(unsafeUninitializedCapacity: text.count + ASCIIText.slack) { room, count in
            count = unsafe ASCIIText(rule, by: means).write(
                padded, text.count, into: room.baseAddress!, scratch: &scratch)
        }
    }

    @Test func thisProcessorRunsTheKernelThatIsChosen() {
        #expect(Self.kernels.contains(.best))
        #if arch(arm64)
            #expect(ASCIIText.Means.best == .neon)
        #endif
    }

    @Test(arguments: kernels) func aDigitIsRememberedAcrossBlocks(_ means: ASCIIText.Means) {
        for count in 0...140 {
            let before = String(repeating: "x", count: count)
            let words = asciiWords(before + " 1,5 a ", Rule(), by: means)
            #expect(words == (count > 0 ? [before] : []) + ["1,5", "a"], "\(count)")
        }
    }

    @Test(arguments: kernels) func whatJoinsIsSeenAcrossBlocks(_ means: ASCIIText.Means) {
        let text = "o'er 3.14 a:b 1;2 a,b 1:2 x-ray 9-b -c d- "
        let plain = [
            "o'er", "3.14", "a:b", "1;2", "a", "b", "1", "2", "x", "ray", "9", "b", "c", "d",
        ]
        let hyphenated = [
            "o'er", "3.14", "a:b", "1;2", "a", "b", "1", "2", "x-ray", "9-b", "c", "d",
        ]
        for count in 0...70 {
            let shifted = String(repeating: " ", count: count) + text
            #expect(asciiWords(shifted, Rule(), by: means) == plain, "\(count)")
            let rule = Rule(joinsHyphens: true)
            #expect(asciiWords(shifted, rule, by: means) == hyphenated, "\(count)")
        }
    }

    /// What follows the text is not part of it, whatever it is.
    @Test(arguments: kernels, Array("a1'.,_- \u{80}\n".utf8))
    func bytesAfterTheTextAreIgnored(_ means: ASCIIText.Means, after: UInt8) {
        for words in [Rule.Words.unicode, .asciiLetters, .betweenWhiteSpace] {
            for count in 0...130 {
                let word = String(repeating: "q", count: count)
                let found = asciiWords(word + "\n", Rule(words: words), by: means, after: after)
                #expect(found == (count > 0 ? [word] : []), "\(words), \(count)")
            }
        }
    }

    /// Words of any length at any place, of which those of `minimum` bytes and more are kept.
    @Test(arguments: kernels, [2, 3, 7, 31, 32, 33, 63, 64, 65, 66, 128, 200])
    func shortWordsAreLeftOutAcrossBlocks(_ means: ASCIIText.Means, minimum: Int) {
        var random = SeededGenerator()
        for words in [Rule.Words.unicode, .asciiLetters, .betweenWhiteSpace] {
            let rule = Rule(words: words, minimumLength: minimum)
            for _ in 0..<50 {
                let texts = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                    let length = Int.random(in: 1...(2 * minimum + 2), using: &random)
                    return String(
                        repeating: "abc".randomElement(using: &random)!,
                        count: Bool.random(using: &random)
                            ? length : minimum - .random(in: 0...1, using: &random))
                }
                let text = texts.map { $0 + ["\n", "  "].randomElement(using: &random)! }
                #expect(
                    asciiWords(text.joined(), rule, by: means)
                        == texts.filter { $0.utf8.count >= minimum }, "\(random), \(words)")
            }
        }
    }

    @Test(arguments: kernels) func anyTextIsSplitAsByTheLoops(_ means: ASCIIText.Means) {
        var random = SeededGenerator()
        let common = Array("aZz09'.:,;- \n".utf8)
        for _ in 0..<2000 {
            var rule = Rule(
                words: [.unicode, .asciiLetters, .betweenWhiteSpace].randomElement(using: &random)!)
            rule.joinsHyphens = .random(using: &random)
            rule.keepsCase = .random(using: &random)
            rule.terminator = Bool.random(using: &random) ? 0 : 0x0A
            rule.gramLength = .random(in: 1...2, using: &random)
            if Bool.random(using: &random) {
                rule.minimumLength = .random(in: 1...9, using: &random)
            }
            let isCommon = Bool.random(using: &random)
            var text = (0..<Int.random(in: 0...330, using: &random)).map { _ in
                isCommon
                    ? common.randomElement(using: &random)! : .random(in: 0..<0x80, using: &random)
            }
            if rule.words == .unicode { text.replace([0x5F], with: [0x27]) }
            text.append([0x20, 0x0A, 0x09].randomElement(using: &random)!)
            let after = UInt8.random(in: .min ... .max, using: &random)
            #expect(
                written(text, rule, by: means, after: after)
                    == written(text, rule, by: .loops, after: after),
                "\(random), \(rule), \(text)")
        }
    }

    @Test func theFirstSpecialByteIsFoundAtEachPlace() {
        let count = 200
        for words in [Rule.Words.unicode, .betweenWhiteSpace] {
            let ascii = ASCIIText(Rule(words: words), by: .loops)
            for place in 0...count {
                for byte in [0x80, 0xFF, UInt8(ascii: "_"), UInt8(ascii: "^")] {
                    var text = [UInt8](repeating: 0x61, count: count + InputBuffer.padding)
                    text[place] = byte
                    let isSpecial = byte >= 0x80 || byte == UInt8(ascii: "_") && words == .unicode
                    for start in [0, 1, 63, 64, 65, 150] {
                        let expected = isSpecial && place >= start ? place : count
                        #expect(
                            unsafe ascii.firstSpecial(text, start, count) == min(expected, count))
                    }
                }
            }
        }
    }
}
