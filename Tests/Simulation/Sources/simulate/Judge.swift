import Shared

/// Compares what a run left behind with what the world saw.
struct Judge {
    let plan: Plan
    let kernel: SimulatedKernel
    let end: Result<RunEnd, WriteError>
    /// The items of the chunks that an earlier run has done.
    var doneBefore: [Int: [UInt8]] = [:]
    /// Whether an earlier run cut other chunks, since it could not read its input to the end or the
    /// kernel took fewer arguments.
    var wasCutOtherwise = false

    enum RunEnd: Equatable {
        case exit(Int32)
        case signal(Int32)
    }

    /// A row of the log.
    private struct Row {
        let chunk: Int
        let isSuccess: Bool
        let attempts: Int
    }

    func judge() {
        checkWorld()
        let finals = finalAttempts()
        let rows = plan.outputIsNothing ? rows(of: finals) : logRows()
        if plan.isPersistent { return judgeAnswers(rows) }
        checkShares(finals)
        switch end {
        case .success(.exit(let status)):
            checkItems(rows, finals, mayLoseRecords: kernel.faultsHit.contains("record"))
            checkOutput(rows, finals)
            checkStatus(status, rows, finals)
        case .success(.signal(let signal)):
            if !kernel.sentToPmap.contains(signal) {
                kernel.fail("pmap dies of signal \(signal), which nobody sent")
            }
            checkItems(rows, finals, mayLoseRecords: kernel.faultsHit.contains("record"))
            checkPrefix(rows, finals)
        case .failure(let error):
            let reasons = [
                "write output", "splice", "sendFile", "readFile", "read held", "memory",
                "closeOutput",
            ]
            let isBroken = error.cause == .brokenPipe && plan.reader.leavesAfter < .max
            checkItems(rows, finals, mayLoseRecords: kernel.faultsHit.contains("record"))
            if !isBroken, kernel.faultsHit.isDisjoint(with: reasons) {
                kernel.fail("a write error that nobody made: \(error.cause.reason)")
            }
        }
    }

    // MARK: What is left

    /// Nobody of a process group that was told to end is left when pmap ends.
    static func checkSurvivors(_ kernel: SimulatedKernel) {
        for process in kernel.processes where process.isAlive {
            if let attempt = process.groupAttempt, kernel.attempts[attempt].isGroupTold {
                kernel.fail(
                    "process \(process.id) of group \(process.group) outlives its worker's end")
            }
        }
    }

    private func checkWorld() {
        for process in kernel.processes where process.isWorker {
            kernel.fail("worker \(process.id) is left, as a \(process.state)")
        }
        for (number, handle) in kernel.descriptors where number > 3 && handle != .poolWatch {
            kernel.fail("descriptor \(number) is left open")
        }
        if let slots = kernel.slots { checkSlots(slots) }
        checkMemory()
    }

    /// Everybody has ended, so all tokens are in the pipe again, except those of killed clients. A
    /// pool has replaced these.
    private func checkSlots(_ slots: SharedSlots) {
        if slots.hasFirst(kernel) { kernel.fail("pmap keeps the first slot") }
        if slots.free + slots.lost != slots.tokens {
            kernel.fail("\(slots.tokens) tokens have become \(slots.free)")
        }
        if plan.jobserver == .pool, kernel.poolEnd == nil, slots.lost > 0 {
            kernel.fail("the pool has lost \(slots.lost) tokens")
        }
    }

    /// What waits is within `--buffer` and a constant: a read, a piece that is being written,
    /// what each worker's output gathers before it is worth a write, and what the oldest chunk
    /// may pass the limit by.
    private func checkMemory() {
        if plan.retries != nil || plan.tags || !plan.isQuiet || plan.hasAnswerEnd { return }
        let limit = plan.buffer + (1 << 20) + 4 * (128 << 10)
        if kernel.mostBytesInMemory > limit {
            kernel.fail("\(kernel.mostBytesInMemory) bytes in memory, \(limit) are allowed")
        }
    }

    // MARK: Persistent workers

    /// Every item that was read is answered in the output, or is in the list of failed items.
    /// Answers are those of the right items, whole and in order.
    private func judgeAnswers(_ rows: [Int: Row]) {
        checkAnswerEnd()
        let failed = Set(names(lines(kernel.failed)))
        if failed.count != lines(kernel.failed).count { kernel.fail("an item fails twice") }
        // From these on, nobody can tell which answer is whose. pmap has to say so.
        if kernel.services.contains(where: { $0.service.gaveExtra }) { return }
        if kernel.faultsHit.contains("record") { return }
        let (answered, parts) = readAnswers()
        if Set(answered).count != answered.count { kernel.fail("an item is answered twice") }
        if plan.mode == .ordered, answered != answered.sorted() {
            kernel.fail("answers are not in order: \(answered)")
        }
        if plan.retries != nil, !mayLoseOutput {
            if !failed.isDisjoint(with: answered.map { "i\($0)" }) || !parts.isEmpty {
                kernel.fail("a failed item is answered")
            }
        }
        // Half of the answer to i10 may look like half of that to i1.
        let failedAnswers = failed.map { answer($0, plan) }
        let strange = parts.first { text in
            !failedAnswers.contains { $0.starts(with: text) }
        }
        if let strange, !mayLoseOutput {
            kernel.fail(
                "no failed item has an answer that begins with "
                    + String(decoding: strange, as: UTF8.self))
        }
        if mayLoseOutput || kernel.faultsHit.contains("read items") { return }
        let missing = Set(names(itemsRead)).subtracting(failed)
            .subtracting(answered.map { "i\($0)" })
        // An empty answer cannot be seen in the output.
        if let item = missing.first(where: { answer($0, plan).count > 4 || !plan.hasAnswerEnd }) {
            kernel.fail("item \(item) is neither answered nor failed")
        }
    }

    /// Whether output that was read may not have been written.
    private var mayLoseOutput: Bool {
        if kernel.readerIsGone { return true }
        if case .success(.exit) = end { return false }
        return true
    }

    private func checkAnswerEnd() {
        switch end {
        case .success(.exit(let status)):
            // What a killed worker gave too many may pass for answers that it still owed.
            let gaveExtra = kernel.services.contains {
                $0.service.gaveExtra && kernel.attempts[$0.attempt].waitStatus == 0
                    && !kernel.attempts[$0.attempt].wasTold
                    && !kernel.attempts[$0.attempt].lostOutput && $0.service.outgoing.isEmpty
                    && $0.service.buffered.isEmpty
            }
            if gaveExtra, kernel.faultsHit.isEmpty, status != 1 {
                kernel.fail("status \(status), and a worker gave too many answers")
            }
            if status == 0, !kernel.failed.isEmpty { kernel.fail("status 0, and items failed") }
            if status != 0, kernel.failed.isEmpty, plan.isQuiet, !gaveExtra,
                !kernel.services.contains(where: { $0.service.gaveExtra })
            {
                kernel.fail("status \(status), and all is done")
            }
        case .success(.signal(let signal)):
            if !kernel.sentToPmap.contains(signal) {
                kernel.fail("pmap dies of signal \(signal), which nobody sent")
            }
        case .failure: break
        }
    }

    /// The items that pmap has read into memory as a whole.
    private var itemsRead: [String] {
        let read = kernel.itemsRead
        var items = lines(read)
        if !kernel.hasReadAllItems, !items.isEmpty, read.last != UInt8(ascii: "\n") {
            items.removeLast()
        }
        return items
    }

    /// The items without what makes them long.
    private func names(_ items: [String]) -> [String] {
        items.map { String($0.prefix { $0 != ";" }) }
    }

    /// The numbers of the items whose answers are in the output, and the beginnings of others.
    private func readAnswers() -> (whole: [Int], parts: [[UInt8]]) {
        var whole: [Int] = []
        var parts: [[UInt8]] = []
        var texts: [(item: Int, text: [UInt8])] = []
        for line in cut(output) where !line.isEmpty {
            var text = String(decoding: line, as: UTF8.self)
            if plan.tags {
                text = String(text[(text.firstIndex(of: "\t") ?? text.startIndex)...].dropFirst())
            }
            let name = text.split(separator: "=").first.map(String.init) ?? ""
            let owner = name.hasPrefix("ENDIVE of ") ? String(name.dropFirst(10)) : name
            guard owner.hasPrefix("i"), let item = Int(owner.dropFirst()) else { continue }
            let bytes = Array(text.utf8) + [UInt8(ascii: "\n")]
            if texts.last?.item == item, plan.mode != .lines {
                texts[texts.count - 1].text += bytes
            } else if plan.mode == .lines, let at = texts.firstIndex(where: { $0.item == item }) {
                texts[at].text += bytes
            } else {
                texts.append((item, bytes))
            }
        }
        for (item, text) in texts {
            var expected = answer("i\(item)", plan)
            if plan.hasAnswerEnd { expected.removeLast(4) }
            // Before or after it may be a part of an answer to another item: i1 of i14=0.
            var rest = text[...]
            if expected.isEmpty {
                // Nothing of this answer can be seen.
            } else if text.starts(with: expected) {
                whole.append(item)
                rest = rest.dropFirst(expected.count)
            } else if text.suffix(expected.count) == expected[...] {
                whole.append(item)
                rest = rest.dropLast(expected.count)
            }
            // A part of a line was given an end.
            if !rest.isEmpty { parts.append(Array(rest.dropLast())) }
        }
        return (whole, parts)
    }

    // MARK: Records

    private func logRows() -> [Int: Row] {
        var rows: [Int: Row] = [:]
        for line in String(decoding: kernel.log, as: UTF8.self).split(separator: "\n") {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard columns.count == 15, let chunk = Int(columns[0]), let attempts = Int(columns[10])
            else { kernel.fail("a row of the log is none: \(line)") }
            let isSuccess = LoggedChunk(row: line)?.isDone ?? false
            let row = Row(chunk: chunk, isSuccess: isSuccess, attempts: attempts)
            if rows.updateValue(row, forKey: chunk) != nil {
                kernel.fail("chunk \(chunk) is logged twice")
            }
        }
        return rows
    }

    /// What a log would say. A worker that had exited when it was told to end may have failed or not:
    /// the list of failed items decides.
    private func rows(of finals: [Int: Attempt]) -> [Int: Row] {
        let failed = Set(lines(kernel.failed))
        return finals.mapValues { final in
            let isCounted = !final.wasToldLate || failed.isDisjoint(with: lines(final.items))
            return Row(
                chunk: final.chunk, isSuccess: isDone(final) && isCounted,
                attempts: kernel.attempts.count { $0.chunk == final.chunk })
        }
    }

    /// With `-c auto` no chunk takes more than half of a worker's share of what is left, so that the
    /// workers end together.
    private func checkShares(_ finals: [Int: Attempt]) {
        // In a file that is fed, what is left is only estimated.
        guard plan.options.contains("-cauto"), !plan.inputChanges,
            !plan.feeds || !plan.inputIsFile
        else { return }
        var left = plan.itemCount
        for chunk in 1...max(finals.count, 1) {
            guard let final = finals[chunk], !final.isFed || final.hasReadAll else { return }
            let count = lines(final.items).count
            let share = (left + 2 * plan.workers - 1) / (2 * plan.workers)
            if count > max(share, 1) {
                kernel.fail("chunk \(chunk) takes \(count) of \(left) items")
            }
            left -= count
        }
    }

    /// The last attempt of each chunk.
    private func finalAttempts() -> [Int: Attempt] {
        var finals: [Int: Attempt] = [:]
        for attempt in kernel.attempts { finals[attempt.chunk] = attempt }
        return finals
    }

    /// Whether the chunk is done by what the world saw: it exited with 0 by itself.
    private func isDone(_ attempt: Attempt) -> Bool {
        attempt.waitStatus == 0 && !attempt.wasTold && !attempt.lostOutput
    }

    private func lines(_ bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Every item that was read is done and logged, or is in the list of failed items, once.
    private func checkItems(
        _ rows: [Int: Row], _ finals: [Int: Attempt], mayLoseRecords: Bool
    ) {
        if mayLoseRecords { return }
        for (chunk, row) in rows {
            guard let final = finals[chunk] else {
                kernel.fail("chunk \(chunk) is logged and was never run")
            }
            if row.isSuccess && !isDone(final) {
                kernel.fail("chunk \(chunk) is logged as done and is not")
            }
        }
        // An input that could not be read to its end gives a chunk of other items than the log
        // says. What has become of those that it has is not known then.
        let inputFailed = kernel.faultsHit.contains("read items")
        if wasCutOtherwise || inputFailed && !doneBefore.isEmpty { return }
        let failed = lines(kernel.failed)
        if plan.feeds { return checkFedItems(rows, finals, failed) }
        var done: [String] = []
        for (chunk, final) in finals where rows[chunk]?.isSuccess ?? false {
            done += lines(final.items)
        }
        if let chunk = doneBefore.keys.first(where: { finals[$0] != nil }) {
            kernel.fail("chunk \(chunk) is run again")
        }
        // This run may have ended before it read the items of a later chunk that was done before.
        let read = Set(itemsRead)
        done += doneBefore.values.flatMap(lines).filter(read.contains)
        checkOnce(done + failed, of: itemsRead, due: itemsRead)
    }

    /// None of these is anything else than an item, or is there more often than it is in the input.
    ///
    /// - Parameter due: the items that must be there.
    private func checkOnce(_ items: [String], of input: [String], due: [String]) {
        var left = Dictionary(input.map { ($0, 1) }, uniquingKeysWith: +)
        for item in items {
            left[item, default: 0] -= 1
            if left[item]! < 0 {
                kernel.fail("'\(item)' is done or fails once more than it is in the input")
            }
        }
        if let missing = due.first(where: { left[$0]! > 0 }) {
            kernel.fail("'\(missing)' is neither done nor failed")
        }
    }

    // MARK: Items by standard input

    /// Whether chunks are ranges of the input file, which pmap itself does not read. With a log,
    /// chunks of a number of items are none.
    private var usesRanges: Bool {
        plan.inputIsFile && (plan.cutsBlocks || plan.feeds && plan.outputIsNothing)
    }

    private func checkFedItems(
        _ rows: [Int: Row], _ finals: [Int: Attempt], _ failed: [String]
    ) {
        let input = usesRanges ? lines(kernel.input) : itemsRead
        checkFedOrder(finals, input)
        let done = finals.filter { rows[$0.key]?.isSuccess ?? false }.values
        // What a worker did not read of its items is not known here.
        let isKnown =
            done.allSatisfy(\.hasReadAll)
            && (!usesRanges || kernel.faultsHit.isDisjoint(with: ["read items", "size"]))
        let isListed = plan.listsFailed || end == .success(.exit(0))
        let due = !isListed ? [] : usesRanges ? itemsDue : input
        let listed = done.flatMap { lines($0.items) } + failed
        checkOnce(listed, of: input, due: isKnown ? due : [])
        guard usesRanges, isKnown, case .success(.exit(let status)) = end else { return }
        let isAllListed = Set(listed).count == input.count
        if status == 0 && (kernel.grewBeforeEnd || !isAllListed) {
            kernel.fail("status 0, and the input has changed")
        }
        let messages = String(decoding: kernel.messages, as: UTF8.self)
        let texts = ["has shrunk", "has become shorter", "has grown"]
        if !isAllListed, !texts.contains(where: { messages.contains($0) }) {
            kernel.fail("nothing is said of an input that has changed")
        }
    }

    /// The items of the ranges that must be done or failed although the file changes its size. Of a
    /// file that has become shorter, no more ranges are taken. If it has grown, a last line without
    /// its delimiter was only a part of one.
    private var itemsDue: [String] {
        let (input, now) = (kernel.input, kernel.inputNow)
        if now.count == input.count { return lines(input) }
        let part =
            now.count > input.count ? input[...] : input.prefix(min(now.count, kernel.inputRead))
        return lines(Array(part.prefix((part.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)))
    }

    /// What is fed is the input, in the order of the chunks, and whole items to each. If all were
    /// fed to their end, nothing is missing.
    private func checkFedOrder(_ finals: [Int: Attempt], _ input: [String]) {
        // Damaged on the way, and reported.
        if !kernel.faultsHit.isDisjoint(with: ["feed", "splice"]) { return }
        var next = 0
        var isComplete = true
        for (chunk, final) in finals.sorted(by: { $0.key < $1.key }) {
            let fed = lines(final.items)
            isComplete = isComplete && final.hasReadAll && !fed.isEmpty
            // The last item may have been read in part only.
            let whole = final.hasReadAll ? fed[...] : fed.dropLast()
            guard let first = whole.first else { continue }
            guard let place = input[next...].firstIndex(of: first) else {
                kernel.fail("chunk \(chunk) begins with '\(first)', which is not the next item")
            }
            if Array(input[place...].prefix(whole.count)) != Array(whole) {
                kernel.fail("chunk \(chunk) is fed what is not the input: \(fed)")
            }
            if isComplete, place != next { kernel.fail("'\(input[next])' is in no chunk") }
            next = place + whole.count
        }
        guard isComplete, case .success(.exit(0)) = end else { return }
        if next != input.count { kernel.fail("'\(input[next])' is in no chunk") }
    }

    // MARK: Output

    /// What a chunk adds to the output, without what left-behind processes wrote.
    private func segment(_ final: Attempt) -> [UInt8] {
        let bytes = final.written
        if plan.mode != .lines && !plan.tags { return bytes }
        var tag: [UInt8] = []
        if plan.tags {
            let items = final.isFed ? ["\(final.chunk)"] : lines(final.items)
            tag = Array((items.joined(separator: " ") + "\t").utf8)
        }
        var result: [UInt8] = []
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            result += (line.offset > 0 ? [UInt8(ascii: "\n")] : [])
            if !line.element.isEmpty { result += tag }
            result += line.element
        }
        if let last = result.last, last != UInt8(ascii: "\n") {
            result.append(UInt8(ascii: "\n"))
        }
        return result
    }

    private var output: [UInt8] { kernel.delivered.filter { $0 < 0x80 } }

    private func segments(_ rows: [Int: Row], _ finals: [Int: Attempt]) -> [(Attempt, [UInt8])] {
        finals.sorted { $0.key < $1.key }.map(\.value).compactMap { final in
            if plan.retries != nil && !(rows[final.chunk]?.isSuccess ?? false) { return nil }
            return (final, segment(final))
        }
    }

    private func checkOutput(_ rows: [Int: Row], _ finals: [Int: Attempt]) {
        if plan.outputIsNothing {
            if !kernel.delivered.isEmpty { kernel.fail("pmap writes what workers write") }
            return
        }
        // Parts of what these wrote are lost, and they have failed.
        if finals.values.contains(where: \.lostOutput) || kernel.faultsHit.contains("record") {
            return
        }
        // What the pipe held when the reader went away is nobody's fault.
        if kernel.readerIsGone { return checkPrefix(rows, finals) }
        let expected = segments(rows, finals)
        switch plan.retries != nil && plan.mode == .lines ? .unordered : plan.mode {
        case .ordered:
            let whole = expected.flatMap { $0.1 }
            if whole != output {
                kernel.fail("the output is \(difference(output, whole))")
            }
        case .unordered:
            var rest = output[...]
            var left = expected.filter { !$0.1.isEmpty }
            while !rest.isEmpty {
                // What a killed worker printed may be the beginning of another's output.
                let matches = left.indices.filter { rest.starts(with: left[$0].1) }
                guard let next = matches.max(by: { left[$0].1.count < left[$1].1.count }) else {
                    kernel.fail(
                        "the output has what is no chunk's, at \(output.count - rest.count)")
                }
                rest = rest.dropFirst(left[next].1.count)
                left.remove(at: next)
            }
            if !left.isEmpty { kernel.fail("the output lacks chunk \(left[0].0.chunk)") }
        case .lines:
            let have = cut(output).sorted { $0.lexicographicallyPrecedes($1) }
            let want = cut(expected.flatMap { $0.1 }).sorted { $0.lexicographicallyPrecedes($1) }
            if have != want { kernel.fail("lines are lost, broken or repeated") }
        }
    }

    private func cut(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    }

    /// A run that is ended early prints a beginning of what it would have.
    private func checkPrefix(_ rows: [Int: Row], _ finals: [Int: Attempt]) {
        if plan.outputIsNothing { return }
        if finals.values.contains(where: \.lostOutput) { return }
        if plan.mode == .ordered, plan.retries == nil {
            let whole = segments(rows, finals).flatMap { $0.1 }
            if !whole.starts(with: output) {
                kernel.fail("the output is no beginning: \(difference(output, whole))")
            }
        }
    }

    private func difference(_ have: [UInt8], _ want: [UInt8]) -> String {
        let place = zip(have, want).prefix { $0 == $1 }.count
        func part(_ bytes: [UInt8]) -> String {
            String(decoding: bytes.dropFirst(place).prefix(24), as: UTF8.self)
        }
        return "\(have.count) bytes and not \(want.count); at \(place) '\(part(have))' "
            + "and not '\(part(want))'"
    }

    // MARK: Status

    private func checkStatus(_ status: Int32, _ rows: [Int: Row], _ finals: [Int: Attempt]) {
        let everythingIsDone = finals.values.allSatisfy(isDone) && kernel.failed.isEmpty
        if status == 0 && !everythingIsDone { kernel.fail("status 0, and not all is done") }
        if usesRanges && plan.inputChanges { return }
        if status != 0 && everythingIsDone && plan.isQuiet {
            kernel.fail("status \(status), and all is done")
        }
        guard plan.isQuiet, plan.halt != .now else { return }
        var statuses: Set<Int32> = []
        // Those of workers that exited by themselves when pmap was frozen and had decided to end
        // them. It counts them either way.
        var lateStatuses: Set<Int32> = []
        for final in finals.values {
            // Its time was up, or its output fitted nowhere.
            if final.wasTold || final.lostOutput {
                statuses.insert(125)
                continue
            }
            guard let waitStatus = final.waitStatus else { continue }
            let status: Int32 =
                switch Outcome(waitStatus: waitStatus) {
                case .exited(status: 0): 0
                case .exited(status: 255): 124
                case .exited: 123
                default: 125
                }
            if final.wasToldLate { lateStatuses.insert(status) } else { statuses.insert(status) }
        }
        func expected(_ statuses: Set<Int32>) -> Int32 {
            [124, 125, 123].first(where: statuses.contains) ?? 0
        }
        var allowed: Set = [expected(statuses.union(lateStatuses))]
        if !lateStatuses.isEmpty { allowed.insert(expected(statuses.union([125]))) }
        if !allowed.contains(status) {
            kernel.fail("status \(status) and not \(allowed.sorted())")
        }
    }
}
