/// One word of the command line, byte for byte: a file's name need not be UTF-8.
@safe
public struct Argument: Sendable {
    /// Points into the process's argument vector, which lives as long as the process.
    public nonisolated(unsafe) let cString: UnsafePointer<CChar>

    public init(_ cString: UnsafePointer<CChar>) { unsafe self.cString = unsafe cString }

    /// The word as text; bytes that are not UTF-8 are spelled `\xff`.
    public var text: String {
        let bytes = unsafe UnsafeBufferPointer(start: cString, count: strlen(cString))
        return unsafe bytes.withMemoryRebound(to: UInt8.self) { unsafe readable($0) }
    }

    public static func == (word: Argument, text: String) -> Bool { word.text == text }
}

/// Bytes as text; those that are not UTF-8 are spelled `\xff`.
public func readable(_ bytes: some Collection<UInt8>) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var text = ""
    var rest = bytes[...]
    while !rest.isEmpty {
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = rest.makeIterator()
        switch parser.parseScalar(from: &iterator) {
        case .valid(let encoded):
            text.unicodeScalars.append(Unicode.UTF8.decode(encoded))
            rest = rest.dropFirst(encoded.count)
        case .error(let length):
            text += rest.prefix(length).map { "\\x" + hexadecimal($0) }.joined()
            rest = rest.dropFirst(length)
        case .emptyInput:
            return text
        }
    }
    return text
}
