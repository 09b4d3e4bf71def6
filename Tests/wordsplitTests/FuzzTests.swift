import Foundation
import Shared
import Testing

@testable import wordsplit

/// Random input, random rules and random reads against the reference.
///
/// `make fuzz` tries a million inputs and prints how many they were and the seconds.
@Suite struct FuzzTests {
    private static let count = Int(ProcessInfo.processInfo.environment["FUZZ_INPUTS"] ?? "") ?? 3000

    /// At least one scalar of each Word_Break value, with and without what matters for case
    /// and composition; bytes that are not UTF-8, alone and as parts of a scalar.
    static let pieces: [[UInt8]] =
        [
            "a", "b", "Z", "the", "Word", "0", "7", "_", ".", ",", ";", ":", "'", "\"", "-", " ",
            "\n", "\r\n", "\r", "\t", "\u{B}", "\0", "\u{1}", "\u{7F}", "\u{85}", "\u{A0}", "é",
            "É", "e\u{301}", "\u{301}", "\u{300}", "\u{323}", "\u{334}", "ß", "\u{1E9E}", "\u{130}",
            "ı", "Σ", "σ", "ς", "Α", "α", "Ж", "ж", "א", "\u{5B0}", "\u{5D4}\u{5F4}", "ب",
            "\u{64E}",
            "\u{651}", "١", "अ", "\u{94D}", "क\u{93C}", "\u{915}", "日", "語", "ひ", "カ", "ﾞ", "가",
            "\u{1100}", "\u{1161}", "\u{11A8}", "힣", "ไ", "\u{2019}", "\u{2018}", "\u{2010}",
            "\u{2011}", "\u{58A}", "\u{AD}", "\u{200C}", "\u{200D}", "\u{200B}", "\u{FEFF}",
            "\u{2028}",
            "\u{2003}", "\u{202F}", "\u{203F}", "😀", "❤", "\u{2139}", "Ⓜ", "\u{1F170}", "🇫", "🇷",
            "\u{1F3FD}", "½", "Ⅷ", "\u{2126}", "\u{212A}", "\u{F900}", "\u{1D15E}", "\u{10400}",
            "\u{23A}", "\u{13460}", "\u{143FA}", "\u{E0001}", "\u{10FFFF}", "·", "\u{387}",
            "\u{37E}",
            "\u{345}", "\u{1F80}", "Ǆ", "ǅ", "\u{3099}", "か", "\u{2C2}",
            // What is not composed by its own look alone.
            "\u{315}", "\u{316}", "\u{338}", "\u{F40}", "\u{F71}", "\u{F73}", "\u{F74}", "\u{F81}",
            "\u{16D63}", "\u{16D67}", "\u{16D68}", "\u{1138B}", "\u{113C2}", "\u{113C5}",
            "\u{1611E}", "\u{16121}", "\u{1EC7}", "\u{1112}\u{1161}", "\u{FB2C}", "\u{9C7}\u{9BE}",
            // Letters and digits, and what is taken for them, around a hyphen.
            "\u{5F3}", "\u{66B}", "\u{24B6}", "\u{309B}", "a-b", "日-", "½-", "--",
            "[", "(", "]\u{301}",
        ].map { Array($0.utf8) } + [
            [0xFF], [0x80], [0xC0, 0xAF], [0xC3], [0xE2], [0xE2, 0x80], [0xED, 0xA0, 0x80],
            [0xF0, 0x9F],
            [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80], [0xF8], [0xBF, 0xBF],
        ]

    private func randomInput(_ random: inout SeededGenerator) -> [UInt8] {
        var input: [UInt8] = []
        let length = Int.random(in: 0...Int.random(in: 1...80, using: &random), using: &random)
        // A few pieces often, or any of them; some runs of one.
        let few = (0..<4).map { _ in Self.pieces.randomElement(using: &random)! }
        let share = Int.random(in: 0...4, using: &random)
        for _ in 0..<length {
            switch Int.random(in: 0..<12, using: &random) {
            case 0:
                var value = UInt32.random(in: 0...0x10FFFF, using: &random)
                if Bool.random(using: &random) { value %= 0x3000 }
                input += Unicode.Scalar(value).map { Array(String($0).utf8) } ?? []
            case 1: input.append(.random(in: .min ... .max, using: &random))
            case 2:
                input += Array("plain text, it's 3.5 ".utf8).prefix(
                    .random(in: 0...22, using: &random))
            case 3 where share > 1:
                // ASCII text for the kernel, which takes 64 bytes at a time.
                for _ in 0..<Int.random(in: 0...140, using: &random) {
                    input.append(Array("aB1,.'-:; x7(\u{1}\"".utf8).randomElement(using: &random)!)
                }
                // What belongs to the byte before it.
                let marks = ["", "", "\u{301}", "\u{FF9E}", "\u{AD}", "\u{200D}\u{2764}"]
                input += marks.randomElement(using: &random)!.utf8
            default:
                let from = Int.random(in: 0...4, using: &random) < share ? few : Self.pieces
                input += from.randomElement(using: &random)!
            }
        }
        return input
    }

    static func randomRule(_ random: inout SeededGenerator) -> Rule {
        var rule = Rule()
        switch Int.random(in: 0..<10, using: &random) {
        case 0: rule.words = .asciiLetters
        case 1, 2: rule.words = .betweenWhiteSpace
        case 3, 4: rule.joinsHyphens = true
        default: break
        }
        rule.keepsCase = Int.random(in: 0..<4, using: &random) == 0
        if Int.random(in: 0..<4, using: &random) == 0 {
            rule.minimumLength = Int.random(in: 2...4, using: &random)
        }
        if Int.random(in: 0..<8, using: &random) == 0 {
            rule.gramLength = Int.random(in: 2...4, using: &random)
        }
        rule.withFilename = Int.random(in: 0..<8, using: &random) == 0
        if Int.random(in: 0..<8, using: &random) == 0 { rule.terminator = 0 }
        return rule
    }

    private func randomReads(_ input: [UInt8], _ random: inout SeededGenerator) -> [[UInt8]] {
        if Bool.random(using: &random) { return [input] }
        var pieces: [[UInt8]] = []
        var rest = input[...]
        while !rest.isEmpty {
            let size = Int.random(in: 1...Int.random(in: 1...30, using: &random), using: &random)
            pieces.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return pieces
    }

    /// Whether there is a boundary is a matter of up to three values of Word_Break in a row, and
    /// a fourth shows what the third is taken for.
    @Test(arguments: [false, true])
    func fourValuesInARowAreSplitAsTheStandardSays(_ joinsHyphens: Bool) throws {
        let values = [
            "a", "\u{2139}", "א", "1", "カ", "_", "\u{301}", "\u{200D}", ":", ",", ".", "'", "\"",
            " ", "\n", "🇫", "😀", "-", "日", "!",
        ]
        let rule = Rule(joinsHyphens: joinsHyphens)
        let reference = Reference(rule: rule)
        for first in values {
            var text: [UInt8] = []
            var expected: [UInt8] = []
            for second in values {
                for third in values {
                    for fourth in ["a", "א", "1", "カ", "_"] {
                        let line = Array((first + second + third + fourth + "\n").utf8)
                        text += line
                        expected += reference.output(line, named: "")
                    }
                }
            }
            #expect(try split([text], rule).elementsEqual(expected), "\(first)")
        }
    }

    @Test func anyBytesAreSplitAsTheStandardSays() throws {
        var random = SeededGenerator()
        let start = ContinuousClock.now
        var tried = 0
        while tried < Self.count {
            // Rules by the hundred inputs: what they print goes to one file.
            let rule = Self.randomRule(&random)
            var tokenizer = Tokenizer(
                rule,
                window: .random(in: 16...[40, 300].randomElement(using: &random)!, using: &random),
                asciiBy: means.randomElement(using: &random)!)
            let file = try ScratchFile()
            var output = Output(try file.duplicate())
            var inputs: [[UInt8]] = []
            for _ in 0..<100 {
                let input = randomInput(&random)
                inputs.append(input)
                try split(randomReads(input, &random), &tokenizer, into: &output)
                try output.append("\n-\n")
            }
            try output.finish()
            let reference = Reference(rule: rule)
            var printed = try file.contents()[...]
            for input in inputs {
                let expected = reference.output(input, named: "name") + Array("\n-\n".utf8)
                if !printed.starts(with: expected) {
                    Issue.record(
                        """
                        \(random), \(rule), input \(String(decoding: input, as: UTF8.self).debugDescription)
                        expected \(String(decoding: expected, as: UTF8.self).debugDescription)
                        printed \(String(decoding: printed.prefix(200), as: UTF8.self).debugDescription)
                        \(input)
                        """)
                    return
                }
                printed = printed.dropFirst(expected.count)
            }
            #expect(printed.isEmpty)
            tried += inputs.count
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        print("fuzz: \(tried) inputs agree with the reference, in \(seconds) seconds")
    }
}
