import Foundation
import Testing

/// What pmap(1) says of failure and its exit status.
@Suite struct PmapFailureTests {
    /// waitid(2) tells of a core dump in another way than of a signal alone.
    @Test func aWorkerThatDumpsItsCoreIsKilledByASignal() throws {
        let result = try shell(
            """
            ulimit -c "$(ulimit -H -c)"; echo 1 | pmap --progress=none -s 'kill -SEGV $$'; echo $?
            """)
        #expect(result.text == "125\n")
        #expect(result.errors.contains("killed by signal 11"))
    }

    @Test func aFailedWorkerStopsNoOther() throws {
        let result = try shell("seq 4 | pmap -j2 -s 'echo $1; exit $1'")
        #expect(result.text == "1\n2\n3\n4\n" && result.status == 123)
    }

    /// xargs is asked the same.
    @Test(arguments: ["exit 0", "exit 1", "exit 254", "exit 255", "kill -9 $$", "kill -TERM $$"])
    func statusesAreThoseOfXargs(script: String) throws {
        let ours = try shell("echo 1 | pmap -s '\(script)'")
        let theirs = try shell("echo 1 | xargs sh -c '\(script)'")
        #expect(ours.status == theirs.status)
    }

    @Test(arguments: ["nosuchcommand", "./nosuchcommand", "/", "./notexecutable"])
    func aCommandThatCannotRunHasTheStatusOfXargs(command: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("notexecutable", "")
        let ours = try shell("seq 5 | pmap \(command)", in: folder)
        let theirs = try shell("seq 5 | xargs -n1 \(command)", in: folder)
        #expect(ours.status == theirs.status && (126...127).contains(ours.status))
        #expect(ours.errorLines.count == 2 && ours.errors.hasPrefix("pmap: \(command): "))
        #expect(ours.errorLines[1].contains("chunk 1 could not be run; item: 1"))
    }

    @Test func status255StartsNoMoreAndAwaitsTheRunning() throws {
        let result = try shell(
            "yes | pmap -j2 -s 'case $PMAP_CHUNK in 1) sleep 0.3; echo one;; 2) exit 255;; esac'")
        #expect(result.text == "one\n" && result.status == 124)
        #expect(result.errorLines.count == 2)
        #expect(
            result.errorLines[0].hasSuffix(
                "exited with status 255; no more chunks are started; item: y"))
        #expect(
            result.errorLines[1].hasPrefix(
                "pmap: 1 chunk failed, no more were started: chunk 2 exited with status 255"))
    }

    @Test func aKilledWorkerIsNamed() throws {
        let result = try shell("echo a | pmap -s 'kill -9 $$'")
        #expect(
            result.errors.replacing(/worker [0-9]+/, with: "worker N")
                == "pmap: chunk 1: worker N killed by signal 9 (Killed); item: a\n"
                + "pmap: 1 of 1 chunk failed: chunk 1 was killed by signal 9 (Killed); item: a\n")
        #expect(result.status == 125)
    }

    // MARK: The last line

    @Test(arguments: [
        (
            "-q -c2 false",
            "3 of 3 chunks failed: the first, chunk 1, exited with status 1; items: 1 2; "
                + "see --failed, --log or -vv"
        ),
        ("-s '[ $1 != 2 ]'", "1 of 5 chunks failed: chunk 2 exited with status 1; item: 2"),
        (
            "--log log --failed bad -j2 -s '[ $1 = 1 ]'",
            "4 of 5 chunks failed: the first, chunk 2, exited with status 1; item: 2; see bad"
        ),
        (
            "-j1 --log log --halt soon false",
            "1 of 5 chunks failed, 4 were not done: chunk 1 exited with status 1; item: 1; see log"
        ),
        (
            "-j1 -c3 --halt now --retry 1 false",
            "1 of 2 chunks failed, 1 was not done: chunk 1 exited with status 1; items: 1 2 3; "
                + "see --failed, --log or -vv"
        ),
        (
            "-j2 -s '[ $1 != 1 ] || until [ -e two ]; do sleep 0.01; done; >two; exit $1'",
            "5 of 5 chunks failed: the first, chunk 1, exited with status 1; item: 1; "
                + "see --failed, --log or -vv"
        ),
    ]) func theLastLineTellsHowManyFailedAndTheFirst(
        _ options: String, _ message: String
    ) throws {
        #expect(try shell("seq 5 >in; pmap -a in \(options)").errors == "pmap: \(message)\n")
    }

    /// They have a message of their own before it.
    @Test(arguments: [
        ("nosuch", "1 chunk failed, no more were started: chunk 1 could not be run"),
        ("-s 'exit 255'", "1 of 5 chunks failed, 4 were not done: chunk 1 exited with status 255"),
        (
            "-s 'kill -9 $$'",
            "5 of 5 chunks failed: the first, chunk 1, was killed by signal 9 (Killed)"
        ),
        (
            "--timeout 0.01 sleep",
            "5 of 5 chunks failed: the first, chunk 1, timed out and was ended"
        ),
    ]) func theLastLineIsTheLastOne(_ command: String, _ message: String) throws {
        let result = try shell("seq 5 >in; pmap -a in -j1 \(command)")
        #expect(
            result.errorLines.last == "pmap: \(message); item: 1; see --failed, --log or -vv")
        #expect(result.errorLines.count == 1 + (message.hasPrefix("5") ? 5 : 1))
    }

    @Test func withoutTheEndOfTheInputTheLastLineHasNoTotal() throws {
        let result = try shell("yes | pmap -j1 --halt soon false")
        #expect(
            result.errors == "pmap: 1 chunk failed, no more were started: "
                + "chunk 1 exited with status 1; item: y; see --failed, --log or -vv\n")
    }

    /// A chunk that was interrupted did not fail by itself.
    @Test func thereIsNoLastLineIfNoChunkFailed() throws {
        #expect(try shell("seq 5 | pmap true").errors.isEmpty)
        #expect(try shell("printf 'a\\0b\n' | pmap echo").errorLines.count == 1)
        #expect(try shell("yes | pmap -s 'echo; exit 1' | head -n1").errors.isEmpty)
        let interrupted = try shell("seq 5 | pmap -j2 -s 'kill -INT $PPID; exec sleep 600'")
        #expect(interrupted.errors.isEmpty && interrupted.status == 130)
    }

    @Test func chunksThatAnEarlierRunDidAreNoFailures() throws {
        let result = try shell(
            "seq 5 | pmap -q --log log -s '[ $1 -lt 4 ]' 2>no; seq 5 | pmap --log log --resume false"
        )
        #expect(
            result.errors == "pmap: 2 of 5 chunks failed: "
                + "the first, chunk 4, exited with status 1; item: 4; see log\n")
    }

    @Test(arguments: [
        ("'kill -9 $$'", "killed by signal 9 (Killed)"),
        ("'exit 255'", "exited with status 255; no more chunks are started"),
        ("'exec sleep 600' --timeout=0.01", "timed out and was ended"),
    ]) func aChunkIsToldWithItsItems(_ script: String, _ what: String) throws {
        let words = script.split(separator: " --")
        let option = words.count > 1 ? "--\(words[1])" : ""
        let result = try shell(
            "printf 'it is\\na\\033\\n' | pmap -c2 \(option) -s \(words[0])")
        let line = result.errorLines[0].replacing(/worker [0-9]+/, with: "worker N")
        #expect(line == #"pmap: chunk 1: worker N \#(what); items: 'it is' $'a\033'"#)
    }

    @Test(arguments: [
        ("-c 0", "-c '0'"), ("-c x", "-c 'x'"), ("-c -1", "-c '-1'"), ("-c ''", "-c ''"),
        ("-j x", "-j 'x'"), ("-j 0", "-j '0'"), ("-j 0%", "-j '0%'"), ("-b 0", "-b '0'"),
        ("-b 1X", "-b '1X'"), ("--buffer=-1", "--buffer '-1'"),
        ("--progress-interval=soon", "--progress-interval 'soon'"),
    ])
    func aBadValueIsNamedWithItsOption(options: String, named: String) throws {
        let result = try shell("seq 3 | pmap \(options) echo")
        #expect(result.errors.hasPrefix("pmap: \(named): takes "))
        #expect(result.errorLines.count == 1)
        #expect(result.status == 1 && result.output.isEmpty)
    }

    @Test func aNumberTooLargeIsCalledThat() throws {
        let result = try shell("seq 3 | pmap -c 9223372036854775808 echo")
        #expect(
            result.errors == "pmap: -c '9223372036854775808': "
                + "passes the largest number that it takes, 9223372036854775807\n")
        #expect(try shell("seq 3 | pmap -c 9223372036854775807 echo").text == "1 2 3\n")
    }

    @Test func aCommandIsNeeded() throws {
        let result = try shell("seq 3 | pmap -j2")
        #expect(result.errors == "pmap: no command: try 'pmap --help'\n" && result.status == 1)
    }

    @Test func anArgumentFileThatIsMissingOrADirectoryIsNamed() throws {
        let missing = try shell("pmap -a nofile echo")
        #expect(missing.errors == "pmap: nofile: No such file or directory\n")
        #expect(missing.status == 1)
        let directory = try shell("mkdir d; pmap -a d echo")
        #expect(directory.errors == "pmap: d: Is a directory\n" && directory.status == 1)
        #expect(try shell("pmap echo </").errors == "pmap: standard input: Is a directory\n")
    }

    @Test func closedDescriptorsAreNoAccident() throws {
        let input = try shell("pmap echo <&-")
        #expect(input.errors == "pmap: standard input: Bad file descriptor\n" && input.status == 1)
        let output = try shell("seq 3 | pmap echo >&-")
        #expect(output.errors == "pmap: write error: Bad file descriptor\n" && output.status == 1)
        #expect(try shell("seq 3 | pmap -s 'echo $1 >&2; echo $1' 2>&-").text == "1\n2\n3\n")
    }

    @Test func fewDescriptorsMeanFewerWorkers() throws {
        let result = try shell("ulimit -n 24; seq 200 | pmap -j100 echo")
        #expect(result.text == (1...200).map { "\($0)\n" }.joined())
        #expect(result.status == 0 && result.errors == "")
    }

    @Test func tooFewDescriptorsForOneWorkerIsAnError() throws {
        let result = try shell("ulimit -n 9; seq 200 | pmap -j100 echo")
        #expect(result.errors == "pmap: cannot start a worker: Too many open files\n")
        #expect(result.status == 1)
    }

    /// fork(2) refused by the kernel for every second worker: each chunk is still done.
    @Test(.enabled(if: isInstalled("strace")), arguments: ["EAGAIN", "ENOMEM"])
    func aForkThatFailsIsTriedAgain(error: String) throws {
        let result = try shell(
            """
            seq 40 | \(strace) -o trace -e trace=clone,clone3,vfork \
                -e inject=clone,clone3,vfork:error=\(error):when=2+3 \
                "$(which pmap)" -j4 -s 'echo $1'
            grep -c INJECTED trace >&2
            """)
        #expect(result.text == (1...40).map { "\($0)\n" }.joined())
        #expect(Int(result.errors.dropLast()) ?? 0 > 5)
    }

    @Test(.enabled(if: isInstalled("strace")))
    func aReadErrorIsReportedAndWhatWasReadIsDone() throws {
        let result = try shell(
            """
            mkfifo in
            (echo a; until [ -e seen ]; do sleep 0.01; done; echo b) >in &
            \(strace) -o trace -P "$PWD/in" -e trace=read -e inject=read:error=EIO:when=2 \
                "$(which pmap)" -a in -s 'echo $1; >seen'
            """)
        #expect(result.text == "a\n" && result.status == 1)
        #expect(result.errors == "pmap: in: Input/output error\n")
    }

    /// A part of a name may be the name of something else.
    @Test(.enabled(if: isInstalled("strace")), arguments: ["-i cat", "echo"])
    func anItemThatAReadErrorCutsOffIsNotRun(_ command: String) throws {
        let result = try shell(
            """
            mkfifo in; printf 'a\\nb\\n/home/us' >in &
            \(strace) -o trace -P "$PWD/in" -e trace=read -e inject=read:error=EIO:when=2 \
                "$(which pmap)" -a in -c9 --failed failed \(command) | tr '\\n' ' '
            cat failed
            """)
        #expect(result.text == "a b ")
        #expect(result.errors == "pmap: in: Input/output error\n")
    }

    /// The worker must not take a part of its items for all of them.
    @Test(
        .enabled(if: programsAreStatic && isInstalled("strace")), arguments: ["ENOMEM", "EIO"])
    func inputThatCannotBePassedOnFailsItsChunk(error: String) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 4 | \(strace) -qq -o trace -e inject=write:error=\(error):when=1 \
                "$(which pmap)" -j1 -c2 -i --failed=failed cat
            """, in: folder)
        #expect(result.text == "3\n4\n" && result.status == 1)
        #expect(result.errors.hasPrefix("pmap: chunk 1: its standard input: "))
        #expect(try folder.text(of: "failed") == "1\n2\n")
    }

    /// Whichever read it is that fails, a run that ends with 0 has printed everything.
    @Test(.enabled(if: programsAreStatic && isInstalled("strace")))
    func outputThatCannotBeReadIsNeverLostSilently() throws {
        let result = try shell(
            """
            seq 4 >items
            for n in $(seq 24); do
                \(strace) -qq -o trace -e inject=read:error=EIO:when=$n "$(which pmap)" \
                    -a items -j1 -c2 --tag -s 'echo $1; echo $2' >out 2>>errors
                [ $? != 0 ] || [ "$(cut -f2 out | tr '\n' ' ')" = "1 2 3 4 " ] || echo lost $n
            done
            grep -c 'its output: Input/output error' errors
            """)
        #expect((Int(result.text.dropLast()) ?? 0) > 0, "\(result.text)")
    }

    @Test(.enabled(if: programsAreStatic && isInstalled("strace")))
    func interruptedCallsAreRetried() throws {
        let result = try shell(
            """
            seq 1000 | \(strace) -o trace -e trace=read,write,poll,splice \
                -e inject=read,write,poll,splice:error=EINTR:when=5+3 \
                "$(which pmap)" -c100 -i cat | cat
            grep -c INJECTED trace >&2
            """)
        #expect(result.text == (1...1000).map { "\($0)\n" }.joined())
        #expect(Int(result.errors.dropLast()) ?? 0 > 5)
    }
}
