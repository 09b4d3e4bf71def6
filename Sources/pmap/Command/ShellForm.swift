import Shared

extension Command {
    /// Returns the chunk as a line that has the same effect in a POSIX shell.
    ///
    /// - Parameter isShown: whether a terminal shows the line. Then control characters are spelled
    ///   out, as `shownQuoted` does.
    func shellForm(
        _ chunk: Chunk, slot: Int, delimiter: UInt8, isShown: Bool = false
    ) -> [UInt8] {
        var line: [UInt8] = []
        if delivery == .standardInput {
            line += printedForm(chunk, delimiter: delimiter, isShown) + Array(" | ".utf8)
        }
        func quoted(_ word: [UInt8]) -> [UInt8] {
            isShown ? shownQuoted(word) : shellQuoted(word)
        }
        for (index, word) in arguments(for: chunk, slot: slot, delimiter: delimiter).words
            .enumerated()
        {
            if index > 0 { line.append(UInt8(ascii: " ")) }
            line += index == 0 && isReservedWord(word) ? singleQuoted(word) : quoted(word)
        }
        return line
    }

    /// Returns a printf(1) command that prints the bytes of a chunk.
    private func printedForm(_ chunk: Chunk, delimiter: UInt8, _ isShown: Bool) -> [UInt8] {
        let bytes = chunk.header + chunk.bytes
        let isPlain = bytes.last == delimiter && (delimiter == 0 || !bytes.contains(0))
        if !isPlain {
            return Array("printf ".utf8) + printfFormat(bytes, isShown: isShown)
        }
        let format = delimiter == 0 ? "printf '%s\\0'" : "printf '%s\\n'"
        let all = Chunk(number: chunk.number, itemCount: 0, bytes: bytes)
        return all.items(delimiter: delimiter).reduce(into: Array(format.utf8)) { line, item in
            line.append(UInt8(ascii: " "))
            line += isShown ? shownQuoted(Array(item)) : shellQuoted(item)
        }
    }

    /// Like `shellForm`, but for the user to read: long lists and words are shortened in the
    /// middle, so the whole is a few lines at most.
    func shortForm(_ chunk: Chunk, slot: Int, delimiter: UInt8) -> String {
        var parts: [[UInt8]] = []
        if delivery == .standardInput {
            parts.append(Array((delimiter == 0 ? "printf '%s\\0'" : "printf '%s\\n'").utf8))
            parts += shortened(chunk, delimiter: delimiter, longest: 200)
            parts.append([UInt8(ascii: "|")])
        }
        parts += shortened(arguments(for: chunk, slot: slot, delimiter: delimiter).words)
        return readable(Array(parts.joined(separator: [UInt8(ascii: " ")])))
    }

    /// Only the items, shortened too. Control characters are escaped.
    func shortItems(_ chunk: Chunk, delimiter: UInt8) -> String {
        let words = shortened(chunk, delimiter: delimiter, longest: 48)
        return visible(readable(Array(words.joined(separator: [UInt8(ascii: " ")]))))
    }
}

extension Command {
    /// Returns the text that `--tag` puts before each line of a chunk, followed by a tab: its
    /// items, shortened in the middle if they are long. If the items are on standard input, the
    /// text is the chunk's number.
    func tag(of chunk: Chunk, delimiter: UInt8) -> [UInt8] {
        if delivery == .standardInput { return Array("\(chunk.number)\t".utf8) }
        let items = Array(
            chunk.items(delimiter: delimiter).joined(separator: [UInt8(ascii: " ")]))
        return shortened(word: items, longest: longestTag) + [UInt8(ascii: "\t")]
    }
}

/// A tag for a terminal: its control characters are spelled out.
func shownTag(_ tag: [UInt8]) -> [UInt8] {
    Array(visible(readable(tag.dropLast())).utf8) + tag.suffix(1)
}

/// The most bytes in a tag, without the tab. A line may be one byte long, so without a limit the
/// tags could make the output any number of times as long.
let longestTag = 200

/// The items of a chunk, shortened as below.
private func shortened(_ chunk: Chunk, delimiter: UInt8, longest: Int) -> [[UInt8]] {
    // An item takes at least one byte, and two thirds of the bytes are for the first ones.
    let items = chunk.outerItems(
        delimiter: delimiter, first: longest * 2 / 3 + 1, last: longest / 3 + 1)
    let (front, back) = (items.front.map { Array($0) }, items.back.map { Array($0) })
    if let leftOut = items.leftOut {
        return shortened(front + back, longest: longest, leftOut: leftOut)
    }
    let first = max(countOfShown(front, longest / 2, atMost: longest * 2 / 3), 1)
    let last = max(countOfShown(back.reversed(), longest / 2, atMost: longest / 3), 1)
    return quoted(front.prefix(first), longest / 2) + [Array("... more ...".utf8)]
        + quoted(back.suffix(last), longest / 2)
}

/// Quotes the words, and leaves out some in the middle if they are too long. A list keeps twice as
/// much of its beginning as of its end. A word keeps twice as much of its end, because paths differ
/// there.
///
/// - Parameters:
///   - longest: bytes of the list that are shown, without quotes; a word gets half as many.
///   - leftOut: how many more words the list has in its middle. They are never shown.
func shortened(_ words: [[UInt8]], longest: Int = 200, leftOut: Int = 0) -> [[UInt8]] {
    let longestWord = longest / 2
    if leftOut == 0, countOfShown(words, longestWord, atMost: longest) == words.count {
        return quoted(words, longestWord)
    }
    let first = max(countOfShown(words, longestWord, atMost: longest * 2 / 3), 1)
    let rest = words.dropFirst(first).reversed()
    let last = max(countOfShown(rest, longestWord, atMost: longest / 3), 1)
    let left = words.count + leftOut - first - last
    if left <= 0 { return quoted(words, longestWord) }
    return quoted(words.prefix(first), longestWord) + [Array("... \(left) more ...".utf8)]
        + quoted(words.suffix(last), longestWord)
}

/// How many of the first words fit into some bytes, if each is shortened.
private func countOfShown(
    _ words: some Sequence<[UInt8]>, _ longestWord: Int, atMost room: Int
) -> Int {
    var left = room
    return words.prefix { word in
        left -= min(word.count, longestWord) + 1
        return left >= 0
    }.count
}

private func quoted(_ words: some Sequence<[UInt8]>, _ longestWord: Int) -> [[UInt8]] {
    words.map { shownQuoted(shortened(word: $0, longest: longestWord)) }
}

private func shortened(word: [UInt8], longest: Int) -> [UInt8] {
    if word.count <= longest { return word }
    // Never cut inside a character of UTF-8: all bytes after its first begin with the bits 10.
    let isInside = { (byte: UInt8) in byte & 0xC0 == 0x80 }
    var first = longest / 3
    var last = word.count - longest * 2 / 3
    for _ in 0..<3 where isInside(word[first]) { first -= 1 }
    for _ in 0..<3 where isInside(word[last]) { last += 1 }
    return word[..<first] + Array("...".utf8) + word[last...]
}

/// Quotes a word for a POSIX shell. A word that is safe stays as it is; any other gets single
/// quotes (XCU 2.2.2).
func shellQuoted(_ word: some Collection<UInt8>) -> [UInt8] {
    let isSafe = word.allSatisfy { byte in
        switch Unicode.Scalar(byte) {
        case "A"..."Z", "a"..."z", "0"..."9", "_", "@", "%", "+", ":", ",", ".", "/", "-":
            return true
        default: return false
        }
    }
    return isSafe && !word.isEmpty ? Array(word) : singleQuoted(word)
}

private func singleQuoted(_ word: some Collection<UInt8>) -> [UInt8] {
    let quote = UInt8(ascii: "'")
    var quoted = [quote]
    for byte in word {
        if byte == quote { quoted += Array("'\\'".utf8) }
        quoted.append(byte)
    }
    quoted.append(quote)
    return quoted
}

/// Quotes a word for a message, so that it can be pasted into a shell. Unlike `shellQuoted`, it
/// writes control characters and bytes that are not UTF-8 as octal numbers between `$'` and `'`
/// (POSIX.1-2024, XCU 2.2.4; bash, ksh and zsh had this before).
func shownQuoted(_ word: [UInt8]) -> [UInt8] {
    let text = String(validating: word, as: UTF8.self)
    if let text, !text.unicodeScalars.contains(where: isControl) { return shellQuoted(word) }
    var quoted = Array("$'".utf8)
    func append(_ byte: UInt8) {
        switch byte {
        case 0x0A: quoted += Array("\\n".utf8)
        case 0x09: quoted += Array("\\t".utf8)
        case 0x0D: quoted += Array("\\r".utf8)
        default: quoted += octalEscape(byte)
        }
    }
    func append(_ scalar: Unicode.Scalar) {
        let bytes = String(scalar).utf8
        if scalar == "'" || scalar == "\\" { quoted.append(UInt8(ascii: "\\")) }
        if isControl(scalar) { bytes.forEach(append) } else { quoted += bytes }
    }
    if let text {
        text.unicodeScalars.forEach(append)
    } else {
        for byte in word {
            if byte < 0x80 { append(Unicode.Scalar(byte)) } else { quoted += octalEscape(byte) }
        }
    }
    quoted.append(UInt8(ascii: "'"))
    return quoted
}

/// Returns a printf(1) format, quoted for the shell, that prints the bytes.
///
/// - Parameter isShown: whether to write all bytes but those of printable ASCII as octal numbers.
func printfFormat(_ bytes: [UInt8], isShown: Bool = false) -> [UInt8] {
    var format: [UInt8] = []
    for byte in bytes {
        switch Unicode.Scalar(byte) {
        case "%": format += Array("%%".utf8)
        case "\\": format += Array("\\\\".utf8)
        case "\n": format += Array("\\n".utf8)
        // At the start, printf(1) would take it for an option.
        case "-" where format.isEmpty: format += octalEscape(byte)
        case "\0": format += octalEscape(byte)
        case _ where isShown && !(0x20..<0x7F).contains(byte): format += octalEscape(byte)
        default: format.append(byte)
        }
    }
    return singleQuoted(format)
}

/// Writes a byte as a backslash and three octal digits.
private func octalEscape(_ byte: UInt8) -> [UInt8] {
    [UInt8(ascii: "\\")] + [6, 3, 0].map { UInt8(ascii: "0") + byte >> UInt8($0) & 7 }
}

/// Whether a shell treats the word as part of its grammar in the position of a command's name.
/// These are the reserved words of POSIX (XCU 2.4), bash, ksh and zsh that `shellQuoted` would not
/// quote.
private func isReservedWord(_ word: [UInt8]) -> Bool {
    let words: Set = [
        "case", "coproc", "do", "done", "elif", "else", "end", "esac", "fi", "for", "foreach",
        "function", "if", "in", "namespace", "nocorrect", "noglob", "repeat", "select", "then",
        "time", "until", "while",
    ]
    return words.contains(String(decoding: word, as: UTF8.self))
}
