import Shared
import Testing

@testable import wcreduce

/// Adds a key as a file would bring it.
func add(_ key: [UInt8], _ count: UInt64 = 1, to counts: inout Counts) throws {
    try withPaddedCopy(of: key) { try counts.add($0, count) }
}

/// Calls with a copy of the bytes behind which there are others, as in a block of a file.
func withPaddedCopy<Result>(
    of bytes: some Collection<UInt8>, _ body: (UnsafeRawBufferPointer) throws -> Result
) rethrows -> Result {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 64, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: Array(bytes) + [UInt8](repeating: 0x78, count: 64))
    return try body(UnsafeRawBufferPointer(rebasing: copy[..<bytes.count]))
}

/// Counts the records of a file that holds these bytes.
func count(
    _ bytes: [UInt8], delimiter: UInt8 = 0x0A, blockSize: Int = 64, into counts: inout Counts
) throws {
    let file = try ScratchFile(bytes)
    var reader = try BlockReader(file.descriptor, blockSize: blockSize)
    try counts.count(&reader, delimiter: delimiter)
}

/// Adds up the counts of a file that holds these bytes.
func merge(
    _ bytes: [UInt8], form: CountedForm = .countFirst, blockSize: Int = 64,
    into counts: inout Counts
) throws {
    let file = try ScratchFile(bytes)
    var reader = try BlockReader(file.descriptor, blockSize: blockSize)
    try counts.merge(&reader, named: "file", form: form, delimiter: 0x0A)
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

/// What is printed for the counts, in its order; they are empty then.
func selected(
    _ counts: inout Counts, _ selection: Selection = Selection(), memory: Int = .max
) throws -> [Entry] {
    var found: [Entry] = []
    _ = try selection.visit(
        counts.finish(), memory: MemoryLimit(memory), begin: { _ in },
        { record in found.append(Entry(record.count, Array(record.key))) })
    return found
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
