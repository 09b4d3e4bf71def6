import Shared

/// A key as a member of a JSON object (RFC 8259): `"line":"..."`; where it is not UTF-8, which
/// JSON's strings must be, `"bytes":"..."` with its bytes in base 64 (RFC 4648). So every key
/// has one form of its own, and it can be had back.
func jsonMember(_ key: UnsafeRawBufferPointer) -> String {
    guard let text = unsafe String(validating: key, as: UTF8.self) else {
        return unsafe "\"bytes\":\"\(base64(key))\""
    }
    return "\"line\":\"\(jsonEscaped(text))\""
}

private func jsonEscaped(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) else { return text }
    var escaped = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": escaped += "\\\""
        case "\\": escaped += "\\\\"
        case "\n": escaped += "\\n"
        case "\t": escaped += "\\t"
        case "\r": escaped += "\\r"
        case _ where scalar.value < 0x20:
            escaped += "\\u00" + hexadecimal(UInt8(scalar.value))
        default: escaped.unicodeScalars.append(scalar)
        }
    }
    return escaped
}

private func base64(_ bytes: UnsafeRawBufferPointer) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let count = min(3, bytes.count - start)
        var word: UInt32 = 0
        for index in 0..<3 {
            word <<= 8
            if index < count { word |= unsafe UInt32(bytes[start + index]) }
        }
        for index in 0...3 {
            let digit = Int(word >> UInt32(18 - 6 * index) & 0x3F)
            text.append(index <= count ? alphabet[digit] : UInt8(ascii: "="))
        }
    }
    return String(decoding: text, as: UTF8.self)
}
