import Foundation
import Testing

/// Descriptors 0, 1 and 2 as no program expects them. Closed, full, non-blocking ones,
/// terminals and sockets as input or output are in `CommonOutputTests` and `CommonInputTests`.
@Suite struct DescriptorFaultTests {
    @Test(arguments: Program.allCases)
    func inputOpenForWritingOnlyIsAMessage(_ program: Program) throws {
        let result = try shell(program.command() + " 0>/dev/null")
        #expect(result.errors == "\(program): standard input: Bad file descriptor\n")
        #expect(result.output.isEmpty && result.status == 1)
    }

    @Test(arguments: Program.allCases)
    func outputOpenForReadingOnlyIsAWriteError(_ program: Program) throws {
        for command in ["echo a | " + program.command(), "\(program) --help"] {
            let result = try shell("\(command) 1</dev/null")
            #expect(result.errors == "\(program): write error: Bad file descriptor\n")
            #expect(result.status == program.failure, "\(command)")
        }
    }

    /// Nobody is left to be told, and the work is done all the same.
    @Test(arguments: Program.allCases, ["2</dev/null", "2>/dev/full", "2>&-"])
    func messagesThatCannotBeWrittenHarmNothing(_ program: Program, _ errors: String) throws {
        let command =
            program == .pmap ? "pmap -v -s 'echo $1; echo lost >&2; exit 3'" : "\(program) absent -"
        let result = try shell("printf 'a\\nb\\n' | \(command) \(errors)")
        #expect(result.text == program.output(["a", "b"]))
        #expect(result.status == (program == .pmap ? 123 : 1))
    }

    /// As a slow network would bring it, cut anywhere, in the middle of characters too.
    @Test(.enabled(if: isInstalled("perl")), arguments: Program.allCases)
    func inputInPiecesOfAFewBytesIsTheSame(_ program: Program) throws {
        let command = program == .pmap ? "pmap -c7 printf '<%s>\\n'" : "\(program)"
        let result = try shell(
            """
            \(words(900)) | sed 's/a/é/2' >in; \(command) <in >expected
            perl -e 'undef $/; $_ = <STDIN>; while (s/^(.{1,9})//s) { syswrite STDOUT, $1
                or die; select undef, undef, undef, 0.0002 }' <in | \(command) | cmp - expected
            wc -l <expected
            """)
        #expect(result.text.trimmingCharacters(in: .whitespacesAndNewlines) == "900")
        #expect(result.errors.isEmpty && result.status == 0)
    }

    /// More lines than a pipe holds, and a reader who lets them wait.
    @Test(.enabled(if: isInstalled("perl")), arguments: Program.allCases)
    func allMessagesReachANonBlockingStandardError(_ program: Program) throws {
        let start = #"perl -MFcntl -e 'fcntl(STDERR, F_SETFL, O_NONBLOCK); exec @ARGV' "#
        let command =
            program == .pmap
            ? "seq 6000 | sed 's/^/absent file /' | \(start) pmap -i -b 20K -s 'cat >&2'"
            : "seq 6000 | sed 's/^/absent file /' | tr '\\n' '\\0' | "
                + "xargs -0 -n 6000 \(start) \(program)"
        let result = try shell("{ \(command); } 2>&1 | { sleep 0.3; cat; }")
        let numbers = result.lines.compactMap { $0.firstMatch(of: /absent file ([0-9]+)/)?.1 }
        #expect(numbers.compactMap { Int($0) }.sorted() == Array(1...6000))
    }

    @Test(.enabled(if: isInstalled("perl")), arguments: Program.allCases)
    func messagesReachASocket(_ program: Program) throws {
        let pair = """
            perl -MSocket -e 'socketpair(A, B, AF_UNIX, SOCK_STREAM, 0); \
            if (fork) { close B; print <A>; wait } \
            else { close A; open STDERR, ">&B"; close B; exec @ARGV }' \

            """
        let result = try shell(pair + "\(program) -Z")
        #expect(result.text == "\(program): unknown option '-Z': try '\(program) --help'\n")
    }
}
