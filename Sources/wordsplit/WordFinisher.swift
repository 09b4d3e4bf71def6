import Shared

/// Brings the words into their printed form that the machine leaves unfinished: it does case
/// mapping and composition that depend on neighboring scalars.
struct WordFinisher: ~Copyable {
    private let composes: Bool
    /// The word as it is printed.
    private var word = ByteBuffer()
    /// The word in lower case, before it is composed.
    private var recased = ByteBuffer()
    /// Made on first use, like `composer`.
    private var lowerCase: LowerCase?
    private var composer: Composer?
    /// The number of bytes processed; see `Tokenizer.work`.
    private var bytesTaken = 0
    var work: Int {
        switch composer {
        case .some(let composer): bytesTaken + composer.work
        case nil: bytesTaken
        }
    }

    init(_ rule: Rule) { composes = rule.words == .unicode }

    /// The printed form of a word.
    ///
    /// Every function here that runs for each word is mutating: for other functions the compiler
    /// would copy the whole structure.
    ///
    /// - Parameter facts: those of the word; see `WordMachine`.
    /// - Returns: memory that is valid until the next call, or a part of the given word.
    /// - Throws: `Errno` if there is no memory.
    mutating func finish(
        _ bytes: UnsafeBufferPointer<UInt8>, facts: UInt8, _ machine: WordMachine
    ) throws(Errno) -> UnsafeBufferPointer<UInt8> {
        var bytes = unsafe bytes
        if facts & WordMachine.holdsWhite != 0 { unsafe bytes = withoutOuterSpaces(bytes) }
        bytesTaken &+= bytes.count
        var isComposed = facts & WordMachine.isRecomposed != 0
        if facts & WordMachine.isRecased != 0 {
            if lowerCase == nil { lowerCase = LowerCase() }
            recased.removeAll()
            unsafe isComposed = try lowerCase!.append(bytes, to: &recased, machine)
            unsafe bytes = recased.bytes
        }
        if composes && isComposed {
            if composer == nil { composer = try Composer(machine) }
            word.removeAll()
            try unsafe composer!.append(bytes, to: &word)
            unsafe bytes = word.bytes
        }
        return unsafe bytes
    }
}
