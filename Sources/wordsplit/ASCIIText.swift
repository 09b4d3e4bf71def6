import Shared

/// Splits ASCII text into words without a branch for each byte. The result is the same as that of
/// `WordMachine`, which works one scalar at a time, and it is several times as fast.
///
/// If the processor can run one, a kernel of CSystem does this, 64 bytes at a time. Else two loops
/// do it. The first loop sets the high bit of each byte of a word and replaces all other bytes with
/// terminators. The second loop moves the words together, each followed by the first terminator
/// after it. The compiler vectorizes the first loop. The second must stay arithmetic: with a branch
/// for each byte it takes three times as long.
struct ASCIIText {
    private let words: Rule.Words
    /// The byte that is written after each word.
    private let terminator: UInt8
    private let minimumLength: Int
    /// The bits to set in each byte of a word: the mark 0x80, and, unless case is kept, 0x20, which
    /// makes a capital small. By Unicode's rule capitals are the only bytes of words without 0x20.
    private let marks: UInt8
    /// The hyphen with `-y`. Without `-y`, 0xFF, which is not ASCII and so matches nothing.
    private let hyphen: UInt8
    private let cuts: Cuts
    private let kernel: cs_kernel

    /// What splits ASCII text.
    enum Means: CaseIterable {
        case avx512, avx2, ssse3, neon
        /// The portable loops. The kernels are tested against them.
        case loops
        /// `WordMachine`, as for any other text.
        case machine

        /// The fastest means that this processor can run.
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

    /// The number of bytes of garbage that `write` may leave after its words.
    static let slack = 64

    init(_ rule: Rule, by means: Means) {
        words = rule.words
        terminator = rule.wordEnd
        minimumLength = rule.minimumLength
        marks = rule.keepsCase ? 0x80 : 0xA0
        cuts = Cuts(rule.words)
        hyphen = rule.joinsHyphens ? UInt8(ascii: "-") : 0xFF
        kernel = means.kernel
    }

    /// The place of the first byte that this type cannot process, or `end` if there is none. Such
    /// a byte is not ASCII or, by Unicode's rule, it is an underscore: an underscore can be part of
    /// a word but is not a word by itself. With `-a` this type can process every byte.
    ///
    /// - Parameter bytes: the text; `InputBuffer.padding` bytes after its end must be readable.
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

    /// The place after the last byte that ends a word and is part of no word in any context, or
    /// `start` if there is no such byte.
    ///
    /// - Parameter end: the place that `firstSpecial` found. A combining mark may follow there. It
    ///   then belongs to the byte before it, unless that is white space or a control character.
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

    /// The bytes of ASCII that end a word and are part of no word.
    private struct Cuts {
        /// Those that do so before any text.
        let atEnd: ASCIISet
        /// Those that do so before ASCII text.
        let before: ASCIISet

        init(_ words: Rule.Words) {
            if words == .betweenWhiteSpace {
                atEnd = ASCIISet(0...0).union(0x09...0x0D).union(0x20...0x20)
                before = atEnd
            } else {
                atEnd = ASCIISet(0...0x20).union(0x7F...0x7F)
                // All but letters, digits, _ and the bytes that may join them: ' , - . : ;
                before = atEnd.union(0x21...0x26).union(0x28...0x2B).union(0x2F...0x2F)
                    .union(0x3C...0x3F).union(0x40...0x40).union(0x5B...0x5E).union(0x60...0x60)
                    .union(0x7B...0x7E)
            }
        }
    }

    /// Writes the words of a text, each with its terminator.
    ///
    /// - Parameters:
    ///   - bytes: text without the bytes that `firstSpecial` finds. It ends at a place that
    ///     `lastCut` found. `InputBuffer.padding` bytes after it must be readable.
    ///   - room: memory for `count` bytes and `slack`.
    ///   - scratch: memory for `count` bytes.
    /// - Returns: the number of bytes written.
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

    /// Drops words that are too short, if `-m` is larger than `CS_LONGEST_MINIMUM`. The kernel has
    /// left only words of that length or more, so there are few and a loop over them is cheap.
    ///
    /// - Returns: the number of bytes that are left.
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

    /// Writes one byte for each byte: its printed form with the mark if it is part of a word, else
    /// the terminator.
    ///
    /// - Parameter room: memory for `count` bytes.
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

    /// The rules WB5 to WB13 of Unicode Standard Annex #29, as arithmetic.
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
    ///   - marked: the bytes that `mark` wrote; the last one is not part of a word.
    ///   - room: memory for `count` + 1 bytes.
    /// - Returns: the number of bytes written.
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

    /// Does the same as `compact`, and removes a word at its end if it is too short.
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
                // The length here includes the terminator.
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

    /// - Parameter bytes: either all below 64, or all 64 or more.
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
