import Shared

/// ASCII text to words, without a branch a byte: what `WordMachine` does a scalar at a time,
/// several times as fast.
///
/// Where the processor can, by the kernel of CSystem, 64 bytes at a time. Else in two loops:
/// first the bytes of words are marked by their high bit and all others become terminators;
/// then the words are moved together, each with the first terminator behind it. The compiler
/// makes SIMD of the first loop. The second must stay arithmetic: with a branch a byte it
/// takes three times as long.
struct ASCIIText {
    private let words: Rule.Words
    /// What is written behind each word: within n-grams, a space.
    let terminator: UInt8
    private let minimumLength: Int
    /// Beside the mark, the bit that makes a capital small. Of what words are made by
    /// Unicode's rule, only capitals lack it.
    private let marks: UInt8
    /// What `-y` takes for a hyphen; without it nothing, and 0xFF is no byte of ASCII.
    private let hyphen: UInt8
    private let usesKernel: Bool
    private let cuts: Cuts

    /// Who splits ASCII text.
    enum Means: CaseIterable {
        case kernel
        case loops
        /// `WordMachine`, as any other text.
        case machine

        /// The fastest that the processor can.
        static let best = cs_has_word_kernel() != 0 ? kernel : loops
    }

    /// Bytes that `write` may write behind its words, as garbage.
    static let slack = 64

    init(_ rule: Rule, by means: Means) {
        words = rule.words
        terminator = rule.gramLength > 1 ? UInt8(ascii: " ") : rule.terminator
        minimumLength = rule.minimumLength
        marks = rule.keepsCase ? 0x80 : 0xA0
        cuts = Cuts(rule.words)
        hyphen = rule.joinsHyphens ? UInt8(ascii: "-") : 0xFF
        // What proves too short is taken back in the loops only.
        usesKernel = means == .kernel && rule.minimumLength == 1
    }

    /// The place of the first byte that is not for these loops, or `end`: not ASCII, or by
    /// Unicode's rule an underscore, which is part of a word but none by itself. With `-a` any
    /// byte is for these loops.
    func firstSpecial(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        if words == .asciiLetters { return end }
        let underscores: UInt64 = words == .unicode ? 0x5F5F_5F5F_5F5F_5F5F : 0xFFFF_FFFF_FFFF_FFFF
        let ones: UInt64 = 0x0101_0101_0101_0101
        var index = start
        while index &+ 8 <= end {
            let word = unsafe UnsafeRawPointer(bytes + index).loadUnaligned(as: UInt64.self)
            let other = word ^ underscores
            // The high bit of a byte that is not ASCII, and of the lowest one that is equal.
            let found = (word | ((other &- ones) & ~other)) & 0x8080_8080_8080_8080
            if found != 0 {
                return index &+ UInt64(littleEndian: found).trailingZeroBitCount &>> 3
            }
            index &+= 8
        }
        while index < end, unsafe bytes[index] < 0x80,
            unsafe words != .unicode || bytes[index] != UInt8(ascii: "_")
        { index &+= 1 }
        return index
    }

    /// The place behind the last byte at which a word ends and none begins, whatever is around,
    /// or `start` if there is no such byte.
    ///
    /// - Parameter end: what `firstSpecial` found: what stands there may be a combining mark, and
    ///   belong to a byte before it that is neither white space nor a control character.
    func lastCut(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        if words == .asciiLetters {
            var index = end
            while index > start, unsafe letterMask(bytes[index &- 1]) != 0 { index &-= 1 }
            return index
        }
        if start == end { return start }
        if unsafe cuts.atEnd.contains(bytes[end &- 1]) { return end }
        var index = end &- 1
        while index > start, unsafe !cuts.before.contains(bytes[index &- 1]) { index &-= 1 }
        return index
    }

    /// Bytes of ASCII that end a word and are part of none.
    private struct Cuts {
        /// Whatever follows.
        let atEnd: ASCIISet
        /// If ASCII follows.
        let before: ASCIISet

        init(_ words: Rule.Words) {
            if words == .betweenWhiteSpace {
                atEnd = ASCIISet(0...0).union(0x09...0x0D).union(0x20...0x20)
                before = atEnd
            } else {
                atEnd = ASCIISet(0...0x20).union(0x7F...0x7F)
                // Neither letters, digits and _ nor what may join them: ' , - . : ;
                before = atEnd.union(0x21...0x26).union(0x28...0x2B).union(0x2F...0x2F)
                    .union(0x3C...0x3F).union(0x40...0x40).union(0x5B...0x5E).union(0x60...0x60)
                    .union(0x7B...0x7E)
            }
        }
    }

    /// Writes the words of a text, each with its terminator.
    ///
    /// - Parameters:
    ///   - bytes: nothing special; the last byte is one at which `lastCut` cuts.
    ///   - room: for `count` bytes and `slack`.
    ///   - scratch: memory for `count` bytes.
    /// - Returns: the bytes written.
    func write(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, into room: UnsafeMutablePointer<UInt8>,
        scratch: UnsafeMutablePointer<UInt8>
    ) -> Int {
        if usesKernel {
            let rule = cs_word_rule(
                words: kernelWords, terminator: terminator, small: marks & 0x20, hyphen: hyphen)
            return unsafe cs_write_words(bytes, count, room, rule)
        }
        unsafe mark(bytes, count, into: scratch)
        return unsafe compact(scratch, count, into: room)
    }

    private var kernelWords: cs_words {
        switch words {
        case .asciiLetters: CS_ASCII_LETTERS
        case .betweenWhiteSpace: CS_BETWEEN_WHITE_SPACE
        case .unicode: CS_UNICODE
        }
    }

    /// Writes for each byte itself as it is printed, marked, or the terminator.
    ///
    /// - Parameter room: for `count` bytes.
    private func mark(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, into room: UnsafeMutablePointer<UInt8>
    ) {
        switch words {
        case .asciiLetters: unsafe markLetters(bytes, count, room)
        case .betweenWhiteSpace: unsafe markText(bytes, count, room)
        case .unicode: unsafe markWords(bytes, count, room)
        }
    }

    private func markLetters(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ room: UnsafeMutablePointer<UInt8>
    ) {
        for index in 0..<count {
            let byte = unsafe bytes[index]
            let mask = letterMask(byte)
            unsafe room[index] = ((byte | marks) & mask) | (terminator & ~mask)
        }
    }

    private func markText(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ room: UnsafeMutablePointer<UInt8>
    ) {
        let small = marks & 0x20
        for index in 0..<count {
            let byte = unsafe bytes[index]
            let mask = ~(mask(byte == 0x20) | mask(byte &- 9 < 5) | mask(byte == 0))
            let printed = byte | (capitalMask(byte) & small) | 0x80
            unsafe room[index] = (printed & mask) | (terminator & ~mask)
        }
    }

    /// WB5 to WB13 of Unicode Standard Annex #29 in arithmetic.
    private func markWords(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ room: UnsafeMutablePointer<UInt8>
    ) {
        @inline(__always)
        func mark(_ index: Int, _ before: UInt8, _ after: UInt8) {
            let byte = unsafe bytes[index]
            let joinsBoth = mask(byte == 0x27) | mask(byte == 0x2E)  // ' .
            let joinsLetters = joinsBoth | mask(byte == 0x3A)  // :
            let joinsDigits = joinsBoth | mask(byte == 0x2C) | mask(byte == 0x3B)  // , ;
            let lettersAround = letterMask(before) & letterMask(after)
            let digitsAround = digitMask(before) & digitMask(after)
            let wordsAround =
                (letterMask(before) | digitMask(before)) & (letterMask(after) | digitMask(after))
            let mask =
                letterMask(byte) | digitMask(byte) | (joinsLetters & lettersAround)
                | (joinsDigits & digitsAround) | (mask(byte == hyphen) & wordsAround)
            unsafe room[index] = ((byte | marks) & mask) | (terminator & ~mask)
        }
        if count == 0 { return }
        let last = count - 1
        mark(0, 0, 0)
        if last == 0 { return }
        for index in 1..<last { unsafe mark(index, bytes[index &- 1], bytes[index &+ 1]) }
        mark(last, 0, 0)
    }

    /// Moves marked words together.
    ///
    /// - Parameters:
    ///   - marked: what `mark` wrote; the last byte is no part of a word.
    ///   - room: for `count` bytes and one more.
    /// - Returns: the bytes written.
    private func compact(
        _ marked: UnsafePointer<UInt8>, _ count: Int, into room: UnsafeMutablePointer<UInt8>
    ) -> Int {
        if minimumLength > 1 { return unsafe compactLong(marked, count, into: room) }
        var end = 0
        var before: UInt8 = 0
        for index in 0..<count {
            let byte = unsafe marked[index]
            unsafe room[end] = byte & 0x7F
            end &+= Int((byte | before) &>> 7)
            before = byte
        }
        return end
    }

    /// The same, taking back what proves too short.
    private func compactLong(
        _ marked: UnsafePointer<UInt8>, _ count: Int, into room: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var start = 0
        var end = 0
        var before: UInt8 = 0
        for index in 0..<count {
            let byte = unsafe marked[index]
            unsafe room[end] = byte & 0x7F
            end &+= Int((byte | before) &>> 7)
            if byte < 0x80 {
                // The word and its terminator.
                end = end &- start > minimumLength ? end : start
                start = end
            }
            before = byte
        }
        return end
    }
}

/// A set of bytes of ASCII.
private struct ASCIISet {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    /// - Parameter bytes: all below 64, or none.
    init(_ bytes: ClosedRange<UInt8>) {
        let ones = UInt64.max >> UInt64(64 - bytes.count)
        let bits = ones << UInt64(bytes.lowerBound & 63)
        if bytes.lowerBound < 64 { low = bits } else { high = bits }
    }

    func union(_ bytes: ClosedRange<UInt8>) -> ASCIISet {
        var both = self
        let other = ASCIISet(bytes)
        both.low |= other.low
        both.high |= other.high
        return both
    }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        (byte < 64 ? low : high) &>> UInt64(byte & 63) & 1 != 0
    }
}

@inline(__always)
private func mask(_ condition: Bool) -> UInt8 { condition ? 0xFF : 0 }

@inline(__always)
private func letterMask(_ byte: UInt8) -> UInt8 { mask((byte | 0x20) &- 0x61 < 26) }

@inline(__always)
private func capitalMask(_ byte: UInt8) -> UInt8 { mask(byte &- 0x41 < 26) }

@inline(__always)
private func digitMask(_ byte: UInt8) -> UInt8 { mask(byte &- 0x30 < 10) }
