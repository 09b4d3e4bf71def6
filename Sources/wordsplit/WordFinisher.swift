import Shared

/// Prints the words that need more than a terminator. It does case mapping and composition that
/// depend on neighboring scalars, drops words that are too short, adds the file's name, and forms
/// n-grams.
struct WordFinisher: ~Copyable {
    private let rule: Rule
    /// The file's name and a tab, with `-H`.
    private var prefix = ByteBuffer()
    /// The word as it is printed.
    private var word = ByteBuffer()
    /// The word in lower case, before it is composed.
    private var recased = ByteBuffer()
    /// `lowerCase` and `composer` are made on first use.
    private var lowerCase: LowerCase?
    private var composer: Composer?
    /// Whether the word is long enough to be printed.
    private var isTaken = false
    /// With `-g`: the last words, oldest first, each followed by a space.
    private var earlier = ByteBuffer()
    private var earlierStart = 0
    private var earlierCount = 0
    /// The number of bytes processed; see `Tokenizer.work`.
    private var bytesTaken = 0
    var work: Int {
        switch composer {
        case .some(let composer): bytesTaken + composer.work
        case nil: bytesTaken
        }
    }

    init(_ rule: Rule) { self.rule = rule }

    /// Begins another file. No n-gram crosses from one file to the next.
    mutating func begin(named name: FileName) throws(Errno) {
        if rule.withFilename {
            let bytes = name.bytes
            prefix.removeAll()
            try prefix.reserve(bytes.count + 1)
            for byte in bytes { prefix.append(byte) }
            prefix.append(UInt8(ascii: "\t"))
        }
        earlier.removeAll()
        earlierStart = 0
        earlierCount = 0
    }

    /// Takes a word from the machine and brings it into its printed form. `write(into:)` prints it.
    ///
    /// - Throws: `Errno` if there is no memory.
    mutating func take(
        _ bytes: UnsafeBufferPointer<UInt8>, facts: UInt8, _ machine: WordMachine
    ) throws(Errno) {
        var bytes = unsafe bytes
        if facts & WordMachine.holdsWhite != 0 { unsafe bytes = withoutOuterSpaces(bytes) }
        bytesTaken &+= bytes.count
        word.removeAll()
        // A change of case can add a mark after a letter: U+0130 becomes U+0069 U+0307.
        let isComposed =
            rule.words == .unicode
            && facts & (WordMachine.isRecomposed | WordMachine.isRecased) != 0
        if isComposed, composer == nil { composer = try Composer(machine) }
        if facts & WordMachine.isRecased == 0 {
            if isComposed {
                try unsafe composer!.append(bytes, to: &word)
            } else {
                try unsafe word.append(bytes)
            }
        } else {
            if lowerCase == nil { lowerCase = LowerCase() }
            if isComposed {
                recased.removeAll()
                try unsafe lowerCase!.append(bytes, to: &recased, machine)
                try unsafe composer!.append(recased.bytes, to: &word)
            } else {
                try unsafe lowerCase!.append(bytes, to: &word, machine)
            }
        }
        isTaken = unsafe rule.minimumLength == 1 || scalarCount(word.bytes) >= rule.minimumLength
    }

    /// Writes the word that was taken last, or the n-gram that ends with it. Writes nothing if the
    /// word is too short or if there are not enough words yet.
    mutating func write(into output: inout Output) throws {
        if !isTaken { return }
        if rule.gramLength == 1 {
            try unsafe write(UnsafeBufferPointer(start: nil, count: 0), into: &output)
            return
        }
        if earlierCount == rule.gramLength - 1 {
            let words = unsafe UnsafeBufferPointer(rebasing: earlier.bytes[earlierStart...])
            try unsafe write(words, into: &output)
        }
        try keepForLater()
    }

    /// Writes the file's name, the words before, and the word.
    ///
    /// Every function here that runs for each word is mutating: for other functions the compiler
    /// would copy the whole structure.
    private mutating func write(
        _ before: UnsafeBufferPointer<UInt8>, into output: inout Output
    ) throws(WriteError) {
        let size = prefix.count + before.count + word.count + 1
        if size > 1 << 16 {
            try unsafe output.append(UnsafeRawBufferPointer(prefix.bytes))
            try unsafe output.append(UnsafeRawBufferPointer(before))
            try unsafe output.append(UnsafeRawBufferPointer(word.bytes))
            try output.append(rule.terminator)
            return
        }
        try unsafe output.appendUpTo(size) { room in
            var end = unsafe room
            unsafe copy(prefix.bytes, to: &end)
            unsafe copy(before, to: &end)
            unsafe copy(word.bytes, to: &end)
            unsafe end.pointee = rule.terminator
            return size
        }
    }

    /// Writes ASCII words that are already in their printed form, or their n-grams. The words come
    /// with a space after each, so an n-gram is a slice of the given bytes.
    ///
    /// - Parameter end: the byte after each word; a space if n-grams are printed.
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
                // The n-gram that ends with this word begins before the given words.
                word.removeAll()
                try unsafe word.append(
                    UnsafeRawBufferPointer(rebasing: words[wordStart..<wordEnd])
                        .assumingMemoryBound(to: UInt8.self))
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
            earlier.removeAll()
            try unsafe earlier.append(
                UnsafeRawBufferPointer(rebasing: words[runStart...])
                    .assumingMemoryBound(to: UInt8.self))
            earlierStart = 0
            earlierCount = rule.gramLength - 1
        }
    }

    private mutating func write(
        run words: UnsafeRawBufferPointer, _ range: Range<Int>, into output: inout Output
    ) throws(WriteError) {
        let size = prefix.count + range.count
        try unsafe output.appendUpTo(size + 1) { room in
            var end = unsafe room
            unsafe copy(prefix.bytes, to: &end)
            unsafe UnsafeMutableRawPointer(end).copyMemory(
                from: words.baseAddress! + range.lowerBound, byteCount: range.count)
            unsafe room[size] = rule.terminator
            return size + 1
        }
    }

    private mutating func keepForLater() throws(Errno) {
        if earlierCount == rule.gramLength - 1 {
            let words = unsafe UnsafeRawBufferPointer(
                UnsafeBufferPointer(rebasing: earlier.bytes[earlierStart...]))
            unsafe earlierStart += firstOffset(of: UInt8(ascii: " "), in: words)! + 1
        } else {
            earlierCount += 1
        }
        if earlierStart == earlier.count {
            earlier.removeAll()
            earlierStart = 0
        } else if earlierStart > earlier.count / 2 && earlierStart > 4096 {
            earlier.removeFirst(earlierStart)
            earlierStart = 0
        }
        try earlier.reserve(word.count + 1)
        try unsafe earlier.append(word.bytes)
        earlier.append(UInt8(ascii: " "))
    }
}

/// Copies bytes to `end`, and advances `end` by their number.
@inline(__always)
private func copy(_ bytes: UnsafeBufferPointer<UInt8>, to end: inout UnsafeMutablePointer<UInt8>) {
    unsafe copyBytes(bytes, to: end)
    unsafe end += bytes.count
}
