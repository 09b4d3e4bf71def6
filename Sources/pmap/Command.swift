import Shared

/// The command of the command line, and how a chunk's items reach it.
struct Command {
    let words: [Argument]
    /// Whether items go to its standard input (`-i`) and not behind its arguments.
    let feedsStandardInput: Bool

    /// Bytes of arguments that the kernel leaves for items: each takes its bytes, a NUL
    /// and a pointer.
    var roomForItems: Int {
        let taken = words.reduce(0) { $0 + ArgumentLimit.cost(of: $1.byteCount) }
        return ArgumentLimit.total - taken - WorkerEnvironment.size
    }

    /// The chunk as a line that a POSIX shell runs to the same effect.
    func shellForm(_ chunk: Chunk, delimiter: UInt8, itemBytes: Int = .max) -> [UInt8] {
        var line: [UInt8] = []
        func append(_ bytes: some Collection<UInt8>) {
            if !line.isEmpty { line.append(UInt8(ascii: " ")) }
            line += bytes
        }
        func appendItems() {
            var left = chunk.itemCount
            var room = itemBytes
            for item in chunk.items(delimiter: delimiter) {
                if item.count > room {
                    return append("... and \(left) more".utf8)
                }
                append(shellQuoted(item))
                room -= item.count
                left -= 1
            }
        }
        if feedsStandardInput {
            append((delimiter == 0 ? "printf '%s\\0'" : "printf '%s\\n'").utf8)
            appendItems()
            append("|".utf8)
        }
        for word in words { append(shellQuoted(word.bytes)) }
        if !feedsStandardInput { appendItems() }
        return line
    }
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
