/// An option in the text of `--help`.
struct HelpRow {
    /// Such as `-c, --chunk=N`, or `    --tag` if there is no short name.
    let name: String
    let text: String
    /// Printed before the row, if it begins a group.
    let heading: String?

    /// A row for each option, and those for `--help` and `--version`, which are a group of their
    /// own if the options are grouped.
    static func rows<ID>(of options: [Option<ID>]) -> [HelpRow] {
        let isGrouped = options.contains { $0.heading != nil }
        return options.map { option in
            let value = option.value.map { option.isValueOptional ? "[=\($0)]" : "=\($0)" } ?? ""
            return HelpRow(
                name: (option.short.map { "-\($0), " } ?? "    ") + "--\(option.long)\(value)",
                text: "\(option.help)", heading: option.heading.map { "\($0)" })
        } + [
            HelpRow(
                name: "    --help", text: "print this help and exit",
                heading: isGrouped ? "Help" : nil),
            HelpRow(name: "    --version", text: "print the version and exit", heading: nil),
        ]
    }

    /// One line for each row, with the texts aligned. An empty line and a heading come before each
    /// group.
    static func lines(_ rows: [HelpRow]) -> [String] {
        let width = rows.map(\.name.count).max() ?? 0
        var lines: [String] = []
        for (index, row) in rows.enumerated() {
            if index == 0 || row.heading != nil { lines.append("") }
            if let heading = row.heading { lines.append("\(heading):") }
            let gap = String(repeating: " ", count: width - row.name.count + 2)
            lines.append("  \(row.name)\(gap)\(row.text)")
        }
        return lines
    }
}
