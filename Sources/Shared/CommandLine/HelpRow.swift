/// An option in the text of `--help`.
struct HelpRow {
    let short: String?
    let long: String
    let text: String

    static func rows<ID>(of options: [Option<ID>]) -> [HelpRow] {
        options.map { option in
            HelpRow(
                short: option.short.map { "-\($0), " },
                long: "--\(option.long)"
                    + (option.value.map { isValueOptional($0) ? "\($0)" : "=\($0)" } ?? ""),
                text: "\(option.help)")
        } + [
            HelpRow(short: nil, long: "--help", text: "print this and exit"),
            HelpRow(short: nil, long: "--version", text: "print the version"),
        ]
    }

    /// The rows, one on each line, with their texts aligned. If any row has a short name, the long
    /// names are aligned too.
    ///
    /// - Parameter nameWidth: the widest name that counts for the alignment. The text follows
    ///   directly after a longer name.
    static func column(_ rows: [HelpRow], nameWidth: Int) -> [String] {
        let indent = rows.contains { $0.short != nil } ? "    " : ""
        let names = rows.map { ($0.short ?? indent) + $0.long }
        let width = names.map(\.count).filter { $0 <= nameWidth }.max() ?? 0
        return zip(names, rows).map { padded($0, width) + "  " + $1.text }
    }

    private static let leftWidth = 40

    static func twoColumns(_ rows: [HelpRow]) -> [String] {
        let half = (rows.count + 1) / 2
        let left = column(Array(rows[..<half]), nameWidth: 20)
        let right = column(Array(rows[half...]), nameWidth: 17)
        return left.indices.map { index in
            index < right.count ? padded(left[index], leftWidth) + "  " + right[index] : left[index]
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(width - text.count, 0))
    }
}
