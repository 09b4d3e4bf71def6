import Shared
import Testing

@testable import wordsplit

/// A word as the program prints it. Words are equal if their bytes are: as `String`, "e\u{301}" would
/// be equal to "\u{E9}", which it composes to.
struct Word: Hashable, ExpressibleByStringLiteral, CustomTestStringConvertible {
    let bytes: [UInt8]

    init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    init(stringLiteral text: String) { self.init(text.utf8) }

    var testDescription: String {
        String(decoding: bytes, as: UTF8.self).unicodeScalars.map { $0.escaped(asASCII: true) }
            .joined()
    }
}

func == (found: some Sequence<Word>, expected: some Sequence<String>) -> Bool {
    found.elementsEqual(expected) { $0.bytes.elementsEqual($1.utf8) }
}

/// The words of a text, split as the program does it.
func words(_ text: String, _ rule: Rule = Rule()) throws -> [Word] {
    try words([Array(text.utf8)], rule)
}

/// The words of a text that comes in pieces, each of which is one read.
func words(
    _ pieces: [[UInt8]], _ rule: Rule = Rule(), window: Int = 16 * 1024
) throws -> [Word] {
    let output = try split(pieces, rule, window: window)
    var words = output.split(separator: rule.terminator, omittingEmptySubsequences: false)
    #expect(words.popLast() == [], "the last word lacks its terminator")
    return words.map(Word.init)
}

/// What can split ASCII text on this processor.
let means = ASCIIText.Means.allCases.filter(\.isUsable)

/// What the program prints for a text that comes in pieces.
///
/// - Parameters:
///   - window: bytes that the tokenizer looks at at once.
///   - means: what splits ASCII text.
func split(
    _ pieces: [[UInt8]], _ rule: Rule = Rule(), window: Int = 16 * 1024,
    asciiBy means: ASCIIText.Means = .best
) throws -> [UInt8] {
    var tokenizer = Tokenizer(rule, window: window, asciiBy: means)
    let file = try ScratchFile()
    var output = Output(try file.duplicate())
    try split(pieces, &tokenizer, into: &output)
    try output.finish()
    return try file.contents()
}

/// Splits a text that comes in pieces as a file of its own.
func split(
    _ pieces: [[UInt8]], _ tokenizer: inout Tokenizer, into output: inout Output
) throws {
    try tokenizer.begin(named: .word("name"))
    var rest: ArraySlice<UInt8> = []
    for piece in pieces {
        let bytes = Array(rest + piece)
        // The tokenizer may read what comes after a block, and must not mind what it is.
        let first = ["\u{301}", "bc", "\u{3B1}\u{3B2}\u{3B3}"][bytes.count % 3]
        let after = first + String(repeating: "def\u{301}bc\u{3B1}\u{3B2}\u{3B3}", count: 8)
        let padded = bytes + after.utf8.prefix(InputBuffer.padding)
        let used = try padded.withUnsafeBytes {
            try tokenizer.split(UnsafeRawBufferPointer(rebasing: $0[..<bytes.count]), into: &output)
        }
        rest = bytes[used...]
    }
    try tokenizer.finish(rest: rest.count, into: &output)
}

/// A text cut in two at a place.
func cut(_ bytes: [UInt8], at place: Int) -> [[UInt8]] {
    [Array(bytes[..<place]), Array(bytes[place...])]
}
