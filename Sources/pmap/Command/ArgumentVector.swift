import Shared

/// The arguments of a command in the form that execve(2) takes, the command's name first.
///
/// All words share one array. With an array for each word, building the arguments took longer than
/// the rest of starting a worker with 10,000 short words.
struct ArgumentVector {
    /// The words, each followed by a NUL.
    private var bytes: [UInt8] = []
    private(set) var count = 0

    init() {}

    init(_ words: some Sequence<[UInt8]>) {
        for word in words { append(word) }
    }

    var words: [[UInt8]] {
        bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map { Array($0) }
    }

    /// - Parameter word: must not contain a NUL.
    mutating func append(_ word: some Sequence<UInt8>) {
        bytes += word
        bytes.append(0)
        count += 1
    }

    /// Appends a word of the command line. The parameters are those of `Template.fill`.
    mutating func append(
        _ word: Template, item: ArraySlice<UInt8>, fields: [ArraySlice<UInt8>], chunk: Int,
        slot: Int
    ) {
        word.fill(into: &bytes, item: item, fields: fields, chunk: chunk, slot: slot)
        bytes.append(0)
        count += 1
    }

    /// Appends each item of a chunk as a word.
    mutating func append(itemsOf chunk: Chunk, delimiter: UInt8) {
        let start = bytes.count
        bytes += chunk.bytes
        if delimiter != 0 {
            unsafe bytes.withUnsafeMutableBufferPointer { bytes in
                // A branch for each byte would take ten times as long.
                for index in start..<bytes.count {
                    let byte = unsafe bytes[index]
                    unsafe bytes[index] = byte == delimiter ? 0 : byte
                }
            }
        }
        if chunk.bytes.last != delimiter { bytes.append(0) }
        count += chunk.itemCount ?? 0
    }

    /// Passes a pointer to each word, followed by nil. execve(2) does not write to the words; the
    /// pointers are mutable only for older C programs (POSIX.1-2024, XSH, exec, Rationale).
    func withPointers<Result>(
        _ body: ([UnsafeMutablePointer<CChar>?]) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        try unsafe bytes.withUnsafeBufferPointer { bytes throws(Errno) in
            var pointers: [UnsafeMutablePointer<CChar>?] = unsafe []
            unsafe pointers.reserveCapacity(count + 1)
            let start = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)?
                .assumingMemoryBound(to: CChar.self)
            var wordStart = 0
            for index in bytes.indices where unsafe bytes[index] == 0 {
                unsafe pointers.append(start.map { unsafe $0 + wordStart })
                wordStart = index + 1
            }
            unsafe pointers.append(nil)
            return try unsafe body(pointers)
        }
    }
}
