import Shared

enum OptionID: Sendable {
    case workers, chunkItems, chunkBytes, null, argumentFile, shell, standardInput, fields
    case unordered, lineBuffer, tag, buffer, temporaryFolder
    case halt, retry, retryDelay, showsFailed, timeout, killAfter
    case failedItems, log, resume, workersFile
    case dryRun, verbose, quiet, progress, progressInterval, statistics
    case pool, share
}

let pmapSyntax = CommandSyntax<OptionID, _>(
    program: "pmap", operands: "[--] command [argument ...]",
    purpose: "Run a command over chunks of input lines, several workers at once.",
    stopsAtOperand: true,
    options: [
        Option(.workers, "j", "jobs", "N", "N workers at once"),
        Option(.chunkItems, "c", "chunk", "N|auto", "N items each [1]"),
        Option(.chunkBytes, "b", "bytes", "SIZE", "SIZE of items each"),
        Option(.null, "0", "null", nil, "NUL ends items"),
        Option(.argumentFile, "a", "arg-file", "FILE", "take items from it"),
        Option(.shell, "s", "shell", nil, "command is a script"),
        Option(.standardInput, "i", "stdin", nil, "feed items to stdin"),
        Option(.fields, "F", "fields", "SEP", "cut items: {1} {2}"),
        Option(.unordered, "u", "unordered", nil, "chunks as they end"),
        Option(.lineBuffer, "l", "line-buffer", nil, "lines as they come"),
        Option(.dryRun, "n", "dry-run", nil, "print commands only"),
        Option(.verbose, "v", "verbose", nil, "say who does what"),
        Option(.quiet, "q", "quiet", nil, "show no progress"),
        Option(.tag, nil, "tag", nil, "items before lines"),
        Option(.buffer, nil, "buffer", "SIZE", "memory for output"),
        Option(.temporaryFolder, nil, "tmpdir", "DIR", "for more output"),
        Option(.halt, nil, "halt", "never|soon|now", "at failures"),
        Option(.retry, nil, "retry", "N", "repeat failed ones"),
        Option(.retryDelay, nil, "retry-delay", "D", "wait before that"),
        Option(.showsFailed, nil, "show-failed", nil, "show failed output"),
        Option(.timeout, nil, "timeout", "D", "end slower workers"),
        Option(.killAfter, nil, "kill-after", "D", "TERM to KILL [2s]"),
        Option(.failedItems, nil, "failed", "FILE", "gets failed items"),
        Option(.log, nil, "log", "FILE", "a line on each chunk"),
        Option(.resume, nil, "resume", nil, "skip what is logged"),
        Option(.workersFile, nil, "jobs-file", "FILE", "-j, read again"),
        Option(.pool, nil, "pool", nil, "slots for a command"),
        Option(.share, nil, "share", nil, "slots for workers"),
        Option(.statistics, nil, "stats", nil, "summary and advice"),
        Option(.progress, nil, "progress", "bar|plain|json|none", "style"),
        Option(.progressInterval, nil, "progress-interval", "D", "lines [10s]"),
    ],
    note: "SIZE: 4096, 64K, 1M; D: 0.5, 30s, 5m; N of -j: 4, 50%, +1. More: man pmap")

/// What the command line asks for.
struct Settings {
    var workers: WorkerCount = .percentOfCPUs(100)
    /// Whether a jobserver of the environment may decide how many workers there are.
    var joinsJobserver = true
    /// Whether workers get a jobserver where there is none.
    var servesSlots = false
    var delimiter = UInt8(ascii: "\n")
    /// Where items come from; nil and `-` are standard input.
    var argumentFile: Argument?
    var workersFile: Argument?
    var outputMode = OutputMode.ordered
    var tagsLines = false
    /// Bytes of output that may wait in memory for an earlier chunk to finish.
    var buffer = min(64 << 20, usableMemory() / 4)
    var temporaryFolder = defaultTemporaryFolder()
    var halt = Halt.never
    /// How often a failed chunk is run again; nil also passes on what failed ones printed.
    var retries: Int?
    /// Whether standard error gets what the last attempt of a failed chunk printed.
    var showsFailedOutput = false
    /// How long a failed chunk rests before it is run again, the first time.
    var retryDelay = Duration.zero
    var timeout: Duration?
    /// How long workers have from TERM to KILL.
    var killAfter = Duration.seconds(2)
    var failedItemsFile: Argument?
    var logFile: Argument?
    var resumes = false
    var isDryRun = false
    /// How often -v is given.
    var verbosity = 0
    var progressStyle = ProgressStyle.auto
    var progressInterval = Duration.seconds(10)
    var showsStatistics = false
    /// `-c auto`.
    var findsChunkSize = false
    var command: Command
    /// Where a chunk ends, in items and in bytes of input.
    var chunkLimits: ChunkLimits

    init(
        _ options: GivenOptions<OptionID>, operands: ArgumentList
    ) throws(UsageError) {
        var isShell = false
        var delivery = Command.Delivery.arguments
        var chunkItems: Int?
        var chunkBytes: Int?
        var separator: [UInt8]?
        for (option, value) in options {
            switch option.id {
            case .workers:
                workers = try parsed(option, value, WorkerCount.expected, { WorkerCount($0) })
                joinsJobserver = false
            case .workersFile:
                workersFile = value
                joinsJobserver = false
            case .chunkItems:
                findsChunkSize = value.map { $0 == "auto" } ?? false
                chunkItems = findsChunkSize ? .max : try chunkSize(option, value)
            case .chunkBytes: chunkBytes = try size(option, value)
            case .null: delimiter = 0
            case .argumentFile: argumentFile = value
            case .shell: isShell = true
            case .standardInput: delivery = .standardInput
            case .fields: separator = try fieldSeparator(option, value)
            case .unordered: outputMode = .unordered
            case .lineBuffer: outputMode = .lines
            case .tag: tagsLines = true
            case .buffer: buffer = try size(option, value)
            case .temporaryFolder: temporaryFolder = value ?? temporaryFolder
            case .halt: halt = try parsed(option, value, "takes never, soon or now", Halt.init)
            case .retry: retries = try count(option, value, minimum: 0)
            case .showsFailed: showsFailedOutput = true
            case .retryDelay: retryDelay = try duration(option, value)
            case .timeout: timeout = try duration(option, value)
            case .killAfter: killAfter = try duration(option, value)
            case .failedItems: failedItemsFile = value
            case .log: logFile = value
            case .resume: resumes = true
            case .dryRun: isDryRun = true
            case .verbose: verbosity += 1
            case .quiet: progressStyle = .none
            case .statistics: showsStatistics = true
            case .progress:
                progressStyle = try parsed(
                    option, value, ProgressStyle.expected, ProgressStyle.init)
            case .progressInterval: progressInterval = try duration(option, value)
            case .share: servesSlots = true
            case .pool: break  // Then there are no items: `PoolSettings`.
            }
        }
        if operands.isEmpty {
            throw UsageError("no command", "try '\(pmapSyntax.program) --help'")
        }
        if servesSlots && workersFile != nil {
            throw UsageError(
                "--share and --jobs-file", "the slots to share are as many as -j says, to the end")
        }
        if resumes && logFile == nil {
            throw UsageError("--resume", "needs the --log of the run that it resumes")
        }
        if showsFailedOutput && retries == nil { retries = 0 }
        if retryDelay > .zero && retries == nil {
            throw UsageError("--retry-delay", "is a pause before what --retry does")
        }
        if findsChunkSize && resumes {
            throw UsageError("-c auto", "chunks differ from run to run; --resume needs a number")
        }
        if findsChunkSize && isDryRun {
            throw UsageError("-c auto", "finds its number while workers run; -n needs one")
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
            : Command(Array(operands), delivery: delivery)
        let feedsStandardInput = delivery == .standardInput
        let defaultBytes = feedsStandardInput && chunkItems == nil ? 1 << 20 : Int.max
        let defaultItems = feedsStandardInput || chunkBytes != nil ? Int.max : 1
        chunkLimits = ChunkLimits(
            items: chunkItems ?? defaultItems, bytes: chunkBytes ?? defaultBytes,
            room: command.roomForItems)
    }
}

/// When the first failure stops the run.
enum Halt: String {
    case never
    /// No more workers are started.
    case soon
    /// The running ones are ended too.
    case now
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

/// The number of -c where it is not `auto`.
private func chunkSize(_ option: Option<OptionID>, _ value: Argument?) throws(UsageError) -> Int {
    let text = value?.text ?? ""
    if text.allSatisfy({ !$0.isWholeNumber }) {
        throw UsageError("\(option.name) '\(text)'", "takes a whole number of at least 1, or auto")
    }
    return try count(option, value, minimum: 1)
}

private func duration(
    _ option: Option<OptionID>, _ value: Argument?
) throws(UsageError) -> Duration {
    try parsed(option, value, "takes a time such as 0.5, 30s, 5m or 2h") { text in
        parseDuration(text).flatMap { $0 > .zero ? $0 : nil }
    }
}
