import Shared
import Testing

@testable import wcreduce

/// Adds a key as a file would bring it.
func add(_ key: [UInt8], _ count: UInt64 = 1, to counts: inout CountTable) throws {
    // By hand, since a closure of a typed throw crashes the compiler here (6.3.1).
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: key.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: key)
    try counts.add(UnsafeRawBufferPointer(copy), count)
}

/// Counts the records of a file that holds these bytes.
func count(
    _ bytes: [UInt8], delimiter: UInt8 = 0x0A, blockSize: Int = 64, into counts: inout CountTable
) throws {
    let file = try ScratchFile(bytes)
    var reader = try BlockReader(file.descriptor, blockSize: blockSize)
    try count(&reader, delimiter: delimiter, into: &counts)
}

/// Adds up the counts of a file that holds these bytes.
func merge(_ bytes: [UInt8], blockSize: Int = 64, into counts: inout CountTable) throws {
    let file = try ScratchFile(bytes)
    var reader = try BlockReader(file.descriptor, blockSize: blockSize)
    try merge(&reader, named: "file", delimiter: 0x0A, into: &counts)
}

/// A key and its count as values.
struct Entry: Equatable, CustomStringConvertible {
    let count: UInt64
    let key: [UInt8]

    init(_ count: UInt64, _ key: [UInt8]) {
        self.count = count
        self.key = key
    }

    init(_ count: UInt64, _ key: String) { self.init(count, Array(key.utf8)) }

    var description: String { "\(count) \(readable(key))" }
}

/// What is printed for the counts, in its order.
func selected(_ counts: borrowing CountTable, _ selection: Selection = Selection()) throws
    -> [Entry]
{
    try selection.apply(to: counts).map { entry in
        var key: [UInt8] = []
        entry.withKey { key = Array($0) }
        return Entry(entry.count, key)
    }
}

/// The order that is promised: the highest count first, equal counts by bytes.
func isPrintedBefore(_ a: Entry, _ b: Entry) -> Bool {
    a.count != b.count ? a.count > b.count : a.key.lexicographicallyPrecedes(b.key)
}

/// A key of up to so many bytes. Many are drawn more than once, have NUL bytes and
/// beginnings in common.
func randomKey(upTo length: Int, _ random: inout SeededGenerator) -> [UInt8] {
    let length = Int.random(in: 0...length, using: &random)
    let alphabet: [UInt8] = Bool.random(using: &random) ? [0x61] : [0, 0x61, 0x62, 0x80, 0xFF]
    return (0..<length).map { _ in alphabet.randomElement(using: &random)! }
}
