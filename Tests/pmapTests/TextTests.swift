import Shared
import Testing

@testable import pmap

@Suite struct ShellQuotingTests {
    private func quoted(_ word: String) -> String {
        String(decoding: shellQuoted(Array(word.utf8)), as: UTF8.self)
    }

    /// POSIX.1-2024, XCU 2.2.2: nothing is special between single quotes, and a single
    /// quote cannot stand there.
    @Test func wordsAreQuotedWhereAShellWouldChangeThem() {
        #expect(quoted("plays/hamlet-1.txt") == "plays/hamlet-1.txt")
        #expect(quoted("") == "''")
        #expect(quoted("a b") == "'a b'")
        #expect(quoted("$HOME;*") == "'$HOME;*'")
        #expect(quoted("it's") == "'it'\\''s'")
        #expect(quoted("~") == "'~'")
        #expect(quoted("#x") == "'#x'")
        #expect(quoted("a\nb") == "'a\nb'")
    }

    /// POSIX.1-2024, XCU 2.2: the first line must be quoted, the second under some circumstances.
    /// An exclamation mark is one of bash's.
    @Test func everyCharacterThatIsSpecialSomewhereIsQuoted() {
        let special = "|&;<>()$`\\\"' \t\n" + "*?[]^#~={}!"
        for character in special.map(String.init) {
            for word in [character, "a\(character)", "\(character)b", "a\(character)b"] {
                #expect(quoted(word).first == "'", "\(word)")
            }
        }
    }
}

@Suite struct CountingBytesTests {
    @Test(arguments: [0, 1, 254, 255, 256, 511, 1000, 100_000])
    func everyOccurrenceCounts(length: Int) {
        let all = [UInt8](repeating: 0x0A, count: length)
        #expect(all.withUnsafeBytes { occurrences(of: 0x0A, in: $0) } == length)
        #expect(all.withUnsafeBytes { occurrences(of: 0x0B, in: $0) } == 0)
    }
}

@Suite struct ShorteningTests {
    private func text(_ words: [[UInt8]]) -> String {
        String(decoding: Array(shortened(words).joined(separator: [0x20])), as: UTF8.self)
    }

    @Test func whatIsShortIsAllShown() {
        #expect(text([]) == "")
        #expect(text(["wordsplit", "a b", "c"].map { Array($0.utf8) }) == "wordsplit 'a b' c")
    }

    /// Never longer than the list and one word beside it, and quotes; no byte cut in two.
    @Test(arguments: UInt64(1)...60)
    func whateverIsLongIsBounded(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let words = (0..<Int.random(in: 1...400, using: &random)).map { _ in
            let letter = ["ä", "€", "😀"].randomElement(using: &random)!
            let start = "xxx".prefix(.random(in: 0...3, using: &random))
            let end = "xxx".prefix(.random(in: 0...3, using: &random))
            let count = Int.random(in: 0...300, using: &random)
            return Array((start + String(repeating: letter, count: count) + end).utf8)
        }
        let line = text(words)
        // A character that is cut would be spelled in octal between $' and '.
        #expect(line.utf8.count < 500 && !line.contains("$"))
        #expect(line.utf8.count <= words.reduce(0) { $0 + $1.count + 3 } + 100)
    }

    @Test(arguments: [40, 41, 400, 100_000])
    func theWordsShownAndTheNumberLeftOutAreAll(count: Int) throws {
        let words = (1...count).map { _ in Array("12345".utf8) }
        let shown = text(words).split(separator: " ")
        let dots = try #require(shown.firstIndex(of: "..."))
        #expect(shown[dots + 2] == "more" && shown[dots + 3] == "...")
        #expect(try shown.count - 4 + #require(Int(shown[dots + 1])) == count)
    }
}
