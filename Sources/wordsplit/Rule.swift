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
    /// The length of the shortest word to print, in Unicode scalar values. wc -m counts
    /// characters in the same way.
    var minimumLength = 1
    /// The number of words on each line.
    var gramLength = 1
    var withFilename = false
    /// Whether a byte that is not UTF-8 is an error.
    var isStrict = false
    var terminator = UInt8(ascii: "\n")

    /// Whether a line is more than a word and its terminator.
    var makesLines: Bool { withFilename || gramLength > 1 }
    /// The byte after each word: a space if n-grams are printed.
    var wordEnd: UInt8 { gramLength > 1 ? UInt8(ascii: " ") : terminator }
}
