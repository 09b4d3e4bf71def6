/// The error for a byte that is not UTF-8, with `--strict`.
struct NotUTF8: Error {
    /// The place of the byte in the file, in bytes.
    let offset: Int
}

/// The number and place of the bytes of a file that were dropped because they are not UTF-8.
struct InvalidBytes {
    private(set) var count = 0
    /// The place of the first such byte in the file, in bytes.
    private(set) var first = 0

    /// The message for the user, or nil if no byte was dropped.
    var message: String? {
        switch count {
        case 0: nil
        case 1: "dropped a byte that is not UTF-8, at offset \(first)"
        default: "dropped \(count) bytes that are not UTF-8, the first at offset \(first)"
        }
    }

    /// Not inlined: it would take registers from the tokenizer's loop.
    @inline(never)
    mutating func add(_ more: Int, at offset: Int) {
        if count == 0 { first = offset }
        count += more
    }
}

enum Decoded {
    case scalar(UInt32, length: Int)
    /// The bytes may be the beginning of a scalar, but the rest is missing.
    case incomplete
    case invalid
}

/// Decodes the first scalar of UTF-8 text, by table 3-7 of the Unicode Standard, section 3.9.
/// Overlong forms, surrogates and values above U+10FFFF are invalid.
///
/// - Parameter count: the number of bytes, at least 1.
func decode(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Decoded {
    let lead = unsafe bytes[0]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0..<0x80: return .scalar(UInt32(lead), length: 1)
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return .invalid
    }
    var scalar = UInt32(lead) & (0x7F >> UInt32(length))
    for index in 1..<length {
        if index == count { return .incomplete }
        let byte = unsafe bytes[index]
        let isRight = index == 1 ? second.contains(byte) : byte & 0xC0 == 0x80
        if !isRight { return .invalid }
        scalar = scalar << 6 | UInt32(byte & 0x3F)
    }
    return .scalar(scalar, length: length)
}

/// The byte order mark at the start of a file, which tells its encoding.
enum ByteOrderMark: Equatable {
    case none
    case utf8
    /// Another encoding, by its name in iconv(1).
    case other(String)

    /// The number of bytes that are needed to recognize any mark.
    static let length = 4

    init(_ bytes: UnsafeRawBufferPointer) {
        let count = min(bytes.count, Self.length)
        // The first byte is the highest.
        var start: UInt32 = 0
        for index in 0..<count { start |= unsafe UInt32(bytes[index]) << UInt32(24 - 8 * index) }
        if count >= 3, start >> 8 == 0xEFBBBF {
            self = .utf8
        } else if count == 4, start == 0xFFFE_0000 || start == 0x0000_FEFF {
            self = .other("UTF-32")
        } else if count >= 2, start >> 16 == 0xFFFE || start >> 16 == 0xFEFF {
            self = .other("UTF-16")
        } else {
            self = .none
        }
    }
}
