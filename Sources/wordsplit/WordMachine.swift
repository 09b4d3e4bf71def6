import Shared

/// A rule as tables. They give the action for each state and each kind of scalar. For each kind,
/// they give what it says about its word and how it is printed.
///
/// A copy shares the tables, and there is no reference count: counting would take longer than
/// finishing a word. The owner must call `deallocate` once.
@safe
struct WordMachine {
    /// A transition holds the next state in the bits of `stateMask`, and the action in the bits
    /// above.
    static let stateMask: UInt8 = 0x1F
    static let actionShift: UInt8 = 5
    /// The number of transitions of each state: codes are ASCII.
    static let codeCount = 128

    // The facts of a word, a bit each. A word has each fact that one of its scalars has.
    static let isWord: UInt8 = 1 << 0
    static let isRecased: UInt8 = 1 << 1
    static let isRecomposed: UInt8 = 1 << 2
    static let holdsWhite: UInt8 = 1 << 3

    /// By state and code: the action and the next state.
    let transitions: UnsafeMutablePointer<UInt8>
    let prints: UnsafeMutablePointer<Printing>
    /// By scalar / 64: the place in `codes` at which its block begins.
    let blockOffsets: UnsafeMutablePointer<UInt16>
    let codes: UnsafePointer<UInt8>
    /// By scalar below 0x800. If the scalar continues a word of letters and is printed as two
    /// bytes: these bytes, the first one lowest, the facts in the upper half, and `isMark` for a
    /// combining mark. Else 0.
    let letterPairs: UnsafeMutablePointer<UInt32>
    static let isMark: UInt32 = 1 << 31
    /// By code: whether composition changes neither the scalar nor the text before it.
    private let areStable: UnsafeMutablePointer<Bool>

    /// How a scalar in a word is printed.
    struct Printing {
        /// The number to add to the scalar.
        var shift: Int32 = 0
        /// The facts that the scalar adds to its word.
        var facts: UInt8 = 0
    }

    init(_ rule: Rule) {
        let states = WordBreakState.allCases.count
        unsafe transitions = .allocate(capacity: states * Self.codeCount)
        unsafe transitions.initialize(repeating: 0, count: states * Self.codeCount)
        unsafe prints = .allocate(capacity: Self.codeCount)
        unsafe prints.initialize(repeating: Printing(), count: Self.codeCount)
        unsafe blockOffsets = Self.expandedIndex()
        unsafe letterPairs = .allocate(capacity: 0x800)
        unsafe letterPairs.initialize(repeating: 0, count: 0x800)
        unsafe codes = WordTable.blocks.utf8Start
        unsafe areStable = .allocate(capacity: Self.codeCount)
        unsafe areStable.initialize(repeating: true, count: Self.codeCount)
        for kind in WordTable.kinds {
            let code = Int(kind.code)
            unsafe areStable[code] = kind.traits.isDisjoint(with: [.mark, .recomposed])
            unsafe prints[code] = Printing(
                shift: Self.shift(kind, rule), facts: Self.facts(kind, rule))
            for state in WordBreakState.allCases where rule.joinsHyphens || !state.isForHyphens {
                let (action, next) = Self.step(state, kind, rule)
                unsafe transitions[Int(state.rawValue) * Self.codeCount + code] =
                    action.rawValue << Self.actionShift | next.rawValue
            }
        }
        // With `-a`, text is bytes, not scalars.
        if rule.words != .asciiLetters { fillLetterPairs(rule) }
    }

    private func fillLetterPairs(_ rule: Rule) {
        let letter = WordBreakState.letter.rawValue
        let mark = WordBreakState.Action.joinMark.rawValue << Self.actionShift | letter
        for scalar in 0x80..<0x800 as Range<UInt32> {
            let code = unsafe Int(codes[Int(blockOffsets[Int(scalar >> 6)]) + Int(scalar & 0x3F)])
            let print = unsafe prints[code]
            let printed = scalar &+ UInt32(bitPattern: print.shift)
            let transition = unsafe transitions[Int(letter) * Self.codeCount + code]
            // At the start of a word, sigma is printed in another way than within it.
            let isPlain = transition == letter && (scalar != 0x3A3 || rule.keepsCase)
            let isMark = transition == mark
            if isPlain || isMark, 0x80..<0x800 ~= printed {
                let bytes = 0x80C0 | printed >> 6 | (printed & 0x3F) << 8
                unsafe letterPairs[Int(scalar)] =
                    bytes | UInt32(print.facts) << 16 | (isMark ? Self.isMark : 0)
            }
        }
    }

    func deallocate() {
        unsafe areStable.deallocate()
        unsafe transitions.deallocate()
        unsafe prints.deallocate()
        unsafe letterPairs.deallocate()
        unsafe blockOffsets.deallocate()
    }

    func code(of scalar: Unicode.Scalar) -> Int {
        let block = unsafe Int(blockOffsets[Int(scalar.value >> 6)])
        return unsafe Int(codes[block + Int(scalar.value & 0x3F)])
    }

    func facts(of scalar: Unicode.Scalar) -> UInt8 { facts(ofCode: code(of: scalar)) }
    func facts(ofCode code: Int) -> UInt8 { unsafe prints[code].facts }

    /// Whether the scalar is in Normalization Form C in any context, and no text after it changes
    /// the text before it.
    func isStable(_ scalar: Unicode.Scalar) -> Bool { isStable(code: code(of: scalar)) }
    func isStable(code: Int) -> Bool { unsafe areStable[code] }

    private static func step(
        _ state: WordBreakState, _ kind: ScalarKind, _ rule: Rule
    ) -> (WordBreakState.Action, WordBreakState) {
        switch rule.words {
        case .asciiLetters:
            if kind.wordBreak != .letter { return (.skip, .start) }
            return (state == .start ? .begin : .join, .letter)
        case .betweenWhiteSpace:
            if !kind.traits.isDisjoint(with: [.white, .null]) { return (.skip, .start) }
            return (state == .start ? .begin : .join, .letter)
        case .unicode:
            // U+202F, which is ExtendNumLet, is the only white space that joins words. By the
            // rules, Extend and Format after other white space or a control character attach to
            // it. If it is skipped, they are still a segment of their own.
            if !kind.traits.isDisjoint(with: [.white, .control]), kind.wordBreak != .extendNumLet {
                return (.skip, .start)
            }
            let (action, next) = state.step(
                kind.wordBreak, isWord: kind.traits.contains(.word), joinsHyphens: rule.joinsHyphens
            )
            // Marks that are composed in any case do the same as those next to them, so that which
            // of both comes next need not be guessed. At the start, `joinMark` can replace `begin`:
            // there is no segment to end.
            let isMark =
                kind.traits.contains(.mark)
                || kind.wordBreak == .extend && kind.traits.contains(.recomposed)
            if isMark, action == .join || state == .start {
                return (.joinMark, next)
            }
            return (action, next)
        }
    }

    private static func facts(_ kind: ScalarKind, _ rule: Rule) -> UInt8 {
        var facts: UInt8 = 0
        let recased = kind.traits.contains(.recased) && !rule.keepsCase
        switch rule.words {
        case .asciiLetters: facts |= isWord
        case .betweenWhiteSpace: facts |= isWord | (recased ? isRecased : 0)
        case .unicode:
            if kind.traits.contains(.word) { facts |= isWord }
            if recased { facts |= isRecased }
            if kind.traits.contains(.recomposed) { facts |= isRecomposed }
            if kind.traits.contains(.white) { facts |= holdsWhite }
        }
        return facts
    }

    private static func shift(_ kind: ScalarKind, _ rule: Rule) -> Int32 {
        if !kind.traits.contains(.typographic) { return rule.keepsCase ? 0 : kind.shift }
        switch rule.words {
        case .unicode: return kind.wordBreak == .hyphen && !rule.joinsHyphens ? 0 : kind.shift
        case .asciiLetters, .betweenWhiteSpace: return 0
        }
    }

    private static func expandedIndex() -> UnsafeMutablePointer<UInt16> {
        let index = UnsafeMutablePointer<UInt16>.allocate(capacity: 0x110000 / 64)
        let runs = unsafe WordTable.index.utf8Start
        func number(_ offset: Int) -> Int {
            unsafe base64Digit(runs[offset]) * 64 + base64Digit(runs[offset + 1])
        }
        var end = 0
        for run in stride(from: 0, to: WordTable.index.utf8CodeUnitCount, by: 4) {
            let count = number(run + 2)
            unsafe (index + end).initialize(
                repeating: UInt16(truncatingIfNeeded: number(run) * 64), count: count)
            end += count
        }
        return unsafe index
    }
}

/// The value of a base-64 digit of `WordTable`. The digits are 0-9, A-Z, a-z, + and -.
func base64Digit(_ byte: UInt8) -> Int {
    switch Unicode.Scalar(byte) {
    case "0"..."9": Int(byte) - 0x30
    case "A"..."Z": Int(byte) - 0x41 + 10
    case "a"..."z": Int(byte) - 0x61 + 36
    default: byte == UInt8(ascii: "+") ? 62 : 63
    }
}
