/// What a byte of ASCII text is to the word rules: UAX #29's Word_Break property for
/// the default rule, letter or not for `-a`.
///
/// Bits 0 and 1 say letter and digit; bits 2 and 3 say that the byte joins two letters,
/// two digits (`o'er`, `3.14`); bit 4 says that it is part of a word wherever it stands.
struct ByteClass {
    static let letter: UInt8 = 0b10001
    static let digit: UInt8 = 0b10010
    /// Underscore (ExtendNumLet): part of a word, but no word by itself.
    static let extender: UInt8 = 0b10000
    static let joinsLetters: UInt8 = 0b00100
    static let joinsDigits: UInt8 = 0b01000

    static func of(_ byte: UInt8, asciiLettersOnly: Bool) -> UInt8 {
        switch Unicode.Scalar(byte) {
        case "A"..."Z", "a"..."z": return letter
        case _ where asciiLettersOnly: return 0
        case "0"..."9": return digit
        case "_": return extender
        case ":": return joinsLetters  // MidLetter
        case ",", ";": return joinsDigits  // MidNum
        case ".", "'": return joinsLetters | joinsDigits  // MidNumLet, Single_Quote
        default: return 0
        }
    }
}
