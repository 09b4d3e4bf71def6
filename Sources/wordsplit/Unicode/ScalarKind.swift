/// The Word_Break property of Unicode Standard Annex #29, section 4.1. Values that the rules treat
/// alike are one case here: Format is Extend. CR and LF are Newline, since no word contains them.
enum WordBreak {
    case other, newline, letter, hebrewLetter, numeric, katakana, extendNumLet
    case midLetter, midNum, midNumLet, singleQuote, doubleQuote
    case extend, zeroWidthJoiner, regionalIndicator, segmentSpace
    /// Extended_Pictographic with Word_Break Other, and with Word_Break ALetter.
    case pictograph, letterPictograph
    /// A hyphen: U+002D, U+2010, U+2011. Its Word_Break is Other.
    case hyphen
}

/// All properties of a scalar that this program uses. About fifty kinds cover Unicode.
struct ScalarKind: Hashable {
    /// The byte that represents this kind in `WordTable.blocks`.
    var code: UInt8 = 0
    let wordBreak: WordBreak
    let traits: ScalarTraits
    /// The number to add to the scalar to print it. It leads to the lower case, unless the trait
    /// `typographic` says otherwise.
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

    /// General category L* or N*. A segment that contains such a scalar is a word.
    static let word = ScalarTraits(rawValue: 1 << 0)
    /// The shift does not give the lower case: the lower case has several scalars, or depends on
    /// the scalars around (sigma), or its shift is too rare to have a kind.
    static let recased = ScalarTraits(rawValue: 1 << 1)
    /// Normalization Form C may change the scalar, depending on the scalars before it or not.
    static let recomposed = ScalarTraits(rawValue: 1 << 2)
    /// White_Space.
    static let white = ScalarTraits(rawValue: 1 << 3)
    /// General category Cc.
    static let control = ScalarTraits(rawValue: 1 << 4)
    /// A combining mark that does not change after a letter. Next to another mark, the two may
    /// change places.
    static let mark = ScalarTraits(rawValue: 1 << 5)
    /// The shift leads to the plain apostrophe or hyphen, not to lower case.
    static let typographic = ScalarTraits(rawValue: 1 << 6)
    static let null = ScalarTraits(rawValue: 1 << 7)
}
