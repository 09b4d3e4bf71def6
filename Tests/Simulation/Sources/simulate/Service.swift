import Shared

/// What a persistent worker does: it reads items and answers each of them.
final class Service {
    /// How it goes wrong, at one of its items.
    enum Fault {
        case exits(Int32)
        case dies(Int32)
        case answersNot
        case answersTwice
        case closesOutput
        /// Prints half of its answer and exits.
        case leavesHalf
        /// Answers and exits with status 0, as if it had done enough.
        case leavesAfter
        /// Stops for some time, as if for the terminal.
        case stops
    }

    /// Whether it prints only when its input has ended.
    var buffers = false
    /// Whether it does not exit when its input has ended.
    var stays = false
    var longestPause = 0
    /// Whether it answers an item as soon as it has read the first bytes of it.
    var answersEarly = false
    /// Whether the line at the front of `input` is answered.
    private var hasAnsweredFront = false
    var fault: (item: Int, kind: Fault)?

    /// Input that is not answered yet.
    var input: [UInt8] = []
    var outgoing: [UInt8] = []
    var buffered: [UInt8] = []
    var itemsSeen = 0
    /// When it began to read the chunk that it works on.
    var beganReading: Int?
    /// Whether its pipe had more than it read last.
    var hasMore = false
    /// Whether it has written more answers than it got items.
    var gaveExtra = false

    /// Whether it needs input to go on.
    var wantsInput: Bool { outgoing.isEmpty && !canGoOn }

    private var canGoOn: Bool {
        input.contains(UInt8(ascii: "\n"))
            || answersEarly && !hasAnsweredFront && input.contains(UInt8(ascii: ";"))
    }

    /// Returns the name of the next item, and removes it if all of it was read; nil if it is
    /// answered already.
    func nextItem() -> String? {
        let line = input.firstIndex(of: UInt8(ascii: "\n"))
        let isAnswered = hasAnsweredFront
        let name = input.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: "\n") }
        hasAnsweredFront = line == nil
        defer { if let line { input.removeSubrange(...line) } }
        if isAnswered { return nil }
        itemsSeen += 1
        return String(decoding: name, as: UTF8.self)
    }
}

/// The answer to an item. It depends on nothing else.
func answer(_ item: String, _ plan: Plan) -> [UInt8] {
    var random = Random(seed: plan.seed, stream: 50_000 + UInt64(item.dropFirst())!)
    var text: [UInt8] = []
    for line in 0..<(plan.hasAnswerEnd ? random.int(0...3) : 1) {
        text += Array("\(item)=\(line)".utf8)
        text += Array(
            repeating: UInt8(ascii: "y"), count: random.pick([0, 0, 5, 100, 3000]))
        text.append(UInt8(ascii: "\n"))
    }
    if plan.hasAnswerEnd {
        // A line that begins like the end.
        if random.once(in: 4) { text += Array("ENDIVE of \(item)\n".utf8) }
        text += Array("END\n".utf8)
    }
    return text
}

/// A persistent worker: most of them answer each item.
func service(_ plan: Plan, _ random: inout Random) -> [Process.Step] {
    let service = Service()
    service.answersEarly = random.once(in: 3)
    service.longestPause = random.pick([0, 0, 1000, 300_000, 3_000_000])
    var script: [Process.Step] = []
    if random.once(in: 4) { script.append(.pause(random.pick([1000, 500_000, 5_000_000]))) }
    if random.once(in: 8) { script.append(.write(2, Array("ready\n".utf8))) }
    if plan.hasBadWorkers, random.once(in: 3) {
        service.stays = random.once(in: 6)
        service.buffers = random.once(in: 3)
        let kind: Service.Fault = random.pick([
            .exits(0), .exits(Int32(random.int(1...3))), .dies(SIGSEGV), .answersNot, .answersTwice,
            .closesOutput, .leavesHalf, .leavesAfter, .leavesAfter, .stops,
        ])
        service.fault = (random.pick([1, 1, 2, 3, 7]), kind)
        if random.once(in: 12) { script.append(.exit(Int32(random.int(0...1)))) }
    }
    script.append(.serve(service))
    return script
}
