import Shared

/// The words of a piece of text that holds bytes past ASCII, ready to be printed.
///
/// Boundaries are those of Unicode Standard Annex #29 as the standard library finds them;
/// a segment is a word when it holds a letter or a digit (general category L* or N*).
/// A byte that is not UTF-8 ends a word and is dropped.
///
/// - Throws: `Errno.noMemory` for a piece of text that is too long.
func unicodeWords(_ bytes: UnsafeRawBufferPointer, _ rule: Rule) throws(Errno) -> [String] {
    try requireMemory(bytes.count * 12 + (1 << 20))
    var words: [String] = []
    var text = ""
    // The same text to find the boundaries in.
    var shape = ""
    var rest = unsafe bytes[...]
    func splitText() {
        var index = shape.startIndex
        while index < shape.endIndex {
            let end = shape._wordIndex(after: index)
            let segment = text[place(of: index)..<place(of: end)]
            if isWord(segment) {
                let word = printedForm(segment, keepsCase: rule.keepsCase)
                if word.unicodeScalars.count >= rule.minimumLength { words.append(word) }
            }
            index = end
        }
        text = ""
        shape = ""
    }
    func place(of index: String.Index) -> String.Index {
        let offset = shape.utf8.distance(from: shape.startIndex, to: index)
        return text.utf8.index(text.startIndex, offsetBy: offset)
    }
    while unsafe !rest.isEmpty {
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = unsafe rest.makeIterator()
        switch unsafe parser.parseScalar(from: &iterator) {
        case .valid(let encoded):
            let scalar = Unicode.UTF8.decode(encoded)
            text.unicodeScalars.append(scalar)
            shape.unicodeScalars.append(twin(of: scalar))
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

/// A scalar of the same word class and length, for one that the standard library of Swift
/// 6.3 has in none: its table ends in the midst of the Hangul syllables.
private func twin(of scalar: Unicode.Scalar) -> Unicode.Scalar {
    ("\u{AFA4}"..."\u{D7A3}").contains(scalar) ? "\u{AC00}" : scalar
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
