/// The progress on one line of a terminal: a bar, and as many fields as fit.
struct ProgressBar {
    /// Whether the bar uses block characters, in steps of an eighth of a cell, or ASCII.
    var usesBlocks: Bool
    var usesColour: Bool

    /// The cells of the bar with its ends, at least: 22 of 80 columns, fewer of a narrow window. A
    /// bar of fewer than 6 cells is unreadable.
    private static func narrowest(room: Int) -> Int { min(max(room * 2 / 7, 6), 22) }
    /// A wider bar shows no more.
    private static let widest = 52

    /// A field at its place in the line. Fields with a lower rank stay longer when the window
    /// becomes narrower.
    private struct Field {
        var text: String
        var rank: Int
        var isAlert = false
    }

    private func fields(of progress: Progress) -> [Field] {
        let failed = progress.failed > 0
        var fields: [Field] = []
        if let percent = progress.percent { fields.append(Field(text: percent, rank: 1)) }
        if let chunks = progress.chunks { fields.append(Field(text: chunks, rank: 5)) }
        fields.append(Field(text: progress.items, rank: 0))
        if max(progress.rate, progress.byteRate) > 0 {
            fields.append(Field(text: "\(progress.speed)/s", rank: 6))
        }
        fields += [
            Field(text: "\(progress.running) running", rank: 4),
            Field(text: "\(progress.failed) failed", rank: failed ? 3 : 8, isAlert: failed),
            Field(text: "\(clock(progress.elapsed / .seconds(1))) elapsed", rank: 7),
        ]
        if let timeLeft = progress.timeLeft { fields.append(Field(text: timeLeft, rank: 2)) }
        return fields
    }

    /// - Parameters:
    ///   - columns: the width of the window. The last column stays free, because some terminals
    ///     start a new line after it.
    ///   - tick: counts the drawings; it moves the animation while the total is unknown.
    /// - Returns: text that takes fewer cells than there are columns. It holds only our own words,
    ///   numbers and bars, so each character takes one cell.
    func line(_ progress: Progress, columns: Int, tick: Int) -> String {
        let room = max(columns - 1, 0)
        let narrowest = Self.narrowest(room: room)
        let all = fields(of: progress)
        var shown: Set<Int> = []
        var width = 0
        for index in all.indices.sorted(by: { all[$0].rank < all[$1].rank }) {
            let wider = width + all[index].text.count + (shown.isEmpty ? 0 : 2)
            // The number of items matters more than the bar, and the bar more than the other
            // fields.
            let reserved = shown.isEmpty ? 0 : narrowest + 1
            if wider + reserved > room { break }
            width = wider
            shown.insert(index)
        }
        let text = all.indices.filter(shown.contains).map { painted(all[$0]) }
            .joined(separator: ", ")
        let cells = min(room - width - (width > 0 ? 1 : 0), Self.widest)
        if cells < narrowest { return text }
        return bar(progress, cells: cells - 2, tick: tick) + (width > 0 ? " " : "") + text
    }

    private func painted(_ field: Field) -> String {
        field.isAlert && usesColour ? "\u{1B}[31m\(field.text)\u{1B}[0m" : field.text
    }

    private func bar(_ progress: Progress, cells: Int, tick: Int) -> String {
        let inside =
            progress.share(of: cells * 8).map { filled(eighths: $0, cells: cells) }
            ?? moving(cells: cells, tick: tick)
        if !usesBlocks { return "[\(inside)]" }
        return "▕" + (usesColour ? "\u{1B}[32m\(inside)\u{1B}[0m" : inside) + "▏"
    }

    private func filled(eighths: Int, cells: Int) -> String {
        if !usesBlocks { return spaced(String(repeating: "=", count: eighths / 8), cells) }
        let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
        return spaced(String(repeating: "█", count: eighths / 8) + part, cells)
    }

    /// The animation shown while the total is unknown: a piece that moves one cell each tick.
    private func moving(cells: Int, tick: Int) -> String {
        let length = max(cells / 5, 1)
        let way = cells - length
        let place = way == 0 ? 0 : way - abs(way - tick % (2 * way))
        let piece = String(repeating: usesBlocks ? "█" : "=", count: length)
        return spaced(String(repeating: " ", count: place) + piece, cells)
    }

    private func spaced(_ text: String, _ cells: Int) -> String {
        text + String(repeating: " ", count: max(cells - text.count, 0))
    }
}
