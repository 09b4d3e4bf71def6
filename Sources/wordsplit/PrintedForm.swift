import Shared

/// A word without the narrow no-break spaces (U+202F) at its ends. U+202F is ExtendNumLet, so the
/// rules make it part of the word. But French writes it before a question mark, and the word is
/// the same with and without it.
func withoutOuterSpaces(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    func isSpace(_ index: Int) -> Bool {
        unsafe bytes[index] == 0xE2 && bytes[index + 1] == 0x80 && bytes[index + 2] == 0xAF
    }
    var start = 0
    var end = bytes.count
    while end - start >= 3, isSpace(start) { start += 3 }
    while end - start >= 3, isSpace(end - 3) { end -= 3 }
    return unsafe UnsafeBufferPointer(rebasing: bytes[start..<end])
}

/// Converts words to lower case by the full case mapping of the Unicode Standard, section 3.13.
@safe
struct LowerCase: ~Copyable {
    /// A cache of the library's answers, for scalars whose lower case is not in the tables. No two
    /// such scalars share a slot; WordTableTests checks that.
    private let known: UnsafeMutablePointer<(scalar: Unicode.Scalar, lower: Unicode.Scalar)>
    /// A cache of the library's answers about whether a scalar has a case. An entry holds the
    /// scalar and, in its lower two bits, the `Casing`. A new entry replaces the old one in its
    /// slot.
    private let casings: UnsafeMutablePointer<UInt32>
    private static let slots = 1024

    private enum Casing: UInt32 { case ignorable, cased, other }

    static func slot(_ scalar: UInt32) -> Int { Int(scalar ^ scalar >> 5) % slots }

    init() {
        unsafe known = .allocate(capacity: Self.slots)
        unsafe known.initialize(repeating: ("\0", "\0"), count: Self.slots)
        unsafe casings = .allocate(capacity: Self.slots)
        unsafe casings.initialize(repeating: 0, count: Self.slots)
    }

    deinit {
        unsafe known.deallocate()
        unsafe casings.deallocate()
    }

    /// Appends a word in lower case.
    ///
    /// - Parameter bytes: UTF-8 from the machine. Scalars with a simple mapping (see
    ///   `ScalarKind.shift`) are already in lower case.
    /// - Returns: whether the result may have to be composed: whether a scalar of it is not stable.
    ///   The mark of U+0130, which becomes U+0069 U+0307, does not count: only another one after it
    ///   can change the two. No other lower case adds a mark; WordTableTests checks that.
    /// - Throws: `Errno` if there is no memory.
    func append(
        _ bytes: UnsafeBufferPointer<UInt8>, to word: inout ByteBuffer, _ machine: WordMachine
    ) throws(Errno) -> Bool {
        // U+0130 and U+023A grow from two bytes to three. No scalar grows by more than that.
        let mostBytes = bytes.count + bytes.count / 2
        var isStable = true
        try unsafe word.appendUpTo(mostBytes) { room in
            // Final_Sigma, table 3-17, within a word: a sigma is final if a cased letter comes
            // before it and none comes after it. Case-ignorable characters between them do not
            // count.
            var holdsSigma = false
            var isBehindCased = false
            // The second byte of the last sigma, if it is final unless a cased letter follows.
            var openSigma = unsafe UnsafeMutablePointer<UInt8>?.none
            var end = unsafe room
            var index = 0
            while index < bytes.count {
                let (scalar, length) = unsafe scalarOf(bytes, at: index)
                let code = machine.code(of: scalar)
                let isSigma = scalar == "\u{3A3}"
                if isSigma && !holdsSigma {
                    holdsSigma = true
                    unsafe isBehindCased = endsCased(UnsafeBufferPointer(rebasing: bytes[..<index]))
                }
                let isFinal = isSigma && isBehindCased
                let casing = holdsSigma ? casing(of: scalar) : .ignorable
                if casing != .ignorable {
                    if casing == .cased, let sigma = unsafe openSigma {
                        unsafe sigma.pointee = 0x83
                    }
                    unsafe openSigma = nil
                    isBehindCased = casing == .cased
                }
                if isSigma {
                    // U+03C2 is CF 82, U+03C3 is CF 83.
                    unsafe end[0] = 0xCF
                    unsafe end[1] = isFinal ? 0x82 : 0x83
                    unsafe openSigma = isFinal ? end + 1 : nil
                    unsafe end += 2
                } else if scalar == "\u{130}" {
                    // 69, and CC 87.
                    unsafe end[0] = 0x69
                    unsafe end[1] = 0xCC
                    unsafe end[2] = 0x87
                    unsafe end += 3
                } else if machine.facts(ofCode: code) & WordMachine.isRecased == 0 {
                    isStable = isStable && machine.isStable(code: code)
                    for place in 0..<length { unsafe end[place] = bytes[index &+ place] }
                    unsafe end += length
                } else {
                    let lower = lowerCase(of: scalar)
                    isStable = isStable && machine.isStable(lower)
                    unsafe end += writeUTF8(lower.value, at: end)
                }
                index &+= length
            }
            return unsafe end - room
        }
        return !isStable
    }

    private func lowerCase(of scalar: Unicode.Scalar) -> Unicode.Scalar {
        let slot = Self.slot(scalar.value)
        let entry = unsafe known[slot]
        if entry.scalar == scalar { return entry.lower }
        let lower = scalar.properties.lowercaseMapping.unicodeScalars.first!
        unsafe known[slot] = (scalar, lower)
        return lower
    }

    /// Whether the last scalar that is not case-ignorable is cased.
    private func endsCased(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = bytes.count
        while index > 0 {
            repeat { index -= 1 } while unsafe bytes[index] & 0xC0 == 0x80
            let casing = unsafe casing(of: scalarOf(bytes, at: index).value)
            if casing != .ignorable { return casing == .cased }
        }
        return false
    }

    private func casing(of scalar: Unicode.Scalar) -> Casing {
        if scalar == "\0" { return .other }
        let slot = Self.slot(scalar.value)
        let entry = unsafe casings[slot]
        if entry >> 2 == scalar.value { return Casing(rawValue: entry & 3)! }
        let properties = scalar.properties
        let casing: Casing =
            properties.isCaseIgnorable ? .ignorable : properties.isCased ? .cased : .other
        unsafe casings[slot] = scalar.value << 2 | casing.rawValue
        return casing
    }
}

/// The scalar that begins at `index` in a word. The word must be valid UTF-8 and hold the whole
/// scalar.
@inline(__always)
func scalarOf(
    _ bytes: UnsafeBufferPointer<UInt8>, at index: Int
) -> (value: Unicode.Scalar, length: Int) {
    @inline(__always)
    func trail(_ place: Int) -> UInt32 { unsafe UInt32(bytes[index + place] & 0x3F) }
    let lead = unsafe UInt32(bytes[index])
    let scalar: UInt32
    let length: Int
    if lead < 0x80 {
        (scalar, length) = (lead, 1)
    } else if lead < 0xE0 {
        (scalar, length) = ((lead & 0x1F) &<< 6 | trail(1), 2)
    } else if lead < 0xF0 {
        (scalar, length) = ((lead & 0x0F) &<< 12 | trail(1) &<< 6 | trail(2), 3)
    } else {
        (scalar, length) = ((lead & 7) &<< 18 | trail(1) &<< 12 | trail(2) &<< 6 | trail(3), 4)
    }
    return (Unicode.Scalar(scalar)!, length)
}
