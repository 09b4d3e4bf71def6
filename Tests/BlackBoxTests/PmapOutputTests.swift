import Foundation
import Testing

/// What pmap(1) says of output.
@Suite struct PmapOutputTests {
    @Test func outputIsInInputOrderWhoeverIsFirst() throws {
        let result = try shell("seq 4 | pmap -j4 -s 'sleep 0.$((4 - $1)); echo $1'")
        #expect(result.text == "1\n2\n3\n4\n")
    }

    @Test func theFirstUnfinishedChunkStreams() throws {
        let folder = try TemporaryFolder()
        let live = try RunningShell(
            "mkfifo gate; echo a | pmap -s 'echo began; read line <gate; echo $line'", in: folder)
        try live.wait(untilOutputContains: "began\n")
        try shell("echo opened >gate", in: folder)
        #expect(try live.finish().text == "began\nopened\n")
    }

    @Test func aWorkerStartsBeforeTheInputEnds() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell("mkfifo in; pmap echo got <in", in: folder)
        let writer = try RunningShell(
            "until [ -p in ]; do :; done; exec 3>in; echo 1 >&3; mkfifo go; cat go; echo 2 >&3",
            in: folder)
        try running.wait(untilOutputContains: "got 1\n")
        try shell("echo go >go", in: folder)
        _ = try writer.finish()
        #expect(try running.finish().text == "got 1\ngot 2\n")
    }

    @Test(arguments: ["", "| cat", "| (sleep 0.3; cat)"])
    func theBytesAreExactlyTheWorkers(reader: String) throws {
        // Chunk 1 comes last, so that the others wait in memory; 12 MB through any kind of reader.
        let script = #"seq 4 | pmap -j4 -s '[ $1 = 1 ] && sleep 0.2; seq $1 500000; printf x' "#
        let ours = try shell(script + reader)
        let expected = try shell("for i in 1 2 3 4; do seq $i 500000; printf x; done")
        #expect(ours.output == expected.output && ours.status == 0)
    }

    private let namesItsOutput = "name=$(readlink /proc/$$/fd/1); echo $name >name"

    @Test(arguments: ["", "-u", "-l", "--tag", "--retry 1", "--failed failed", "-v"])
    func workersWriteToDevNullThemselves(option: String) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            "echo 7 | pmap \(option) -s '\(namesItsOutput); exit $1' >/dev/null; echo $?",
            in: folder)
        #expect(result.text == "123\n")
        #expect(try shell("cat name", in: folder).text == "/dev/null\n")
    }

    @Test(arguments: [
        ("", "full"), ("", "zero"), ("--log log", "null"), ("--stats", "null"),
        ("--show-failed", "null"), ("-i --persistent", "null"),
    ])
    func whatIsNeededOfTheirOutputGoesThroughPmap(option: String, device: String) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            "echo 7 | pmap \(option) -s '\(namesItsOutput); cat' >/dev/\(device); echo $?",
            in: folder)
        #expect(result.text == "0\n")
        #expect(try shell("cat name", in: folder).text.hasPrefix("pipe:"))
    }

    @Test func gzipMembersStayAGoodFile() throws {
        let result = try shell(
            "seq 100000 | pmap -j3 -i -b 50000 gzip -c | gunzip | cksum; seq 100000 | cksum")
        #expect(result.lines.count == 2 && result.lines[0] == result.lines[1])
    }

    @Test func aSmallBufferHoldsWorkersUpAndLosesNothing() throws {
        let script = #"seq 4 | pmap -j4 --buffer 64K -s '[ $1 = 1 ] && sleep 0.3; seq 300000'"#
        #expect(
            try shell(script).output == shell("for i in 1 2 3 4; do seq 300000; done").output)
    }

    /// 4 x 50 MB behind a slow first chunk: what is held may not pass the buffer by much.
    @Test(.measuresMemory) func memoryIsBoundedByTheBuffer() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 4 | pmap -j4 --buffer 8M -s '
                [ $1 = 1 ] && sleep 0.5; [ $1 = 4 ] && grep VmHWM /proc/$PPID/status >&2
                head -c 50000000 /dev/zero; grep VmHWM /proc/$PPID/status >&2' | wc -c
            """, in: folder)
        #expect(result.text.trimmingCharacters(in: .whitespacesAndNewlines) == "200000000")
        let peaks = result.errors.split(separator: "\n").compactMap {
            $0.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
        }
        #expect(peaks.count == 5)
        #expect((peaks.max() ?? .max) < ((16 + 8) << 10) + memoryOfLibraries)
    }

    /// What two chunks print, 10 MB each, waits in pipes. For the 40 MB of a third one there are not
    /// enough of them.
    @Test func waitingOutputIsInPipesAndThenInAFile() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            mkfifo go
            seq 4 | pmap -q -j4 --tmpdir "$PWD" -s '
                files() { ls -l /proc/$PPID/fd | grep -c "$PWD/.*(deleted)"; }
                case $1 in
                    1) read line <go;;
                    4) until [ -e ended2 ] && [ -e ended3 ]; do sleep 0.01; done; files >&2
                        head -c 40000000 /dev/zero; files >&2; echo >go;;
                    *) head -c 10000000 /dev/zero; echo >ended$1
                esac' | wc -c
            """, in: folder)
        #expect(result.text == "60000000\n")
        #expect(result.errors == "0\n1\n")
    }

    @Test func linesOfStandardErrorAreNeverMixed() throws {
        let result = try shell(
            """
            seq 8 | pmap -j8 -s 'i=0; while [ $i -lt 50 ]; do
                printf "%s" $1 >&2; printf "%05999d\\n" 0 | tr 0 $1 >&2; i=$((i + 1)); done'
            """)
        let lines = result.errors.split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast()
        #expect(lines.count == 400)
        #expect(lines.allSatisfy { $0.count == 6000 && Set($0).count == 1 })
    }

    @Test func anUnfinishedLineOfStandardErrorIsEnded() throws {
        let result = try shell("seq 2 | pmap -j1 -s 'printf e$1 >&2'")
        #expect(result.errors == "e1\ne2\n")
    }

    @Test func aFullDiskIsAnError() throws {
        let result = try shell("seq 100 | pmap echo >/dev/full")
        #expect(result.errors == "pmap: write error: No space left on device\n")
        #expect(result.status == 1)
    }

    @Test func aReaderThatLeavesEndsEverythingQuietly() throws {
        let result = try shell(
            "{ yes | pmap -j2 -c10 echo; echo $? >status; } | head -n1; cat status")
        #expect(result.text == "y y y y y y y y y y\n\(Signal.pipe.status)\n")
        #expect(result.errors == "")
    }

    @Test func aReaderThatLeavesIsAnErrorWhereSIGPIPEIsIgnored() throws {
        let result = try shell(
            "trap '' PIPE; { yes 2>/dev/null | pmap -c10 echo; echo $? >status; } | head -n1; cat status"
        )
        #expect(result.lines.last == "1")
        #expect(result.errors == "pmap: write error: Broken pipe\n")
    }

    @Test func aReaderThatLeavesEndsStubbornWorkersToo() throws {
        let result = try shell(
            """
            seq 4 | pmap -j2 -s 'trap "" PIPE TERM; echo $$ >>pids; while :; do echo x; done' |
            head -n1; sleep 0.1
            for p in $(cat pids); do kill -0 $p && echo alive; done
            """)
        #expect(result.text == "x\n")
    }

    @Test func aProcessLeftBehindDoesNotHangPmap() throws {
        let result = try shell(
            "seq 2 | pmap -j2 -s 'sleep 600 & echo $1 $! >>pids; echo $1'; echo $?; sed 's/.* //' pids | xargs kill"
        )
        #expect(result.text == "1\n2\n0\n")
        #expect(result.errorLines.count == 2)
        #expect(
            result.errorLines.allSatisfy {
                $0.hasSuffix("left behind holds its output open; closed")
            })
    }

    @Test func aProcessLeftBehindThatPrintsForEverDoesNotHangPmap() throws {
        let result = try shell(
            "echo 1 | pmap -s 'while :; do echo x; sleep 0.2; done & echo worker'; echo $?")
        // Which of the two is the first to print is up to the system.
        #expect(result.lines.last == "0")
        #expect(result.lines.dropLast().filter { $0 != "x" } == ["worker"])
        #expect(result.lines.contains("x"))
        #expect(result.errors.hasSuffix("left behind holds its output open; closed\n"))
    }

    @Test func aProcessThatMakesItselfIndependentIsNotWaitedFor() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 2 | pmap -j1 -s 'setsid sh -c "until [ -e go ]; do sleep 0.02; done; echo $1 >>done" \
                >/dev/null 2>&1 & echo $1'
            ls; >go; until [ "$(wc -l <done)" = 2 ]; do sleep 0.02; done 2>/dev/null
            """, in: folder)
        #expect(result.text == "1\n2\n" && result.errors == "")
    }

    @Test func aWorkerThatClosesItsOutputIsWaitedFor() throws {
        let result = try shell("seq 2 | pmap -s 'echo $1; exec >&- 2>&-; sleep 0.2; exit 3'")
        #expect(result.text == "1\n2\n" && result.status == 123)
    }
}
