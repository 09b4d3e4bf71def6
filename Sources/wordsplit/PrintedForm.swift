import Shared

/// A word without the narrow no-break spaces at its ends: U+202F is ExtendNumLet to the
/// rules, but French sets it before a question mark, and that is no other word.
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

/// Appends a word in lower case: the full mapping of the Unicode Standard, section 3.13.
///
/// - Parameter bytes: UTF-8, in which what has a plain mapping is in lower case already.
func appendRecased(
    _ bytes: UnsafeBufferPointer<UInt8>, to word: inout [UInt8], _ machine: WordMachine
) {
    var index = 0
    while index < bytes.count {
        let (scalar, length) = unsafe scalarOf(bytes, at: index)
        if machine.facts(of: scalar) & WordMachine.isRecased == 0 {
            for place in index..<index + length { unsafe word.append(bytes[place]) }
        } else if scalar == "\u{3A3}" {
            let isFinal = unsafe isFinalSigma(bytes, at: index)
            word.append(contentsOf: (isFinal ? "\u{3C2}" : "\u{3C3}").utf8)
        } else {
            word.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
        }
        index += length
    }
}

/// The condition Final_Sigma, table 3-17, within a word: behind a cased letter and not
/// before one, case-ignorable characters aside.
private func isFinalSigma(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> Bool {
    var index = place
    var isBehindCased = false
    while index > 0 {
        index -= 1
        while unsafe bytes[index] & 0xC0 == 0x80 { index -= 1 }
        let properties = unsafe scalarOf(bytes, at: index).value.properties
        if properties.isCaseIgnorable { continue }
        isBehindCased = properties.isCased
        break
    }
    if !isBehindCased { return false }
    index = place + 2
    while index < bytes.count {
        let (scalar, length) = unsafe scalarOf(bytes, at: index)
        if !scalar.properties.isCaseIgnorable { return !scalar.properties.isCased }
        index += length
    }
    return true
}

private func scalarOf(
    _ bytes: UnsafeBufferPointer<UInt8>, at index: Int
) -> (value: Unicode.Scalar, length: Int) {
    guard
        case .scalar(let value, let length) = unsafe decode(
            bytes.baseAddress! + index, bytes.count - index),
        let scalar = Unicode.Scalar(value)
    else { fatalError("a word that is not UTF-8") }
    return (scalar, length)
}

/// Brings a word into Normalization Form C, by the standard library.
///
/// What is before a scalar that composition leaves alone is not touched by what is behind
/// it (Unicode Standard Annex #15, section 9), so that only the pieces between need be
/// looked at, and memory does not grow with the word.
func recompose(_ word: inout [UInt8], _ machine: WordMachine) throws(Errno) {
    let source = word
    word.removeAll(keepingCapacity: true)
    var pieceStart = 0
    var isPieceStable = true
    func appendPiece(_ end: Int) throws(Errno) {
        if isPieceStable {
            word += source[pieceStart..<end]
        } else {
            if end - pieceStart > 1 << 16 { try requireMemory((end - pieceStart) * 16) }
            let text = String(decoding: source[pieceStart..<end], as: UTF8.self)
            word.append(contentsOf: text._nfcCodeUnits)
        }
    }
    var index = 0
    while index < source.count {
        let (scalar, length) = unsafe source.withUnsafeBufferPointer { bytes in
            unsafe scalarOf(bytes, at: index)
        }
        if machine.isStable(scalar) {
            try appendPiece(index)
            pieceStart = index
            isPieceStable = true
        } else {
            isPieceStable = false
        }
        index += length
    }
    try appendPiece(index)
}
