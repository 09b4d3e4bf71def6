/// An option, as getopt_long(3) parses it and `--help` prints it.
public struct Option<ID: Sendable>: Sendable {
    public let id: ID
    public let short: Unicode.Scalar?
    public let long: StaticString
    /// The name of its value in the help, or nil if it takes none.
    public let value: StaticString?
    /// Whether the value may be left out. If it is given, it is joined to the name: `--header=2`.
    public let isValueOptional: Bool
    public let help: StaticString
    /// The heading of the group that begins with this option; nil if it belongs to the group of the
    /// option before it.
    public let heading: StaticString?
    /// Whether the user typed its long name.
    private(set) var isTypedLong = false

    public init(
        _ id: ID, _ short: Unicode.Scalar?, _ long: StaticString, _ value: StaticString?,
        _ help: StaticString, heading: StaticString? = nil, isValueOptional: Bool = false
    ) {
        self.id = id
        self.short = short
        self.long = long
        self.value = value
        self.help = help
        self.heading = heading
        self.isValueOptional = isValueOptional
    }

    /// Its name in messages, as the user typed it: `-c` or `--chunk`.
    public var name: String {
        if let short, !isTypedLong { "-\(short)" } else { "--\(long)" }
    }

    /// As getopt_long counts values: none, one, or one that may be left out.
    var valueArity: Int32 { value == nil ? 0 : isValueOptional ? 2 : 1 }

    func typedLong() -> Self {
        var option = self
        option.isTypedLong = true
        return option
    }
}
