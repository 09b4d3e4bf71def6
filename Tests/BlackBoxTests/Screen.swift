/// What a terminal shows of the bytes that were written to it: of ECMA-48 and xterm, the
/// little that a progress bar needs. Anything else is noted in `unknown`.
struct Screen {
    private(set) var columns: Int
    let rows: Int
    /// Lines that scrolled away, and then those of the window.
    private var lines: [[Character]] = [[]]
    private var row = 0
    private var column = 0
    private var wraps = true
    /// Whether a character was cut off, or went on in the next line, for want of columns.
    private(set) var overflowed = false
    private(set) var unknown: [String] = []
    /// Operating system commands: what stands between `ESC ]` and its end.
    private(set) var commands: [String] = []
    /// Each line as it was before it was erased or written anew.
    private(set) var erased: [String] = []
    private var pending: [UInt8] = []

    init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }

    /// The lines without blanks at their ends, and without empty ones at the end.
    var shown: [String] {
        var shown = lines.map(Self.trimmed)
        while shown.last == "" { shown.removeLast() }
        return shown
    }

    var text: String { shown.joined(separator: "\n") }

    /// The line in which the cursor stands.
    var currentLine: String { Self.trimmed(lines[row]) }

    private static func trimmed(_ line: [Character]) -> String {
        String(line[..<((line.lastIndex { $0 != " " } ?? -1) + 1)])
    }

    mutating func resize(columns: Int) {
        self.columns = columns
        column = min(column, columns - 1)
        for index in lines.indices where lines[index].count > columns {
            lines[index].removeLast(lines[index].count - columns)
        }
    }

    mutating func show(_ bytes: some Sequence<UInt8>) {
        pending += bytes
        // A character or sequence that is not all there waits for the rest.
        while let used = step(), used > 0 { pending.removeFirst(used) }
    }

    /// - Returns: how many bytes were used; nil where more must come first.
    private mutating func step() -> Int? {
        guard let first = pending.first else { return nil }
        switch first {
        case 0x1B: return escape()
        case 0x0D: column = 0
        case 0x0A: lineFeed()
        case 0x07: break
        case 0x08: column = max(column - 1, 0)
        case 0x09: column = min((column / 8 + 1) * 8, columns - 1)
        case 0x20...0x7E: put(Character(Unicode.Scalar(first)))
        case 0xC2...0xF4:
            let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            guard pending.count >= length else { return nil }
            put(Character(String(decoding: pending[..<length], as: UTF8.self)))
            return length
        default: unknown.append("byte \(first)")
        }
        return 1
    }

    private mutating func put(_ character: Character) {
        if column >= columns {
            overflowed = true
            if wraps {
                column = 0
                lineFeed()
            } else {
                column = columns - 1
            }
        }
        while lines[row].count <= column { lines[row].append(" ") }
        lines[row][column] = character
        column += 1
    }

    private mutating func lineFeed() {
        row += 1
        if row == lines.count { lines.append([]) }
    }

    private mutating func escape() -> Int? {
        guard pending.count >= 2 else { return nil }
        if pending[1] == UInt8(ascii: "]") {
            // Ends with BEL or ESC \.
            guard let end = pending.indices.dropFirst(2).first(where: { isEnd(at: $0) }),
                pending[end] == 0x07 || end + 1 < pending.count
            else { return nil }
            commands.append(String(decoding: pending[2..<end], as: UTF8.self))
            return end + (pending[end] == 0x07 ? 1 : 2)
        }
        guard pending[1] == UInt8(ascii: "[") else {
            unknown.append("ESC \(pending[1])")
            return 2
        }
        guard let end = pending.dropFirst(2).firstIndex(where: { (0x40...0x7E).contains($0) })
        else { return nil }
        control(String(decoding: pending[2...end], as: UTF8.self))
        return end + 1
    }

    private func isEnd(at index: Int) -> Bool { pending[index] == 0x07 || pending[index] == 0x1B }

    private mutating func control(_ sequence: String) {
        switch sequence {
        case "K", "J":
            erased.append(currentLine)
            lines[row] = Array(lines[row].prefix(column))
            if sequence == "J" { lines.removeLast(lines.count - row - 1) }
        case "?7l": wraps = false
        case "?7h": wraps = true
        case "0m", "31m", "32m", "m", "?2004h", "?2004l": break
        default: unknown.append("CSI \(sequence)")
        }
    }
}
