import Shared
import Testing

@testable import wordsplit

/// The words of a text, split as the program does it.
func words(_ text: String, _ rule: Rule = Rule()) throws -> [String] {
    try words([Array(text.utf8)], rule)
}

/// The words of a text that comes in pieces, each of which is one read.
func words(_ pieces: [[UInt8]], _ rule: Rule = Rule()) throws -> [String] {
    let output = try split(pieces, rule)
    var words = output.split(separator: rule.terminator, omittingEmptySubsequences: false)
    #expect(words.popLast() == [], "the last word lacks its terminator")
    return words.map { String(decoding: $0, as: UTF8.self) }
}

/// What the program prints for a text that comes in pieces of at most 32 KiB.
func split(_ pieces: [[UInt8]], _ rule: Rule = Rule(), blockSize: Int = 65536) throws -> [UInt8] {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    var rest = pieces.filter { !$0.isEmpty }[...]
    func send() {
        guard let piece = rest.popFirst() else {
            if ends[1] != -1 { close(ends[1]) }
            ends[1] = -1
            return
        }
        _ = write(ends[1], piece, piece.count)
    }
    let tokenizer = Tokenizer(rule)
    let file = try ScratchFile()
    var reader = try BlockReader(FileDescriptor(ends[0]), blockSize: blockSize)
    var output = Output(try file.duplicate())
    send()
    while let block = try reader.next({ bytes in
        send()
        return tokenizer.endOfLastWord(bytes)
    }) { try tokenizer.split(block, into: &output) }
    try output.finish()
    return try file.contents()
}

/// A text cut in two at a place.
func cut(_ text: String, at place: Int) -> [[UInt8]] {
    let bytes = Array(text.utf8)
    return [Array(bytes[..<place]), Array(bytes[place...])]
}
