import Shared

enum OptionID: Sendable {
    case workers, chunkItems, chunkBytes, null, argumentFile, shell, standardInput, header, fields
    case unordered, lineBuffer, tag, buffer, temporaryFolder
    case halt, retry, retryDelay, showsFailed, timeout, killAfter
    case failedItems, log, resume, workersFile
    case placeholder
    case dryRun, verbose, quiet, progress, progressInterval, statistics
    case pool, share
    case persistent, answerEnd, mostTasks, mostMemory
}

let pmapSyntax = CommandSyntax<OptionID, _>(
    program: "pmap", operands: "[--] command [argument ...]",
    purpose: "Run a command over chunks of input lines, several workers at once.",
    stopsAtOperand: true,
    advice: adviceForOption,
    options: [
        Option(
            .argumentFile, "a", "arg-file", "FILE", "read items from FILE", heading: "Input"),
        Option(.null, "0", "null", nil, "items end with NUL, not with a newline"),
        Option(.standardInput, "i", "stdin", nil, "feed the items to the command's input"),
        Option(
            .header, nil, "header", "N", "put the first N lines before each chunk [1]",
            isValueOptional: true),
        Option(.fields, "F", "fields", "SEP", "split items at SEP into {1}, {2} ..."),
        Option(.placeholder, "I", "replace", "TEXT", "TEXT stands for the item, instead of {}"),
        Option(.shell, "s", "shell", nil, "the command is a script; \"$@\" are the items"),
        Option(
            .chunkItems, "c", "chunk", "N|auto", "N items per chunk [1], or find the best N",
            heading: "Chunks"),
        Option(.chunkBytes, "b", "bytes", "SIZE", "at most SIZE of input per chunk"),
        Option(
            .workers, "j", "jobs", "N", "run N workers at once [one per CPU]",
            heading: "Workers"),
        Option(.workersFile, nil, "jobs-file", "FILE", "read N from FILE, again when workers end"),
        Option(.timeout, nil, "timeout", "TIME", "kill workers that run longer than TIME"),
        Option(.killAfter, nil, "kill-after", "TIME", "from SIGTERM to SIGKILL [2s]"),
        Option(.persistent, nil, "persistent", nil, "keep workers, give them chunk after chunk"),
        Option(.answerEnd, nil, "answer-end", "LINE", "an answer ends with LINE [is one line]"),
        Option(.mostTasks, nil, "max-tasks", "N", "replace a persistent worker after N chunks"),
        Option(.mostMemory, nil, "max-rss", "SIZE", "replace one that grows larger than SIZE"),
        Option(.dryRun, "n", "dry-run", nil, "print the commands, do not run them"),
        Option(
            .unordered, "u", "unordered", nil, "print a chunk's output when it ends",
            heading: "Output"),
        Option(.lineBuffer, "l", "line-buffer", nil, "print lines as they come, in any order"),
        Option(.tag, nil, "tag", nil, "prefix each line with its items"),
        Option(.buffer, nil, "buffer", "SIZE", "hold SIZE of output in memory [64M]"),
        Option(.temporaryFolder, nil, "tmpdir", "DIR", "hold what exceeds that in DIR [/tmp]"),
        Option(
            .halt, nil, "halt", "WHEN", "stop at a failure: never|soon|now [never]",
            heading: "Failure"),
        Option(.retry, nil, "retry", "N", "run a failed chunk again, up to N times"),
        Option(.retryDelay, nil, "retry-delay", "TIME", "wait before that, longer each time"),
        Option(.showsFailed, nil, "show-failed", nil, "print what failed chunks printed"),
        Option(
            .failedItems, nil, "failed", "FILE", "write the items that were not done to FILE",
            heading: "Records"),
        Option(.log, nil, "log", "FILE", "write a line about each chunk to FILE"),
        Option(.resume, nil, "resume", nil, "skip the chunks that the log says are done"),
        Option(
            .quiet, "q", "quiet", nil, "show no progress, the same as --progress=none",
            heading: "Progress"),
        Option(.verbose, "v", "verbose", nil, "print each command; twice: how it ended"),
        Option(.progress, nil, "progress", "HOW", "show auto|bar|plain|json|none [auto]"),
        Option(.progressInterval, nil, "progress-interval", "TIME", "time between two lines [10s]"),
        Option(.statistics, nil, "stats", nil, "print statistics and advice at the end"),
        Option(
            .pool, nil, "pool", nil, "run command once; the maps in it share N slots",
            heading: "Sharing"),
        Option(.share, nil, "share", nil, "share the slots with what the workers run"),
    ],
    note: "N of -j: 4, 50%, +1, -1. SIZE: 4096, 64K, 1M. TIME: 0.5, 30s, 5m.")

/// Suggests what to type instead of an option of xargs(1) or GNU parallel that pmap does not have.
///
/// - Parameter value: the text after the letter, such as `4` in `-P4`.
@Sendable private func adviceForOption(_ letter: UInt8, _ value: String) -> String? {
    let number = parseCount(value).map { "\($0)" } ?? "N"
    return switch Unicode.Scalar(letter) {
    case "P": "use -j\(number): that many workers at once"
    case "L", "N": "use -c\(number): that many items to a command"
    case "r": "leave it out: without items nothing is run"
    case "t": "use -v to see the commands"
    case "k": "leave it out: the output is in the order of the input"
    case "d", "E", "e": "items are lines, or end with NUL with -0; convert with tr"
    case "h": "try '\(pmapSyntax.program) --help'"
    default: nil
    }
}

/// The settings from the command line.
struct Settings {
    var workers: WorkerCount = .percentOfCPUs(100)
    /// Whether a jobserver in the environment may set the number of workers.
    var joinsJobserver = true
    /// Whether to serve a jobserver to the workers if there is none.
    var servesSlots = false
    var delimiter = UInt8(ascii: "\n")
    /// The files with the items; `-` means standard input, and so does an empty list.
    var argumentFiles: [Argument] = []
    /// Which of the input, standard output and standard error are terminals; set when the input is
    /// opened.
    var inputIsTerminal = false
    var outputIsTerminal = false
    var errorsAreTerminal = false
    var workersFile: Argument?
    var outputMode = OutputMode.ordered
    var tagsLines = false
    /// Bytes of output that may wait in memory until earlier chunks finish.
    var buffer = min(64 << 20, usableMemory() / 4)
    var temporaryFolder = defaultTemporaryFolder()
    var halt = Halt.never
    /// How many times a failed chunk is retried. If nil, the output of failed chunks is printed
    /// too.
    var retries: Int?
    /// Whether the output of a failed chunk's last attempt goes to standard error.
    var showsFailedOutput = false
    /// How long a failed chunk rests before its first retry.
    var retryDelay = Duration.zero
    var timeout: Duration?
    /// The time between TERM and KILL for workers.
    var killAfter = Duration.seconds(2)
    var failedItemsFile: Argument?
    var logFile: Argument?
    var resumes = false
    var isDryRun = false
    /// The number of -v options.
    var verbosity = 0
    var progressStyle = ProgressStyle.auto
    var progressInterval = Duration.seconds(10)
    var showsStatistics = false
    /// How persistent workers are used; nil if each chunk gets a worker of its own.
    var persistence: Persistence?
    /// `-c auto`.
    var findsChunkSize = false
    /// Whether a chunk is a block of bytes (`-i` without `-c`).
    var cutsBlocks = false
    /// Whether a large file may be cut into ranges, whose items are not in memory. A chunk with a
    /// number of items may consist of parts of two files. And the log has a hash of its items, which
    /// must not depend on how the file was cut.
    var usesRanges: Bool {
        cutsBlocks
            || command.delivery == .standardInput && chunkLimits.bytes == .max
                && argumentFiles.count <= 1 && logFile == nil
    }
    /// Whether nothing needs the items of a chunk again after a worker got them.
    var needsItemsOnce: Bool {
        command.delivery == .standardInput && failedItemsFile == nil && retries ?? 0 == 0
            && persistence == nil
    }
    /// The unit of the chunks' size if it is not given but found.
    var sizeUnit: ChunkSizer.Unit?
    /// How many items stand before each chunk.
    var headerItems = 0
    var command: Command
    /// The limits of a chunk, in items and in bytes of input.
    var chunkLimits: ChunkLimits
    /// Likely mistakes of the user. They are reported before the run, which still does what was
    /// typed.
    private(set) var doubts: [UsageError] = []

    /// More items than could fit into memory in one chunk. This bound keeps sums and products of
    /// the number from overflowing.
    private static let mostItems = 1 << 40
    private static let mostRetries = 1 << 30

    /// Whether it matters what workers print, even if it is written nowhere.
    var needsOutput: Bool {
        showsStatistics || logFile != nil || showsFailedOutput || persistence != nil
    }

    /// Whether it matters what each chunk cost.
    var measuresChunks: Bool { showsStatistics || logFile != nil }

    init(
        _ options: GivenOptions<OptionID>, operands: ArgumentList
    ) throws(UsageError) {
        var isShell = false
        var delivery = Command.Delivery.arguments
        var chunkItems: Int?
        var chunkBytes: Int?
        var separator: [UInt8]?
        var placeholder: [UInt8]?
        var isPersistent = false
        var persistence = Persistence()
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
                chunkItems =
                    findsChunkSize
                    ? .max
                    : min(try count(option, value, minimum: 1, or: "auto"), Self.mostItems)
            case .chunkBytes: chunkBytes = try size(option, value)
            case .null: delimiter = 0
            case .argumentFile:
                if let value { argumentFiles.append(value) }
            case .shell: isShell = true
            case .standardInput: delivery = .standardInput
            case .header:
                headerItems = value == nil ? 1 : try count(option, value, minimum: 1)
            case .fields: separator = try fieldSeparator(option, value)
            case .placeholder:
                placeholder = value?.bytes
                if placeholder == [] {
                    throw UsageError("\(option.name) ''", "takes a text that stands for the item")
                }
            case .unordered: outputMode = .unordered
            case .lineBuffer: outputMode = .lines
            case .tag: tagsLines = true
            case .buffer: buffer = try size(option, value)
            case .temporaryFolder: temporaryFolder = value ?? temporaryFolder
            case .halt: halt = try parsed(option, value, "takes never, soon or now", Halt.init)
            case .retry:
                retries = min(try count(option, value, minimum: 0), Self.mostRetries)
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
            case .persistent: isPersistent = true
            case .answerEnd:
                persistence.answerEnd = value?.bytes ?? []
            case .mostTasks:
                persistence.mostChunks = try count(option, value, minimum: 1)
            case .mostMemory: persistence.mostMemory = try size(option, value)
            case .pool: break  // Then there are no items: `PoolSettings`.
            }
        }
        if operands.isEmpty {
            throw UsageError("no command", "try '\(pmapSyntax.program) --help'")
        }
        /// The option as it was typed.
        func name(_ id: OptionID) -> String { options[id]?.name ?? "" }
        if isDryRun, operands.count > 1, let number = parseCount(operands[0].text) {
            throw UsageError(
                "\(name(.dryRun)) and command '\(operands[0].text)'",
                "a dry run takes no number; use -c\(number): that many items to a command"
            )
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
            throw UsageError(
                "\(name(.chunkItems)) auto",
                "chunks differ from run to run; --resume needs a number")
        }
        if findsChunkSize && isDryRun {
            throw UsageError(
                "\(name(.chunkItems)) auto",
                "finds its number while workers run; \(name(.dryRun)) needs one")
        }
        if isPersistent {
            if separator != nil || placeholder != nil {
                throw UsageError(
                    "--persistent and \(name(separator == nil ? .placeholder : .fields))",
                    "a persistent worker gets its items on standard input")
            }
            if let end = persistence.answerEnd, end.contains(delimiter) {
                throw UsageError("--answer-end", "takes one line, without its end")
            }
            if chunkItems == nil && chunkBytes == nil {
                if resumes || isDryRun {
                    throw UsageError(
                        "--persistent and \(name(resumes ? .resume : .dryRun))",
                        "chunks differ from run to run unless you give -c with a number")
                }
                findsChunkSize = true
                chunkItems = .max
            }
            delivery = .standardInput
            self.persistence = persistence
        } else {
            for id in [OptionID.answerEnd, .mostTasks, .mostMemory] where options[id] != nil {
                throw UsageError(name(id), "is for --persistent workers")
            }
        }
        if isShell && operands.count > 1 {
            throw UsageError(
                "operand '\(operands[1].text)'",
                "\(name(.shell)) takes the whole script as one operand")
        }
        if let separator {
            if delivery == .standardInput {
                throw UsageError(
                    "\(name(.fields)) and \(name(.standardInput))",
                    "standard input gets whole items")
            }
            delivery = .fields(separator: separator)
        }
        if placeholder != nil, isShell {
            throw UsageError(
                "\(name(.placeholder)) and \(name(.shell))",
                "a script gets its items as $1, $2 ... or \"$@\"")
        }
        if placeholder != nil, delivery != .arguments {
            let other = delivery == .standardInput ? name(.standardInput) : name(.fields)
            throw UsageError(
                "\(name(.placeholder)) and \(other)",
                "only whole items are put in place of its text")
        }
        if headerItems > 0, delivery != .standardInput {
            throw UsageError(
                name(.header), "puts the first lines before what -i feeds to standard input")
        }
        if headerItems > 0, self.persistence != nil {
            throw UsageError(
                "--persistent and \(name(.header))", "a persistent worker gets items only")
        }
        if headerItems > 0, argumentFiles.count > 1 {
            throw UsageError(
                name(.header), "takes the first lines of one input, and -a names several")
        }
        command =
            isShell
            ? Command(script: operands[0], delivery: delivery)
            : Command(Array(operands), delivery: delivery, placeholder: placeholder)
        if self.persistence != nil, !isShell,
            let word = operands.first(where: \.isForOneChunk)
        {
            throw UsageError(
                "--persistent and '\(word.text)'",
                "a persistent worker gets many chunks, on standard input; only {%} is replaced")
        }
        let feedsStandardInput = delivery == .standardInput
        cutsBlocks = feedsStandardInput && chunkItems == nil && self.persistence == nil
        sizeUnit = findsChunkSize ? .items : cutsBlocks && chunkBytes == nil ? .bytes : nil
        if sizeUnit == .bytes, resumes {
            throw UsageError(
                "--resume",
                "needs \(name(.standardInput)) with -b or -c; else blocks differ from run to run")
        }
        let defaultBytes = cutsBlocks ? 1 << 20 : Int.max
        let defaultItems = feedsStandardInput || chunkBytes != nil ? Int.max : 1
        chunkLimits = ChunkLimits(
            items: chunkItems ?? defaultItems, bytes: chunkBytes ?? defaultBytes,
            room: try command.roomForItems())
        if chunkLimits.items > 1, command.itemWords.count > 1 {
            let words = command.itemWords.map { "'\(operands[$0].text)'" }
            throw UsageError(
                "\(words[0]) and \(words[1])",
                "a chunk of several items would give all for the first, then all for the "
                    + "second; use -c1, or -s and a loop over \"$@\"")
        }
        if isShell, delivery != .standardInput, operands[0].isScriptWithoutItems {
            doubts.append(
                UsageError(
                    "\(name(.shell)) replaces no {}", "the items are $1, $2 ..., all of them \"$@\""
                ))
        }
        if !isShell, placeholder == nil, delivery == .arguments,
            let word = operands.first(where: \.beginsWithField)
        {
            doubts.append(
                UsageError("'\(word.text)'", "not replaced: fields need -F; the item is {}"))
        }
    }
}

extension Argument {
    /// Whether the script contains `{}` and none of the parameters that hold items.
    fileprivate var isScriptWithoutItems: Bool {
        let bytes = bytes
        func holds(_ text: String) -> Bool {
            bytes.indices.contains { bytes[$0...].starts(with: text.utf8) }
        }
        let parameters = (1...9).flatMap { ["$\($0)", "${\($0)"] } + ["$@", "$*", "${@", "${*"]
        return holds("{}") && !parameters.contains(where: holds) && !holds("shift")
            && !holds("for ")
    }

    /// Whether it is a placeholder for an item, or contains the one for the chunk's number.
    fileprivate var isForOneChunk: Bool {
        let parts = Template(bytes, takesItems: true, takesFields: true).parts
        if parts.contains(.chunkNumber) { return true }
        return parts.count == 1 && parts[0].isItem
    }

    /// Whether it begins with `{1}`, `{2}` ...
    fileprivate var beginsWithField: Bool {
        let bytes = bytes
        guard bytes.first == UInt8(ascii: "{") else { return false }
        let digits = bytes.dropFirst().prefix { (0x30...0x39).contains($0) }
        return !digits.isEmpty && bytes.dropFirst(1 + digits.count).first == UInt8(ascii: "}")
    }
}

/// How persistent workers are used.
struct Persistence {
    /// The line that ends an answer; nil if each line is an answer.
    var answerEnd: [UInt8]?
    /// A worker is replaced after so many chunks.
    var mostChunks: Int?
    /// A worker is replaced if it has more bytes than this in RAM after a chunk.
    var mostMemory: Int?
}

/// When the first failure stops the run.
enum Halt: String {
    case never
    /// No more workers are started.
    case soon
    /// The running workers are ended too.
    case now
}

/// The separator of -F as bytes; `\t` is a tab and `\\` a backslash.
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

private func duration(
    _ option: Option<OptionID>, _ value: Argument?
) throws(UsageError) -> Duration {
    try parsed(option, value, "takes a time above zero, such as 0.5, 30s, 5m or 2h") { text in
        parseDuration(text).flatMap { $0 > .zero ? $0 : nil }
    }
}
