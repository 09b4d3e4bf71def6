import Shared

enum OptionID: Sendable {
    case ascii, files0From, gram, withFilename, keepCase, minLength, strict, whitespace, hyphen
    case null, serve
}

let wordsplitSyntax = CommandSyntax<OptionID, _>(
    program: "wordsplit", operands: "[file ...]",
    purpose: "Print the words of a text in lower case, one per line.",
    basis: ", Unicode \(WordTable.unicodeVersion)",
    options: [
        Option(.ascii, "a", "ascii", nil, "words are runs of the letters A-Z and a-z"),
        Option(.whitespace, "w", "whitespace", nil, "words are separated by white space only"),
        Option(.hyphen, "y", "hyphen", nil, "a word may contain hyphens: well-known"),
        Option(.keepCase, "k", "keep-case", nil, "leave upper and lower case as they are"),
        Option(.minLength, "m", "min-length", "N", "print only words of N characters or more"),
        Option(.gram, "g", "ngram", "N", "print runs of N words, joined by spaces"),
        Option(
            .withFilename, "H", "with-filename", nil,
            "print the file name and a tab before each word"),
        Option(.null, "0", "null", nil, "end words with NUL, not with a newline"),
        Option(.strict, nil, "strict", nil, "stop at a byte that is not UTF-8"),
        Option(
            .files0From, nil, "files0-from", "FILE", "read NUL-terminated file names from FILE"),
        Option(
            .serve, nil, "serve", nil, "answer file names as they arrive on standard input"),
    ])

/// The settings that the command line gives.
struct Settings {
    var rule = Rule()
    /// The file that holds the names of the files to read, if the operands do not name them.
    var nameList: NameList?

    /// - Throws: `UsageError` if a number is wrong, if two options exclude each other, or if there
    ///   are operands although a list names the files.
    init(
        _ options: GivenOptions<OptionID>, operands: ArgumentList
    ) throws(UsageError) {
        for (option, value) in options {
            switch option.id {
            case .ascii: rule.words = .asciiLetters
            case .whitespace: rule.words = .betweenWhiteSpace
            case .hyphen: rule.joinsHyphens = true
            case .keepCase: rule.keepsCase = true
            case .minLength: rule.minimumLength = try count(option, value, minimum: 1)
            case .gram: rule.gramLength = try count(option, value, minimum: 1)
            case .withFilename: rule.withFilename = true
            case .null: rule.terminator = 0
            case .strict: rule.isStrict = true
            case .files0From: nameList = value.map { NameList(file: $0) }
            case .serve: break
            }
        }
        func refuse(_ one: OptionID, with other: OptionID, _ why: String) throws(UsageError) {
            if let one = options[one], let other = options[other] {
                throw UsageError("\(one.name) and \(other.name)", why)
            }
        }
        try refuse(.ascii, with: .whitespace, "each says what a word is: give one of them")
        try refuse(.ascii, with: .hyphen, "by -a a word is nothing but letters")
        try refuse(.whitespace, with: .hyphen, "by -w a hyphen is part of the word already")
        try refuse(.ascii, with: .strict, "by -a any byte will do")
        try refuse(.files0From, with: .serve, "each says where the names come from: give one")
        if options[.serve] != nil { nameList = NameList(serving: rule) }
        if nameList != nil, let operand = operands.first {
            let origin = options[.serve] != nil ? "standard input" : "--files0-from"
            throw UsageError(
                "extra operand '\(operand.text)'", "\(origin) names the files already")
        }
    }
}
