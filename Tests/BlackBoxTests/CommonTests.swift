import Foundation
import Testing

/// What the three programs promise alike: the command line.
@Suite struct CommandLineTests {
    @Test(arguments: Program.allCases) func helpGoesToStandardOutput(_ program: Program) throws {
        let result = try shell("\(program) --help")
        #expect(result.status == 0 && result.errors.isEmpty)
        #expect(result.text.hasPrefix("Usage: \(program) [options] "))
    }

    /// A terminal's 24 lines of 80 columns, one of them for the prompt that follows; pmap has
    /// more options than that.
    @Test(arguments: Program.allCases) func helpFitsAScreen(_ program: Program) throws {
        let lines = try shell("\(program) --help").lines
        #expect(lines.count <= 23 || program == .pmap)
        for line in lines { #expect(line.count <= 80, "\(line)") }
    }

    @Test func theHelpOfPmapAndItsPageHaveTheSameGroups() throws {
        let lines = try shell("pmap --help").lines
        let manual = try #require(Program.pmap.manual)
        // Under its heading, each option in the order of the page.
        var help: [String: [String]] = [:]
        var heading = ""
        for line in lines.dropFirst(2) {
            if line.hasSuffix(":") { heading = String(line.dropLast()) }
            if let name = line.firstMatch(of: /^ +(?:-., )?--([-a-z0-9]+)/) {
                help[heading, default: []].append(String(name.1))
            }
        }
        var page: [String: [String]] = [:]
        for line in manual.split(separator: "\n") {
            if line.hasPrefix(".Ss ") { heading = String(line.dropFirst(4)) }
            if let name = line.firstMatch(of: /^\.It Fl .*Fl ([-a-z0-9]+)/) {
                page[heading, default: []].append(String(name.1))
            }
        }
        #expect(help.count >= 8 && help == page)
    }

    @Test(arguments: Program.allCases)
    func versionIsOneLineOnStandardOutput(_ program: Program) throws {
        let result = try shell("\(program) --version")
        #expect(result.status == 0 && result.errors.isEmpty && result.lines.count == 1)
        let form = try Regex(
            "\(program) \\(pmaputils\\) [0-9]+\\.[0-9]+\\.[0-9]+(, Unicode [0-9.]+)?")
        #expect(try form.wholeMatch(in: result.lines.first ?? "") != nil)
    }

    @Test(arguments: Program.allCases.filter { $0.manual != nil })
    func helpAndManualHaveTheSameOptions(_ program: Program) throws {
        let help = Set(
            try shell("\(program) --help").lines.dropFirst(3)
                .flatMap { $0.matches(of: /-(-[a-z][-a-z0-9]+|[A-Za-z0-9],)/) }
                .map { "\($0.1)".trimmingCharacters(in: [","]) })
        let manual = Set(
            try #require(program.manual).split(separator: "\n")
                .filter { $0.hasPrefix(".It Fl ") }
                .flatMap { $0.matches(of: /Fl (Fl [-a-z0-9]+|[A-Za-z0-9] )/) }
                .map {
                    "\($0.1)".trimmingCharacters(in: .whitespaces)
                        .replacingOccurrences(of: "Fl ", with: "-")
                })
        #expect(!help.isEmpty && help == manual)
    }

    @Test(arguments: Program.allCases)
    func anUnknownOptionIsAUsageError(_ program: Program) throws {
        for option in ["--wrong", "-Z"] {
            let result = try shell("\(program) \(option) </dev/zero")
            #expect(result.output.isEmpty && result.status == program.failure)
            let message = "unknown option '\(option)': try '\(program) --help'"
            #expect(result.errors == "\(program): \(message)\n")
        }
    }

    /// glibc hands bytes from 0x80 on to a program as negative numbers.
    @Test(arguments: Program.allCases)
    func anUnknownOptionOfAnyByteIsAUsageError(_ program: Program) throws {
        for (option, name) in [("-é", "-é"), ("-\\377", "-\\xff"), ("-0\\200", "-\\x80")] {
            let result = try shell("\(program) \"$(printf -- '\(option)')\" x </dev/null")
            let message = "unknown option '\(name)': try '\(program) --help'"
            #expect(result.errors == "\(program): \(message)\n")
            #expect(result.status == program.failure)
        }
    }

    @Test(arguments: [
        ("pmap --jobs=x y", "--jobs 'x'"), ("pmap -jx y", "-j 'x'"),
        ("pmap --ti 0 y", "--timeout '0'"),
        ("wcreduce --top=x", "--top 'x'"), ("wcreduce -n x", "-n 'x'"),
        ("wcreduce --buffer-size=x", "--buffer-size 'x'"),
        ("wordsplit --min-length=x", "--min-length 'x'"), ("pmap --jobs", "option '--jobs' needs"),
        ("pmap -j", "option '-j' needs"), ("pmap --chunk auto -n y", "--chunk auto"),
        ("pmap --stdin --fields , y", "--fields and --stdin"),
        ("wcreduce -u --by-key", "-u and --by-key"),
        ("pmap --dry-run 1 y", "--dry-run and command '1'"),
    ])
    func anOptionIsNamedAsItWasTyped(_ command: String, _ name: String) throws {
        let result = try shell(command)
        #expect(result.errors.contains(": \(name)"), "\(result.errors)")
        #expect(result.errorLines.count == 1 && result.status != 0)
    }

    @Test(arguments: [
        ("pmap -c 0 y", "a whole number of at least 1, or auto"),
        ("pmap -c x y", "a whole number of at least 1, or auto"),
        ("pmap -b 0 y", "a size of at least 1 byte"),
        ("wcreduce -S 0", "a size of at least 1 byte"),
        ("pmap --timeout 0 y", "a time above zero"),
        ("pmap --kill-after=0.0s y", "a time above zero"),
    ])
    func whatAnOptionWouldTakeIsSaid(_ command: String, _ range: String) throws {
        let result = try shell(command)
        #expect(result.errors.contains("': takes \(range)"), "\(result.errors)")
    }

    @Test(arguments: [
        "wordsplit -m 0", "wordsplit -m x", "wordsplit --min-length=-1", "wcreduce -n -1",
        "wcreduce --min=0", "wcreduce --top=1.5", "wcreduce -n ''", "pmap -j 0 echo",
        "pmap -c 0 echo", "pmap -b 1X echo", "pmap --progress-interval=soon echo",
    ])
    func aBadValueIsNamedWithItsOption(_ command: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let value = words[1].contains("=") ? words[1].split(separator: "=")[1] : words[2][...]
        let result = try shell(command)
        #expect(result.output.isEmpty && result.status == (words[0] == "pmap" ? 1 : 2))
        #expect(result.errorLines.count == 1)
        #expect(result.errors.hasPrefix("\(words[0]): -"))
        #expect(result.errors.contains(value == "''" ? "''" : "'\(value)': takes"))
    }

    @Test(arguments: Program.readers)
    func optionsMayStandBehindOperandsUnlessPOSIXLY_CORRECT(_ program: Program) throws {
        let folder = try TemporaryFolder()
        try folder.write("file", "b")
        try folder.write("-0", "a")
        let expected = program.output(["b"], terminator: "\0")
        #expect(try shell("\(program) file -0", in: folder).text == expected)
        let posix = ["POSIXLY_CORRECT": "1"]
        let result = try shell(
            "\(program) -- -0 file; \(program) file -0", in: folder, environment: posix)
        let both = program == .wordsplit ? "a\nb\nb\na\n" : "1\ta\n1\tb\n1\ta\n1\tb\n"
        #expect(result.text == both)
    }

    @Test(arguments: Program.readers)
    func controlCharactersOfANameAreSpelledOut(_ program: Program) throws {
        let result = try shell(#"\#(program) "$(printf 'no\nfile\033[31m\377')""#)
        let name = #"no\nfile\x1b[31m\xff"#
        #expect(result.errors == "\(program): \(name): No such file or directory\n")
    }
}

/// What the three programs promise alike: input.
@Suite struct CommonInputTests {
    @Test(arguments: Program.allCases) func emptyInputGivesEmptyOutput(_ program: Program) throws {
        let result = try shell(program.command() + " </dev/null")
        #expect(result.output.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    @Test(arguments: Program.allCases)
    func lastLineWithoutNewlineIsALine(_ program: Program) throws {
        let result = try shell("printf 'a\\nb' | " + program.command())
        #expect(result.text == program.output(["a", "b"]) && result.status == 0)
    }

    @Test(arguments: Program.allCases) func anOptionMayBeGivenOften(_ program: Program) throws {
        let often = String(repeating: " --null", count: 99)
        #expect(
            try shell("printf 'a\\0b\\0' | \(program.command(often)) | tr '\\0' '\\n'").text
                == shell("printf 'a\\0b\\0' | \(program.command("-0")) | tr '\\0' '\\n'").text)
    }

    @Test(arguments: Program.readers) func nullEndsWhatIsPrinted(_ program: Program) throws {
        let result = try shell("printf 'a\\0b\\0c' | " + program.command("-0"))
        #expect(result.text == program.output(["a", "b", "c"], terminator: "\0"))
        #expect(try shell("printf 'a\\0' | \(program) --null").output.last == 0)
    }

    @Test(arguments: Program.readers) func filesAreReadInTurn(_ program: Program) throws {
        let folder = try TemporaryFolder()
        try folder.write("one", "a\nb")
        try folder.write("two", "d\n")
        let result = try shell("echo c | \(program) one - two", in: folder)
        #expect(result.text == program.output(["a", "b", "c", "d"]) && result.status == 0)
    }

    @Test(arguments: Program.readers)
    func filesThatCannotBeReadAreNamedAndTheRestIsDone(_ program: Program) throws {
        let folder = try TemporaryFolder()
        try folder.write("one", "a\n")
        try folder.write("two", "b\n")
        let result = try shell("mkdir folder; \(program) one missing folder two", in: folder)
        #expect(result.text == program.output(["a", "b"]) && result.status == 1)
        let messages = ["missing: No such file or directory", "folder: Is a directory"]
        #expect(result.errorLines == messages.map { "\(program): \($0)" })
    }

    @Test(arguments: Program.readers)
    func filesWithoutASizeAreRead(_ program: Program) throws {
        let folder = try TemporaryFolder()
        let pipe = "mkfifo fifo; { echo a; echo b; } >fifo & \(program) fifo"
        #expect(try shell(pipe, in: folder).text == program.output(["a", "b"]))
        let process = try shell("\(program) /proc/self/stat | wc -l")
        #expect((Int(process.text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0) > 0)
    }

    @Test(.enabled(if: isInstalled("script")), arguments: Program.allCases)
    func aTerminalIsReadAndWritten(_ program: Program) throws {
        let command = program.command(program == .pmap ? "-q" : "")
        let script = "script -qec \"stty -echo; echo ready; \(command)\" /dev/null"
        let result = try shell("{ sleep 0.3; printf 'a\\nb\\n\\004'; sleep 0.3; } | \(script)")
        let lines = result.text.replacingOccurrences(of: "\r\n", with: "\n")
        #expect(lines.hasSuffix("ready\n" + program.output(["a", "b"])))
    }

    @Test(.enabled(if: isInstalled("perl")), arguments: Program.allCases)
    func nonBlockingInputIsWaitedFor(_ program: Program) throws {
        let start = #"perl -MFcntl -e 'fcntl(STDIN, F_SETFL, O_NONBLOCK); exec @ARGV' "#
        let result = try shell(
            "{ sleep 0.2; echo a; sleep 0.2; printf b; } | " + start + program.command())
        #expect(result.text == program.output(["a", "b"]))
        #expect(result.errors.isEmpty && result.status == 0)
    }

    @Test(.enabled(if: isInstalled("perl")), arguments: Program.allCases)
    func nonBlockingOutputIsWaitedFor(_ program: Program) throws {
        let start = #"perl -MFcntl -e 'fcntl(STDOUT, F_SETFL, O_NONBLOCK); exec @ARGV' "#
        let result = try shell(
            "\(words()) >words; \(start) \(program.transparent) <words | "
                + "{ sleep 0.3; sed 's/^1\t//'; } | cmp - words")
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    @Test(.enabled(if: isInstalled("perl")), arguments: Program.allCases)
    func aSocketIsReadAndWritten(_ program: Program) throws {
        let pair = """
            perl -MSocket -e 'socketpair(A, B, AF_UNIX, SOCK_STREAM, 0); \
            if (fork) { close B; print A "a\\nb\\n"; A->flush; shutdown(A, 1); print <A>; wait } \
            else { close A; open STDIN, "<&B"; open STDOUT, ">&B"; close B; exec @ARGV }' \

            """
        #expect(try shell(pair + program.command()).text == program.output(["a", "b"]))
    }
}
