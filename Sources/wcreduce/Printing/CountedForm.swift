import Shared

/// The forms of a counted record.
enum CountedForm: Sendable {
    /// Blanks, a count, one tab or space, a key: what wcreduce and uniq(1) -c print.
    case countFirst
    /// A key, a tab, a count. The key may contain tabs.
    case keyFirst

    func parse(
        _ record: UnsafeRawBufferPointer
    ) throws(CountProblem) -> (count: UInt64, key: UnsafeRawBufferPointer) {
        switch self {
        case .countFirst: try unsafe parseCountFirst(record)
        case .keyFirst: try unsafe parseKeyFirst(record)
        }
    }
}

/// Why a record is not a counted record.
enum CountProblem: String, Error {
    case noCount = "does not begin with a count"
    case noKey = "no tab or space after the count"
    case noLastCount = "does not end with a tab and a count"
    case tooLarge = "count passes 2^64-1"
}

private func parseCountFirst(
    _ record: UnsafeRawBufferPointer
) throws(CountProblem) -> (count: UInt64, key: UnsafeRawBufferPointer) {
    var index = 0
    while index < record.count, unsafe record[index] == UInt8(ascii: " ") { index += 1 }
    let digits = index
    let count = try unsafe decimal(record, &index)
    if index == digits { throw .noCount }
    guard index < record.count, case let separator = unsafe record[index],
        separator == UInt8(ascii: "\t") || separator == UInt8(ascii: " ")
    else { throw .noKey }
    return unsafe (count, UnsafeRawBufferPointer(rebasing: record[(index + 1)...]))
}

private func parseKeyFirst(
    _ record: UnsafeRawBufferPointer
) throws(CountProblem) -> (count: UInt64, key: UnsafeRawBufferPointer) {
    guard let tab = unsafe record.lastIndex(of: UInt8(ascii: "\t")) else { throw .noLastCount }
    var index = tab + 1
    let count = try unsafe decimal(record, &index)
    if index == tab + 1 || index < record.count { throw .noLastCount }
    return unsafe (count, UnsafeRawBufferPointer(rebasing: record[..<tab]))
}

/// Reads all digits from `index` on, and moves `index` past them.
@inline(__always)
private func decimal(
    _ record: UnsafeRawBufferPointer, _ index: inout Int
) throws(CountProblem) -> UInt64 {
    var number: UInt64 = 0
    while index < record.count, case let digit = unsafe record[index] &- 0x30, digit < 10 {
        let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
        let (sum, carry) = tens.addingReportingOverflow(UInt64(digit))
        if overflow || carry { throw .tooLarge }
        number = sum
        index += 1
    }
    return number
}
