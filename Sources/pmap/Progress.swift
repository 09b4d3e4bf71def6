import Shared

/// How far the work is.
struct Progress: Equatable {
    var chunksDone = 0
    /// nil until the end of the input was seen.
    var chunksTotal: Int?
    var itemsDone = 0
    var itemsTotal: Int?
    var running = 0
    var failed = 0
    var elapsed = Duration.zero

    /// Items a second, over the whole time.
    private var rate: Double {
        let seconds = elapsed / .seconds(1)
        return seconds > 0 ? Double(itemsDone) / seconds : 0
    }

    /// The fields of a status line, the most telling first.
    private var fields: [String] {
        var fields = [
            "\(chunksDone)\(total(chunksTotal)) chunks", "\(itemsDone)\(total(itemsTotal)) items",
            "\(running) running", "\(failed) failed", "\(tenths(rate)) items/s",
        ]
        if let itemsTotal, running > 0, itemsDone > 0, itemsDone < itemsTotal {
            fields.append("\(clock(Double(itemsTotal - itemsDone) / rate)) left")
        }
        return fields
    }

    private func total(_ number: Int?) -> String { number.map { "/\($0)" } ?? "" }

    /// One line of text without its end.
    var statusLine: String { fields.joined(separator: ", ") }

    /// A bar and as many fields as the window has room for.
    ///
    /// - Parameter columns: of the window; the last one stays free, since a terminal may
    ///   go on to the next line there.
    func bar(columns: Int) -> String {
        let room = max(columns - 1, 0)
        var text = ""
        for field in fields {
            let longer = text.isEmpty ? field : "\(text), \(field)"
            if longer.count > room { break }
            text = longer
        }
        let width = min(room - text.count - 3, 40)
        guard let itemsTotal, width >= 5 else { return text }
        let share = itemsTotal == 0 ? 1 : Double(min(itemsDone, itemsTotal)) / Double(itemsTotal)
        let full = Int(share * Double(width))
        let bar = String(repeating: "=", count: full) + String(repeating: " ", count: width - full)
        return "[\(bar)] \(text)"
    }
}

/// A number with one decimal place below 100, none above.
private func tenths(_ number: Double) -> String {
    if number >= 100 { return "\(Int(min(number.rounded(), 1e15)))" }
    let scaled = Int((number * 10).rounded())
    return "\(scaled / 10).\(scaled % 10)"
}

/// Seconds as `42s`, `3m05s`, `2h07m`, `4d03h`.
func clock(_ seconds: Double) -> String {
    let total = Int(min(seconds.rounded(.up), 1e12))
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
    switch total {
    case ..<60: return "\(total)s"
    case ..<3600: return "\(total / 60)m\(two(total % 60))s"
    case ..<86400: return "\(total / 3600)h\(two(total / 60 % 60))m"
    default: return "\(total / 86400)d\(two(total / 3600 % 24))h"
    }
}
