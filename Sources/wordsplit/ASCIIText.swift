import Shared

/// ASCII text to words, without a branch a byte: the same as `WordMachine` does a scalar at a
/// time, several times as fast.
///
/// A kernel of CSystem does it, 64 bytes at a time, if the processor has what one needs. Else
/// it takes two loops: the first marks the bytes of words by their high bit and makes all
/// others terminators; the second moves the words together, each followed by the first
/// terminator after it. The compiler makes SIMD of the first loop. The second must stay
/// arithmetic: with a branch a byte it takes three times as long.
struct ASCIIText {
    private let words: Rule.Words
    /// What is written after each word: within n-grams, a space.
    let terminator: UInt8
    private let minimumLength: Int
    /// The mark, and the bit that makes a capital small. Of what words are made by
    /// Unicode's rule, only capitals lack it.
    private let marks: UInt8
    /// What `-y` takes for a hyphen; without it nothing, and 0xFF is no byte of ASCII.
    private let hyphen: UInt8
    private let cuts: Cuts
    private let kernel: cs_kernel

    /// What splits ASCII text.
    enum Means: CaseIterable {
        case avx512, avx2, ssse3, neon
        /// The portable loops, which are the reference for the kernels.
        case loops
        /// `WordMachine`, as for any other text.
        case machine

        /// The fastest that this processor can run.
        static var best: Means {
            switch cs_best_kernel() {
            case CS_KERNEL_AVX512: avx512
            case CS_KERNEL_AVX2: avx2
            case CS_KERNEL_SSSE3: ssse3
            case CS_KERNEL_NEON: neon
            default: loops
            }
        }

        fileprivate var kernel: cs_kernel {
            switch self {
            case .avx512: CS_KERNEL_AVX512
            case .avx2: CS_KERNEL_AVX2
            case .ssse3: CS_KERNEL_SSSE3
            case .neon: CS_KERNEL_NEON
            case .loops, .machine: CS_NO_KERNEL
            }
        }

        /// Whether this processor can run it.
        var isUsable: Bool { kernel == CS_NO_KERNEL || cs_can_run(kernel) != 0 }
    }

    /// Bytes of garbage that `write` may leave after its words.
    static let slack = 64

    init(_ rule: Rule, by means: Means) {
        words = rule.words
        terminator = rule.gramLength > 1 ? UInt8(ascii: " ") : rule.terminator
        minimumLength = rule.minimumLength
        marks = rule.keepsCase ? 0x80 : 0xA0
        cuts = Cuts(rule.words)
        hyphen = rule.joinsHyphens ? UInt8(ascii: "-") : 0xFF
        kernel = means.kernel
    }

    /// The place of the first byte that is not for these loops, or `end`: not ASCII, or by
    /// Unicode's rule an underscore, which is part of a word but none by itself. With `-a` any
    /// byte is for these loops.
    ///
    /// - Parameter bytes: `InputBuffer.padding` bytes after the end can be read.
    func firstSpecial(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        if words == .asciiLetters { return end }
        let underscore: UInt8 = words == .unicode ? UInt8(ascii: "_") : 0xFF
        var index = start
        while index < end {
            let found = unsafe cs_specials64(bytes + index, underscore)
            if found != 0 { return min(index &+ found.trailingZeroBitCount, end) }
            index &+= 64
        }
        return end
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
    ///     `InputBuffer.padding` bytes after them can be read.
    ///   - room: for `count` bytes and `slack`.
    ///   - scratch: memory for `count` bytes.
    /// - Returns: the bytes written.
    func write(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, into room: UnsafeMutablePointer<UInt8>,
        scratch: UnsafeMutablePointer<UInt8>
    ) -> Int {
        if kernel == CS_NO_KERNEL {
            unsafe mark(bytes, count, into: scratch)
            return unsafe compact(scratch, count, into: room)
        }
        let longest = Int(CS_LONGEST_MINIMUM)
        let rule = cs_word_rule(
            words: kernelWords, terminator: terminator, small: marks & 0x20, hyphen: hyphen,
            minimum: UInt8(min(minimumLength, longest)))
        let size = unsafe cs_write_words(kernel, bytes, count, room, rule)
        return minimumLength <= longest ? size : unsafe dropShort(room, size)
    }

    /// Drops words that are too short for a `-m` beyond what the kernels know. Each word is
    /// long by then, so it does not matter that each is looked at.
    ///
    /// - Returns: the bytes that are left.
    private func dropShort(_ words: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
        var kept = 0
        var start = 0
        while start < count {
            let rest = unsafe UnsafeRawBufferPointer(start: words + start, count: count &- start)
            let length = unsafe firstOffset(of: terminator, in: rest)!
            if length >= minimumLength {
                unsafe UnsafeMutableRawPointer(words + kept).copyMemory(
                    from: words + start, byteCount: length + 1)
                kept += length + 1
            }
            start += length + 1
        }
        return kept
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
