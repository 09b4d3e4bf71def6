/// Parses a number of bytes such as `65536`, `64K`, `1M`, `2G`. The units are powers of 1024, as in
/// head(1) and sort(1). `KiB` is the same as `K`; `KB` is 1000.
///
/// - Returns: the bytes, or nil if the text is not a size or the number passes `Int.max`.
public func parseSize(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard var size = Int(digits) else { return nil }
    var suffix = text[digits.endIndex...].uppercased()[...]
    if suffix.isEmpty { return size }
    guard let power = "KMGTPE".firstIndex(of: suffix.removeFirst()) else { return nil }
    let base: Int
    switch suffix {
    case "", "IB": base = 1024
    case "B": base = 1000
    default: return nil
    }
    for _ in 0..."KMGTPE".distance(from: "KMGTPE".startIndex, to: power) {
        let (product, overflow) = size.multipliedReportingOverflow(by: base)
        if overflow { return nil }
        size = product
    }
    return size
}

/// Parses a time such as `1.5`, `30s`, `5m`, `2h`, `1d`, as in sleep(1) and timeout(1). Without a
/// unit it is in seconds.
///
/// - Returns: the time, or nil if the text is not a time or the time passes 10,000 years.
public func parseDuration(_ text: String) -> Duration? {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    let unit = text.last.flatMap { units[$0] }
    let number = unit == nil ? text[...] : text.dropLast()
    let allowed = number.allSatisfy { ($0.isASCII && $0.isNumber) || $0 == "." }
    guard allowed, let value = Double(number) else { return nil }
    let seconds = value * (unit ?? 1)
    guard seconds <= 10_000 * 366 * 86400 else { return nil }
    return .seconds(seconds)
}

/// Parses a whole number of at least `minimum`. Returns nil if the text is not decimal digits only,
/// or the number passes `Int.max`.
public func parseCount(_ text: String, minimum: Int = 0) -> Int? {
    parseCount(text, minimum: UInt64(minimum), largest: UInt64(Int.max)).map { Int($0) }
}

/// Parses a whole number from `minimum` to `largest`. Returns nil if the text is not decimal digits
/// only.
func parseCount(_ text: String, minimum: UInt64, largest: UInt64) -> UInt64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let value = UInt64(text), value >= minimum, value <= largest
    else { return nil }
    return value
}
