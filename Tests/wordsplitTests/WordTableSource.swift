@_spi(_Unicode) import Swift

@testable import wordsplit

/// Writes `Sources/wordsplit/Unicode/WordTable.swift` from the Unicode data of the Swift standard
/// library: `make tables`.
///
/// Word_Break is not among the properties that the library shows, so each scalar's value is
/// found by how the library cuts short texts that hold it. Swift 6.3's data is Unicode 17.0,
/// and right but for two ranges (see `cutShort`).
struct WordTableSource {
    /// The version of the data of the library that runs: that of its youngest scalar.
    static let unicodeVersion: String = {
        let ages = (0...0x10FFFF as ClosedRange<UInt32>).lazy.compactMap { Unicode.Scalar($0) }
            .compactMap { $0.properties.age }
        let youngest = ages.max { ($0.major, $0.minor) < ($1.major, $1.minor) }
        return youngest.map { "\($0.major).\($0.minor)" } ?? "unknown"
    }()

    /// The library keeps a range's length in 11 bits, and so loses the end of these two, which
    /// WordBreakProperty.txt has as ALetter: Hangul syllables, Egyptian hieroglyphs.
    private static let cutShort: [ClosedRange<Unicode.Scalar>] = [
        "\u{AC00}"..."\u{D7A3}", "\u{13460}"..."\u{143FA}",
    ]

    /// Scalars to a block: the low bits of a scalar that its last UTF-8 byte holds.
    private static let blockSize = 64
    /// What stands for a kind; what stands for a digit of a block's number.
    static let alphabet = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-".unicodeScalars)

    private let composing = Self.scalarsThatCompose()

    /// The text of the source file.
    func text() -> String {
        let kinds = commonKinds()
        var codes: [ScalarKind: Unicode.Scalar] = [:]
        var legend: [String] = []
        var blocks: [String: Int] = [:]
        var blockLines: [String] = []
        var runs: [(block: Int, count: Int)] = []
        for start in stride(from: 0, to: kinds.count, by: Self.blockSize) {
            var line = ""
            for kind in kinds[start..<start + Self.blockSize] {
                if codes[kind] == nil {
                    codes[kind] = Self.alphabet[codes.count]
                    legend.append(declaration(codes[kind]!, kind))
                }
                line.unicodeScalars.append(codes[kind]!)
            }
            if blocks[line] == nil {
                blocks[line] = blocks.count
                blockLines.append(line)
            }
            let block = blocks[line]!
            if runs.last?.block == block && runs.last!.count < 4095 {
                runs[runs.count - 1].count += 1
            } else {
                runs.append((block, 1))
            }
        }
        let numbers = runs.map { digits($0.block) + digits($0.count) }.joined()
        return """
            // Generated from the data of Unicode \(Self.unicodeVersion) by `make tables`; see
            // Tests/wordsplitTests/WordTableSource.swift.

            // swift-format-ignore-file

            /// What each Unicode scalar is, in two stages: the kinds of 64 scalars are a block, and an
            /// index says which block each 64 scalars have.
            enum WordTable {
                static let unicodeVersion: StaticString = "\(Self.unicodeVersion)"

                /// What a code in `blocks` stands for.
                static let kinds = [
            \(legend.map { "        \($0),\n" }.joined())    ]

                /// The index, as runs: the block's number and how often it comes in a row, each as two
                /// digits of base 64, which are 0-9, A-Z, a-z, + and -.
                static let index: StaticString = \"\"\"
            \(Self.lines(numbers, 96))
                    \"\"\"

                /// The blocks, one a line, each scalar as the code of its kind. The first two are ASCII.
                static let blocks: StaticString = \"\"\"
            \(blockLines.map { "        \($0)\\" }.joined(separator: "\n"))
                    
                    \"\"\"
            }

            """
    }

    private func declaration(_ code: Unicode.Scalar, _ kind: ScalarKind) -> String {
        let names: [(ScalarTraits, String)] = [
            (.word, ".word"), (.recased, ".recased"), (.recomposed, ".recomposed"),
            (.white, ".white"), (.control, ".control"), (.mark, ".mark"),
            (.typographic, ".typographic"), (.null, ".null"),
        ]
        let traits = names.filter { kind.traits.contains($0.0) }.map(\.1).joined(separator: ", ")
        return "ScalarKind(\"\(code)\", .\(kind.wordBreak), [\(traits)], \(kind.shift))"
    }

    private func digits(_ number: Int) -> String {
        "\(Self.alphabet[number / 64])\(Self.alphabet[number % 64])"
    }

    static func lines(_ text: String, _ width: Int) -> String {
        let characters = Array(text)
        return stride(from: 0, to: characters.count, by: width)
            .map { "        \(String(characters[$0..<min($0 + width, characters.count)]))\\" }
            .joined(separator: "\n") + "\n        "
    }

    /// The kind of each code point. Shifts of fewer than ten scalars are left to the slow way,
    /// so that a code has one byte.
    private func commonKinds() -> [ScalarKind] {
        var kinds: [ScalarKind] = []
        var uses: [Int32: Int] = [:]
        for value in 0...0x10FFFF as ClosedRange<UInt32> {
            // What is not assigned is Other, but for room that emoji-data.txt keeps for pictographs.
            let scalar = Unicode.Scalar(value)
            let isAssigned = scalar?.properties.age != nil || 0x1F000...0x1FFFF ~= value
            let kind = isAssigned ? kind(scalar!) : ScalarKind(.other, [], 0)
            kinds.append(kind)
            uses[kind.shift, default: 0] += 1
        }
        return kinds.map { kind in
            if uses[kind.shift]! >= 10 || kind.traits.contains(.typographic) { return kind }
            return ScalarKind(kind.wordBreak, kind.traits.union(.recased), 0)
        }
    }

    func kind(_ scalar: Unicode.Scalar) -> ScalarKind {
        let properties = scalar.properties
        var traits = composition(scalar)
        if isLetterOrNumber(scalar) { traits.insert(.word) }
        if properties.isWhitespace { traits.insert(.white) }
        if properties.generalCategory == .control { traits.insert(.control) }
        if scalar == "\0" { traits.insert(.null) }
        var shift: Int32 = 0
        let plain: [Unicode.Scalar: Unicode.Scalar] = [
            "\u{2018}": "'", "\u{2019}": "'", "\u{2010}": "-", "\u{2011}": "-",
        ]
        if let plain = plain[scalar] {
            traits.insert(.typographic)
            shift = distance(scalar, plain)
        }
        let lower = properties.lowercaseMapping.unicodeScalars
        if let first = lower.first, first != scalar || lower.count > 1 {
            // U+03A3 becomes another letter at the end of a word: SpecialCasing.txt.
            if lower.count == 1 && scalar != "\u{3A3}" && composition(scalar).isEmpty
                && composition(first).isEmpty
            {
                shift = distance(scalar, first)
            } else {
                traits.insert(.recased)
            }
        }
        return ScalarKind(Self.wordBreak(scalar), traits, shift)
    }

    private func distance(_ from: Unicode.Scalar, _ to: Unicode.Scalar) -> Int32 {
        Int32(to.value) - Int32(from.value)
    }

    /// The properties NFC_Quick_Check and Canonical_Combining_Class, as far as they matter. The
    /// first scalar of a decomposition may compose with what is before it: U+16D68 is two
    /// U+16D67, and behind U+16D63 they become U+16D6A.
    private func composition(_ scalar: Unicode.Scalar) -> ScalarTraits {
        if normalized(scalar) != [scalar] { return .recomposed }
        let parts = Array(String(scalar)._nfd)
        if composing.contains(scalar) || composing.contains(parts[0]) { return .recomposed }
        return scalar.properties.canonicalCombiningClass == .notReordered ? [] : .mark
    }

    private func normalized(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        Array(String(decoding: String(scalar)._nfcCodeUnits, as: UTF8.self).unicodeScalars)
    }

    /// Every scalar that stands behind the first one in the decomposition of one that
    /// composition gives back: with what comes before, it may become another.
    private static func scalarsThatCompose() -> Set<Unicode.Scalar> {
        var scalars: Set<Unicode.Scalar> = []
        for value in 0xC0...0x2FFFF as ClosedRange<UInt32> {
            guard let scalar = Unicode.Scalar(value), scalar.properties.age != nil else { continue }
            let parts = String(scalar)._nfd.map { $0 }
            if parts.count < 2 { continue }
            var text = ""
            text.unicodeScalars.append(contentsOf: parts)
            if Array(text._nfcCodeUnits) == Array(String(scalar).utf8) {
                scalars.formUnion(parts.dropFirst())
            }
        }
        return scalars
    }

    // MARK: Word_Break

    static func wordBreak(_ scalar: Unicode.Scalar) -> WordBreak {
        if cutShort.contains(where: { $0.contains(scalar) }) { return .letter }
        if ["-", "\u{2010}", "\u{2011}"].contains(scalar) { return .hyphen }
        // GB11: only pictographs are held together by a joiner.
        let isPictograph = "\(scalar)\u{200D}\u{2764}".count == 1
        if scalar.properties.age == nil { return isPictograph ? .pictograph : .other }
        let value = wordBreakByProbes(scalar)
        if !isPictograph { return value }
        return value == .letter ? .letterPictograph : .pictograph
    }

    private static func wordBreakByProbes(_ scalar: Unicode.Scalar) -> WordBreak {
        let it = String(scalar)
        if !isOneSegment(it + "\u{301}") { return .newline }
        if isOneSegment(it + "a") {
            if isOneSegment(it + "ア") { return .extendNumLet }
            if isOneSegment(it + ",1") { return .numeric }
            return isOneSegment(it + "\"א") ? .hebrewLetter : .letter
        }
        if isOneSegment(it + "ア") { return .katakana }
        if isOneSegment("a" + it) {
            return isOneSegment(it + "\u{2764}") ? .zeroWidthJoiner : .extend
        }
        if isOneSegment("a\(it)a") {
            if !isOneSegment("1\(it)1") { return .midLetter }
            return isOneSegment("א" + it) ? .singleQuote : .midNumLet
        }
        if isOneSegment("1\(it)1") { return .midNum }
        if isOneSegment("א\(it)א") { return .doubleQuote }
        if isOneSegment(" " + it) { return .segmentSpace }
        return isOneSegment(it + it) ? .regionalIndicator : .other
    }

    private static func isOneSegment(_ text: String) -> Bool {
        text._wordIndex(after: text.startIndex) == text.endIndex
    }
}

/// General category L* or N*.
func isLetterOrNumber(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
        .decimalNumber, .letterNumber, .otherNumber:
        true
    default: false
    }
}
