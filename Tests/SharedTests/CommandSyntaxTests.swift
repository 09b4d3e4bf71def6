import Shared
import Testing

private enum ID { case all, bytes, count, countdown, header, null }

private func syntax(
    stopsAtOperand: Bool = false,
    advice: (@Sendable (UInt8, String) -> String?)? = nil
) -> CommandSyntax<ID, 6> {
    CommandSyntax(
        program: "prog", operands: "[file ...]", purpose: "Do one thing.",
        stopsAtOperand: stopsAtOperand, advice: advice,
        options: [
            Option(.all, "a", "all", nil, "all of it"),
            Option(.bytes, "b", "bytes", "SIZE", "that many bytes"),
            Option(.count, "c", "count", "N", "that many"),
            Option(.countdown, nil, "countdown", "N", "down to zero"),
            Option(.header, nil, "header", "N", "lines before it", isValueOptional: true),
            Option(.null, "0", "null", nil, "NUL ends records"),
        ])
}

/// Reads a command line of words of any bytes but NUL.
private func invocation(
    _ words: [[UInt8]], _ syntax: CommandSyntax<ID, 6>
) throws -> Invocation<ID> {
    // As argv, whose words live as long as the process.
    let vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
        capacity: words.count + 2)
    for (index, word) in ([Array("prog".utf8)] + words).enumerated() {
        vector[index] = (word + [0]).withUnsafeBytes { strdup($0.baseAddress!) }
    }
    vector[words.count + 1] = nil
    return try syntax.parse(vector, count: Int32(words.count + 1))
}

/// What a command line was taken for: `count=5` or `all` for each option, then the operands.
private func parsed(
    _ words: [[UInt8]], stopsAtOperand: Bool = false,
    advice: (@Sendable (UInt8, String) -> String?)? = nil
) throws -> [String] {
    switch try invocation(words, syntax(stopsAtOperand: stopsAtOperand, advice: advice)) {
    case .help: return ["HELP"]
    case .version: return ["VERSION"]
    case .run(let options, let operands):
        return options.map { option, value in
            value.map { "\(option.id)=\($0.text)" } ?? "\(option.id)"
        } + operands.map(\.text)
    }
}

private func parsed(_ words: String..., stopsAtOperand: Bool = false) throws -> [String] {
    try parsed(words.map { Array($0.utf8) }, stopsAtOperand: stopsAtOperand)
}

/// How messages call the options of a command line.
private func names(_ words: String...) throws -> [String] {
    guard case .run(let options, _) = try invocation(words.map { Array($0.utf8) }, syntax()) else {
        return []
    }
    return options.map(\.option.name)
}

/// The conventions of getopt_long(3). Serialized, since getopt's state is the process's.
@Suite(.serialized) struct CommandSyntaxTests {
    @Test func ofAnOptionGivenTwiceTheLastOneIsNamed() throws {
        for (words, name) in [(["-b1", "--bytes=2"], "--bytes"), (["--bytes=1", "-b2"], "-b")] {
            let given = try invocation(words.map { Array($0.utf8) }, syntax())
            var found: String?
            if case .run(let options, _) = given { found = options[.bytes]?.name }
            #expect(found == name)
        }
    }

    @Test func anyNumberOfOptionsIsTaken() throws {
        let words = (1...40).map { Array("-c\($0)".utf8) }
        #expect(try parsed(words) == (1...40).map { "count=\($0)" })
    }

    @Test func shortOptionsMayBeBundled() throws {
        #expect(try parsed("-a0") == ["all", "null"])
        #expect(try parsed("-a0c5", "x") == ["all", "null", "count=5", "x"])
    }

    @Test func aShortOptionTakesItsValueJoinedOrApart() throws {
        #expect(try parsed("-c5") == ["count=5"])
        #expect(try parsed("-c", "5") == ["count=5"])
        #expect(try parsed("-c=5") == ["count==5"])
    }

    @Test func aLongOptionTakesItsValueJoinedOrApart() throws {
        #expect(try parsed("--count=5") == ["count=5"])
        #expect(try parsed("--count", "5") == ["count=5"])
        #expect(try parsed("--count=") == ["count="])
        #expect(try parsed("--count=a=b") == ["count=a=b"])
    }

    @Test func aValueMayLookLikeAnOption() throws {
        #expect(try parsed("-c", "-5") == ["count=-5"])
        #expect(try parsed("--bytes", "--") == ["bytes=--"])
    }

    @Test func aLongOptionMayBeAbbreviated() throws {
        #expect(try parsed("--al", "--by=7") == ["all", "bytes=7"])
        #expect(try parsed("--countd=3") == ["countdown=3"])
    }

    @Test func anExactNameIsNoAbbreviation() throws {
        #expect(try parsed("--count=5") == ["count=5"])
    }

    @Test func optionsMayFollowOperands() throws {
        #expect(try parsed("x", "-a", "y", "-c5") == ["all", "count=5", "x", "y"])
    }

    @Test func optionsEndAtTheFirstOperandWhereTheyShould() throws {
        #expect(try parsed("-a", "x", "-c5", stopsAtOperand: true) == ["all", "x", "-c5"])
        #expect(try parsed("-", "-a", stopsAtOperand: true) == ["-", "-a"])
    }

    @Test func twoHyphensEndTheOptions() throws {
        #expect(try parsed("-a", "--", "-c5", "--") == ["all", "-c5", "--"])
        #expect(try parsed("--", "-a", stopsAtOperand: true) == ["-a"])
    }

    @Test func aHyphenIsAnOperand() throws { #expect(try parsed("-", "-a") == ["all", "-"]) }

    @Test func repeatedOptionsKeepTheirOrder() throws {
        #expect(try parsed("-c1", "-a", "-c2") == ["count=1", "all", "count=2"])
    }

    @Test func eachCommandLineIsReadFromItsStart() throws {
        #expect(try parsed("-a", "x", "y", "z") == ["all", "x", "y", "z"])
        #expect(try parsed("-0") == ["null"])
    }

    @Test func helpAndVersionAreAnsweredWhereverTheyStand() throws {
        #expect(try parsed("--help") == ["HELP"])
        #expect(try parsed("-a", "x", "--vers") == ["VERSION"])
    }

    @Test func anUnknownOptionIsNamed() {
        let advice = "try 'prog --help'"
        #expect(throws: UsageError("unknown option '-x'", advice)) { try parsed("-ax") }
        #expect(throws: UsageError("unknown option '--wrong'", advice)) { try parsed("--wrong") }
        #expect(throws: UsageError("unknown option '--wrong=1'", advice)) {
            try parsed("--wrong=1")
        }
    }

    /// glibc gives a byte from 0x80 on as a negative number.
    @Test func anUnknownOptionMayBeAnyByte() {
        for byte in UInt8(0x80)...0xFF {
            let hex = String(byte, radix: 16)
            #expect(throws: UsageError("unknown option '-\\x\(hex)'", "try 'prog --help'")) {
                try parsed([[0x2D, byte]])
            }
            #expect(throws: UsageError("unknown option '-\\x\(hex)'", "try 'prog --help'")) {
                try parsed([[0x2D, 0x61, byte, 0x61]])
            }
        }
    }

    @Test func anUnknownCharacterIsNamedWhole() {
        for word in ["-é", "-aé", "-é0", "-éa"] {
            #expect(throws: UsageError("unknown option '-é'", "try 'prog --help'")) {
                try parsed(word)
            }
        }
        #expect(throws: UsageError("unknown option '-\u{1F600}'", "try 'prog --help'")) {
            try parsed("-\u{1F600}", "x")
        }
    }

    /// The program's own words for what users bring along from another one.
    @Test(arguments: [
        (["-P4"], "4"), (["-P", "4"], "4"), (["-aP4"], "4"), (["-aP", "4", "x"], "4"),
        (["-P"], ""), (["-a", "-P"], ""), (["-PP"], "P"), (["-P=4"], "=4"),
    ])
    func aLetterOfAnotherProgramGetsAdvice(_ words: [String], _ value: String) {
        #expect(throws: UsageError("unknown option '-P'", "P with '\(value)'")) {
            try parsed(words.map { Array($0.utf8) }) { letter, value in
                letter == UInt8(ascii: "P") ? "P with '\(value)'" : nil
            }
        }
    }

    @Test func anOptionIsNamedAsItWasTyped() throws {
        #expect(
            try names("-b1", "--bytes=1", "--by", "1", "--countdown=1") == [
                "-b", "--bytes", "--bytes", "--countdown",
            ])
    }

    @Test func anUnknownOptionAfterOperandsIsNamed() {
        #expect(throws: UsageError("unknown option '--wrong'", "try 'prog --help'")) {
            try parsed("x", "--wrong", "y")
        }
    }

    @Test func aMissingValueIsNamed() {
        #expect(throws: UsageError("option '-c' needs a value", "N")) { try parsed("-c") }
        #expect(throws: UsageError("option '--bytes' needs a value", "SIZE")) {
            try parsed("--bytes")
        }
        #expect(throws: UsageError("option '--countdown' needs a value", "N")) {
            try parsed("--countdown")
        }
    }

    @Test func aValueOnAFlagIsRefused() {
        #expect(throws: UsageError("option '--all=1' takes no value", "try 'prog --help'")) {
            try parsed("--all=1")
        }
        #expect(throws: UsageError("option '--help=1' takes no value", "try 'prog --help'")) {
            try parsed("--help=1")
        }
    }

    @Test func anAmbiguousOptionListsWhatItCouldBe() {
        #expect(throws: UsageError("ambiguous option '--co'", "could be --count, --countdown")) {
            try parsed("--co")
        }
    }

    @Test func theHelpHoldsEachOption() {
        let help = syntax().help
        #expect(help.hasPrefix("Usage: prog [options] [file ...]\nDo one thing.\n"))
        for name in [
            "-a, --all ", "-b, --bytes=SIZE ", "-c, --count=N ", "    --countdown=N ", "--help ",
            "--version ",
        ] { #expect(help.contains("  \(name)")) }
        #expect(help.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func theHelpHasALineForEachOptionUnderTheHeadingOfItsGroup() {
        let grouped = CommandSyntax<ID, 3>(
            program: "prog", operands: "", purpose: "Do.",
            options: [
                Option(.all, "a", "all", nil, "all of it", heading: "First"),
                Option(.count, nil, "count", "N", "that many", isValueOptional: true),
                Option(.null, "0", "null", nil, "NUL ends records", heading: "Second"),
            ], note: "N: 1, 2")
        #expect(
            grouped.help == """
                Usage: prog [options]\u{20}
                Do.

                First:
                  -a, --all        all of it
                      --count[=N]  that many

                Second:
                  -0, --null       NUL ends records

                Help:
                      --help       print this help and exit
                      --version    print the version and exit

                N: 1, 2 More: man prog

                """)
    }

    @Test func aValueThatMayBeLeftOutIsJoinedToItsName() throws {
        #expect(try parsed("--header", "5") == ["header", "5"])
        #expect(try parsed("--header=5", "6") == ["header=5", "6"])
    }

    /// Random command lines of letters, dashes, values, empty words and bytes from 0x80 on: each
    /// is either taken or refused, and no byte of an operand is lost.
    @Test func anyCommandLineIsTakenOrRefused() throws {
        var random = SeededGenerator()
        let alphabet = Array("abc0-=P ?:+W;".utf8) + [0x0A, 0x80, 0xC3, 0xA9, 0xFF]
        for _ in 0..<20_000 {
            let words = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                (0..<Int.random(in: 0...5, using: &random)).map { _ in
                    alphabet.randomElement(using: &random)!
                }
            }
            let stopsAtOperand = Bool.random(using: &random)
            do {
                let found = try parsed(words, stopsAtOperand: stopsAtOperand)
                #expect(found.count <= 2 * words.joined().count + words.count, "\(random)")
            } catch let error as UsageError {
                #expect(!error.what.isEmpty && !error.why.isEmpty, "\(random)")
            }
        }
    }
}
