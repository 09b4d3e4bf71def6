import Shared

enum OptionID: Sendable {
    case top, minimum, byKey, reverse, unsorted, percent, total, merge, keyFirst, json, bars
    case buffer, temporaryFolder, null
}

let wcreduceSyntax = CommandSyntax<OptionID, _>(
    program: "wcreduce", operands: "[file ...]",
    purpose: "Count equal lines; print count, tab, line, the highest count first.",
    options: [
        Option(.top, "n", "top", "N", "only the N most frequent lines"),
        Option(.minimum, nil, "min", "N", "only lines that occur N times or more"),
        Option(.byKey, "k", "by-key", nil, "sort by line, in byte order, not by count"),
        Option(.reverse, "r", "reverse", nil, "reverse the order of the output"),
        Option(.unsorted, "u", "unsorted", nil, "do not sort; the order is unspecified"),
        Option(.percent, "p", "percent", nil, "add a column: the share of all lines in percent"),
        Option(.total, "T", "total", nil, "report the number of lines and of distinct lines"),
        Option(.merge, "m", "merge", nil, "sum the counts of input that is already counted"),
        Option(.keyFirst, "K", "key-first", nil, "read and write line, tab, count"),
        Option(.json, nil, "json", nil, "print a JSON object for each line"),
        Option(.bars, "b", "bars", nil, "draw a bar for each line"),
        Option(.buffer, "S", "buffer-size", "SIZE", "memory to use [half of usable memory]"),
        Option(.temporaryFolder, nil, "tmpdir", "DIR", "where temporary files go [TMPDIR or /tmp]"),
        Option(.null, "0", "null", nil, "end lines with NUL, not newline, in input and output"),
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
