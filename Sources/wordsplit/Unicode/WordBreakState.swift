/// Where the word rules stand after a scalar: what the next one's Word_Break is judged by.
///
/// The numbers are those of Unicode Standard Annex #29, section 4.1.1.
enum WordBreakState: UInt8, CaseIterable {
    /// At the start of the text, behind white space, or behind what is not text.
    case start
    /// A boundary follows, unless Extend, Format or ZWJ does (WB4).
    case other
    case letter, hebrewLetter, numeric, katakana, extendNumLet
    /// Behind a Hebrew letter and a single quote, which is part of the word (WB7a).
    case hebrewQuote
    /// Behind one regional indicator, or an odd number of them (WB15, WB16).
    case regionalIndicator

    // With `-y`, what the annex does not tell apart: whether the scalar is a letter or a digit.

    /// As `other`, behind a letter or a digit: an ideograph, a fraction.
    case otherWord
    /// As the states of like names, behind what is neither letter nor digit: U+05F3, U+066B.
    case letterSymbol, numericSymbol, katakanaSymbol

    // Open: whether there is a boundary before the last scalar depends on the next one.

    /// Behind a letter and what may join it to another (WB6, WB7).
    case openLetter
    /// Behind a Hebrew letter and a double quote (WB7b, WB7c).
    case openHebrew
    /// Behind a digit and what may join it to another (WB11, WB12).
    case openNumeric
    /// Behind a letter or digit and a hyphen, with `-y`.
    case openHyphen

    var isOpen: Bool { rawValue >= Self.openLetter.rawValue }

    /// Whether it is reached with `-y` only.
    var isForHyphens: Bool {
        switch self {
        case .otherWord, .letterSymbol, .numericSymbol, .katakanaSymbol, .openHyphen: true
        default: false
        }
    }

    /// What to do with a scalar, and where that leads.
    enum Action: UInt8 {
        /// It belongs to the segment, and what was open is closed: it is all one segment.
        case join
        /// It begins a segment, and what was open is one of its own.
        case begin
        /// It is white space: it ends a segment and belongs to none.
        case skip
        /// It belongs to the segment if the next scalar has it so.
        case open
        /// As `join`, for a combining mark: its place among others is to be looked at.
        case joinMark
        /// As `begin`, unless a zero width joiner stands before it (WB3c).
        case beginUnlessJoined
    }

    /// The rules of the annex, and with `-y` one more: there is no boundary around a hyphen
    /// between two letters or digits, marks on the first one aside.
    ///
    /// - Parameter isWord: whether the scalar is a letter or a digit.
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
        // WB3d keeps spaces together, in which there is no word.
        case .other, .newline, .segmentSpace, .midLetter, .midNum, .midNumLet, .singleQuote,
            .doubleQuote, .hyphen:
            return (.begin, .other)
        }
    }

    private var isLetter: Bool { self == .letter || self == .hebrewLetter }

    private var isLetterOrDigit: Bool {
        isLetter || self == .numeric || self == .katakana || self == .otherWord
    }

    /// What the rules of the annex take it for.
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
