import Shared

enum OptionID: Sendable {
    case top, minimum, byKey, reverse, merge, null
}

let wcreduceSyntax = CommandSyntax<OptionID>(
    program: "wcreduce", operands: "[file ...]",
    purpose: "Count equal lines; print count, tab, line, the highest count first.",
    options: [
        Option(.top, "n", "top", "N", "only the N most frequent lines"),
        Option(.minimum, nil, "min", "N", "only lines that occur N times or more"),
        Option(.byKey, "k", "by-key", nil, "sort by line, in byte order, not by count"),
        Option(.reverse, "r", "reverse", nil, "reverse the order of the output"),
        Option(.merge, "m", "merge", nil, "input is counted already: add the counts up"),
        Option(.null, "0", "null", nil, "lines end with NUL, not newline, on both sides"),
    ])

/// What the command line asks for.
struct Settings {
    var selection = Selection()
    var merge = false
    var delimiter = UInt8(ascii: "\n")

    init(_ options: [(option: Option<OptionID>, value: Argument?)]) throws(UsageError) {
        for (option, value) in options {
            switch option.id {
            case .top: selection.top = try count(option, value, minimum: 0)
            case .minimum: selection.minimum = UInt64(try count(option, value, minimum: 1))
            case .byKey: selection.byKey = true
            case .reverse: selection.reversed = true
            case .merge: merge = true
            case .null: delimiter = 0
            }
        }
    }
}
