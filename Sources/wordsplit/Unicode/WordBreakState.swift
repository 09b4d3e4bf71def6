/// The state of the word rules after a scalar. With the Word_Break of the next scalar, it decides
/// whether there is a boundary between the two.
///
/// The rule numbers (WB4 and so on) are those of Unicode Standard Annex #29, section 4.1.1.
enum WordBreakState: UInt8, CaseIterable {
    /// At the start of the text, after white space, or after bytes that are not text.
    case start
    /// A boundary follows, unless the next scalar is Extend, Format or ZWJ (WB4).
    case other
    case letter, hebrewLetter, numeric, katakana, extendNumLet
    /// After a Hebrew letter and a single quote, which is part of the word (WB7a).
    case hebrewQuote
    /// After an odd number of regional indicators (WB15, WB16).
    case regionalIndicator

    // States for `-y` only. They tell letters and digits from other scalars with the same
    // Word_Break; the annex makes no such difference.

    /// Like `other`, after a letter or a digit, for example an ideograph or a fraction.
    case otherWord
    /// Like `letter`, `numeric` and `katakana`, but after a scalar that is neither a letter nor a
    /// digit, for example U+05F3 or U+066B.
    case letterSymbol, numericSymbol, katakanaSymbol

    // Open states: the next scalar decides whether there is a boundary before the last one.

    /// After a letter and a scalar that may join it to another letter (WB6, WB7).
    case openLetter
    /// After a Hebrew letter and a double quote (WB7b, WB7c).
    case openHebrew
    /// After a digit and a scalar that may join it to another digit (WB11, WB12).
    case openNumeric
    /// With `-y`: after a letter or digit and a hyphen.
    case openHyphen

    var isOpen: Bool { rawValue >= Self.openLetter.rawValue }

    /// Whether the state is reached with `-y` only.
    var isForHyphens: Bool {
        switch self {
        case .otherWord, .letterSymbol, .numericSymbol, .katakanaSymbol, .openHyphen: true
        default: false
        }
    }

    /// What to do with a scalar.
    enum Action: UInt8 {
        /// The scalar belongs to the segment, and so does an open scalar before it.
        case join
        /// The scalar begins a segment. An open scalar before it is a segment by itself.
        case begin
        /// The scalar is white space: it ends a segment and belongs to none.
        case skip
        /// The next scalar decides whether this one belongs to the segment.
        case open
        /// Like `join`, for a combining mark, which may have to change places with other marks.
        case joinMark
        /// Like `begin`, unless a zero width joiner comes before the scalar (WB3c).
        case beginUnlessJoined
    }

    /// Applies the rules of the annex to the next scalar. `-y` adds one rule: there is no boundary
    /// around a hyphen between two letters or digits. The first of these may have marks.
    ///
    /// - Parameters:
    ///   - value: the Word_Break of the next scalar.
    ///   - isWord: whether the scalar is a letter or a digit.
    ///   - joinsHyphens: whether `-y` is given.
    /// - Returns: what to do with the scalar, and the state after it.
    func step(
        _ value: WordBreak, isWord: Bool, joinsHyphens: Bool
    ) -> (Action, WordBreakState) {
        if !joinsHyphens { return standardStep(value) }
        if value == .extend || value == .zeroWidthJoiner { return standardStep(value) }
        if value == .hyphen && isLetterOrDigit { return (.open, .openHyphen) }
        let (action, next) = standardState.standardStep(value)
        let nextAsAsked = isWord ? next.behindLetterOrDigit : next.behindSymbol
        return (self == .openHyphen && isWord ? .join : action, nextAsAsked)
    }

    private func standardStep(_ value: WordBreak) -> (Action, WordBreakState) {
        switch value {
        case .extend, .zeroWidthJoiner:
            return self == .start ? (.begin, .other) : (.join, self)  // WB4
        case .letter, .letterPictograph, .hebrewLetter:
            let next: WordBreakState = value == .hebrewLetter ? .hebrewLetter : .letter
            switch self {
            // WB5, WB6, WB7, WB10, WB13b
            case .letter, .hebrewLetter, .hebrewQuote, .openLetter, .numeric, .extendNumLet:
                return (.join, next)
            case .openHebrew where value == .hebrewLetter: return (.join, next)
            default: return (value == .letterPictograph ? .beginUnlessJoined : .begin, next)
            }
        case .numeric:
            switch self {
            // WB8, WB9, WB11, WB13b
            case .letter, .hebrewLetter, .numeric, .openNumeric, .extendNumLet:
                return (.join, .numeric)
            default: return (.begin, .numeric)
            }
        case .katakana:
            switch self {
            case .katakana, .extendNumLet: return (.join, .katakana)  // WB13, WB13b
            default: return (.begin, .katakana)
            }
        case .extendNumLet:
            switch self {
            case .letter, .hebrewLetter, .numeric, .katakana, .extendNumLet:
                return (.join, .extendNumLet)  // WB13a
            default: return (.begin, .extendNumLet)
            }
        case .singleQuote where self == .hebrewLetter: return (.join, .hebrewQuote)  // WB7a
        case .doubleQuote where self == .hebrewLetter: return (.open, .openHebrew)
        case .midLetter where isLetter: return (.open, .openLetter)
        case .midNum where self == .numeric: return (.open, .openNumeric)
        case .midNumLet where isLetter, .singleQuote where isLetter: return (.open, .openLetter)
        case .midNumLet where self == .numeric, .singleQuote where self == .numeric:
            return (.open, .openNumeric)
        case .regionalIndicator:
            return self == .regionalIndicator ? (.join, .other) : (.begin, .regionalIndicator)
        case .pictograph: return (.beginUnlessJoined, .other)
        // WB3d would keep spaces together. It is left out, because no word consists of spaces.
        case .other, .newline, .segmentSpace, .midLetter, .midNum, .midNumLet, .singleQuote,
            .doubleQuote, .hyphen:
            return (.begin, .other)
        }
    }

    private var isLetter: Bool { self == .letter || self == .hebrewLetter }

    private var isLetterOrDigit: Bool {
        isLetter || self == .numeric || self == .katakana || self == .otherWord
    }

    /// The state that the rules of the annex use for this one.
    private var standardState: WordBreakState {
        switch self {
        case .otherWord: .other
        case .letterSymbol: .letter
        case .numericSymbol: .numeric
        case .katakanaSymbol: .katakana
        default: self
        }
    }

    private var behindLetterOrDigit: WordBreakState { self == .other ? .otherWord : self }

    private var behindSymbol: WordBreakState {
        switch self {
        case .letter: .letterSymbol
        case .numeric: .numericSymbol
        case .katakana: .katakanaSymbol
        default: self
        }
    }
}
