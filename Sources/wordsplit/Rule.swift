import Shared

enum OptionID: Sendable {
    case ascii, keepCase, minLength, null
}

let wordsplitSyntax = CommandSyntax<OptionID>(
    program: "wordsplit", operands: "[file ...]",
    purpose: "Print the words of a text in lower case, one a line.",
    options: [
        Option(.ascii, "a", "ascii", nil, "words are runs of the letters A-Z and a-z only"),
        Option(.keepCase, "k", "keep-case", nil, "leave upper and lower case as they are"),
        Option(.minLength, "m", "min-length", "N", "only words of N characters or more"),
        Option(.null, "0", "null", nil, "end words with NUL, not newline"),
    ])

/// What a word is, and how it is printed.
struct Rule {
    var asciiLettersOnly = false
    var keepsCase = false
    /// In Unicode scalar values, as wc -m counts characters.
    var minimumLength = 1
    var terminator = UInt8(ascii: "\n")
}

extension Rule {
    init(_ options: [(option: Option<OptionID>, value: Argument?)]) throws(UsageError) {
        for (option, value) in options {
            switch option.id {
            case .ascii: asciiLettersOnly = true
            case .keepCase: keepsCase = true
            case .minLength: minimumLength = try count(option, value, minimum: 1)
            case .null: terminator = 0
            }
        }
    }
}
