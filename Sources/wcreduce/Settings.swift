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
        Option(.unsorted, "u", "unsorted", nil, "do not sort: any order will do"),
        Option(.percent, "p", "percent", nil, "a column with the share of all lines in percent"),
        Option(.total, "T", "total", nil, "at the end say how many lines, and different ones"),
        Option(.merge, "m", "merge", nil, "input is counted already: add the counts up"),
        Option(.keyFirst, "K", "key-first", nil, "line, tab, count, on both sides"),
        Option(.json, nil, "json", nil, "print a JSON object for each line"),
        Option(.bars, "b", "bars", nil, "draw a bar for each line"),
        Option(.buffer, "S", "buffer-size", "SIZE", "memory to use [half of what there is]"),
        Option(.temporaryFolder, nil, "tmpdir", "DIR", "where the rest goes [TMPDIR or /tmp]"),
        Option(.null, "0", "null", nil, "lines end with NUL, not newline, on both sides"),
    ])

/// What the command line asks for.
struct Settings {
    var selection = Selection()
    var printsShares = false
    var printsTotal = false
    var merges = false
    var form = Printer.Form.countFirst
    /// The form of counted input.
    var countedForm = CountedForm.countFirst
    /// Bytes of memory to use, roughly.
    var memory: Int
    var temporaryFolder = defaultTemporaryFolder()
    var delimiter = UInt8(ascii: "\n")

    /// With less there is more merging than counting.
    private static let leastMemory = 1 << 20

    init(_ options: [(option: Option<OptionID>, value: Argument?)]) throws(UsageError) {
        var given: Set<OptionID> = []
        var memory: Int?
        for (option, value) in options {
            given.insert(option.id)
            switch option.id {
            case .top: selection.top = try count(option, value, minimum: 0)
            case .minimum: selection.minimum = UInt64(try count(option, value, minimum: 1))
            case .byKey: selection.sequence = .byKey
            case .reverse: selection.isReversed = true
            case .unsorted: selection.sequence = .unsorted
            case .percent: printsShares = true
            case .total: printsTotal = true
            case .merge: merges = true
            case .keyFirst: countedForm = .keyFirst
            case .json: form = .json(keyFirst: false)
            case .bars: form = .bars
            case .buffer: memory = max(Self.leastMemory, try size(option, value))
            case .temporaryFolder: temporaryFolder = value ?? temporaryFolder
            case .null: delimiter = 0
            }
        }
        for (one, other, names) in Self.contradictions where given.isSuperset(of: [one, other]) {
            throw UsageError(names, "cannot both be done")
        }
        if countedForm == .keyFirst {
            form = given.contains(.json) ? .json(keyFirst: true) : .keyFirst
        }
        selection.needsMaximum = form == .bars
        self.memory = memory ?? max(Self.leastMemory, usableMemory() / 2)
    }

    private static let contradictions: [(OptionID, OptionID, String)] = [
        (.unsorted, .byKey, "-u and -k"), (.unsorted, .reverse, "-u and -r"),
        (.bars, .json, "-b and --json"), (.bars, .keyFirst, "-b and -K"),
    ]
}
