import Foundation
import Testing

/// Whether a small file system can be mounted, in a name space of its own.
let canMount =
    isInstalled("unshare")
    && (try? shell("unshare -m mount -t tmpfs -o size=64k none .").status) == 0

/// What the three programs promise alike: descriptors that are closed, full or broken.
@Suite struct CommonOutputTests {
    @Test(arguments: Program.allCases)
    func closedStandardInputIsAMessage(_ program: Program) throws {
        let result = try shell(program.command() + " <&-")
        #expect(result.output.isEmpty && result.status == 1)
        #expect(result.errors == "\(program): standard input: Bad file descriptor\n")
    }

    @Test(arguments: Program.allCases)
    func aFileIsReadWithStandardInputClosed(_ program: Program) throws {
        let folder = try TemporaryFolder()
        try folder.write("file", "a\nb\n")
        let command = program == .pmap ? "pmap -a file echo" : "\(program) file"
        let result = try shell("\(command) <&-", in: folder)
        #expect(result.text == program.output(["a", "b"]))
        #expect(result.errors.isEmpty && result.status == 0)
    }

    @Test(arguments: Program.allCases)
    func closedStandardOutputIsAWriteError(_ program: Program) throws {
        for command in ["echo a | " + program.command(), "\(program) --help"] {
            let result = try shell("\(command) >&-")
            #expect(result.status == program.failure, "\(command)")
            #expect(result.errors == "\(program): write error: Bad file descriptor\n")
        }
    }

    /// Opened in place of a descriptor that is closed.
    @Test(.enabled(if: isInstalled("strace") && programsAreStatic), arguments: Program.allCases)
    func aMissingNullDeviceIsNamed(_ program: Program) throws {
        let result = try shell(
            "\(strace) -qq -o trace -P /dev/null -e inject=open,openat:error=ENOENT "
                + "\(program.command()) <&-")
        #expect(result.errors == "\(program): /dev/null: No such file or directory\n")
        #expect(result.status == program.failure && result.text.isEmpty)
    }

    @Test(arguments: Program.readers)
    func messagesWithNowhereToGoHarmNothing(_ program: Program) throws {
        let result = try shell("echo a | \(program) missing - 2>&-")
        #expect(result.text == program.output(["a"]) && result.status == 1)
    }

    @Test(arguments: Program.allCases)
    func withAllDescriptorsClosedItEnds(_ program: Program) throws {
        let status = try shell(program.command() + " <&- >&- 2>&-").status
        #expect(status == 1 || status == program.failure)
    }

    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")),
        arguments: Program.allCases)
    func aFullDiskIsAWriteError(_ program: Program) throws {
        let commands = [
            "echo a | " + program.command(), "\(words()) | \(program.transparent)",
            "\(program) --help", "\(program) --version",
        ]
        for command in commands {
            let result = try shell("\(command) >/dev/full")
            #expect(result.status == program.failure, "\(command)")
            #expect(result.errors == "\(program): write error: No space left on device\n")
        }
    }

    @Test(.enabled(if: canMount), arguments: Program.allCases)
    func aFileSystemThatFillsUpIsAWriteError(_ program: Program) throws {
        let result = try shell(
            """
            \(words()) >words; mkdir disk; unshare -m sh -c 'mount -t tmpfs -o size=64k none disk
            \(program.transparent) <words >disk/out'
            """)
        #expect(result.status == program.failure)
        #expect(result.errors == "\(program): write error: No space left on device\n")
    }

    @Test(.limitsFileSize, arguments: Program.readers)
    func aFileSizeLimitIsAWriteError(_ program: Program) throws {
        let result = try shell("trap '' XFSZ; ulimit -f 8; \(words()) | \(program) >out")
        #expect(result.status == program.failure)
        #expect(result.errors == "\(program): write error: File too large\n")
    }

    /// More than 2 MB, since pmap asks for a pipe of 1 MiB.
    @Test(arguments: Program.allCases)
    func aReaderThatLeavesEndsItBySIGPIPEQuietly(_ program: Program) throws {
        let folder = try TemporaryFolder()
        let run = "\(words(400_000)) | \(program.transparent); echo $? >status"
        let result = try shell("{ \(run); } | head -n 1", in: folder)
        #expect(result.text == (program == .wcreduce ? "1\twaaaa\n" : "waaaa\n"))
        #expect(result.errors.isEmpty)
        #expect(try folder.text(of: "status") == "\(Signal.pipe.status)\n")
    }

    @Test(arguments: Program.readers)
    func aBrokenPipeIsAWriteErrorWhereSIGPIPEIsIgnored(_ program: Program) throws {
        let run = "trap '' PIPE; \(program) words; echo $? >&2"
        let result = try shell("\(words()) >words; { \(run); } | head -n 1")
        #expect(
            result.errorLines == ["\(program): write error: Broken pipe", "\(program.failure)"])
    }
}

/// System calls that fail or are interrupted, by strace(1)'s fault injection.
@Suite(.enabled(if: isInstalled("strace"))) struct InjectedFaultTests {
    private func straced(_ program: Program, _ options: String) -> String {
        "\(strace) -qq -o trace \(options) \"$(which \(program))\""
    }

    @Test(.enabled(if: programsAreStatic), arguments: Program.readers)
    func interruptedCallsAreMadeAgain(_ program: Program) throws {
        let folder = try TemporaryFolder()
        let run = straced(program, "-e trace=read,write -e inject=read,write:error=EINTR:when=2+3")
        let result = try shell(
            "\(words()) >words; cat words | \(run) | sed 's/^1\t//' | cmp - words", in: folder)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
        #expect(try folder.text(of: "trace").contains("INJECTED"))
    }

    @Test(arguments: Program.readers)
    func aReadErrorIsNamedAndTheRestIsDone(_ program: Program) throws {
        let folder = try TemporaryFolder()
        try folder.write("good", "zzz\n")
        for when in [1, 2] {
            let run = straced(program, "-P \"$PWD/bad\" -e inject=read:error=EIO:when=\(when)")
            let result = try shell("\(words()) >bad; \(run) bad good", in: folder)
            #expect(result.errors == "\(program): bad: Input/output error\n", "read \(when)")
            #expect(result.status == 1)
            #expect(result.lines.last == (program == .wordsplit ? "zzz" : "1\tzzz"))
        }
    }

    @Test(arguments: Program.readers)
    func aWriteErrorAfterTheFirstWriteIsFound(_ program: Program) throws {
        let folder = try TemporaryFolder()
        let run = straced(program, "-P \"$PWD/out\" -e inject=write:error=ENOSPC:when=2")
        let result = try shell("\(words()) | \(run) >out", in: folder)
        #expect(result.errors == "\(program): write error: No space left on device\n")
        #expect(result.status == program.failure)
    }

    /// Where a write is only found to have failed when the file is closed: NFS, quotas.
    @Test(arguments: Program.readers)
    func anErrorOnCloseIsAWriteError(_ program: Program) throws {
        let folder = try TemporaryFolder()
        let run = straced(program, "-P \"$PWD/out\" -e inject=close:error=EDQUOT")
        let result = try shell("echo a | \(run) >out", in: folder)
        #expect(result.errors == "\(program): write error: Disk quota exceeded\n")
        #expect(result.status == program.failure)
    }
}
