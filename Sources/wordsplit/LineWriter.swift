import Shared

/// Writes the lines of `-H` and `-g`: before each word the file's name and the words before it.
///
/// The tokenizer writes words into this type's memory instead of the output's, each with a
/// terminator. They come after the words with which the next n-grams begin, so an n-gram is a slice
/// of the memory.
@safe
struct LineWriter: ~Copyable {
    private let gramLength: Int
    /// The byte after each word in the memory. It is part of no word.
    private let wordEnd: UInt8
    private let terminator: UInt8
    /// The file's name and a tab, with `-H`.
    private var prefix = ByteBuffer()
    private var memory = unsafe UnsafeMutablePointer<UInt8>?.none
    private var capacity = 0
    /// The words at the start of the memory, which are part of lines to come: `gramLength` - 1, or
    /// fewer at the start of a file.
    private var earlierCount = 0
    /// The number of bytes of these words.
    private var earlierSize = 0

    /// The number of bytes moved within the memory; see `Tokenizer.work`.
    private(set) var work = 0

    /// The number of bytes that are written to the output at once. A longer line is written by
    /// itself.
    private static let chunk = 16 * 1024

    init(_ rule: Rule) {
        gramLength = rule.gramLength
        wordEnd = rule.wordEnd
        terminator = rule.terminator
    }

    deinit { unsafe free(memory) }

    /// Begins another file. No n-gram crosses from one file to the next.
    ///
    /// - Parameter name: the name to print before each word, or nil.
    mutating func begin(named name: FileName?) throws(Errno) {
        prefix.removeAll()
        if let bytes = name?.bytes {
            try prefix.reserve(bytes.count + 1 + blockSize)
            for byte in bytes { prefix.append(byte) }
            prefix.append(UInt8(ascii: "\t"))
        }
        earlierCount = 0
        earlierSize = 0
    }

    /// Reserves room for words, as `Output.reserve` does.
    mutating func reserve(
        _ size: Int, keeping kept: Int
    ) throws(WriteError) -> UnsafeMutablePointer<UInt8> {
        let needed = earlierSize + kept + size + InputBuffer.padding
        if needed > capacity {
            // Double the memory, so that kept bytes are moved a bounded number of times.
            let larger = max(needed, 2 * capacity)
            guard let moved = unsafe realloc(memory, larger) else { throw WriteError(.noMemory) }
            unsafe memory = moved.assumingMemoryBound(to: UInt8.self)
            capacity = larger
        }
        return unsafe memory! + earlierSize
    }

    /// Writes the lines that end with the words in the room.
    ///
    /// - Parameters:
    ///   - size: the number of bytes of the words, each with its terminator.
    ///   - kept: the number of bytes after them to keep. `reserve` must be called for them next.
    mutating func write(
        _ size: Int, keeping kept: Int, into output: inout Output
    ) throws(WriteError) {
        guard size > 0, let memory = unsafe memory else { return }
        let end = earlierSize + size
        var number = earlierCount
        // The first word of the next line, and the ends of the words from there on.
        var start = 0
        var firstEnds = unsafe Places(of: wordEnd, in: memory)
        var room = try unsafe output.reserve(Self.chunk)
        var used = 0
        var block = earlierSize
        while block < end {
            var ends = unsafe cs_matches64(memory + block, wordEnd)
            if end - block < 64 { ends &= (1 << UInt64(end - block)) - 1 }
            while ends != 0 {
                let place = block &+ ends.trailingZeroBitCount
                ends &= ends &- 1
                number &+= 1
                if number < gramLength { continue }
                let words = unsafe UnsafeBufferPointer(
                    start: memory + start, count: place &- start)
                start = gramLength == 1 ? place &+ 1 : firstEnds.next() &+ 1
                let length = prefix.count &+ words.count
                if used &+ length &+ blockSize > Self.chunk {
                    output.commit(used)
                    used = 0
                    if length &+ blockSize > Self.chunk {
                        try unsafe output.append(UnsafeRawBufferPointer(prefix.bytes))
                        try unsafe output.append(UnsafeRawBufferPointer(words))
                        try output.append(terminator)
                        unsafe room = try output.reserve(Self.chunk)
                        continue
                    }
                    unsafe room = try output.reserve(Self.chunk)
                }
                let line = unsafe room + used
                unsafe copyBlocks(prefix.bytes, to: line)
                unsafe copyBlocks(words, to: line + prefix.count)
                unsafe line[length] = terminator
                used &+= length &+ 1
            }
            block &+= 64
        }
        output.commit(used)
        // This moves no more bytes than were written, as the last line has all of these words.
        if start > 0 {
            unsafe memmove(memory, memory + start, end - start + kept)
            work &+= end - start + kept
        }
        earlierCount = min(number, gramLength - 1)
        earlierSize = end - start
    }
}

/// The places of a byte, in order.
@safe
private struct Places {
    private let byte: UInt8
    private let memory: UnsafePointer<UInt8>
    /// The places among 64 bytes that are still to come, and the place of these bytes.
    private var found: UInt64
    private var block = 0

    /// - Parameter memory: must hold `InputBuffer.padding` bytes after the last place.
    init(of byte: UInt8, in memory: UnsafePointer<UInt8>) {
        self.byte = byte
        unsafe self.memory = memory
        found = unsafe cs_matches64(memory, byte)
    }

    /// The next place. There must be one.
    mutating func next() -> Int {
        while found == 0 {
            block &+= 64
            found = unsafe cs_matches64(memory + block, byte)
        }
        let place = block &+ found.trailingZeroBitCount
        found &= found &- 1
        return place
    }
}

/// The number of bytes that `copyBlocks` copies at once.
private let blockSize = 16

/// Copies bytes in blocks. Up to 15 bytes after them are read and written too.
@inline(__always)
private func copyBlocks(
    _ bytes: UnsafeBufferPointer<UInt8>, to place: UnsafeMutablePointer<UInt8>
) {
    if bytes.count > 16 * blockSize {
        unsafe memcpy(place, bytes.baseAddress!, bytes.count)
        return
    }
    var index = 0
    while index < bytes.count {
        let block = unsafe UnsafeRawPointer(bytes.baseAddress! + index)
            .loadUnaligned(as: SIMD16<UInt8>.self)
        unsafe UnsafeMutableRawPointer(place + index).storeBytes(
            of: block, as: SIMD16<UInt8>.self)
        index &+= blockSize
    }
}
