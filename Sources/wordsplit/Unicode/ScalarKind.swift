/// The Word_Break property of Unicode Standard Annex #29, section 4.1, as far as the rules
/// tell values apart: Format is Extend; CR and LF are Newline, since no word holds them.
enum WordBreak {
    case other, newline, letter, hebrewLetter, numeric, katakana, extendNumLet
    case midLetter, midNum, midNumLet, singleQuote, doubleQuote
    case extend, zeroWidthJoiner, regionalIndicator, segmentSpace
    /// Extended_Pictographic, of Word_Break Other and of Word_Break ALetter.
    case pictograph, letterPictograph
    /// Word_Break Other, but a hyphen: U+002D, U+2010, U+2011.
    case hyphen
}

/// All that a scalar is to this program; some fifty kinds cover Unicode.
struct ScalarKind: Hashable {
    /// What stands for it in `WordTable.blocks`.
    var code: UInt8 = 0
    let wordBreak: WordBreak
    let traits: ScalarTraits
    /// What is added to the scalar to print it; where it has no trait of its own for that,
    /// the distance to its lower case.
    let shift: Int32

    init(_ code: Unicode.Scalar, _ wordBreak: WordBreak, _ traits: ScalarTraits, _ shift: Int32) {
        self.init(wordBreak, traits, shift)
        self.code = UInt8(ascii: code)
    }

    init(_ wordBreak: WordBreak, _ traits: ScalarTraits, _ shift: Int32) {
        self.wordBreak = wordBreak
        self.traits = traits
        self.shift = shift
    }
}

struct ScalarTraits: OptionSet, Hashable {
    let rawValue: UInt8

    /// General category L* or N*: a segment that holds one is a word.
    static let word = ScalarTraits(rawValue: 1 << 0)
    /// Lower case is more than adding the shift: it has several scalars, or depends on
    /// what stands around (sigma), or is rare.
    static let recased = ScalarTraits(rawValue: 1 << 1)
    /// In Normalization Form C it may not stay what it is, whatever stands before it.
    static let recomposed = ScalarTraits(rawValue: 1 << 2)
    /// White_Space.
    static let white = ScalarTraits(rawValue: 1 << 3)
    /// General category Cc.
    static let control = ScalarTraits(rawValue: 1 << 4)
    /// A combining mark that stays what it is behind a letter, but may change places with
    /// another mark.
    static let mark = ScalarTraits(rawValue: 1 << 5)
    /// The shift is to the plain apostrophe or hyphen and not to lower case.
    static let typographic = ScalarTraits(rawValue: 1 << 6)
    static let null = ScalarTraits(rawValue: 1 << 7)
}
