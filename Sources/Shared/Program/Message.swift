/// Writes `program: what: why` to standard error, as one line, whatever the names contain.
///
/// A message that cannot be written is dropped: there is no other place to report it.
public struct Messages: Sendable {
    public let program: String

    public init(program: String) { self.program = program }

    public func say(_ what: String, _ why: String? = nil) {
        writeToStandardError(line(what, why))
    }

    /// The line that `say` writes, with its newline.
    public func line(_ what: String, _ why: String? = nil) -> String {
        let text = why.map { "\(what): \($0)" } ?? what
        return visible("\(program): \(text)") + "\n"
    }
}

/// Writes text to standard error in one call, so that lines of several programs do not mix.
public func writeToStandardError(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
        try? unsafe FileDescriptor.standardError.writeAll(UnsafeRawBufferPointer(bytes))
    }
}

/// The text with control characters spelled out (`\n`, `\t`, `\x1b`), so that a name can neither
/// end a message's line nor control the terminal.
public func visible(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case "\r": result += "\\r"
        case _ where isControl(scalar): result += escapedScalar(scalar)
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// Whether a scalar is a control character, a format character (such as a bidirectional override),
/// or a line or paragraph separator.
public func isControl(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    default: return false
    }
}

private func escapedScalar(_ scalar: Unicode.Scalar) -> String {
    String(scalar).utf8.map { "\\x" + hexadecimal($0) }.joined()
}

/// A byte as two hexadecimal digits.
public func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
}
