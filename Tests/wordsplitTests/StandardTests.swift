import Foundation
import Testing

@testable import wordsplit

/// The consortium's own files: of the version of the tables in a folder that the environment
/// names, and of an older one in Debian's package unicode-data.
private enum Files {
    static let given = ProcessInfo.processInfo.environment["PMAPUTILS_UNICODE_DATA"]
    static let installed = "/usr/share/unicode"

    static func areInstalled(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(installed)/\(name)")
    }
}

private let noFolder: Comment = "PMAPUTILS_UNICODE_DATA names no folder: skipped"

/// The lines of a file, which may be compressed, without comments.
private func lines(of path: String) throws -> [String] {
    var data: Data
    if path.hasSuffix(".bz2") {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["bzip2", "-dc", path]
        let pipe = Foundation.Pipe()
        process.standardOutput = pipe
        try process.run()
        data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "bzip2 -dc \(path)")
    } else {
        data = try Data(contentsOf: URL(fileURLWithPath: path))
    }
    return String(decoding: data, as: UTF8.self)
        .split(separator: "\n").map { String($0.prefix { $0 != "#" }) }
        .filter { !$0.allSatisfy(\.isWhitespace) }
}

private func scalars(_ text: some StringProtocol) -> [Unicode.Scalar] {
    text.split(separator: " ").compactMap { UInt32($0, radix: 16).flatMap(Unicode.Scalar.init) }
}

private func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    scalars.reduce(into: "") { $0.unicodeScalars.append($1) }
}

@Suite struct StandardTests {
    @Test(.enabled(if: Files.given != nil, noFolder)) func everyRowOfWordBreakTestAgrees() throws {
        let rows = try lines(of: "\(Files.given!)/WordBreakTest-17.0.0.txt.bz2")
        #expect(rows.count == 1944)
        try expectWordBreaks(rows)
    }

    /// U+2701, the example of a pictograph up to Unicode 16.0, is none in 17.0; U+2702 takes its
    /// place.
    @Test(
        .enabled(
            if: Files.areInstalled("auxiliary/WordBreakTest.txt"), "no WordBreakTest.txt: skipped"))
    func everyRowOfAnOlderWordBreakTestAgrees() throws {
        let rows = try lines(of: "\(Files.installed)/auxiliary/WordBreakTest.txt")
        #expect(rows.count > 1800)
        try expectWordBreaks(rows.map { $0.replacingOccurrences(of: "2701", with: "2702") })
    }

    /// `÷ 0061 × 0027 × 0062 ÷`: each row a text with its boundaries.
    private func expectWordBreaks(_ rows: [String]) throws {
        for row in rows {
            let segments = row.split(separator: "÷").map { segment in
                scalars(segment.replacingOccurrences(of: "×", with: " "))
            }.filter { !$0.isEmpty }
            let text = segments.flatMap { $0 }

            let boundaries = WordBoundaries(text)
            let found = text.indices.dropFirst().filter { boundaries.isBoundary(before: $0) }
            var ends: [Int] = []
            for segment in segments { ends.append((ends.last ?? 0) + segment.count) }
            #expect(found == ends.dropLast(), "the reference: \(row)")

            let expected = segments.filter { $0.contains(where: isLetterOrNumber) }.map { segment in
                Array(composed(string(segment)).replacing(/[\u{2018}\u{2019}]/, with: "'").utf8)
            }
            let printed = try split([Array(string(text).utf8)], Rule(keepsCase: true))
            #expect(printed == expected.flatMap { $0 + [0x0A] }, "\(row)")
        }
    }

    /// Values of scalars that are as old as the file, but for those that changed from Unicode
    /// 15.0 to 17.0.
    @Test(
        .enabled(
            if: Files.areInstalled("auxiliary/WordBreakProperty.txt"),
            "no WordBreakProperty.txt: skipped"))
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
        for line in try lines(of: "\(Files.installed)/auxiliary/WordBreakProperty.txt") {
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

    @Test(.enabled(if: Files.given != nil, noFolder))
    func everyRowOfNormalizationTestAgrees() throws {
        let rows = try lines(of: "\(Files.given!)/NormalizationTest-17.0.0.txt.bz2")
        #expect(rows.count { !$0.hasPrefix("@") } == 20_034)
        try expectComposition(rows)
    }

    @Test(
        .enabled(
            if: Files.areInstalled("NormalizationTest.txt.bz2"),
            "no NormalizationTest.txt.bz2: skipped"))
    func everyRowOfAnOlderNormalizationTestAgrees() throws {
        let rows = try lines(of: "\(Files.installed)/NormalizationTest.txt.bz2")
        #expect(rows.count > 18_000)
        try expectComposition(rows)
    }

    /// `c1;c2;c3;c4;c5;`: NFC of the first three is the second, and of the last two the fourth;
    /// a scalar that no row of part 1 begins with stays what it is.
    private func expectComposition(_ rows: [String]) throws {
        let machine = WordMachine(Rule())
        var composer = try Composer(machine)
        func compose(_ text: [Unicode.Scalar]) throws -> [UInt8] {
            var word = ByteBuffer()
            let bytes = Array(string(text).utf8)
            try bytes.withUnsafeBufferPointer { try composer.append($0, to: &word) }
            return Array(word.bytes)
        }
        var single: Set<Unicode.Scalar> = []
        var part = ""
        var input: [UInt8] = []
        var expected: [UInt8] = []
        for row in rows {
            if row.hasPrefix("@") {
                part = String(row.dropFirst().prefix { !$0.isWhitespace })
                continue
            }
            let columns = row.split(separator: ";").prefix(5).map(scalars)
            if part == "Part1" { single.insert(columns[0][0]) }
            for (number, column) in columns.enumerated() {
                let form = Array(string(columns[number < 3 ? 1 : 3]).utf8)
                #expect(try compose(column) == form, "\(row), column \(number + 1)")
                // One segment: a letter or digit with marks behind it (WB4), or Korean ones (WB5).
                let isOne = column.dropFirst().allSatisfy {
                    $0.properties.canonicalCombiningClass != .notReordered
                        || 0x1100...0x11FF ~= $0.value
                }
                guard isOne, isLetterOrNumber(column[0]) else { continue }
                input += Array(string(column).utf8) + [0x0A]
                expected += form + [0x0A]
            }
        }
        #expect(expected.count { $0 == 0x0A } > 50_000)
        #expect(try split([input], Rule(keepsCase: true)) == expected)

        let others = (0...0x10FFFF as ClosedRange<UInt32>).compactMap { Unicode.Scalar($0) }
            .filter { !single.contains($0) && $0.properties.age != nil }
        #expect(try others.filter { try compose([$0]) != Array(String($0).utf8) } == [])
    }

    /// If this fails, the library has been mended, and `composed` of the reference may be too.
    @Test func theLibraryTakesTheVowelsOfTibetanForLetters() throws {
        let text = "\u{F40}\u{F74}\u{F73}"
        let right = Array("\u{F40}\u{F71}\u{F72}\u{F74}".utf8)
        #expect(Array(text._nfcCodeUnits) != right)
        #expect(Array(composed(text).utf8) == right)
    }
}
