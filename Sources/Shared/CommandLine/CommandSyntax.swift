/// An error in the command line: what is wrong, and what would be right.
public struct UsageError: Error, Equatable, Sendable {
    public let what: String
    public let why: String

    public init(_ what: String, _ why: String) {
        self.what = what
        self.why = why
    }
}

/// What a command line asks for.
public enum Invocation<ID: Equatable & Sendable>: Sendable {
    case help
    case version
    case run(options: GivenOptions<ID>, operands: ArgumentList)
}

/// The syntax of a program's command line. It parses the command line and prints the help.
///
/// Not an array: creating the first array costs as much as a C program's whole start (see
/// `ArgumentList`).
public struct CommandSyntax<ID: Equatable & Sendable, let count: Int>: Sendable {
    /// The program's name as it was started: `make install` can give it a prefix.
    public let program: String
    public let operands: String
    public let purpose: String
    public let options: InlineArray<count, Option<ID>>
    /// The last line of the help, such as an explanation of its words.
    public let note: String?
    /// Whether options end at the first operand, as they do for xargs(1) and env(1).
    public let stopsAtOperand: Bool
    /// Advice for a user who types an option of a similar program: given the letter and what
    /// follows it, such as `4` of `-P4`. Nil if there is none.
    private let advice: (@Sendable (_ letter: UInt8, _ value: String) -> String?)?
    /// Text that `--version` appends to the program's version, such as `, Unicode 17.0`; or
    /// nothing.
    private let basis: @Sendable () -> String

    public init(
        program: String, operands: String, purpose: String, stopsAtOperand: Bool = false,
        basis: @autoclosure @escaping @Sendable () -> String = "",
        advice: (@Sendable (UInt8, String) -> String?)? = nil,
        options: InlineArray<count, Option<ID>>, note: String? = nil
    ) {
        self.program = CommandLineArguments.programName(endingWith: program)
        self.operands = operands
        self.purpose = purpose
        self.stopsAtOperand = stopsAtOperand
        self.basis = basis
        self.advice = advice
        self.options = options
        self.note = note
    }

    /// The text of `--help`: one option per line, under the headings of their groups.
    public var help: String {
        let lines =
            ["Usage: \(program) [options] \(operands)", purpose]
            + HelpRow.lines(HelpRow.rows(of: optionList))
            + ["", (note.map { $0 + " " } ?? "") + "More: man \(program)"]
        return lines.map { "\($0)\n" }.joined()
    }

    private var optionList: [Option<ID>] { options.indices.map { options[$0] } }

    public var version: String { "\(program) (pmaputils) \(pmaputilsVersion)\(basis())\n" }

    /// Parses a command line with getopt_long(3): GNU's conventions, `--` included.
    ///
    /// - Parameter vector: argv. It is reordered, as getopt_long does, unless `stopsAtOperand` is
    ///   set.
    public func parse(
        _ vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, count argumentCount: Int32
    ) throws(UsageError) -> Invocation<ID> {
        let table = OptionTable(options, stopsAtOperand: stopsAtOperand)
        cs_silence_getopt()
        cs_reset_getopt()
        var found = GivenOptions<ID>()
        while true {
            let code = unsafe getopt_long(argumentCount, vector, table.short, table.long, nil)
            if code == -1 { break }
            let value = unsafe cs_optarg().map { unsafe Argument($0) }
            if code == OptionTable.firstCode + Int32(options.count) { return .help }
            if code == OptionTable.firstCode + Int32(options.count) + 1 { return .version }
            guard let option = option(code) else {
                throw unsafe refusal(code, vector, count: Int(argumentCount))
            }
            found.append(option, value)
        }
        let operands = unsafe ArgumentList(
            vector + Int(cs_optind()), count: Int(argumentCount - cs_optind()))
        return .run(options: found, operands: operands)
    }

    private func option(_ code: Int32) -> Option<ID>? {
        if code >= OptionTable.firstCode {
            let index = Int(code - OptionTable.firstCode)
            return index < options.count ? options[index].typedLong() : nil
        }
        // Not ':' or '?'. A byte of 0x80 or more is a negative number here, because glibc takes it
        // from a char.
        guard code > 0, code != 0x3A, code != 0x3F else { return nil }
        for index in options.indices where options[index].short?.value == UInt32(code) {
            return options[index]
        }
        return nil
    }

    private func refusal(
        _ code: Int32, _ vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, count: Int
    ) -> UsageError {
        func word(_ index: Int32) -> Argument? {
            guard index < count else { return nil }
            return unsafe vector[Int(index)].map { unsafe Argument($0) }
        }
        let help = "try '\(program) --help'"
        let known = option(cs_optopt())
        if code == 0x3A, let known {
            return UsageError(
                "option '\(known.name)' needs a value", known.value?.description ?? help)
        }
        let last = word(cs_optind() - 1)?.text ?? ""
        if cs_optopt() >= OptionTable.firstCode {
            return UsageError("option '\(last)' takes no value", help)
        }
        if cs_optopt() != 0 {
            let letter = UnknownLetter(
                UInt8(truncatingIfNeeded: cs_optopt()), current: word(cs_optind())?.bytes ?? [],
                last: word(cs_optind() - 1)?.bytes ?? [])
            return UsageError(
                "unknown option '-\(letter.text)'", advice?(letter.byte, letter.value) ?? help)
        }
        let name = last.prefix { $0 != "=" }.dropFirst(2)
        let candidates = (optionList.map { "\($0.long)" } + ["help", "version"]).filter {
            $0.hasPrefix(name)
        }
        if candidates.count > 1 {
            let list = candidates.map { "--\($0)" }.joined(separator: ", ")
            return UsageError("ambiguous option '\(last)'", "could be \(list)")
        }
        return UsageError("unknown option '\(last)'", help)
    }
}

/// A letter that is not an option, and what follows it in the command line.
private struct UnknownLetter {
    let byte: UInt8
    /// The whole character if it has several bytes.
    let text: String
    /// The rest of its word, or else the next word.
    let value: String

    /// - Parameters:
    ///   - current: the word at optind(3). It holds the letter unless the letter was the last in
    ///     its word.
    ///   - last: the word before that.
    init(_ byte: UInt8, current: [UInt8], last: [UInt8]) {
        self.byte = byte
        let dash = UInt8(ascii: "-")
        if last.first == dash, last.count > 1, last[1] != dash, last.last == byte {
            text = readable([byte])
            value = readable(current)
            return
        }
        let place = current.firstIndex(of: byte) ?? current.endIndex
        let rest = current[place...]
        // A UTF-8 character: its first byte, and the bytes after it that begin with the bits 10.
        let length = rest.dropFirst().prefix { byte >= 0xC0 && $0 & 0xC0 == 0x80 }.count + 1
        let character = rest.prefix(length)
        let isCharacter = !character.isEmpty && String(validating: character, as: UTF8.self) != nil
        text = readable(isCharacter ? Array(character) : [byte])
        value = readable(rest.dropFirst(isCharacter ? length : 1))
    }
}

/// Options as getopt_long(3) takes them: a string of the short ones, an array of the long ones.
@safe
private struct OptionTable: ~Copyable {
    /// The code of a long option is this plus its index. It is higher than any short option's byte.
    static let firstCode: Int32 = 256

    /// Begins with `+` if parsing stops at the first operand. The next `:` makes getopt_long tell a
    /// missing value from an unknown option. A `:` also follows each option that takes a value.
    let short: UnsafeMutablePointer<CChar>
    let long: UnsafeMutablePointer<option>

    init<ID, let count: Int>(_ options: InlineArray<count, Option<ID>>, stopsAtOperand: Bool) {
        unsafe short = .allocate(capacity: options.count * 3 + 3)
        unsafe long = .allocate(capacity: options.count + 3)
        var shortCount = 0
        var longCount = 0
        func append(short byte: UInt8) {
            unsafe short[shortCount] = CChar(bitPattern: byte)
            shortCount += 1
        }
        func append(long name: StaticString, valueArity: Int32) {
            let text = unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
            let row = unsafe option(
                name: text, has_arg: valueArity, flag: nil,
                val: Self.firstCode + Int32(longCount))
            unsafe (long + longCount).initialize(to: row)
            longCount += 1
        }
        if stopsAtOperand { append(short: UInt8(ascii: "+")) }
        append(short: UInt8(ascii: ":"))
        for index in options.indices {
            let option = options[index]
            if let name = option.short {
                append(short: UInt8(ascii: name))
                // A second one if the value may be left out.
                for _ in 0..<option.valueArity { append(short: UInt8(ascii: ":")) }
            }
            append(long: option.long, valueArity: option.valueArity)
        }
        append(short: 0)
        append(long: "help", valueArity: 0)
        append(long: "version", valueArity: 0)
        unsafe (long + longCount).initialize(to: option())
    }

    deinit {
        unsafe short.deallocate()
        unsafe long.deallocate()
    }
}
