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

/// Only the quote, the backslash and the control characters below 0x20 must be escaped. None of
/// them is part of a multi-byte UTF-8 character.
private func appendJSONEscaped(
    _ text: UnsafeRawBufferPointer, to output: inout Output
) throws(WriteError) {
    var start = 0
    for place in 0..<text.count {
        let byte = unsafe text[place]
        if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
        try unsafe output.append(UnsafeRawBufferPointer(rebasing: text[start..<place]))
        start = place + 1
        try output.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\n"): try output.append(UInt8(ascii: "n"))
        case UInt8(ascii: "\t"): try output.append(UInt8(ascii: "t"))
        case UInt8(ascii: "\r"): try output.append(UInt8(ascii: "r"))
        case ..<0x20:
            let low = byte & 0xF
            try output.append("u00")
            try output.append(UInt8(ascii: "0") + byte >> 4)
            try output.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        default: try output.append(byte)
        }
    }
    try unsafe output.append(UnsafeRawBufferPointer(rebasing: text[start...]))
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
