/// One option: what getopt_long(3) is told and what `--help` prints.
public struct Option<ID: Sendable>: Sendable {
    public let id: ID
    public let short: Unicode.Scalar?
    public let long: StaticString
    /// What its value is called in the help, or nil if it takes none.
    public let value: StaticString?
    public let help: StaticString

    public init(
        _ id: ID, _ short: Unicode.Scalar?, _ long: StaticString, _ value: StaticString?,
        _ help: StaticString
    ) {
        self.id = id
        self.short = short
        self.long = long
        self.value = value
        self.help = help
    }

    /// How messages call it: `-c`, or `--buffer` where it has no short form.
    public var name: String { short.map { "-\($0)" } ?? "--\(long)" }
}

/// A command line that cannot be followed: what it says, and what would be right.
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

/// The SYNOPSIS of a program as a value: it reads the command line and prints the help.
///
/// The options are no array for the reason that `ArgumentList` is none.
public struct CommandSyntax<ID: Equatable & Sendable, let count: Int>: Sendable {
    public let program: String
    public let operands: String
    public let purpose: String
    public let options: InlineArray<count, Option<ID>>
    /// A last line of the help: what its words mean, say.
    public let note: String?
    /// Whether options end at the first operand, as they do for xargs(1) and env(1).
    public let stopsAtOperand: Bool
    /// Whose version `--version` names beside the program's, as `, Unicode 17.0`; or nothing.
    private let basis: @Sendable () -> String

    public init(
        program: String, operands: String, purpose: String, stopsAtOperand: Bool = false,
        basis: @autoclosure @escaping @Sendable () -> String = "",
        options: InlineArray<count, Option<ID>>, note: String? = nil
    ) {
        self.program = program
        self.operands = operands
        self.purpose = purpose
        self.stopsAtOperand = stopsAtOperand
        self.basis = basis
        self.options = options
        self.note = note
    }

    /// The text of `--help`. It fits a screen of 24 lines of 80 columns, if the texts do:
    /// more options than fit there one a line stand in two columns.
    public var help: String {
        let rows = HelpRow.rows(of: optionList)
        let lines =
            rows.count <= 19
            ? HelpRow.column(rows, nameWidth: .max).map { "  \($0)" }
            : HelpRow.twoColumns(rows)
        return
            (["Usage: \(program) [options] \(operands)", purpose, ""] + lines
            + (note.map { [$0] } ?? [])).map { "\($0)\n" }.joined()
    }

    private var optionList: [Option<ID>] { options.indices.map { options[$0] } }

    public var version: String { "\(program) (pmaputils) \(pmaputilsVersion)\(basis())\n" }

    /// Reads a command line with getopt_long(3): GNU's conventions, `--` included.
    ///
    /// - Parameter vector: argc and argv; reordered, as getopt_long does, unless
    ///   `stopsAtOperand`.
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
                throw unsafe refusal(code, word: vector[Int(cs_optind()) - 1])
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
            return index < options.count ? options[index] : nil
        }
        guard code != 0x3A, code != 0x3F else { return nil }  // ':' and '?'
        for index in options.indices where options[index].short?.value == UInt32(code) {
            return options[index]
        }
        return nil
    }

    private func refusal(
        _ code: Int32, word: UnsafeMutablePointer<CChar>?
    ) -> UsageError {
        let advice = "try '\(program) --help'"
        let known = option(cs_optopt())
        if code == 0x3A, let known {
            return UsageError(
                "option '\(known.name)' needs a value", known.value?.description ?? advice)
        }
        if cs_optopt() >= OptionTable.firstCode {
            let word = unsafe word.map { unsafe Argument($0).text } ?? ""
            return UsageError("option '\(word)' takes no value", advice)
        }
        if cs_optopt() != 0 {
            let byte = UInt8(truncatingIfNeeded: cs_optopt())
            return UsageError("unknown option '-\(readable([byte]))'", advice)
        }
        let text = unsafe word.map { unsafe Argument($0).text } ?? ""
        let name = text.prefix { $0 != "=" }.dropFirst(2)
        let candidates = (optionList.map { "\($0.long)" } + ["help", "version"]).filter {
            $0.hasPrefix(name)
        }
        if candidates.count > 1 {
            let list = candidates.map { "--\($0)" }.joined(separator: ", ")
            return UsageError("ambiguous option '\(text)'", "could be \(list)")
        }
        return UsageError("unknown option '\(text)'", advice)
    }
}

/// Options as getopt_long(3) takes them: a string of the short ones, an array of the long ones.
@safe
private struct OptionTable: ~Copyable {
    /// A long option's code is this plus its place: past every short option's byte.
    static let firstCode: Int32 = 256

    /// `+` in front to stop at the first operand; `:` to tell a missing value from an unknown
    /// option, and behind an option that takes a value.
    let short: UnsafeMutablePointer<CChar>
    let long: UnsafeMutablePointer<option>

    init<ID, let count: Int>(_ options: InlineArray<count, Option<ID>>, stopsAtOperand: Bool) {
        unsafe short = .allocate(capacity: options.count * 2 + 3)
        unsafe long = .allocate(capacity: options.count + 3)
        var shortCount = 0
        var longCount = 0
        func append(short byte: UInt8) {
            unsafe short[shortCount] = CChar(bitPattern: byte)
            shortCount += 1
        }
        func append(long name: StaticString, takesValue: Bool) {
            let text = unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
            let row = unsafe option(
                name: text, has_arg: takesValue ? 1 : 0, flag: nil,
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
                if option.value != nil { append(short: UInt8(ascii: ":")) }
            }
            append(long: option.long, takesValue: option.value != nil)
        }
        append(short: 0)
        append(long: "help", takesValue: false)
        append(long: "version", takesValue: false)
        unsafe (long + longCount).initialize(to: option())
    }

    deinit {
        unsafe short.deallocate()
        unsafe long.deallocate()
    }
}
