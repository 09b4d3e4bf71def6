import Shared

/// Appends a key as a member of a JSON object (RFC 8259): `"line":"..."`. JSON strings must be
/// UTF-8, so any other key is `"bytes":"..."` with its bytes in base 64 (RFC 4648). Every key has
/// exactly one form, from which it can be recovered.
///
/// A key may be almost as large as memory, so it is not copied.
func appendJSONMember(
    _ key: UnsafeRawBufferPointer, to output: inout Output
) throws(WriteError) {
    if unsafe isUTF8(key) {
        try output.append("\"line\":\"")
        try unsafe appendJSONEscaped(key, to: &output)
    } else {
        try output.append("\"bytes\":\"")
        try unsafe appendBase64(key, to: &output)
    }
    try output.append(UInt8(ascii: "\""))
}

private func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let span = unsafe Span<UInt8>(_bytes: RawSpan(_unsafeBytes: bytes))
    return (try? UTF8Span(validating: span)) != nil
}

/// The quote, the backslash and the control characters below 0x20 must be escaped. The other
/// characters that control a terminal are escaped too, so that JSON is safe to look at.
private func appendJSONEscaped(
    _ text: UnsafeRawBufferPointer, to output: inout Output
) throws(WriteError) {
    var start = 0
    var place = 0
    while place < text.count {
        let byte = unsafe text[place]
        let length = unsafe mayBeginControl(byte) ? lengthOfControl(text, at: place) : 0
        if length == 0 {
            place += 1
            continue
        }
        try unsafe output.append(UnsafeRawBufferPointer(rebasing: text[start..<place]))
        try output.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\n"): try output.append(UInt8(ascii: "n"))
        case UInt8(ascii: "\t"): try output.append(UInt8(ascii: "t"))
        case UInt8(ascii: "\r"): try output.append(UInt8(ascii: "r"))
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): try output.append(byte)
        default:
            // One to three bytes of UTF-8 (RFC 3629, section 3).
            var scalar = UInt16(length == 1 ? byte : length == 2 ? byte & 0x1F : byte & 0x0F)
            var index = 1
            while index < length {
                scalar = unsafe scalar << 6 | UInt16(text[place + index] & 0x3F)
                index += 1
            }
            try output.append(UInt8(ascii: "u"))
            try output.append(hexadecimalDigit(scalar >> 12))
            try output.append(hexadecimalDigit(scalar >> 8))
            try output.append(hexadecimalDigit(scalar >> 4))
            try output.append(hexadecimalDigit(scalar))
        }
        place += length
        start = place
    }
    try unsafe output.append(UnsafeRawBufferPointer(rebasing: text[start...]))
}

/// The hexadecimal digit of the lower four bits.
private func hexadecimalDigit(_ number: UInt16) -> UInt8 {
    let value = UInt8(number & 0xF)
    return value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

@inline(__always) private func mayBeginControl(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte >= 0x7F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
}

/// - Returns: the bytes of the character if it must be escaped, else 0. Beside those of ASCII, these
///   are the controls U+0080 to U+009F, the marks and overrides of direction, the separators of
///   lines and paragraphs, and the byte order mark.
private func lengthOfControl(_ text: UnsafeRawBufferPointer, at place: Int) -> Int {
    let first = unsafe text[place]
    if first < 0x80 { return 1 }
    func next(_ offset: Int) -> UInt8 {
        unsafe place + offset < text.count ? text[place + offset] : 0
    }
    return switch (first, next(1), next(2)) {
    case (0xC2, 0x80...0x9F, _): 2
    // U+061C
    case (0xD8, 0x9C, _): 2
    // U+200B to U+200F, U+2028 to U+202E
    case (0xE2, 0x80, 0x8B...0x8F), (0xE2, 0x80, 0xA8...0xAE): 3
    // U+2060 to U+206F
    case (0xE2, 0x81, 0xA0...0xAF): 3
    // U+FEFF
    case (0xEF, 0xBB, 0xBF): 3
    default: 0
    }
}

private func appendBase64(
    _ bytes: UnsafeRawBufferPointer, to output: inout Output
) throws(WriteError) {
    func digit(_ value: UInt32) -> UInt8 {
        switch UInt8(truncatingIfNeeded: value & 0x3F) {
        case let letter where letter < 26: UInt8(ascii: "A") + letter
        case let letter where letter < 52: UInt8(ascii: "a") + letter - 26
        case let number where number < 62: UInt8(ascii: "0") + number - 52
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let count = min(3, bytes.count - start)
        var word: UInt32 = 0
        for index in 0..<3 {
            word <<= 8
            if index < count { word |= unsafe UInt32(bytes[start + index]) }
        }
        for index in 0...3 {
            let next = index <= count ? digit(word >> UInt32(18 - 6 * index)) : UInt8(ascii: "=")
            try output.append(next)
        }
    }
}
