import Shared

/// Adds up the counts of a file of `count<TAB>line` records, or of what uniq(1) -c prints.
/// A line that is neither ends the run: nothing is guessed.
func merge(
    _ reader: inout BlockReader, named name: String, delimiter: UInt8,
    into counts: inout CountTable
) throws {
    var line = 0
    while let block = try unsafe reader.nextRecords(delimiter: delimiter) {
        var rest = unsafe block
        while unsafe !rest.isEmpty {
            line += 1
            let end = unsafe rest.firstIndex(of: delimiter) ?? rest.count
            let record = unsafe UnsafeRawBufferPointer(rebasing: rest[..<end])
            do {
                let (count, key) = try unsafe countedRecord(record)
                if count > 0 { try unsafe counts.add(key, count) }
            } catch let error as Errno where error == .overflow {
                throw Failure("\(name): line \(line)", "the sum of its counts passes 2^64-1")
            } catch let problem as CountProblem {
                let text = unsafe readable(unsafe record.prefix(40))
                throw Failure("\(name): line \(line)", "\(problem.rawValue): '\(text)'")
            }
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[min(end + 1, rest.count)...])
        }
    }
}

enum CountProblem: String, Error {
    case noCount = "does not begin with a count"
    case noKey = "no tab or space after the count"
    case tooLarge = "count passes 2^64-1"
}

/// Splits blanks, digits, one tab or space, key.
func countedRecord(
    _ record: UnsafeRawBufferPointer
) throws(CountProblem) -> (count: UInt64, key: UnsafeRawBufferPointer) {
    var index = 0
    while index < record.count, unsafe record[index] == UInt8(ascii: " ") { index += 1 }
    let digits = index
    var count: UInt64 = 0
    while index < record.count, case let digit = unsafe record[index] &- 0x30, digit < 10 {
        let (tens, overflow) = count.multipliedReportingOverflow(by: 10)
        let (sum, carry) = tens.addingReportingOverflow(UInt64(digit))
        if overflow || carry { throw .tooLarge }
        count = sum
        index += 1
    }
    if index == digits { throw .noCount }
    guard index < record.count, case let separator = unsafe record[index],
        separator == UInt8(ascii: "\t") || separator == UInt8(ascii: " ")
    else { throw .noKey }
    return unsafe (count, UnsafeRawBufferPointer(rebasing: record[(index + 1)...]))
}
