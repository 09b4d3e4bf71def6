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

    /// Its items only, and control characters spelled out.
    func shortItems(_ chunk: Chunk, delimiter: UInt8) -> String {
        // No more than 32 items are shown from the front, and 16 from the back.
        let items = chunk.outerItems(delimiter: delimiter, first: 33, last: 17)
        let words = shortened(
            items.map { Array($0) }, longest: 48, leftOut: chunk.itemCount - items.count)
        return visible(readable(Array(words.joined(separator: [UInt8(ascii: " ")]))))
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
        parts += list(arguments(for: chunk, slot: slot, delimiter: delimiter).words)
        return Array(parts.joined(separator: [UInt8(ascii: " ")]))
    }
}

/// The words, quoted, of which those in the middle may be left out. Of a list that is too
/// long two thirds of what is shown are its beginning; of a word, its end, which is what
/// paths differ in.
///
/// - Parameters:
///   - longest: bytes of the list that are shown, quotes not counted; of one word, half as many.
///   - leftOut: how many more words there are in the middle, all too many to be shown.
func shortened(_ words: [[UInt8]], longest: Int = 200, leftOut: Int = 0) -> [[UInt8]] {
    let longestWord = longest / 2
    func count(_ words: some Sequence<[UInt8]>, atMost room: Int) -> Int {
        var left = room
        return words.prefix { word in
            left -= min(word.count, longestWord) + 1
            return left >= 0
        }.count
    }
    func quoted(_ words: some Sequence<[UInt8]>) -> [[UInt8]] {
        words.map { shellQuoted(shortened(word: $0, longest: longestWord)) }
    }
    if leftOut == 0, count(words, atMost: longest) == words.count { return quoted(words) }
    let first = max(count(words, atMost: longest * 2 / 3), 1)
    let last = max(count(words.dropFirst(first).reversed(), atMost: longest / 3), 1)
    let left = words.count + leftOut - first - last
    if left <= 0 { return quoted(words) }
    return quoted(words.prefix(first)) + [Array("... \(left) more ...".utf8)]
        + quoted(words.suffix(last))
}

private func shortened(word: [UInt8], longest: Int) -> [UInt8] {
    if word.count <= longest { return word }
    // No character of UTF-8 is cut: bytes behind its first one begin with the bits 10.
    let isInside = { (byte: UInt8) in byte & 0xC0 == 0x80 }
    var first = longest / 3
    var last = word.count - longest * 2 / 3
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
