import Shared

/// What a word is, and how it is printed.
struct Rule {
    enum Words {
        /// The segments of Unicode Standard Annex #29 that hold a letter or a digit.
        case unicode
        /// Runs of A-Z and a-z.
        case asciiLetters
        case betweenWhiteSpace
    }

    var words = Words.unicode
    /// Whether a hyphen between two letters or digits is part of the word.
    var joinsHyphens = false
    var keepsCase = false
    /// In Unicode scalar values, as wc -m counts characters.
    var minimumLength = 1
    /// Words to a line.
    var gramLength = 1
    var withFilename = false
    /// Whether a byte that is not UTF-8 is an error.
    var isStrict = false
    var terminator = UInt8(ascii: "\n")

    /// Whether a word is more than itself and a terminator.
    var finishesEachWord: Bool { withFilename || gramLength > 1 }
}
