import Shared

/// Text to words, one after the other, each with its terminator.
///
/// ASCII text goes through loops without a branch; what is left (a token between white
/// space that holds a byte past 0x7F) goes through the standard library's segmentation. Both give the same on ASCII text.
@safe
final class Tokenizer {
    private let rule: Rule
    /// 256 classes, then 256 bytes as they are printed.
    private let tables: UnsafeMutablePointer<UInt8>

    /// Bytes looked at before the way is chosen: they are in the first-level cache then.
    private static let stretch = 16 * 1024

    init(_ rule: Rule) {
        self.rule = rule
        unsafe tables = .allocate(capacity: 512)
        for byte in UInt8.min...UInt8.max {
            let isUpper = (0x41...0x5A).contains(byte)
            unsafe tables[Int(byte)] = ByteClass.of(
                byte, asciiLettersOnly: rule.asciiLettersOnly)
            unsafe tables[256 + Int(byte)] = isUpper && !rule.keepsCase ? byte | 0x20 : byte
        }
    }

    deinit { unsafe tables.deallocate() }

    /// How many bytes lie before the end of the last white space (for `-a`: of the last
    /// byte that is no letter); no word reaches across it. nil if there is none.
    func endOfLastWord(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var index = bytes.count
        while index > 0 {
            if unsafe separates(bytes[index - 1]) { return index }
            index -= 1
        }
        return nil
    }

    /// Splits a block that no word reaches out of.
    func split(
        _ block: UnsafeRawBufferPointer, into output: inout Output
    ) throws {
        var rest = unsafe block
        while unsafe !rest.isEmpty {
            let size = unsafe stretchLength(rest)
            let piece = unsafe UnsafeRawBufferPointer(rebasing: rest[..<size])
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[size...])
            if unsafe isPlain(piece) {
                try unsafe splitPlain(piece, into: &output)
            } else {
                try unsafe splitTokens(piece, into: &output)
            }
        }
    }

    /// The length of a first piece of about `stretch` bytes that ends where no word does.
    private func stretchLength(_ bytes: UnsafeRawBufferPointer) -> Int {
        if bytes.count <= Self.stretch { return bytes.count }
        let head = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<Self.stretch])
        if let end = unsafe endOfLastWord(head) { return end }
        let next = unsafe bytes[Self.stretch...].firstIndex { separates($0) }
        return next.map { $0 + 1 } ?? bytes.count
    }

    private func separates(_ byte: UInt8) -> Bool {
        rule.asciiLettersOnly
            ? unsafe tables[Int(byte)] == 0 : byte == 0x20 || (9...13).contains(byte)
    }

    /// Whether every word that the fast loop finds is one that is printed.
    private func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if rule.minimumLength > 1 { return false }
        if rule.asciiLettersOnly { return true }
        var found: UInt8 = 0
        for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            found |= (byte & 0x80) | (byte == UInt8(ascii: "_") ? 0x80 : 0)
        }
        return found == 0
    }

    /// First the bytes of words are marked by their high bit and all others become
    /// terminators; then the words are moved together, each with the first terminator
    /// behind it. The compiler makes SIMD of the first loop. The second one must stay
    /// arithmetic: with a branch a byte it takes three times as long.
    private func splitPlain(
        _ bytes: UnsafeRawBufferPointer, into output: inout Output
    ) throws(WriteError) {
        let terminator = rule.terminator
        unsafe try output.appendUpTo(bytes.count + 1) { room in
            if rule.asciiLettersOnly {
                unsafe markLetters(bytes, room)
            } else {
                unsafe markWords(bytes, room)
            }
            var end = 0
            var before: UInt8 = 0
            for index in 0..<bytes.count {
                let byte = unsafe room[index]
                unsafe room[end] = byte & 0x7F
                end &+= Int((byte | before) &>> 7)
                before = byte
            }
            unsafe room[end] = terminator
            return end &+ Int(before &>> 7)
        }
    }

    private func markLetters(
        _ bytes: UnsafeRawBufferPointer, _ room: UnsafeMutablePointer<UInt8>
    ) {
        let marks: UInt8 = rule.keepsCase ? 0x80 : 0xA0
        let terminator = rule.terminator
        for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            let mask = letterMask(byte)
            unsafe room[index] = ((byte | marks) & mask) | (terminator & ~mask)
        }
    }

    /// The rules of `ByteClass` in arithmetic. Of what words are
    /// made, only capitals lack the bit of lower case, 0x20.
    private func markWords(
        _ bytes: UnsafeRawBufferPointer, _ room: UnsafeMutablePointer<UInt8>
    ) {
        let marks: UInt8 = rule.keepsCase ? 0x80 : 0xA0
        let terminator = rule.terminator
        @inline(__always)
        func mark(_ index: Int, _ before: UInt8, _ after: UInt8) {
            let byte = unsafe bytes[index]
            let joinsBoth = mask(byte == 0x27) | mask(byte == 0x2E)  // ' .
            let joinsLetters = joinsBoth | mask(byte == 0x3A)  // :
            let joinsDigits = joinsBoth | mask(byte == 0x2C) | mask(byte == 0x3B)  // , ;
            let mask =
                letterMask(byte) | digitMask(byte)
                | (joinsLetters & letterMask(before) & letterMask(after))
                | (joinsDigits & digitMask(before) & digitMask(after))
            unsafe room[index] = ((byte | marks) & mask) | (terminator & ~mask)
        }
        let last = bytes.count - 1
        mark(0, 0, 0)
        if last == 0 { return }
        for index in 1..<last { unsafe mark(index, bytes[index &- 1], bytes[index &+ 1]) }
        mark(last, 0, 0)
    }

    /// The same with what the fast loop leaves out: words of underscores alone and words
    /// that are too short are taken back, and text that is not ASCII goes its own way.
    private func splitTokens(
        _ bytes: UnsafeRawBufferPointer, into output: inout Output
    ) throws {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let end = unsafe rest.firstIndex { separates($0) } ?? rest.count
            let token = unsafe UnsafeRawBufferPointer(rebasing: rest[..<end])
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[min(end + 1, rest.count)...])
            if unsafe token.allSatisfy({ $0 < 0x80 }) {
                try unsafe splitASCII(token, into: &output)
            } else {
                for word in try unsafe unicodeWords(token, rule) {
                    try output.append(word)
                    try output.append(rule.terminator)
                }
            }
        }
    }

    private func splitASCII(
        _ bytes: UnsafeRawBufferPointer, into output: inout Output
    ) throws(WriteError) {
        unsafe try output.appendUpTo(bytes.count + 1) { room in
            var start = 0
            var end = 0
            var kinds: UInt8 = 0
            func endWord() {
                if kinds & 3 != 0, end - start >= rule.minimumLength {
                    unsafe room[end] = rule.terminator
                    end += 1
                } else {
                    end = start
                }
                start = end
                kinds = 0
            }
            for index in 0..<bytes.count {
                let current = unsafe tables[Int(bytes[index])]
                let before = index > 0 ? unsafe tables[Int(bytes[index - 1])] : 0
                let after = index + 1 < bytes.count ? unsafe tables[Int(bytes[index + 1])] : 0
                if current & ByteClass.extender != 0 || (current >> 2) & before & after & 3 != 0 {
                    unsafe room[end] = tables[256 + Int(bytes[index])]
                    end += 1
                    kinds |= current
                } else {
                    endWord()
                }
            }
            endWord()
            return end
        }
    }
}

@inline(__always)
private func mask(_ condition: Bool) -> UInt8 { condition ? 0xFF : 0 }

@inline(__always)
private func letterMask(_ byte: UInt8) -> UInt8 { mask((byte | 0x20) &- 0x61 < 26) }

@inline(__always)
private func digitMask(_ byte: UInt8) -> UInt8 { mask(byte &- 0x30 < 10) }
