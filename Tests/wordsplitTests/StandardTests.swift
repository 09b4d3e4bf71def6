import Foundation
import Testing

@testable import wordsplit

/// The consortium's own files, where Debian's package unicode-data or the like has them.
private let folder = "/usr/share/unicode"

private func lines(of name: String) throws -> [String] {
    try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
        .split(separator: "\n").map { String($0.prefix { $0 != "#" }) }
        .filter { !$0.allSatisfy(\.isWhitespace) }
}

private func isThere(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(folder)/\(name)")
}

private func scalars(_ text: some StringProtocol) -> [Unicode.Scalar] {
    text.split(separator: " ").compactMap { UInt32($0, radix: 16).flatMap(Unicode.Scalar.init) }
}

private func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    scalars.reduce(into: "") { $0.unicodeScalars.append($1) }
}

@Suite struct StandardTests {
    /// `÷ 0061 × 0027 × 0062 ÷`: each line a text with its boundaries. U+2701, the example of a
    /// pictograph up to Unicode 16.0, is none in 17.0; U+2702 takes its place.
    @Test(
        .enabled(if: isThere("auxiliary/WordBreakTest.txt"), "no WordBreakTest.txt: skipped"))
    func everyLineOfWordBreakTestAgrees() throws {
        let lines = try lines(of: "auxiliary/WordBreakTest.txt")
        #expect(lines.count > 1800)
        for line in lines.map({ $0.replacingOccurrences(of: "2701", with: "2702") }) {
            let segments = line.split(separator: "÷").map { segment in
                scalars(segment.replacingOccurrences(of: "×", with: " "))
            }.filter { !$0.isEmpty }
            let text = segments.flatMap { $0 }

            let boundaries = WordBoundaries(text)
            let found = text.indices.dropFirst().filter { boundaries.isBoundary(before: $0) }
            var ends: [Int] = []
            for segment in segments { ends.append((ends.last ?? 0) + segment.count) }
            #expect(found == ends.dropLast(), "the reference: \(line)")

            let expected = segments.filter { $0.contains(where: isLetterOrNumber) }.map(string)
            // Equal as strings are that are canonically equivalent.
            let printed = try words([Array(string(text).utf8)], Rule(keepsCase: true))
            #expect(
                printed == expected.map { $0.replacingOccurrences(of: "\u{2019}", with: "'") },
                "\(line)")
        }
    }

    /// Values of scalars that are as old as the file, but for those that changed from Unicode
    /// 15.0 to 17.0.
    @Test(
        .enabled(
            if: isThere("auxiliary/WordBreakProperty.txt"), "no WordBreakProperty.txt: skipped"))
    func theTableHasTheValuesOfWordBreakProperty() throws {
        let changed: Set<UInt32> = [
            0xB8, 0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2,
            0x19DA,
            0xFE10, 0xFE14, 0x110BD, 0x110CD,
        ]
        let names: [String: WordBreak] = [
            "ALetter": .letter, "Hebrew_Letter": .hebrewLetter, "Numeric": .numeric,
            "Katakana": .katakana, "ExtendNumLet": .extendNumLet, "Extend": .extend,
            "Format": .extend, "ZWJ": .zeroWidthJoiner, "MidLetter": .midLetter, "MidNum": .midNum,
            "MidNumLet": .midNumLet, "Single_Quote": .singleQuote, "Double_Quote": .doubleQuote,
            "WSegSpace": .segmentSpace, "Regional_Indicator": .regionalIndicator, "CR": .newline,
            "LF": .newline, "Newline": .newline,
        ]
        var expected: [UInt32: WordBreak] = [:]
        for line in try lines(of: "auxiliary/WordBreakProperty.txt") {
            let fields = line.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
            let ends = fields[0].components(separatedBy: "..").compactMap { UInt32($0, radix: 16) }
            for value in ends[0]...ends[ends.count - 1] {
                expected[value] = names[fields[1]]!
            }
        }
        let machine = WordMachine(Rule())
        let kinds = Dictionary(uniqueKeysWithValues: WordTable.kinds.map { (Int($0.code), $0) })
        var wrong: [String] = []
        for value in 0...0x10FFFF as ClosedRange<UInt32> where !changed.contains(value) {
            guard let scalar = Unicode.Scalar(value), let age = scalar.properties.age,
                age.major <= 15, age.minor == 0 || age.major < 15
            else { continue }
            let found: WordBreak
            switch kinds[machine.code(of: scalar)]!.wordBreak {
            case .letterPictograph: found = .letter
            case .pictograph, .hyphen: found = .other
            case let value: found = value
            }
            if found != expected[value] ?? .other { wrong.append(String(value, radix: 16)) }
        }
        #expect(expected.count > 30_000)
        #expect(wrong == [])
    }

    /// `c1;c2;c3;c4;c5;`: NFC of the first three is the second.
    @Test(
        .enabled(
            if: isThere("NormalizationTest.txt.bz2")
                && FileManager.default.isExecutableFile(atPath: "/usr/bin/bzcat"),
            "no NormalizationTest.txt.bz2: skipped"))
    func wordsAreComposedAsNormalizationTestSays() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/bzcat")
        process.arguments = ["\(folder)/NormalizationTest.txt.bz2"]
        let pipe = Foundation.Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()

        var input: [UInt8] = []
        var expected: [UInt8] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") && !line.hasPrefix("@") {
            let columns = line.split(separator: ";").prefix(5).map(scalars)
            for column in columns.prefix(3) {
                // One segment: a letter or digit with marks behind it (WB4), or Korean ones (WB5).
                let isOne = column.dropFirst().allSatisfy {
                    $0.properties.canonicalCombiningClass != .notReordered
                        || 0x1100...0x11FF ~= $0.value
                }
                guard isOne, isLetterOrNumber(column[0]) else { continue }
                input += Array(string(column).utf8) + [0x0A]
                expected += Array(string(columns[1]).utf8) + [0x0A]
            }
        }
        #expect(expected.count { $0 == 0x0A } > 30_000)
        #expect(try split([input], Rule(keepsCase: true)) == expected)
    }
}
