import Shared

/// Tells whether the lines of a counted file are what `-p` prints: count, tab, share in percent,
/// tab, line. `-m` would take the share for part of the key, and each file would have its own keys.
///
/// A key may really begin with such a number. So the shares must also match the counts for one
/// total, or for a few totals, because a file may hold several outputs. After the first line
/// without a share, no other line is checked.
struct ShareCheck {
    /// Whether there was a line, and every line so far fits.
    var holds: Bool { isOpen && lines > 0 && outputs <= 1 + lines / 8 }
    private(set) var isOpen: Bool
    private var lines = 0
    private var outputs = 1
    /// The range of totals for which each count rounds to its share.
    private var least = 0.0
    private var most = Double.infinity

    init(_ form: CountedForm) { isOpen = form == .countFirst }

    mutating func note(count: UInt64, key: UnsafeRawBufferPointer) {
        lines += 1
        guard let share = unsafe Self.share(key) else {
            isOpen = false
            return
        }
        // Half a unit of the last digit, and a small margin for rounding in Double.
        let error = 0.000_050_01
        let hundredfold = Double(count) * 100
        least = max(least, hundredfold / (share + error))
        if share > error { most = min(most, hundredfold / (share - error)) }
        if least > most {
            outputs += 1
            least = 0
            most = .infinity
        }
    }

    /// The number before a key's first tab, if it is a share as -p prints it.
    private static func share(_ key: UnsafeRawBufferPointer) -> Double? {
        // From `0.0000` to `100.0000`.
        guard let tab = unsafe key.prefix(9).firstIndex(of: UInt8(ascii: "\t")), tab >= 6 else {
            return nil
        }
        var units = 0
        for place in 0..<tab {
            let byte = unsafe key[place]
            if place == tab - 5 {
                if byte != UInt8(ascii: ".") { return nil }
            } else {
                guard (0x30...0x39).contains(byte) else { return nil }
                units = units * 10 + Int(byte) - 0x30
            }
        }
        return units <= 1_000_000 ? Double(units) / 10_000 : nil
    }
}
