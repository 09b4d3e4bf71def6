/// An option's value, or what it would have to be.
public func parsed<ID, Value>(
    _ option: Option<ID>, _ value: Argument?, _ expected: String,
    _ parse: (String) -> Value?
) throws(UsageError) -> Value {
    let text = value?.text ?? ""
    guard let value = parse(text) else { throw UsageError("\(option.name) '\(text)'", expected) }
    return value
}

/// The number of bytes that is an option's value: more than none.
public func size<ID>(_ option: Option<ID>, _ value: Argument?) throws(UsageError) -> Int {
    try parsed(option, value, "takes a size such as 4096, 64K, 1M or 2G") { text in
        parseSize(text).flatMap { $0 > 0 ? $0 : nil }
    }
}

/// The whole number that is an option's value.
public func count<ID>(
    _ option: Option<ID>, _ value: Argument?, minimum: Int
) throws(UsageError) -> Int {
    let text = value?.text ?? ""
    guard let number = parseCount(text, minimum: minimum) else {
        let isNumber = text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        throw UsageError(
            "\(option.name) '\(text)'",
            isNumber && !text.isEmpty && Int(text) == nil
                ? "passes the largest number that it takes, \(Int.max)"
                : "takes a whole number of at least \(minimum)")
    }
    return number
}

/// TMPDIR, or /tmp where it is unset or empty.
public func defaultTemporaryFolder() -> Argument {
    guard let folder = unsafe getenv("TMPDIR"), unsafe folder[0] != 0 else { return "/tmp" }
    return unsafe Argument(folder)
}
