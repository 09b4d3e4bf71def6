/// An option's value, or what it would have to be.
public func parsed<ID, Value>(
    _ option: Option<ID>, _ value: Argument?, _ expected: String,
    _ parse: (String) -> Value?
) throws(UsageError) -> Value {
    let text = value?.text ?? ""
    guard let value = parse(text) else { throw UsageError("\(option.name) '\(text)'", expected) }
    return value
}

/// The largest size that an option takes as it is: 2^50 bytes, past what any machine has.
/// Above it the value is this, so that sums and products of sizes cannot overflow.
public let largestSize = 1 << 50

/// The number of bytes that is an option's value: at least 1, at most `largestSize`.
public func size<ID>(_ option: Option<ID>, _ value: Argument?) throws(UsageError) -> Int {
    let expected = "takes a size of at least 1 byte, such as 4096, 64K, 1M or 2G"
    return try parsed(option, value, expected) { text in
        parseSize(text).flatMap { $0 > 0 ? min($0, largestSize) : nil }
    }
}

/// The whole number that is an option's value.
///
/// - Parameter alternative: the word that the option takes instead of a number, if there is one.
public func count<ID>(
    _ option: Option<ID>, _ value: Argument?, minimum: Int, or alternative: String? = nil
) throws(UsageError) -> Int {
    let number = try count(
        option, value, minimum: UInt64(minimum), largest: UInt64(Int.max), or: alternative)
    return Int(number)
}

/// The whole number from `minimum` to `largest` that is an option's value.
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

/// TMPDIR, or /tmp where it is unset or empty.
public func defaultTemporaryFolder() -> Argument {
    guard let folder = unsafe getenv("TMPDIR"), unsafe folder[0] != 0 else { return "/tmp" }
    return unsafe Argument(folder)
}
