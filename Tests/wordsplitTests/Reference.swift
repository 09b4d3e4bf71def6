import Synchronization

@testable import wordsplit

/// What the program should print, slowly and plainly: from the rules of Unicode Standard
/// Annex #29, section 4.1.1, one after the other, and the standard library's strings.
struct Reference {
    let rule: Rule

    /// The words of any bytes: what is not UTF-8 parts texts.
    func words(_ bytes: [UInt8]) -> [String] {
        if rule.words == .asciiLetters {
            return bytes.split { !isASCIILetter($0) }
                .map { String(decoding: $0, as: UTF8.self) }.map {
                    rule.keepsCase ? $0 : $0.lowercased()
                }
                .filter { $0.unicodeScalars.count >= rule.minimumLength }
        }
        return texts(bytes).flatMap(segments).compactMap(printed)
            .filter { $0.unicodeScalars.count >= rule.minimumLength }
    }

    /// What is printed: words or n-grams, each behind the name if there is one.
    func output(_ bytes: [UInt8], named name: String) -> [UInt8] {
        let words = words(bytes)
        let count = max(words.count - rule.gramLength + 1, 0)
        let grams = (0..<count).map { words[$0..<$0 + rule.gramLength].joined(separator: " ") }
        return grams.flatMap { gram in
            Array(((rule.withFilename ? name + "\t" : "") + gram).utf8) + [rule.terminator]
        }
    }

    private func isASCIILetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private func texts(_ bytes: [UInt8]) -> [[Unicode.Scalar]] {
        var texts: [[Unicode.Scalar]] = [[]]
        var rest = bytes[...]
        while !rest.isEmpty {
            var parser = Unicode.UTF8.ForwardParser()
            var iterator = rest.makeIterator()
            switch parser.parseScalar(from: &iterator) {
            case .valid(let encoded):
                texts[texts.count - 1].append(Unicode.UTF8.decode(encoded))
                rest = rest.dropFirst(encoded.count)
            case .error(let length):
                texts.append([])
                rest = rest.dropFirst(length)
            case .emptyInput: break
            }
        }
        return texts
    }

    private func segments(_ text: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
        if rule.words == .betweenWhiteSpace {
            return text.split { $0.properties.isWhitespace || $0 == "\0" }.map(Array.init)
        }
        var segments: [[Unicode.Scalar]] = []
        let boundaries = WordBoundaries(text, joinsHyphens: rule.joinsHyphens)
        for (index, scalar) in text.enumerated() {
            if index == 0 || boundaries.isBoundary(before: index) { segments.append([]) }
            segments[segments.count - 1].append(scalar)
        }
        return segments
    }

    private func printed(_ segment: [Unicode.Scalar]) -> String? {
        if rule.words == .betweenWhiteSpace {
            return rule.keepsCase ? text(segment) : lower(segment)
        }
        if !segment.contains(where: isLetterOrNumber) { return nil }
        // White space and control characters at the ends are no part of a word.
        func isOuter(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
        }
        let trimmed = segment.drop(while: isOuter).reversed().drop(while: isOuter).reversed()
        let plain: [Unicode.Scalar] = trimmed.map {
            switch $0 {
            case "\u{2018}", "\u{2019}": "'"
            case "\u{2010}", "\u{2011}": rule.joinsHyphens ? "-" : $0
            default: $0
            }
        }
        return composed(rule.keepsCase ? text(plain) : lower(plain))
    }

    private func text(_ scalars: [Unicode.Scalar]) -> String {
        scalars.reduce(into: "") { $0.unicodeScalars.append($1) }
    }

    /// Full lower-casing with Final_Sigma: the Unicode Standard, section 3.13.
    private func lower(_ word: [Unicode.Scalar]) -> String {
        func firstIsCased(_ scalars: some Sequence<Unicode.Scalar>) -> Bool {
            scalars.first { !$0.properties.isCaseIgnorable }?.properties.isCased ?? false
        }
        return word.indices.map { index in
            let isFinal =
                word[index] == "\u{3A3}" && firstIsCased(word[..<index].reversed())
                && !firstIsCased(word[(index + 1)...])
            return isFinal ? "\u{3C2}" : word[index].properties.lowercaseMapping
        }.joined()
    }
}

/// The boundaries of a text by the rules of the annex, each read from its definition.
struct WordBoundaries {
    private let values: [WordBreak]
    private let isPictograph: [Bool]
    private let isLetterOrDigit: [Bool]
    private let joinsHyphens: Bool
    private let isCRLF: (Int) -> Bool

    init(_ text: [Unicode.Scalar], joinsHyphens: Bool = false) {
        let kinds = text.map(knownWordBreak)
        isPictograph = kinds.map { $0 == .pictograph || $0 == .letterPictograph }
        isLetterOrDigit = text.indices.map {
            isLetterOrNumber(text[$0]) && kinds[$0] != .extend
        }
        values = kinds.map { $0 == .letterPictograph ? .letter : $0 }
        self.joinsHyphens = joinsHyphens
        isCRLF = { text[$0 - 1] == "\r" && text[$0] == "\n" }
    }

    /// Whether there is one before a scalar that is not the first.
    func isBoundary(before index: Int) -> Bool {
        // WB3
        if isCRLF(index) { return false }
        // WB3a, WB3b
        if values[index - 1] == .newline || values[index] == .newline { return true }
        // WB3c
        if values[index - 1] == .zeroWidthJoiner && isPictograph[index] { return false }
        // WB3d
        if values[index - 1] == .segmentSpace && values[index] == .segmentSpace { return false }
        // WB4
        if isIgnored(index) { return false }

        let before = last(before: index)
        let left = before.map { values[$0] }
        let leftOfLeft = before.flatMap(last).map { values[$0] }
        let right = values[index]
        let after = (index + 1..<values.count).first { !isIgnored($0) }
        let rightOfRight = after.map { values[$0] }

        // WB5
        if isLetter(left) && isLetter(right) { return false }
        // WB6
        if isLetter(left) && isMid(right, .midLetter) && isLetter(rightOfRight) { return false }
        // WB7
        if isLetter(leftOfLeft) && isMid(left, .midLetter) && isLetter(right) { return false }
        // WB7a
        if left == .hebrewLetter && right == .singleQuote { return false }
        if left == .hebrewLetter && right == .doubleQuote && rightOfRight == .hebrewLetter {
            return false  // WB7b
        }
        if leftOfLeft == .hebrewLetter && left == .doubleQuote && right == .hebrewLetter {
            return false  // WB7c
        }
        // WB8
        if left == .numeric && right == .numeric { return false }
        // WB9
        if isLetter(left) && right == .numeric { return false }
        // WB10
        if left == .numeric && isLetter(right) { return false }
        // WB11
        if leftOfLeft == .numeric && isMid(left, .midNum) && right == .numeric { return false }
        // WB12
        if left == .numeric && isMid(right, .midNum) && rightOfRight == .numeric { return false }
        // WB13
        if left == .katakana && right == .katakana { return false }
        // WB13a
        if (isWordly(left) || left == .extendNumLet) && right == .extendNumLet { return false }
        // WB13b
        if left == .extendNumLet && isWordly(right) { return false }
        if joinsHyphens {
            func isOne(_ index: Int?) -> Bool { index.map { isLetterOrDigit[$0] } ?? false }
            if isOne(before) && right == .hyphen && isOne(after) { return false }
            if isOne(before.flatMap(last)) && left == .hyphen && isOne(index) { return false }
        }
        // WB15, WB16
        if right == .regionalIndicator {
            var count = 0
            var place = before
            while let index = place, values[index] == .regionalIndicator {
                count += 1
                place = last(before: index)
            }
            return count % 2 == 0
        }
        return true  // WB999
    }

    private func isLetter(_ value: WordBreak?) -> Bool {
        value == .letter || value == .hebrewLetter
    }

    private func isWordly(_ value: WordBreak?) -> Bool {
        isLetter(value) || value == .numeric || value == .katakana
    }

    /// MidNumLetQ or the other.
    private func isMid(_ value: WordBreak?, _ other: WordBreak) -> Bool {
        value == .midNumLet || value == .singleQuote || value == other
    }

    /// Whether WB4 has the scalar be part of what is before it. Not so at the start of the
    /// text, or behind a line's end.
    private func isIgnored(_ index: Int) -> Bool {
        (values[index] == .extend || values[index] == .zeroWidthJoiner)
            && index > 0 && values[index - 1] != .newline
    }

    /// The last scalar before another that is not ignored.
    private func last(before index: Int) -> Int? {
        (0..<index).last { !isIgnored($0) }
    }
}

/// The text in Normalization Form C, by the standard library. It takes the vowels of Tibetan that
/// are two marks for letters, since their own combining class is 0, and does not bring other
/// marks into order around them: they are taken apart before. See StandardTests.
func composed(_ text: String) -> String {
    let apart: [Unicode.Scalar: String] = [
        "\u{F73}": "\u{F71}\u{F72}", "\u{F75}": "\u{F71}\u{F74}", "\u{F81}": "\u{F71}\u{F80}",
    ]
    var plain = ""
    for scalar in text.unicodeScalars {
        plain.unicodeScalars.append(contentsOf: (apart[scalar] ?? String(scalar)).unicodeScalars)
    }
    return String(decoding: plain._nfcCodeUnits, as: UTF8.self)
}

private let known = Mutex<[Unicode.Scalar: WordBreak]>([:])

/// The value of a scalar, found once.
private func knownWordBreak(_ scalar: Unicode.Scalar) -> WordBreak {
    known.withLock { known in
        if let value = known[scalar] { return value }
        let value = WordTableSource.wordBreak(scalar)
        known[scalar] = value
        return value
    }
}
