import Shared

extension Command {
    /// The chunk as a line that a POSIX shell runs to the same effect.
    func shellForm(_ chunk: Chunk, slot: Int, delimiter: UInt8) -> [UInt8] {
        line(chunk, slot, delimiter) { words in words.map { shellQuoted($0) } }
    }

    /// The same for a person to read: long lists and words are shortened in the middle, and
    /// the whole is a few lines at most.
    func shortForm(_ chunk: Chunk, slot: Int, delimiter: UInt8) -> String {
        readable(line(chunk, slot, delimiter) { shortened($0) })
    }

    private func line(
        _ chunk: Chunk, _ slot: Int, _ delimiter: UInt8, _ list: ([[UInt8]]) -> [[UInt8]]
    ) -> [UInt8] {
        var parts: [[UInt8]] = []
        if delivery == .standardInput {
            parts.append(Array((delimiter == 0 ? "printf '%s\\0'" : "printf '%s\\n'").utf8))
            parts += list(chunk.items(delimiter: delimiter).map { Array($0) })
            parts.append([UInt8(ascii: "|")])
        }
        parts += list(arguments(for: chunk, slot: slot, delimiter: delimiter))
        return Array(parts.joined(separator: [UInt8(ascii: " ")]))
    }
}

/// Bytes of a list, and of a word, that are shown; of what is longer, two thirds at its
/// beginning and a third at its end.
private let longestList = 200
private let longestWord = 100

/// The words, quoted, of which those in the middle may be left out.
func shortened(_ words: [[UInt8]]) -> [[UInt8]] {
    func count(_ words: some Sequence<[UInt8]>, atMost room: Int) -> Int {
        var left = room
        return words.prefix { word in
            left -= min(word.count, longestWord) + 1
            return left >= 0
        }.count
    }
    func quoted(_ words: some Sequence<[UInt8]>) -> [[UInt8]] {
        words.map { shellQuoted(shortened(word: $0)) }
    }
    if count(words, atMost: longestList) == words.count { return quoted(words) }
    let first = max(count(words, atMost: longestList * 2 / 3), 1)
    let last = max(count(words.dropFirst(first).reversed(), atMost: longestList / 3), 1)
    let left = words.count - first - last
    if left <= 0 { return quoted(words) }
    return quoted(words.prefix(first)) + [Array("... \(left) more ...".utf8)]
        + quoted(words.suffix(last))
}

private func shortened(word: [UInt8]) -> [UInt8] {
    if word.count <= longestWord { return word }
    // No character of UTF-8 is cut: bytes behind its first one begin with the bits 10.
    let isInside = { (byte: UInt8) in byte & 0xC0 == 0x80 }
    var first = longestWord * 2 / 3
    var last = word.count - longestWord / 3
    for _ in 0..<3 where isInside(word[first]) { first -= 1 }
    for _ in 0..<3 where isInside(word[last]) { last += 1 }
    return word[..<first] + Array("...".utf8) + word[last...]
}

/// A word as a POSIX shell reads it back: as it is where that is safe, else in single
/// quotes (XCU 2.2.2).
func shellQuoted(_ word: some Collection<UInt8>) -> [UInt8] {
    let isSafe = word.allSatisfy { byte in
        switch Unicode.Scalar(byte) {
        case "A"..."Z", "a"..."z", "0"..."9", "_", "@", "%", "+", ":", ",", ".", "/", "-":
            return true
        default: return false
        }
    }
    if isSafe && !word.isEmpty { return Array(word) }
    let quote = UInt8(ascii: "'")
    var quoted = [quote]
    for byte in word {
        if byte == quote { quoted += Array("'\\'".utf8) }
        quoted.append(byte)
    }
    quoted.append(quote)
    return quoted
}
