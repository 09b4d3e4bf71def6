import Shared

/// Text to words, one after the other, each with its terminator.
///
/// Text comes in blocks that end anywhere. ASCII text is cut where a word surely ends, at white
/// space most often, and goes through the loops of `ASCIIText`; on all else `WordMachine` is
/// run a scalar at a time. Both give the same on ASCII text.
///
/// The word that is going on stands in the output's memory, behind what is finished.
@safe
struct Tokenizer: ~Copyable {
    let rule: Rule
    /// Its tables take longer to fill than a short text of ASCII to split: made when needed.
    var machine: WordMachine {
        mutating get {
            if let madeMachine { return madeMachine }
            let machine = WordMachine(rule)
            madeMachine = machine
            return machine
        }
    }
    private var madeMachine: WordMachine?
    let ascii: ASCIIText
    private let usesASCII: Bool
    /// Where the words go that need more than a terminator.
    var finisher: WordFinisher
    /// Memory for a window, which `ASCIIText` works in.
    private let scratch: UnsafeMutablePointer<UInt8>
    /// Memory for the words of a window that the finisher takes.
    private let plainWords: UnsafeMutablePointer<UInt8>
    var cursor = Cursor()
    /// Bytes of the file before the block that is looked at.
    private var offset = 0
    /// Bytes that are not UTF-8.
    private(set) var invalid = InvalidBytes()
    /// Bytes looked at, each as often as that was: a test has it grow no faster than the input.
    var work: Int { bytesSeen + finisher.work }
    var bytesSeen = 0
    /// What follows a segment that `splitAtOpen` ends.
    var tail = ByteBuffer()

    /// Bytes looked at at once.
    private let window: Int
    /// What a window may become: a byte at most a word of its own, and a scalar at most half
    /// as long again; and room for a scalar that goes on behind the window, and for `slack`.
    var room: Int { 2 * window + 64 + ASCIIText.slack }

    /// Where the segment stands that is going on, counted from the end of what is finished.
    struct Cursor {
        var start = 0
        var end = 0
        /// The facts of its scalars; see `WordMachine`.
        var facts: UInt8 = 0
        var state = WordBreakState.start
        /// Where an open scalar stands, and the facts before it.
        var open = 0
        var factsBeforeOpen: UInt8 = 0
        /// The end of the last combining mark. Where it is out of date, a word is looked at
        /// that need not have been.
        var markEnd = 0
    }

    /// - Parameters:
    ///   - window: bytes looked at at once; by default they stay in the first-level cache.
    ///   - means: what splits ASCII text.
    init(_ rule: Rule, window: Int = 16 * 1024, asciiBy means: ASCIIText.Means = .best) {
        self.rule = rule
        self.window = window
        ascii = ASCIIText(rule, by: means)
        usesASCII = means != .machine
        finisher = WordFinisher(rule)
        unsafe scratch = .allocate(capacity: window)
        unsafe plainWords = .allocate(capacity: window + ASCIIText.slack)
    }

    deinit {
        unsafe scratch.deallocate()
        unsafe plainWords.deallocate()
        madeMachine?.deallocate()
    }

    /// Begins another file.
    ///
    /// - Parameter offset: bytes of it that are no text.
    mutating func begin(named name: FileName, at offset: Int = 0) throws(Errno) {
        cursor = Cursor()
        self.offset = offset
        invalid = InvalidBytes()
        try finisher.begin(named: name)
    }

    /// Splits a block. Up to three bytes of it that begin a scalar may be left over: the next
    /// block begins with them.
    ///
    /// - Parameter block: `InputBuffer.padding` bytes after it can be read.
    /// - Returns: how many bytes are done.
    mutating func split(_ block: UnsafeRawBufferPointer, into output: inout Output) throws -> Int {
        guard let base = unsafe block.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            return 0
        }
        var index = 0
        while index < block.count {
            let windowEnd = min(index + window, block.count)
            var room = try unsafe makeRoom(&output)
            // Looked for once in each stretch of ASCII text, however often a word starts in it.
            var special = index
            var cut = index
            while index < windowEnd {
                if usesASCII, cursor.state == .start {
                    if index >= special {
                        special = unsafe ascii.firstSpecial(base, index, windowEnd)
                        cut = unsafe ascii.lastCut(base, index, special)
                        bytesSeen &+= 2 &* (special &- index)
                    }
                    if cut > index {
                        try unsafe splitASCII(base + index, cut - index, &room, &output)
                        index = cut
                        if special == windowEnd { break }
                    }
                }
                let done = try unsafe run(
                    base, from: index, to: windowEnd, of: block.count, room: &room,
                    until: usesASCII, &output)
                if done == index {
                    offset += index
                    return index
                }
                bytesSeen &+= done &- index
                index = done
            }
        }
        offset += index
        return index
    }

    /// Splits ASCII text that ends where `lastCut` says, at the start of a word.
    private mutating func splitASCII(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ room: inout UnsafeMutablePointer<UInt8>,
        _ output: inout Output
    ) throws {
        if rule.finishesEachWord {
            let size = unsafe ascii.write(bytes, count, into: plainWords, scratch: scratch)
            try unsafe finisher.write(
                plain: UnsafeRawBufferPointer(start: plainWords, count: size),
                endedBy: ascii.terminator, into: &output)
            unsafe room = try output.reserve(self.room)
        } else {
            cursor.start += unsafe ascii.write(
                bytes, count, into: room + cursor.start, scratch: scratch)
            cursor.end = cursor.start
        }
    }

    /// Ends a file.
    ///
    /// - Parameter rest: bytes that the last call of `split` left over.
    mutating func finish(rest: Int, into output: inout Output) throws {
        var room = try unsafe makeRoom(&output)
        if rest > 0 { try unsafe drop(rest, &room, &output) }
        try unsafe finishSegment(&room, &output)
        output.commit(cursor.start)
        cursor = Cursor()
    }

    /// Hands over what is finished, and makes room for what comes of a window.
    mutating func makeRoom(_ output: inout Output) throws(WriteError) -> UnsafeMutablePointer<UInt8>
    {
        output.commit(cursor.start)
        cursor.end -= cursor.start
        cursor.open -= cursor.start
        cursor.markEnd = cursor.end
        cursor.start = 0
        return try unsafe output.reserve(room, keeping: cursor.end)
    }

    /// Runs the machine until the window's end, or to the white space behind which text for
    /// `ASCIIText` begins.
    ///
    /// - Returns: the place behind the last scalar; `start` if only a part of one is there.
    private mutating func run(
        _ bytes: UnsafePointer<UInt8>, from start: Int, to windowEnd: Int, of count: Int,
        room: inout UnsafeMutablePointer<UInt8>, until leavesForASCII: Bool,
        _ output: inout Output
    ) throws -> Int {
        let transitions = unsafe machine.transitions
        let codes = unsafe machine.codes
        let blockOffsets = unsafe machine.blockOffsets
        let prints = unsafe machine.prints
        let letterPairs = unsafe machine.letterPairs
        let terminator = rule.terminator
        let readsBytes = rule.words == .asciiLetters
        let special = rule.finishesEachWord || rule.minimumLength > 1
        let plainFacts: UInt8 = special ? 0 : WordMachine.isWord
        var out = unsafe room
        var now = cursor
        var index = start

        // At the start of a word sigma does not depend on what stands around.
        let firstSigma = WordMachine.Printing(
            shift: rule.keepsCase ? 0 : 0x20, facts: WordMachine.isWord)
        let small: UInt8 = rule.keepsCase ? 0 : 0x20
        scalars: while index < windowEnd {
            let lead = unsafe bytes[index]
            var scalar = UInt32(lead)
            var length = 1
            if lead >= 0x80 {
                let second = unsafe UInt32(bytes[index &+ 1])
                let third = unsafe UInt32(bytes[index &+ 2])
                if lead >= 0xC2 && lead < 0xE0 && second & 0xC0 == 0x80 && index &+ 2 <= count {
                    scalar = (scalar & 0x1F) &<< 6 | (second & 0x3F)
                    length = 2
                } else if lead > 0xE0 && lead < 0xED && second & 0xC0 == 0x80
                    && third & 0xC0 == 0x80 && index &+ 3 <= count
                {
                    scalar = (scalar & 0x0F) &<< 12 | (second & 0x3F) &<< 6 | (third & 0x3F)
                    length = 3
                } else if readsBytes {
                    scalar = 0
                } else {
                    switch unsafe decode(bytes + index, count - index) {
                    case .scalar(let value, let size):
                        scalar = value
                        length = size
                    case .incomplete:
                        cursor = now
                        return index
                    case .invalid:
                        cursor = now
                        unsafe room = out
                        offset += index
                        defer { offset -= index }
                        try unsafe drop(1, &room, &output)
                        unsafe out = room
                        now = cursor
                        index &+= 1
                        continue
                    }
                }
                if readsBytes {
                    scalar = 0
                    length = 1
                }
            }
            let block = lead < 0x80 ? Int(lead & 0xC0) : unsafe Int(blockOffsets[Int(scalar &>> 6)])
            let code = unsafe Int(codes[block &+ Int(scalar & 0x3F)])
            let transition = unsafe transitions[
                Int(now.state.rawValue) &* WordMachine.codeCount &+ code]
            let next = unsafe unsafeBitCast(
                transition & WordMachine.stateMask, to: WordBreakState.self)
            var print = unsafe prints[code]

            if transition > WordMachine.stateMask {
                let action = unsafe unsafeBitCast(
                    transition &>> WordMachine.actionShift, to: WordBreakState.Action.self)
                if action.rawValue <= WordBreakState.Action.skip.rawValue {
                    if now.state.isOpen && now.end == now.open &+ 1 {
                        // A full stop or the like behind the word, and nothing behind that.
                        now.end = now.open
                        now.facts = now.factsBeforeOpen
                        now.state = .other
                    }
                    if !now.state.isOpen && now.facts & ~plainFacts == 0 {
                        unsafe out[now.end] = terminator
                        now.start = now.facts != 0 ? now.end &+ 1 : now.start
                        now.end = now.start
                    } else {
                        cursor = now
                        unsafe room = out
                        try unsafe finishSegment(&room, &output)
                        unsafe out = room
                        now = cursor
                    }
                    now.facts = 0
                    if action == .skip {
                        now.state = .start
                        index &+= length
                        if leavesForASCII && index &+ 8 <= windowEnd,
                            unsafe readsBytes || isASCII(bytes + index)
                        {
                            break scalars
                        }
                        continue
                    }
                    if scalar == 0x3A3 { print = firstSigma }
                } else if action == .open {
                    now.open = now.end
                    now.factsBeforeOpen = now.facts
                } else if action == .joinMark {
                    if now.markEnd == now.end { now.facts |= WordMachine.isRecomposed }
                    now.markEnd = now.end &+ length
                } else {
                    cursor = now
                    unsafe room = out
                    try unsafe finishUnlessJoined(&room, &output)
                    unsafe out = room
                    now = cursor
                }
            }
            now.facts |= print.facts
            let printed = scalar &+ UInt32(bitPattern: print.shift)
            now.state = next
            index &+= length
            let end = unsafe out + now.end
            if printed < 0x80 {
                unsafe end[0] = UInt8(truncatingIfNeeded: printed)
                now.end &+= 1
            } else if printed < 0x800 {
                unsafe end[0] = UInt8(truncatingIfNeeded: 0xC0 | printed &>> 6)
                unsafe end[1] = UInt8(truncatingIfNeeded: 0x80 | printed & 0x3F)
                now.end &+= 2
            } else if printed < 0x10000 {
                unsafe end[0] = UInt8(truncatingIfNeeded: 0xE0 | printed &>> 12)
                unsafe end[1] = UInt8(truncatingIfNeeded: 0x80 | printed &>> 6 & 0x3F)
                unsafe end[2] = UInt8(truncatingIfNeeded: 0x80 | printed & 0x3F)
                now.end &+= 3
            } else {
                unsafe end[0] = UInt8(truncatingIfNeeded: 0xF0 | printed &>> 18)
                unsafe end[1] = UInt8(truncatingIfNeeded: 0x80 | printed &>> 12 & 0x3F)
                unsafe end[2] = UInt8(truncatingIfNeeded: 0x80 | printed &>> 6 & 0x3F)
                unsafe end[3] = UInt8(truncatingIfNeeded: 0x80 | printed & 0x3F)
                now.end &+= 4
            }

            // What most words are made of, in loops of its own: letters of ASCII and letters of
            // two bytes, and the space behind them.
            while now.state == .letter && index &+ 2 < windowEnd {
                let start = index
                var byte = unsafe bytes[index]
                while (byte | 0x20) &- 0x61 < 26 && index &+ 2 < windowEnd {
                    unsafe out[now.end] = byte | small
                    now.end &+= 1
                    index &+= 1
                    byte = unsafe bytes[index]
                }
                if index != start { now.facts |= WordMachine.isWord }
                var pair = unsafe load(bytes + index)
                while pair & 0xC0E0 == 0x80C0 && index &+ 2 < windowEnd {
                    let letter = unsafe letterPairs[
                        Int(pair & 0x1F) &<< 6 | Int(pair &>> 8 & 0x3F)]
                    if letter == 0 { break }
                    unsafe UnsafeMutableRawPointer(out + now.end).storeBytes(
                        of: UInt16(truncatingIfNeeded: letter).littleEndian, as: UInt16.self)
                    now.facts |= UInt8(truncatingIfNeeded: letter &>> 16)
                    now.end &+= 2
                    index &+= 2
                    pair = unsafe load(bytes + index)
                }
                if unsafe bytes[index] != UInt8(ascii: " ") {
                    if index == start { break }
                    continue
                }
                if now.facts & ~plainFacts != 0 { break }
                unsafe out[now.end] = terminator
                now.start = now.facts != 0 ? now.end &+ 1 : now.start
                now.end = now.start
                now.facts = 0
                now.state = .start
                index &+= 1
                pair = unsafe load(bytes + index)
                if pair & 0xC0E0 == 0x80C0,
                    unsafe letterPairs[Int(pair & 0x1F) &<< 6 | Int(pair &>> 8 & 0x3F)]
                        & UInt32(WordMachine.isWord) &<< 16 != 0
                {
                    now.state = .letter
                } else if leavesForASCII && index &+ 8 <= windowEnd, unsafe isASCII(bytes + index) {
                    break scalars
                }
            }
        }
        cursor = now
        unsafe room = out
        return index
    }

    /// Drops bytes that are not UTF-8, which end the word before them.
    private mutating func drop(
        _ count: Int, _ room: inout UnsafeMutablePointer<UInt8>, _ output: inout Output
    ) throws {
        try unsafe finishSegment(&room, &output)
        if rule.isStrict {
            output.commit(cursor.start)
            cursor = Cursor()
            throw NotUTF8(offset: offset)
        }
        invalid.add(count, at: offset)
    }
}

/// Whether 8 bytes are ASCII.
@inline(__always)
private func isASCII(_ bytes: UnsafePointer<UInt8>) -> Bool {
    unsafe UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0
}

/// Two bytes, the first one in the lower half.
@inline(__always)
private func load(_ bytes: UnsafePointer<UInt8>) -> UInt16 {
    unsafe UInt16(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt16.self))
}
