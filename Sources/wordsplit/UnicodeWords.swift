import Shared

/// The words of a piece of text that holds bytes past ASCII, ready to be printed.
///
/// Boundaries are those of Unicode Standard Annex #29 as the standard library finds them;
/// a segment is a word when it holds a letter or a digit (general category L* or N*).
/// A byte that is not UTF-8 ends a word and is dropped.
func unicodeWords(_ bytes: UnsafeRawBufferPointer, _ rule: Rule) -> [String] {
    var words: [String] = []
    var text = ""
    var rest = unsafe bytes[...]
    func splitText() {
        var index = text.startIndex
        while index < text.endIndex {
            let end = text._wordIndex(after: index)
            let segment = text[index..<end]
            if isWord(segment) {
                let word = printedForm(segment, keepsCase: rule.keepsCase)
                if word.unicodeScalars.count >= rule.minimumLength { words.append(word) }
            }
            index = end
        }
        text = ""
    }
    while unsafe !rest.isEmpty {
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = unsafe rest.makeIterator()
        switch unsafe parser.parseScalar(from: &iterator) {
        case .valid(let encoded):
            text.unicodeScalars.append(Unicode.UTF8.decode(encoded))
            unsafe rest = rest.dropFirst(encoded.count)
        case .error(let length):
            splitText()
            unsafe rest = rest.dropFirst(length)
        case .emptyInput: break
        }
    }
    splitText()
    return words
}

private func isWord(_ segment: Substring) -> Bool {
    segment.unicodeScalars.contains { scalar in
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter,
            .otherLetter, .decimalNumber, .letterNumber, .otherNumber:
            return true
        default: return false
        }
    }
}

/// The segment in lower case, curly apostrophes straight, in normalization form C.
func printedForm(_ segment: Substring, keepsCase: Bool) -> String {
    var text = ""
    for index in segment.unicodeScalars.indices {
        let scalar = segment.unicodeScalars[index]
        if scalar == "\u{2019}" {
            text += "'"
        } else if keepsCase {
            text.unicodeScalars.append(scalar)
        } else if scalar == "\u{3A3}" && isFinalSigma(segment.unicodeScalars, index) {
            text += "\u{3C2}"
        } else {
            text += scalar.properties.lowercaseMapping
        }
    }
    return String(decoding: text._nfcCodeUnits, as: UTF8.self)
}

/// The condition Final_Sigma of the Unicode Standard, section 3.13, table 3-17, within a
/// word: behind a cased letter and not before one, case-ignorable characters aside.
private func isFinalSigma(_ word: Substring.UnicodeScalarView, _ index: String.Index) -> Bool {
    func isCased(_ scalars: some Sequence<Unicode.Scalar>) -> Bool {
        scalars.first { !$0.properties.isCaseIgnorable }?.properties.isCased ?? false
    }
    return isCased(word[..<index].reversed()) && !isCased(word[word.index(after: index)...])
}
