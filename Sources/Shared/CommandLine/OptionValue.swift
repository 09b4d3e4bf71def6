/// Parses the value of an option. If `parse` returns nil, it throws an error that says what is
/// expected.
public func parsed<ID, Value>(
    _ option: Option<ID>, _ value: Argument?, _ expected: String,
    _ parse: (String) -> Value?
) throws(UsageError) -> Value {
    let text = value?.text ?? ""
    guard let value = parse(text) else { throw UsageError("\(option.name) '\(text)'", expected) }
    return value
}

/// The largest size of an option's value: 2^50 bytes, more than any machine has. A larger value is
/// reduced to this, so that sums and products of sizes cannot overflow.
public let largestSize = 1 << 50

/// Parses the value of an option as a number of bytes, at least 1. The result is at most
/// `largestSize`.
public func size<ID>(_ option: Option<ID>, _ value: Argument?) throws(UsageError) -> Int {
    let expected = "takes a size of at least 1 byte, such as 4096, 64K, 1M or 2G"
    return try parsed(option, value, expected) { text in
        parseSize(text).flatMap { $0 > 0 ? min($0, largestSize) : nil }
    }
}

/// Parses the value of an option as a whole number of at least `minimum`.
///
/// - Parameter alternative: the word that the option takes instead of a number, if there is one.
public func count<ID>(
    _ option: Option<ID>, _ value: Argument?, minimum: Int, or alternative: String? = nil
) throws(UsageError) -> Int {
    let number = try count(
        option, value, minimum: UInt64(minimum), largest: UInt64(Int.max), or: alternative)
    return Int(number)
}

/// Parses the value of an option as a whole number from `minimum` to `largest`.
public func count<ID>(
    _ option: Option<ID>, _ value: Argument?, minimum: UInt64, largest: UInt64,
    or alternative: String? = nil
) throws(UsageError) -> UInt64 {
    let text = value?.text ?? ""
    if let number = parseCount(text, minimum: minimum, largest: largest) { return number }
    let isTooLarge = parseCount(text, minimum: minimum, largest: .max) != nil || isLong(text)
    let numbers = "takes a whole number of at least \(minimum)"
    throw UsageError(
        "\(option.name) '\(text)'",
        isTooLarge
            ? "passes the largest number that it takes, \(largest)"
            : numbers + (alternative.map { ", or \($0)" } ?? ""))
}

/// Whether a text is a number past 2^64-1.
private func isLong(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt64(text) == nil
}

/// TMPDIR, or /tmp if it is unset or empty.
public func defaultTemporaryFolder() -> Argument {
    guard let folder = unsafe getenv("TMPDIR"), unsafe folder[0] != 0 else { return "/tmp" }
    return unsafe Argument(folder)
}
