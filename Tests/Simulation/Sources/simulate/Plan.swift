import Shared

/// One schedule, made of a seed: the options of pmap, its input, what its workers, its reader
/// and the rest of the world do, and which calls fail.
struct Plan {
    let seed: UInt64
    /// The numbered parts that are left out, to find out which ones a failure needs.
    let without: Set<Int>

    private(set) var options: [String] = []
    private(set) var workers = 1
    private(set) var itemCount = 0
    /// Whether the items are in a file, not in a pipe.
    private(set) var inputIsFile = false
    private(set) var feedPause = 0
    /// The bytes of a chunk from which on it is a range of the file. In small windows a chunk may be
    /// counted in several steps, between which its limit changes.
    private(set) var leastRange = 8
    /// The size of the pipes that hold blocks; nil if blocks are in memory.
    private(set) var blockPipeSize: Int?
    private(set) var reader = Reader()
    private(set) var outputIsFile = false
    /// Whether standard output is /dev/null. A log would need what workers print, so there is none.
    private(set) var outputIsNothing = false
    /// Whether bytes can be moved into standard output without a copy.
    private(set) var outputTakesSplices = true
    /// A quarter of these may be files with the output of one chunk.
    private(set) var descriptorLimit = 1024
    private(set) var pipeCapacity = 65536
    private(set) var processIDs = 30000
    private(set) var strangers = false
    private(set) var events: [Event] = []
    private(set) var faults: [Fault] = []
    /// Who serves the slots that pmap shares with other programs; nil if it shares none.
    private(set) var jobserver: Server?
    /// Shared slots beyond the first; nil if there are none.
    private(set) var tokens: Int?
    /// Whether the first slot is shared too.
    private(set) var sharesFirstSlot = false
    /// Whether pmap notices that a client of its own pool has gone.
    private(set) var seesCloses = true
    /// Other clients, which come and go.
    private(set) var otherMaps = 0
    /// Whether the last item lacks its delimiter.
    private(set) var lacksNewline = false
    /// Whether the file of the items changes its size.
    private(set) var inputChanges = false

    /// The mode and the limits, as the options say them.
    private(set) var mode = OutputMode.ordered
    private(set) var tags = false
    private(set) var feeds = false
    /// Whether chunks are blocks, and ranges if the items are in a file.
    private(set) var cutsBlocks = false
    private(set) var retries: Int?
    private(set) var timeout: Int?
    private(set) var killAfter = 2_000_000
    private(set) var halt = Halt.never
    private(set) var buffer = 64 << 20
    /// Whether workers print much.
    private(set) var isLoud = false
    /// Whether the run is resumed after a crash.
    private(set) var isResumed = false
    /// Whether workers are persistent.
    private(set) var isPersistent = false
    /// Whether an answer ends with a line of its own.
    private(set) var hasAnswerEnd = false
    /// Whether some persistent workers misbehave.
    private(set) var hasBadWorkers = false
    /// Whether what workers wait for cannot be seen.
    private(set) var hidesWaits = false
    /// Whether items are long, and the pipes to persistent workers so small that a worker may answer
    /// an item before pmap has written all of it.
    private(set) var hasLongItems = false

    /// The text of an item.
    func item(_ number: Int) -> String {
        let padding = hasLongItems ? ";" + String(repeating: "z", count: number * 37 % 200) : ""
        return "i\(number)\(padding)"
    }

    /// The reader of standard output.
    struct Reader {
        /// Bytes that it takes at once, and microseconds between two times.
        var bytes = 1 << 20
        var pause = 0
        /// After so many bytes it pauses for long.
        var longPauseAfter = Int.max
        var longPause = 0
        /// After so many bytes it goes away.
        var leavesAfter = Int.max
    }

    /// Something that happens to pmap from outside, when it has made so many system calls.
    struct Event {
        enum Kind {
            case signal(Int32)
            /// Microseconds; `all` are its workers too, as in a control group.
            case freeze(Int, all: Bool)
            /// Somebody else sends a worker this signal.
            case worker(Int32)
            case poolEnds(PoolEnd)
            /// The file of the items gets these bytes, or keeps so many.
            case inputGrows([UInt8])
            case inputShrinks(Int)
        }
        var call: Int
        var kind: Kind
    }

    enum Server {
        /// make, which never replaces a token.
        case make
        /// A `--pool` above pmap.
        case pool
        /// pmap itself: `--share`.
        case share
    }

    /// How a pool ends. The value is the number of bytes in its pipe to the maps.
    enum PoolEnd: Int {
        case isKilled, tellsItsMaps, releases
    }

    /// Calls that fail: so many of a name, from the first of these on.
    struct Fault {
        var name: String
        var error: Int32
        var first: Int
        var count: Int
    }

    /// How many numbered parts a plan has at most.
    static let parts = 38

    init(seed: UInt64, without: Set<Int> = []) {
        self.seed = seed
        self.without = without
        func random(_ part: Int) -> Random? {
            without.contains(part) ? nil : Random(seed: seed, stream: UInt64(part))
        }
        var basis = Random(seed: seed, stream: 1000)
        itemCount = basis.once(in: 8) ? basis.int(0...2) : basis.int(1...16)
        workers = basis.int(1...4)
        options = ["-q", "-j\(workers)"]
        if var random = random(0) { options.append("-c\(random.pick(["1", "2", "5", "auto"]))") }
        if var random = random(30), random.once(in: 3) {
            feeds = true
            cutsBlocks = true
            options.removeAll { $0.hasPrefix("-c") }
            options.append("-i")
            if random.once(in: 2) { options.append("-b\(random.pick([1, 4, 7, 20, 1000]))") }
        }
        if var random = random(1) {
            mode = random.pick([.ordered, .ordered, .unordered, .lines])
            if mode == .unordered { options.append("-u") }
            if mode == .lines { options.append("-l") }
        }
        if var random = random(2), random.once(in: 4) {
            tags = true
            options.append("--tag")
        }
        if var random = random(3), random.once(in: 3), !cutsBlocks {
            feeds = true
            options.append("-i")
            if without.contains(0) { options.append("-c2") }
        }
        if var random = random(4), random.once(in: 3) {
            retries = random.int(0...2)
            options.append("--retry=\(retries!)")
            if random.once(in: 3) { options.append("--retry-delay=0.3") }
            if random.once(in: 3) { options.append("--show-failed") }
        }
        if var random = random(5), random.once(in: 4) {
            timeout = random.pick([300_000, 1_000_000, 3_000_000])
            options.append("--timeout=\(Double(timeout!) / 1e6)")
        }
        if var random = random(6), random.once(in: 4) {
            halt = random.pick([.soon, .now])
            options.append("--halt=\(halt.rawValue)")
        }
        if var random = random(7) {
            buffer = random.pick([1, 1000, 100_000, 10_000_000])
            options.append("--buffer=\(buffer)")
            if buffer < 1 << 20, random.once(in: 3) {
                // No file for what does not fit.
                faults.append(
                    Fault(name: "makeFile", error: ENOSPC, first: 0, count: 1_000_000))
            }
        }
        if var random = random(8), random.once(in: 2) {
            killAfter = 500_000
            options.append("--kill-after=0.5")
        }
        if var random = random(9) {
            inputIsFile = random.once(in: 3)
            feedPause = random.pick([0, 1000, 100_000])
            leastRange = random.pick([1, 2, 8])
        }
        if var random = random(10), random.once(in: 2) {
            reader.bytes = random.pick([100, 4096, 65536])
            reader.pause = random.pick([1000, 100_000, 1_000_000])
        }
        if var random = random(11), random.once(in: 4) {
            reader.longPauseAfter = random.int(0...20_000)
            reader.longPause = random.pick([1_000_000, 7_000_000, 30_000_000])
        }
        if var random = random(12), random.once(in: 10) {
            reader.leavesAfter = random.int(0...20_000)
        }
        if var random = random(13), random.once(in: 5) { outputIsFile = true }
        if var random = random(14) { pipeCapacity = random.pick([512, 4096, 65536]) }
        if var random = random(15), random.once(in: 2) { processIDs = random.int(12...40) }
        if var random = random(16), random.once(in: 2) { strangers = true }
        for part in 17...18 {
            guard var random = random(part), random.once(in: 4) else { continue }
            let time = random.pick([50_000, 700_000, 2_000_000, 20_000_000])
            let all = random.once(in: 2)
            events.append(
                Event(call: random.int(1...400), kind: .freeze(time, all: all)))
        }
        for part in 19...20 {
            guard var random = random(part), random.once(in: 5) else { continue }
            let signal = random.pick([
                SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCONT, SIGTSTP, SIGTERM,
            ])
            events.append(Event(call: random.int(1...400), kind: .signal(signal)))
        }
        for part in 21...22 {
            guard var random = random(part), random.once(in: 4) else { continue }
            let (name, errors) = random.pick(Self.faultyCalls)
            faults.append(
                Fault(
                    name: name, error: random.pick(errors), first: random.int(0...20),
                    count: random.pick([1, 1, 3, 50])))
        }
        if var random = random(23), random.once(in: 3) {
            jobserver = random.pick([.make, .pool, .pool, .share, .share])
            tokens = random.int(0...3)
            if jobserver == .share { options.append("--share") }
            sharesFirstSlot = jobserver == .pool && !random.once(in: 4)
            seesCloses = !random.once(in: 8)
        }
        if tokens != nil, var random = random(32) { otherMaps = random.int(0...3) }
        if jobserver == .pool, var random = random(33), random.once(in: 3) {
            let how: PoolEnd = random.pick([.isKilled, .tellsItsMaps, .releases])
            events.append(Event(call: random.int(1...400), kind: .poolEnds(how)))
        }
        // Much output is most dangerous if it fits nowhere.
        let fitsNowhere = faults.contains { $0.name == "makeFile" && $0.first == 0 }
        if var random = random(24), random.once(in: fitsNowhere ? 8 : 40) {
            isLoud = true
            itemCount = min(itemCount, 6)
        }
        if var random = random(25), random.once(in: 10), !feeds, !options.contains("-cauto") {
            isResumed = true
        }
        if var random = random(26), random.once(in: 4), !cutsBlocks {
            isPersistent = true
            isResumed = false
            options.append("--persistent")
            if random.once(in: 2) { itemCount = random.int(0...60) }
        }
        if isPersistent, var random = random(27), random.once(in: 3) {
            hasAnswerEnd = true
            options.append("--answer-end=END")
        }
        if isPersistent, var random = random(28), random.once(in: 4) {
            options.append("--max-tasks=\(random.int(1...4))")
        }
        if isPersistent, var random = random(29) {
            hasBadWorkers = random.once(in: 2)
            hidesWaits = random.once(in: 4)
            hasLongItems = random.once(in: 2)
        }
        if var random = random(31) {
            outputTakesSplices = !random.once(in: 5)
            descriptorLimit = random.pick([0, 4, 8, 1024])
        }
        if var random = random(34), random.once(in: 5) {
            let signal = random.pick([SIGKILL, SIGSTOP, SIGTERM])
            events.append(Event(call: random.int(1...400), kind: .worker(signal)))
        }
        if inputIsFile, !isResumed, var random = random(35) {
            lacksNewline = itemCount > 1 && random.once(in: 3)
            if random.once(in: 2) {
                let call = random.int(1...150)
                // A shortened item of a persistent worker would be taken for another one.
                if isPersistent || random.once(in: 2) {
                    let text = random.pick(
                        lacksNewline
                            ? ["\n", "900\n", "\ni900\ni901"] : ["i900\n", "i900\ni901"])
                    events.append(Event(call: call, kind: .inputGrows(Array(text.utf8))))
                } else {
                    let size = random.int(0...(itemCount * 4))
                    events.append(Event(call: call, kind: .inputShrinks(size)))
                }
                inputChanges = true
            }
        }
        if cutsBlocks, !inputIsFile, retries ?? 0 == 0, var random = random(36), random.once(in: 2)
        {
            let size = random.pick([10, 30, 100])
            blockPipeSize = size
            itemCount = random.int(0...150)
            leastRange = random.pick([1, 4, 5, 10])
            options.removeAll { $0.hasPrefix("-b") }
            options.append("-b\(size * random.pick([1, 2, 5]) + random.int(0...9))")
        }
        if !isResumed, !isPersistent, !options.contains("--show-failed"), var random = random(37),
            random.once(in: 10)
        {
            outputIsNothing = true
            outputIsFile = true
        }
        events.sort { $0.call < $1.call }
    }

    private static let faultyCalls: [(String, [Int32])] = [
        ("makePipe", [EMFILE, ENFILE]), ("start", [EAGAIN, ENOMEM, EMFILE, ENFILE]),
        ("start", [ENOENT, EACCES, E2BIG]), ("watch", [ENOMEM, ENOSPC]),
        ("read output", [EIO, ENOMEM]), ("read items", [EIO]), ("read errors", [EIO]),
        ("write output", [EIO, ENOSPC]), ("splice", [EINVAL, EIO]),
        ("feed", [EIO, ENOMEM]), ("makeFile", [ENOSPC, EACCES]), ("writeFile", [ENOSPC]),
        ("readFile", [EIO]), ("record", [ENOSPC, EIO]), ("memory", [ENOMEM]),
        ("setNonBlocking", [EPERM]), ("spliceFile", [EINVAL, ENOSPC, EIO]),
        ("sendFile", [EINVAL, EIO]), ("size", [EIO]), ("replaceFile", [ENOSPC, EACCES]),
        ("closeOutput", [ENOSPC, EIO]), ("splice items", [EINVAL, EIO]),
        ("splice block", [EIO, ENOMEM]), ("tee", [ENOMEM]), ("enlargePipe", [EPERM]),
        ("read block", [EIO]), ("write block", [EIO]), ("splice held", [EINVAL, ENOMEM]),
        ("read held", [EIO]),
    ]

    /// The size of the pipes in which output waits, if it is one that no other pipe has.
    var heldPipeSize: Int? { buffer < 1 << 20 ? max(buffer / 64, 1) : nil }

    /// Whether the kernel or the world may cost output or items that pmap must then report.
    var isQuiet: Bool { faults.allSatisfy { $0.name == "makeFile" } }

    /// Whether items that are not done are written to a file. Such items cannot be in pipes.
    var listsFailed: Bool { blockPipeSize == nil }

    var commandLine: [String] {
        ["pmap"] + options + (listsFailed ? ["--failed=failed"] : [])
            + (outputIsNothing ? [] : ["--log=log"]) + ["--", "work"]
    }
}
