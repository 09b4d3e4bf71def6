import Shared

enum OptionID: Sendable {
    case top, minimum, byKey, reverse, unsorted, percent, total, merge, keyFirst, json, bars
    case buffer, temporaryFolder, null
}

let wcreduceSyntax = CommandSyntax<OptionID, _>(
    program: "wcreduce", operands: "[file ...]",
    purpose: "Count equal lines. Print count, tab and line, the highest count first.",
    options: [
        Option(.top, "n", "top", "N", "print only the N most frequent lines"),
        Option(.minimum, nil, "min", "N", "print only lines that occur N times or more"),
        Option(.byKey, "k", "by-key", nil, "sort by the bytes of the lines, not by count"),
        Option(.reverse, "r", "reverse", nil, "print in reverse order"),
        Option(.unsorted, "u", "unsorted", nil, "do not sort: faster, in any order"),
        Option(.percent, "p", "percent", nil, "add a column: percent of all lines"),
        Option(.total, "T", "total", nil, "report the number of lines and of different lines"),
        Option(.merge, "m", "merge", nil, "add up the counts of input that is counted already"),
        Option(.keyFirst, "K", "key-first", nil, "read and print line, tab, count"),
        Option(.json, nil, "json", nil, "print a JSON object for each line"),
        Option(.bars, "b", "bars", nil, "draw a bar for each line"),
        Option(.buffer, "S", "buffer-size", "SIZE", "use at most SIZE of memory [half of it]"),
        Option(.temporaryFolder, nil, "tmpdir", "DIR", "put temporary files in DIR [/tmp]"),
        Option(.null, "0", "null", nil, "lines end with NUL, not with a newline"),
    ])

/// The settings given on the command line.
struct Settings {
    var selection = Selection()
    var printsShares = false
    var printsTotal = false
    var merges = false
    var form = Printer.Form.countFirst
    /// The form of counted input.
    var countedForm = CountedForm.countFirst
    var memory = MemoryLimit()
    var temporaryFolder = defaultTemporaryFolder()
    var delimiter = UInt8(ascii: "\n")

    init(_ options: GivenOptions<OptionID>) throws(UsageError) {
        for (option, value) in options {
            switch option.id {
            case .top: selection.top = try count(option, value, minimum: 0)
            case .minimum:
                selection.minimum = try count(option, value, minimum: 1, largest: .max)
            case .byKey: selection.sequence = .byKey
            case .reverse: selection.isReversed = true
            case .unsorted: selection.sequence = .unsorted
            case .percent: printsShares = true
            case .total: printsTotal = true
            case .merge: merges = true
            case .keyFirst: countedForm = .keyFirst
            case .json: form = .json(keyFirst: false)
            case .bars: form = .bars
            case .buffer: memory = MemoryLimit(try size(option, value))
            case .temporaryFolder: temporaryFolder = value ?? temporaryFolder
            case .null: delimiter = 0
            }
        }
        func refuse(_ one: OptionID, with other: OptionID) throws(UsageError) {
            if let one = options[one], let other = options[other] {
                throw UsageError("\(one.name) and \(other.name)", "cannot both be done")
            }
        }
        try refuse(.unsorted, with: .byKey)
        try refuse(.unsorted, with: .reverse)
        try refuse(.bars, with: .json)
        try refuse(.bars, with: .keyFirst)
        if countedForm == .keyFirst {
            form = options[.json] != nil ? .json(keyFirst: true) : .keyFirst
        }
        selection.needsMaximum = form == .bars
    }
}
