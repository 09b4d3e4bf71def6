import Shared

/// Bars for counts. The longest bar and its count take half the width of the window. The other bars
/// are to scale, in eighths of a column.
struct BarScale {
    private let maximum: UInt64
    private let width: Int
    /// The width of the widest count.
    private let countWidth: Int

    /// The largest width, in columns, that a terminal can report: `ws_col` of `struct winsize` has
    /// 16 bits.
    static let widestWindow = 65_535

    private static let block = "█"
    private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    /// The longest bar, and as many blanks as there can be in a row: there may be millions of lines.
    private let blocks: [UInt8]
    private let blanks: [UInt8]

    /// - Parameter columns: the width of the window. The default is the width of the terminal on
    ///   standard output, or else COLUMNS, or else 80.
    init(maximum: UInt64, columns: Int = windowColumns()) {
        self.maximum = maximum
        countWidth = String(maximum).utf8.count
        width = max(8, min(columns, Self.widestWindow) / 2 - countWidth)
        blocks = Array(String(repeating: Self.block, count: width).utf8)
        blanks = Array(repeating: UInt8(ascii: " "), count: max(width + 1, countWidth))
    }

    /// Appends the count, right-aligned, and a blank.
    func append(count: UInt64, to output: inout Output) throws(WriteError) {
        let digits = String(count)
        try output.append(blanks[..<max(0, countWidth - digits.utf8.count)])
        try output.append(digits)
        try output.append(UInt8(ascii: " "))
    }

    /// Appends the bar, padded with blanks to the width of the longest bar, and a blank. The length
    /// is rounded down, but is at least an eighth of a column.
    func append(bar count: UInt64, to output: inout Output) throws(WriteError) {
        let product = count.multipliedFullWidth(by: UInt64(width * 8))
        let length = max(1, Int(max(1, maximum).dividingFullWidth(product).quotient))
        let part = Self.eighths[length % 8]
        let blankCount = width - length / 8 - (part.isEmpty ? 0 : 1)
        try output.append(blocks[..<(length / 8 * Self.block.utf8.count)])
        try output.append(part)
        try output.append(blanks[...blankCount])
    }
}

private func windowColumns() -> Int {
    let columns = Int(cs_window_columns(FileDescriptor.standardOutput.rawValue))
    if columns > 0 { return columns }
    if let text = unsafe getenv("COLUMNS"),
        let columns = parseCount(unsafe String(cString: text), minimum: 1)
    {
        return columns
    }
    return 80
}
