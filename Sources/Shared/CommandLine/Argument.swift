/// A word of the command line, byte for byte: a file name need not be UTF-8. It does not own its
/// memory: a name that is built at run time is a `Path`.
@safe
public struct Argument: Equatable, Sendable {
    /// Points into the argument vector or the environment of the process, or to a literal in the
    /// program. All of these live as long as the process.
    public nonisolated(unsafe) let cString: UnsafePointer<CChar>

    /// - Parameter cString: memory that lives as long as the process.
    public init(_ cString: UnsafePointer<CChar>) { unsafe self.cString = unsafe cString }

    /// A literal in the program.
    public init(_ word: StaticString) {
        unsafe self.cString = UnsafeRawPointer(word.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    public var byteCount: Int { unsafe strlen(cString) }

    public var bytes: [UInt8] {
        unsafe Array(UnsafeRawBufferPointer(start: cString, count: byteCount))
    }

    /// The word as text; bytes that are not UTF-8 are spelled `\xff`.
    public var text: String { readable(bytes) }

    public static func == (one: Argument, other: Argument) -> Bool {
        unsafe strcmp(one.cString, other.cString) == 0
    }
}

/// A sequence of words of the command line. Not an array: creating the first array takes Swift's
/// runtime as long as a C program's whole start.
@safe
public struct ArgumentList: RandomAccessCollection, Sendable {
    private nonisolated(unsafe) let words: UnsafePointer<UnsafeMutablePointer<CChar>?>
    public let startIndex = 0
    public let endIndex: Int

    /// - Parameter words: `count` pointers, none of them nil, that live as long as the process.
    public init(_ words: UnsafePointer<UnsafeMutablePointer<CChar>?>, count: Int) {
        unsafe self.words = unsafe words
        endIndex = count
    }

    public subscript(index: Int) -> Argument { unsafe Argument(words[index]!) }
}

extension Argument: ExpressibleByStringLiteral {
    public init(stringLiteral word: StaticString) { self.init(word) }
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
