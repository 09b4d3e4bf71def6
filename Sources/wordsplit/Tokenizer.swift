import Shared

/// Splits text into words and writes each word with its terminator.
///
/// Text comes in blocks, and a block may end anywhere. `ASCIIText` splits ASCII text up to a place
/// at which a word is sure to end, most often white space. `WordMachine` splits all other text, one
/// scalar at a time. Both give the same result for ASCII text.
///
/// The unfinished word is kept in the output's memory, after the finished words. With `-H` or `-g`,
/// `LineWriter` takes the place of the output.
@safe
struct Tokenizer: ~Copyable {
    let rule: Rule
    /// Made on first use: filling its tables takes longer than splitting a short ASCII text.
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
    /// Finishes the words that need more than a terminator.
    var finisher: WordFinisher
    /// Takes the finished words, if lines are more than words.
    private var lines: LineWriter
    /// Working memory for `ASCIIText`, large enough for a window.
    private let scratch: UnsafeMutablePointer<UInt8>
    var cursor = Cursor()
    /// The number of bytes of the file before the current block.
    private var offset = 0
    /// The bytes of the current file that are not UTF-8.
    private(set) var invalid = InvalidBytes()
    /// The number of bytes processed. A byte counts again each time it is processed. A test checks
    /// that this grows no faster than the input.
    var work: Int { bytesSeen + finisher.work + lines.work }
    var bytesSeen = 0
    /// The text after a segment that `splitAtOpen` ends.
    var tail = ByteBuffer()

    /// The number of bytes processed at once.
    private let window: Int
    /// The most bytes that the output of a window can take. Each byte of input can become a word
    /// with a terminator, which is two bytes. A scalar can grow by half its length at most. The
    /// last scalar may extend past the end of the window, and `ASCIIText` needs `slack`.
    private var room: Int { 2 * window + 64 + ASCIIText.slack + Self.usualSpare }
    /// The number of bytes of the room that are left for words that the finisher makes longer.
    var spare = 0
    private static let usualSpare = 1024

    /// The place of the unfinished segment, as offsets in bytes into the room that `makeRoom`
    /// returned.
    struct Cursor {
        var start = 0
        var end = 0
        /// The facts of its scalars; see `WordMachine`.
        var facts: UInt8 = 0
        var state = WordBreakState.start
        /// The place of the open scalar (see `WordBreakState`), and the facts before it.
        var open = 0
        var factsBeforeOpen: UInt8 = 0
        /// The end of the last combining mark. If it is out of date, a word may be composed that
        /// does not need it; the result is the same.
        var markEnd = 0

        /// The place of an empty segment.
        init(at place: Int = 0) {
            start = place
            end = place
            markEnd = place
        }

        /// Ends a word that is printed as it is, or drops a segment that is no word.
        @inline(__always)
        mutating func endPlainSegment(
            in room: UnsafeMutablePointer<UInt8>, terminator: UInt8
        ) {
            unsafe room[end] = terminator
            start = facts != 0 ? end &+ 1 : start
            end = start
        }

        /// Notes that a combining mark comes next. After another mark, the two may change places.
        @inline(__always)
        mutating func addMark(of length: Int) {
            if markEnd == end { facts |= WordMachine.isRecomposed }
            markEnd = end &+ length
        }
    }

    /// - Parameters:
    ///   - window: the number of bytes processed at once. The default fits in the first-level
    ///     cache.
    ///   - means: what splits ASCII text.
    init(_ rule: Rule, window: Int = 16 * 1024, asciiBy means: ASCIIText.Means = .best) {
        self.rule = rule
        self.window = window
        ascii = ASCIIText(rule, by: means)
        usesASCII = means != .machine
        finisher = WordFinisher(rule)
        lines = LineWriter(rule)
        unsafe scratch = .allocate(capacity: window)
    }

    deinit {
        unsafe scratch.deallocate()
        madeMachine?.deallocate()
    }

    /// Begins another file.
    ///
    /// - Parameter offset: the number of bytes before the text: the length of a byte order mark.
    mutating func begin(named name: FileName, at offset: Int = 0) throws(Errno) {
        cursor = Cursor()
        self.offset = offset
        invalid = InvalidBytes()
        if rule.makesLines { try lines.begin(named: rule.withFilename ? name : nil) }
    }

    /// Splits a block. If the block ends within a scalar, its last bytes, three at most, are left
    /// over. The next block must begin with them.
    ///
    /// - Parameter block: the text; `InputBuffer.padding` bytes after it must be readable.
    /// - Returns: the number of bytes that are done.
    /// - Throws: `NotUTF8` with `--strict`; `WriteError`; `Errno` if there is no memory.
    mutating func split(_ block: UnsafeRawBufferPointer, into output: inout Output) throws -> Int {
        guard let base = unsafe block.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            return 0
        }
        var index = 0
        while index < block.count {
            let windowEnd = min(index + window, block.count)
            var room = try unsafe makeRoom(&output)
            // Found once for each stretch of ASCII text, not once for each word in it.
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
                        // No word is unfinished before it.
                        cursor.start += unsafe ascii.write(
                            base + index, cut - index, into: room + cursor.start, scratch: scratch)
                        cursor.end = cursor.start
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

    /// Ends a file.
    ///
    /// - Parameter rest: the number of bytes that the last call of `split` left over.
    /// - Throws: the same errors as `split`.
    mutating func finish(rest: Int, into output: inout Output) throws {
        var room = try unsafe makeRoom(&output)
        if rest > 0 { try unsafe drop(rest, &room, &output) }
        try unsafe finishSegment(&room, &output)
        try commit(&output)
        cursor = Cursor()
    }

    /// Passes on the finished words.
    private mutating func commit(_ output: inout Output) throws(WriteError) {
        if rule.makesLines {
            try lines.write(cursor.start, keeping: cursor.end - cursor.start, into: &output)
        } else {
            output.commit(cursor.start)
        }
        cursor.end -= cursor.start
        cursor.open -= cursor.start
        cursor.markEnd = cursor.end
        cursor.start = 0
    }

    /// Passes on the finished words, and makes room for the words of a window.
    ///
    /// - Parameter more: the number of bytes to make room for, in addition to those of a window.
    mutating func makeRoom(
        _ output: inout Output, more: Int = 0
    ) throws(WriteError) -> UnsafeMutablePointer<UInt8> {
        try commit(&output)
        spare = Self.usualSpare
        if rule.makesLines { return try unsafe lines.reserve(room + more, keeping: cursor.end) }
        return try unsafe output.reserve(room + more, keeping: cursor.end)
    }

    /// Runs the machine up to the end of the window. It stops earlier, after white space, if text
    /// for `ASCIIText` follows there.
    ///
    /// - Returns: the place after the last scalar that was processed; `start` if there is only a
    ///   part of a scalar.
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
        let terminator = rule.wordEnd
        let readsBytes = rule.words == .asciiLetters
        let plainFacts: UInt8 = rule.minimumLength > 1 ? 0 : WordMachine.isWord
        var out = unsafe room
        var now = cursor
        var index = start

        // At the start of a word, the lower case of sigma does not depend on the text around it.
        let firstSigma = WordMachine.Printing(
            shift: rule.keepsCase ? 0 : 0x20, facts: WordMachine.isWord)
        let small: UInt8 = rule.keepsCase ? 0 : 0x20
        // `ASCIIText` would stop at once.
        let underscores: UInt64 = rule.words == .unicode ? 0x5F5F_5F5F_5F5F_5F5F : .max
        scalars: while index < windowEnd {
            let lead = unsafe bytes[index]
            var scalar = UInt32(lead)
            var length = 1
            if lead >= 0x80 {
                // One comparison for all bytes of a scalar: where the next byte is random, each of
                // several branches is a guess.
                let four = unsafe loadFour(bytes + index)
                let trails = four &>> 8
                let ofThree =
                    (scalar & 0x0F) &<< 12 | (trails & 0x3F) &<< 6 | trails &>> 8 & 0x3F
                if four & 0xC0E0 == 0x80C0 && lead >= 0xC2 && index &+ 2 <= count {
                    scalar = (scalar & 0x1F) &<< 6 | (trails & 0x3F)
                    length = 2
                } else if four & 0xC0_C0F0 == 0x80_80E0 && isOfThreeBytes(ofThree)
                    && index &+ 3 <= count
                {
                    scalar = ofThree
                    length = 3
                } else if readsBytes {
                    scalar = 0
                } else {
                    // Any other scalar has four bytes, or is cut by the end of the block.
                    let mayBeScalar = four & 0xC0F8 == 0x80F0 || index &+ 3 > count
                    let decoded: Decoded =
                        mayBeScalar ? unsafe decode(bytes + index, count - index) : .invalid
                    switch decoded {
                    case .scalar(let value, let size):
                        scalar = value
                        length = size
                    case .incomplete:
                        cursor = now
                        unsafe room = out
                        return index
                    case .invalid:
                        if rule.isStrict {
                            cursor = now
                            unsafe room = out
                            offset += index
                            try unsafe drop(1, &room, &output)
                        }
                        // It ends a word as NUL does.
                        invalid.add(1, at: offset &+ index)
                        scalar = 0
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
                        // The open scalar is the last one, such as a full stop after a word: the
                        // word ends before it.
                        now.end = now.open
                        now.facts = now.factsBeforeOpen
                        now.state = .other
                    }
                    if !now.state.isOpen && now.facts & ~plainFacts == 0 {
                        unsafe now.endPlainSegment(in: out, terminator: terminator)
                    } else {
                        cursor = now
                        unsafe room = out
                        try unsafe finishSegment(&room, &output)
                        unsafe out = room
                        // To load what was just stored in parts would take longer.
                        now = Cursor(at: cursor.start)
                    }
                    now.facts = 0
                    if action == .skip {
                        now.state = .start
                        index &+= length
                        if leavesForASCII && index &+ 8 <= windowEnd,
                            unsafe readsBytes || begins(bytes + index, without: underscores)
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
                    now.addMark(of: length)
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
            now.end &+= unsafe writeUTF8(printed, at: out + now.end)

            // Fast loops for what most words consist of: ASCII letters, letters of two bytes, and
            // the space after them.
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
                    // A mark is negative. It has a loop of its own: noting its place here would
                    // make each letter slower.
                    if Int32(bitPattern: letter) <= 0 { break }
                    unsafe UnsafeMutableRawPointer(out + now.end).storeBytes(
                        of: UInt16(truncatingIfNeeded: letter).littleEndian, as: UInt16.self)
                    now.facts |= UInt8(truncatingIfNeeded: letter &>> 16)
                    now.end &+= 2
                    index &+= 2
                    pair = unsafe load(bytes + index)
                }
                if unsafe bytes[index] != UInt8(ascii: " ") {
                    while pair & 0xC0E0 == 0x80C0 && index &+ 2 < windowEnd {
                        let mark = unsafe letterPairs[
                            Int(pair & 0x1F) &<< 6 | Int(pair &>> 8 & 0x3F)]
                        if mark < WordMachine.isMark { break }
                        now.addMark(of: 2)
                        unsafe UnsafeMutableRawPointer(out + now.end).storeBytes(
                            of: UInt16(truncatingIfNeeded: mark).littleEndian, as: UInt16.self)
                        now.facts |= UInt8(truncatingIfNeeded: mark &>> 16)
                        now.end &+= 2
                        index &+= 2
                        pair = unsafe load(bytes + index)
                    }
                    if index == start { break }
                    continue
                }
                if now.facts & ~plainFacts == 0 {
                    unsafe now.endPlainSegment(in: out, terminator: terminator)
                } else {
                    cursor = now
                    unsafe room = out
                    try unsafe finishWord(&room, &output)
                    unsafe out = room
                    now = Cursor(at: cursor.start)
                }
                now.facts = 0
                now.state = .start
                index &+= 1
                // What comes after the block is not text.
                if index &+ 2 >= windowEnd { break }
                pair = unsafe load(bytes + index)
                if pair & 0xC0E0 == 0x80C0,
                    unsafe letterPairs[Int(pair & 0x1F) &<< 6 | Int(pair &>> 8 & 0x3F)]
                        & UInt32(WordMachine.isWord) &<< 16 != 0
                {
                    now.state = .letter
                } else if leavesForASCII && index &+ 8 <= windowEnd,
                    unsafe begins(bytes + index, without: underscores)
                {
                    break scalars
                } else if unsafe (bytes[index] | 0x20) &- 0x61 < 26 {
                    now.state = .letter
                }
            }
        }
        cursor = now
        unsafe room = out
        return index
    }

    /// Drops bytes that are not UTF-8. They end the word before them.
    ///
    /// - Throws: `NotUTF8` with `--strict`.
    private mutating func drop(
        _ count: Int, _ room: inout UnsafeMutablePointer<UInt8>, _ output: inout Output
    ) throws {
        try unsafe finishSegment(&room, &output)
        if rule.isStrict {
            try commit(&output)
            cursor = Cursor()
            throw NotUTF8(offset: offset)
        }
        invalid.add(count, at: offset)
    }
}

/// Whether the next 8 bytes are all ASCII, and none is equal to that of `others` in its place.
@inline(__always)
private func begins(_ bytes: UnsafePointer<UInt8>, without others: UInt64) -> Bool {
    let eight = unsafe UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self)
    let differences = eight ^ others
    // The lowest byte of 0 borrows, which sets its highest bit.
    let equals = (differences &- 0x0101_0101_0101_0101) & ~differences
    return (eight | equals) & 0x8080_8080_8080_8080 == 0
}

/// Whether a value below 0x10000 is that of a scalar of three bytes: neither below U+0800 nor
/// a surrogate, U+D800 to U+DFFF. The values come in 32 ranges of 0x800, all of which but the first
/// and the 28th are right.
@inline(__always)
private func isOfThreeBytes(_ value: UInt32) -> Bool {
    (0xF7FF_FFFE as UInt32) &>> (value &>> 11) & 1 != 0
}

/// Loads four bytes; the first one becomes the lowest.
@inline(__always)
private func loadFour(_ bytes: UnsafePointer<UInt8>) -> UInt32 {
    unsafe UInt32(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt32.self))
}

/// Loads two bytes; the first one becomes the lower half.
@inline(__always)
private func load(_ bytes: UnsafePointer<UInt8>) -> UInt16 {
    unsafe UInt16(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt16.self))
}
