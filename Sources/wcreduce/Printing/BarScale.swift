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

    private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

    /// - Parameter columns: the width of the window. The default is the width of the terminal on
    ///   standard output, or else COLUMNS, or else 80.
    init(maximum: UInt64, columns: Int = windowColumns()) {
        self.maximum = maximum
        countWidth = String(maximum).utf8.count
        width = max(8, min(columns, Self.widestWindow) / 2 - countWidth)
    }

    /// The count, right-aligned, and a blank.
    func columns(_ count: UInt64) -> String {
        let digits = String(count)
        return String(repeating: " ", count: max(0, countWidth - digits.utf8.count)) + digits + " "
    }

    /// The bar, padded with blanks to the width of the longest bar, and a blank. The length is
    /// rounded down, but is at least an eighth of a column.
    func bar(_ count: UInt64) -> String {
        let product = count.multipliedFullWidth(by: UInt64(width * 8))
        let length = max(1, Int(max(1, maximum).dividingFullWidth(product).quotient))
        let part = Self.eighths[length % 8]
        let blanks = width - length / 8 - (part.isEmpty ? 0 : 1)
        return String(repeating: "█", count: length / 8) + part
            + String(repeating: " ", count: blanks + 1)
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
