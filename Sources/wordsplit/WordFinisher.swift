import Shared

/// What becomes of a word before it is printed, where that is more than a terminator: case
/// and composition that depend on what stands around, too few characters, a file's name,
/// n-grams.
struct WordFinisher {
    private let rule: Rule
    /// The file's name and a tab, with `-H`.
    private var prefix: [UInt8] = []
    /// The word as it is printed.
    private var word: [UInt8] = []
    /// Whether it is long enough to be printed.
    private var isTaken = false
    /// The last words, each with a space behind it, with `-g`; the oldest first.
    private var earlier: [UInt8] = []
    private var earlierStart = 0
    private var earlierCount = 0

    init(_ rule: Rule) { self.rule = rule }

    /// Begins another file: no n-gram reaches into it.
    mutating func begin(named name: Argument) {
        if rule.withFilename { prefix = name.bytes + [UInt8(ascii: "\t")] }
        earlier.removeAll(keepingCapacity: true)
        earlierStart = 0
        earlierCount = 0
    }

    /// Takes a word as the machine leaves it.
    mutating func take(
        _ bytes: UnsafeBufferPointer<UInt8>, facts: UInt8, _ machine: WordMachine
    ) throws(Errno) {
        // Swift's arrays end the program where memory does.
        if bytes.count > 1 << 16 { try requireMemory(bytes.count * 8) }
        var bytes = unsafe bytes
        if facts & WordMachine.holdsWhite != 0 { unsafe bytes = withoutOuterSpaces(bytes) }
        word.removeAll(keepingCapacity: word.capacity <= 1 << 16)
        if facts & WordMachine.isRecased != 0 {
            unsafe appendRecased(bytes, to: &word, machine)
        } else {
            unsafe word.append(contentsOf: bytes)
        }
        // A change of case may leave marks behind a letter: U+0130 becomes two scalars.
        if rule.words == .unicode, facts & (WordMachine.isRecomposed | WordMachine.isRecased) != 0 {
            try recompose(&word, machine)
        }
        isTaken = unsafe word.withUnsafeBufferPointer {
            unsafe rule.minimumLength == 1 || scalarCount($0) >= rule.minimumLength
        }
    }

    /// Writes what there is to print now.
    mutating func write(into output: inout Output) throws {
        if !isTaken { return }
        if rule.gramLength == 1 {
            try output.append(prefix[...])
            try output.append(word[...])
            try output.append(rule.terminator)
            return
        }
        if earlierCount == rule.gramLength - 1 {
            try output.append(prefix[...])
            try output.append(earlier[earlierStart...])
            try output.append(word[...])
            try output.append(rule.terminator)
        }
        try keepForLater()
    }

    /// Writes what there is to print of words that are ASCII and as they are printed. A run of
    /// them with spaces between is a piece of what is given.
    ///
    /// - Parameter end: a space, where runs of words are printed.
    mutating func write(
        plain words: UnsafeRawBufferPointer, endedBy end: UInt8, into output: inout Output
    ) throws {
        var runStart = 0
        var wordStart = 0
        var number = 0
        while wordStart < words.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: words[wordStart...])
            let wordEnd = unsafe wordStart + firstOffset(of: end, in: rest)!
            number += 1
            if number < rule.gramLength {
                // Its run begins before all of these.
                word.removeAll(keepingCapacity: true)
                unsafe word.append(contentsOf: words[wordStart..<wordEnd])
                isTaken = true
                try write(into: &output)
            } else {
                try unsafe write(run: words, runStart..<wordEnd, into: &output)
                let run = unsafe UnsafeRawBufferPointer(rebasing: words[runStart...])
                unsafe runStart += firstOffset(of: end, in: run)! + 1
            }
            wordStart = wordEnd + 1
        }
        if rule.gramLength > 1, number >= rule.gramLength {
            earlier.removeAll(keepingCapacity: earlier.capacity <= 1 << 16)
            unsafe earlier.append(contentsOf: words[runStart...])
            earlierStart = 0
            earlierCount = rule.gramLength - 1
        }
    }

    private func write(
        run words: UnsafeRawBufferPointer, _ range: Range<Int>, into output: inout Output
    ) throws(WriteError) {
        let size = prefix.count + range.count
        try unsafe output.appendUpTo(size + 1) { room in
            unsafe prefix.withUnsafeBufferPointer { prefix in
                guard let bytes = prefix.baseAddress else { return }
                unsafe room.update(from: bytes, count: prefix.count)
            }
            unsafe UnsafeMutableRawPointer(room + prefix.count).copyMemory(
                from: words.baseAddress! + range.lowerBound, byteCount: range.count)
            unsafe room[size] = rule.terminator
            return size + 1
        }
    }

    private mutating func keepForLater() throws(Errno) {
        if earlierCount == rule.gramLength - 1 {
            let space = earlier[earlierStart...].firstIndex(of: UInt8(ascii: " "))!
            earlierStart = space + 1
        } else {
            earlierCount += 1
        }
        if earlierStart > earlier.count / 2 && earlierStart > 4096 {
            earlier.removeSubrange(..<earlierStart)
            earlierStart = 0
        }
        let needed = earlier.count + word.count + 1
        if needed > max(earlier.capacity, 1 << 16) { try requireMemory(needed * 2) }
        earlier += word
        earlier.append(UInt8(ascii: " "))
    }
}
