import Shared

enum OptionID: Sendable {
    case workers, chunkItems, chunkBytes, null, argumentFile, shell, standardInput, fields
    case buffer, dryRun, verbose, quiet, progressInterval
}

let pmapSyntax = CommandSyntax<OptionID>(
    program: "pmap", operands: "[--] command [argument ...]",
    purpose: "Run a command over chunks of input lines, several workers at once.",
    stopsAtOperand: true,
    options: [
        Option(.workers, "j", "jobs", "N", "N workers at once, or N% of the CPUs [all CPUs]"),
        Option(.chunkItems, "c", "chunk", "N", "N items to a command [1; no limit with -b, -i]"),
        Option(.chunkBytes, "b", "bytes", "SIZE", "at most SIZE bytes of items to a command"),
        Option(.null, "0", "null", nil, "items end with NUL, not newline"),
        Option(.argumentFile, "a", "arg-file", "FILE", "read items from FILE, not standard input"),
        Option(.shell, "s", "shell", nil, "the command is a shell script, the items its \"$@\""),
        Option(.standardInput, "i", "stdin", nil, "feed items to the command's standard input"),
        Option(.fields, "F", "fields", "SEP", "cut items into fields at SEP: {1}, {2} ..."),
        Option(.buffer, nil, "buffer", "SIZE", "memory for output that waits its turn [64M]"),
        Option(.dryRun, "n", "dry-run", nil, "print the commands instead of running them"),
        Option(.verbose, "v", "verbose", nil, "say which worker processes which items"),
        Option(.quiet, "q", "quiet", nil, "show no progress"),
        Option(
            .progressInterval, nil, "progress-interval", "D",
            "time between plain status lines [10s]"),
    ])

/// What the command line asks for.
struct Settings {
    var workers: WorkerCount = .percentOfCPUs(100)
    var delimiter = UInt8(ascii: "\n")
    /// Where items come from; nil and `-` are standard input.
    var argumentFile: Argument?
    /// Bytes of output that may wait in memory for an earlier chunk to finish.
    var buffer = 64 << 20
    var isDryRun = false
    var isVerbose = false
    var showsProgress = true
    var progressInterval = Duration.seconds(10)
    var command: Command
    /// Where a chunk ends, in items and in bytes of input.
    var chunkLimits: ChunkLimits

    init(
        _ options: [(option: Option<OptionID>, value: Argument?)], operands: [Argument]
    ) throws(UsageError) {
        var isShell = false
        var delivery = Command.Delivery.arguments
        var chunkItems: Int?
        var chunkBytes: Int?
        var separator: [UInt8]?
        for (option, value) in options {
            switch option.id {
            case .workers: workers = try WorkerCount(option, value)
            case .chunkItems: chunkItems = try count(option, value, minimum: 1)
            case .chunkBytes: chunkBytes = try size(option, value)
            case .null: delimiter = 0
            case .argumentFile: argumentFile = value
            case .shell: isShell = true
            case .standardInput: delivery = .standardInput
            case .fields: separator = try fieldSeparator(option, value)
            case .buffer: buffer = try size(option, value)
            case .dryRun: isDryRun = true
            case .verbose: isVerbose = true
            case .quiet: showsProgress = false
            case .progressInterval: progressInterval = try duration(option, value)
            }
        }
        if operands.isEmpty {
            throw UsageError("no command", "try '\(pmapSyntax.program) --help'")
        }
        if isShell && operands.count > 1 {
            throw UsageError(
                "operand '\(operands[1].text)'", "-s takes the whole script as one operand")
        }
        if let separator {
            if delivery == .standardInput {
                throw UsageError("-F and -i", "standard input gets whole items")
            }
            delivery = .fields(separator: separator)
        }
        command =
            isShell
            ? Command(script: operands[0], delivery: delivery)
            : Command(operands, delivery: delivery)
        let feedsStandardInput = delivery == .standardInput
        let defaultBytes = feedsStandardInput && chunkItems == nil ? 1 << 20 : Int.max
        let defaultItems = feedsStandardInput || chunkBytes != nil ? Int.max : 1
        chunkLimits = ChunkLimits(
            items: chunkItems ?? defaultItems, bytes: chunkBytes ?? defaultBytes,
            room: command.roomForItems)
    }
}

/// What `-j` asks for.
enum WorkerCount: Equatable {
    case exactly(Int)
    case percentOfCPUs(Int)

    init(_ option: Option<OptionID>, _ value: Argument?) throws(UsageError) {
        let text = value?.text ?? ""
        if text.hasSuffix("%"), let share = parseCount(String(text.dropLast()), minimum: 1) {
            self = .percentOfCPUs(share)
        } else if let number = parseCount(text, minimum: 1) {
            self = .exactly(number)
        } else {
            throw UsageError(
                "\(option.name) '\(text)'",
                "takes a number of workers of at least 1, or a share of the CPUs such as 50%")
        }
    }

    /// Never less than 1.
    func number(cpus: Int) -> Int {
        switch self {
        case .exactly(let number): return number
        case .percentOfCPUs(let share):
            let (product, overflow) = cpus.multipliedReportingOverflow(by: share)
            return overflow ? Int.max : max(1, product / 100)
        }
    }
}

/// The bytes of -F, where `\t` is a tab and `\\` a backslash.
private func fieldSeparator(
    _ option: Option<OptionID>, _ value: Argument?
) throws(UsageError) -> [UInt8] {
    var separator: [UInt8] = []
    var rest = (value?.bytes ?? [])[...]
    let escapes = [UInt8(ascii: "t"): UInt8(ascii: "\t"), UInt8(ascii: "\\"): UInt8(ascii: "\\")]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "\\"), let next = rest.first, let escaped = escapes[next] {
            separator.append(escaped)
            rest = rest.dropFirst()
        } else {
            separator.append(byte)
        }
    }
    if separator.isEmpty {
        throw UsageError(
            "\(option.name) ''", "takes what stands between fields, such as , or '\\t'")
    }
    return separator
}

private func size(
    _ option: Option<OptionID>, _ value: Argument?
) throws(UsageError) -> Int {
    let text = value?.text ?? ""
    guard let size = parseSize(text), size > 0 else {
        throw UsageError("\(option.name) '\(text)'", "takes a size such as 4096, 64K, 1M or 2G")
    }
    return size
}

private func duration(
    _ option: Option<OptionID>, _ value: Argument?
) throws(UsageError) -> Duration {
    let text = value?.text ?? ""
    guard let duration = parseDuration(text), duration > .zero else {
        throw UsageError("\(option.name) '\(text)'", "takes a time such as 0.5, 30s, 5m or 2h")
    }
    return duration
}
