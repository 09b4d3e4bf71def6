import Foundation
import Testing

/// What pmap(1) says of persistent workers.
@Suite struct PmapPersistentTests {
    /// A worker that answers each item with its square.
    private let square = "while read x; do echo $((x * x)); done"

    // MARK: Answers

    @Test(arguments: ["", "-c1", "-c7", "-c1000", "-b10"])
    func eachItemIsAnsweredInOrder(size: String) throws {
        let result = try shell("seq 100 | pmap -q -j3 --persistent \(size) -s '\(square)'")
        #expect(result.text == (1...100).map { "\($0 * $0)\n" }.joined())
        #expect(result.status == 0)
        #expect(result.errors == "")
    }

    @Test func workersAreKept() throws {
        let result = try shell(
            "seq 40 | pmap -q -j4 -c1 --persistent -s 'while read x; do echo $$; done' | sort -u")
        #expect(result.text.split(separator: "\n").count <= 4)
    }

    @Test func workersAreStartedOnlyForChunks() throws {
        let result = try shell(
            "echo 1 | pmap -q -j4 --persistent -s 'echo started >&2; while read x; do echo $x; done'"
        )
        #expect(result.errors == "started\n")
    }

    @Test func theLastItemGetsADelimiterToo() throws {
        let result = try shell(
            "printf 'a\\nb' | pmap -q -j1 --persistent -s 'while read x; do echo $x; done'")
        #expect(result.text == "a\nb\n")
    }

    @Test func anAnswerMayHaveLinesUpToItsEnd() throws {
        let result = try shell(
            """
            seq 20 | pmap -q -j3 -c3 --persistent --answer-end=END -s '
                while read x; do seq $x; echo ENDED; echo END; done'
            """)
        #expect(
            result.text
                == (1...20).map { item in (1...item).map { "\($0)\n" }.joined() + "ENDED\n" }
                .joined())
        #expect(result.status == 0)
    }

    @Test func anEmptyAnswerEndIsABlankLine() throws {
        let result = try shell(
            "seq 9 | pmap -q -j2 -c2 --persistent --answer-end= -s 'while read x; do seq $x; echo; done'"
        )
        #expect(result.text == (1...9).flatMap { (1...$0).map { "\($0)\n" } }.joined())
    }

    @Test func anAnswerMayBeEmpty() throws {
        let result = try shell(
            "seq 9 | pmap -q -j2 -c2 --persistent --answer-end=. -s 'while read x; do echo .; done'"
        )
        #expect(result.text == "")
        #expect(result.status == 0)
    }

    @Test func with0ItemsAndAnswersEndWithNUL() throws {
        let result = try shell(
            "printf 'a\\nb\\0c\\0' | pmap -q -j2 -0 -c1 --persistent sed -zu s/^/x/ | tr '\\0' .")
        #expect(result.text == "xa\nb.xc.")
    }

    @Test func aWorkerFindsItsSlotAndNoChunk() throws {
        let result = try shell(
            """
            echo a | PMAP_CHUNK=9 pmap -q -j1 --persistent -s '
                while read x; do echo "$x $PMAP_SLOT ${PMAP_CHUNK-none}"; done'
            """)
        #expect(result.text == "a 1 none\n")
    }

    @Test(arguments: ["-u", "-l", "--tag", "--retry=1", "--buffer=1"])
    func theOutputModesKeepTheirMeaning(mode: String) throws {
        let result = try shell(
            "seq 50 | pmap -q -j3 -c4 --persistent \(mode) -s '\(square)' | sort -n")
        let expected = (1...50).map { item in
            (mode == "--tag" ? "\((item - 1) / 4 + 1)\t" : "") + "\(item * item)\n"
        }
        #expect(
            result.text.split(separator: "\n").sorted()
                == expected.joined().split(separator: "\n").sorted())
    }

    @Test func verboseShowsTheSameProcessesAgain() throws {
        let result = try shell("seq 30 | pmap -q -v -j2 -c5 --persistent -s '\(square)'")
        let lines = result.errors.split(separator: "\n").filter { $0.contains("worker") }
        let processes = Set(lines.map { $0.split(separator: ":")[1] })
        #expect(lines.count == 6)
        #expect(processes.count <= 2)
        #expect(lines.contains { $0.hasSuffix(": 1 2 3 4 5") })
    }

    /// Both pipes of the worker are full: it reads on only when its answers are read.
    @Test(arguments: [1, 1000])
    func twoFullPipesDoNotBlockEachOther(chunk: Int) throws {
        let result = try shell(
            """
            for i in $(seq 40); do head -c 300000 /dev/zero | tr '\\0' x; echo; done >items
            pmap -q -a items -j2 -c\(chunk) --persistent cat | cmp - items && echo same
            """)
        #expect(result.text == "same\n")
    }

    @Test func aChunkDoesNotWaitForItemsThatHaveNotCome() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            """
            mkfifo f; exec 3<>f; echo 1 >&3
            exec pmap -q -a f -j2 --persistent -s 'while read x; do echo "got $x" >&2; echo $x; done'
            """, in: folder)
        try running.wait(untilErrorsContain: "got 1\n")
        kill(running.processID, SIGTERM)
        _ = try running.finish()
    }

    // MARK: Workers that answer at the end of their input

    /// A large file is cut into ranges. Its last line gets the newline that it lacks.
    @Test(arguments: ["", "-c auto", "-c 10", "-c 50000"])
    func aLargeFileIsAnsweredInOrder(_ size: String) throws {
        let result = try shell(
            """
            seq 200000 >in; printf end >>in
            pmap -q -j3 --persistent \(size) -a in sed -u s/^/x/ >out; echo $?
            sed s/^/x/ in | tr -d '\\n' | cksum; tr -d '\\n' <out | cksum; wc -l <out
            """)
        #expect(result.errors.isEmpty && result.lines.count == 4)
        #expect(result.lines[0] == "0" && result.lines[1] == result.lines[2])
        #expect(result.lines[3] == "200001")
    }

    @Test func aFilterThatBuffersIsUsedChunkByChunk() throws {
        let result = try shell("seq 12 | pmap -q -j2 -c2 --persistent sed s/^/x/")
        #expect(result.text == (1...12).map { "x\($0)\n" }.joined())
        #expect(result.status == 0)
        let lines = result.errors.split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines.first?.contains("answered only when its input ended") == true)
        #expect(lines.first?.contains("sed -u") == true)
    }

    @Test func aSlowWorkerIsNotTakenForABufferingOne() throws {
        let result = try shell(
            "echo 1 | pmap -q -j1 --persistent -s 'while read x; do sleep 3; echo $x; done'")
        #expect(result.text == "1\n")
        #expect(result.errors == "")
    }

    // MARK: Workers that fail

    @Test(arguments: ["exit 0", "exit 1", "exit 254", "kill -9 $$", "kill -15 $$"])
    func aWorkerThatDiesInAChunkFailsThatChunkOnly(end: String) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 12 | pmap -q -j1 -c3 --persistent --failed failed --log log -s '
                while read x; do [ $x = 8 ] && \(end); echo $x; done'
            """, in: folder)
        #expect(result.text == "1\n2\n3\n4\n5\n6\n7\n10\n11\n12\n")
        #expect(try shell("cat failed", in: folder).text == "7\n8\n9\n")
        let expected = [
            "exit 0": "-2 0", "exit 1": "1 0", "exit 254": "254 0", "kill -9 $$": "0 9",
            "kill -15 $$": "0 15",
        ]
        #expect(
            try shell("awk '$1 == 3 { print $9, $10 }' log", in: folder).text == expected[end]!
                + "\n")
        #expect(result.status == (end.hasPrefix("kill") ? 125 : 123))
        if end == "exit 0" {
            #expect(
                result.errors.contains("exited with status 0 after 1 of 3 answers; items: 7 8 9"))
        }
    }

    @Test func withRetryTheChunkGoesToAnotherWorker() throws {
        let result = try shell(
            """
            seq 12 | pmap -q -j2 -c3 --persistent --retry=1 -s '
                while read x; do
                    if [ $x = 8 ] && mkdir done 2>/dev/null; then exit 1; fi; echo $x
                done'
            """)
        #expect(result.text == (1...12).map { "\($0)\n" }.joined())
        #expect(result.status == 0)
    }

    @Test(arguments: ["exit 0", "exit 3", "kill -9 $$"])
    func aWorkerThatExitsBetweenChunksHasNotFailed(end: String) throws {
        let result = try shell(
            "seq 20 | pmap -q -j2 -c1 --persistent -s 'for i in 1 2 3; do read x || exit 0; echo $x; done; \(end)'"
        )
        #expect(result.text == (1...20).map { "\($0)\n" }.joined())
        #expect(result.status == 0)
    }

    /// The worker that answered 1 has got 3, does not read it, and exits after the run was halted.
    @Test func aChunkThatIsGivenBackAfterAHaltIsListedToo() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 4 | pmap -q -j2 -c1 --persistent --halt soon --failed failed -s '
                read x; [ $x = 1 ] || { sleep 0.5; exit 1; }; echo $x; sleep 1.2'; cat failed
            """, in: folder)
        #expect(result.text == "1\n2\n3\n4\n")
        #expect(result.errors.contains("1 of 4 chunks failed, 2 were not done"))
    }

    @Test(arguments: [1, 3])
    func workersThatDieBeforeTheirFirstAnswerStopTheRun(slots: Int) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 100 | pmap -q -j\(slots) -c1 --persistent --failed failed -s '
                echo started >>starts; exit 7'
            """, in: folder)
        #expect(result.status == 123)
        #expect(result.text == "")
        let starts = try shell("wc -l <starts", in: folder).text
        #expect(Int(starts.trimmingCharacters(in: .whitespacesAndNewlines))! < 2 * slots)
        #expect(try shell("cat failed", in: folder).text == (1...100).map { "\($0)\n" }.joined())
        #expect(result.errors.contains("before"))
    }

    @Test(arguments: ["echo $x; echo $x", "echo $x; [ $x != 5 ] || echo more"])
    func tooManyAnswersStopTheRun(answer: String) throws {
        let result = try shell(
            "seq 1000 | pmap -q -j1 -c1 --persistent -s 'while read x; do \(answer); done'")
        #expect(result.status == 1)
        #expect(result.errors.contains("gave more answers than it got items"))
        #expect(result.errors.contains("since chunk 1 "))
    }

    @Test func aBannerIsAnAnswerTooMany() throws {
        let result = try shell(
            "seq 3 | pmap -q -j1 -c1 --persistent -s 'echo welcome; while read x; do echo $x; done'"
        )
        #expect(result.status == 1)
        #expect(result.errors.contains("gave more answers than it got items"))
    }

    @Test func whatComesAfterTheEndOfTheInputIsTooMuch() throws {
        let result = try shell(
            "seq 3 | pmap -q -j1 --persistent -s 'while read x; do echo $x; done; echo 3 items'")
        #expect(result.status == 1)
        #expect(result.errors.contains("gave more answers than it got items"))
    }

    @Test func anUnfinishedLineIsNoAnswer() throws {
        let result = try shell(
            """
            seq 6 | pmap -q -j1 -c2 --persistent -s '
                while read x; do [ $x = 4 ] && printf half && exit 0; echo $x; done'
            """)
        #expect(result.text == "1\n2\n3\nhalf\n5\n6\n")
        #expect(result.errors.contains("after 1 of 2 answers"))
        #expect(result.status == 123)
    }

    @Test func aWorkerThatClosesItsOutputFailsItsChunk() throws {
        let result = try shell(
            """
            seq 6 | pmap -q -j1 -c2 --kill-after=0.1 --persistent -s '
                while read x; do [ $x = 3 ] && exec >&- && exec sleep 100; echo $x; done'
            """)
        #expect(result.text == "1\n2\n5\n6\n")
        #expect(result.errors.contains("closed its input or output after 0 of 2 answers"))
        #expect(result.status == 123)
    }

    @Test func aWorkerThatIgnoresTheEndOfItsInputIsEnded() throws {
        let result = try shell(
            "seq 2 | pmap -q -j1 --persistent -s 'while read x; do echo $x; done; exec sleep 1000'")
        #expect(result.text == "1\n2\n")
        #expect(result.status == 0)
    }

    @Test func theTimeoutIsForAChunk() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 4 | pmap -q -j1 -c1 --persistent --timeout=1.5 --kill-after=0.1 --failed failed -s '
                sleep 2; while read x; do [ $x != 3 ] || sleep 100; sleep 0.5; echo $x; done'
            """, in: folder)
        #expect(result.text == "1\n2\n4\n")
        #expect(try shell("cat failed", in: folder).text == "3\n")
        #expect(result.status == 125)
    }

    @Test func aWorkerThatIsStoppedIsEndedByTheTimeout() throws {
        let result = try shell(
            """
            seq 4 | pmap -q -j1 -c1 --persistent --timeout 1 -s '
                while read x; do [ $x != 2 ] || kill -STOP $$; echo $x; done'
            """)
        #expect(result.text == "1\n3\n4\n")
        #expect(result.status == 125)
    }

    @Test func maxTasksReplacesWorkers() throws {
        let result = try shell(
            "seq 12 | pmap -q -j1 -c2 --persistent --max-tasks=2 -s 'while read x; do echo $$; done' | sort | uniq -c | awk '{ print $1 }'"
        )
        #expect(result.text == "4\n4\n4\n")
    }

    @Test func maxTasks1IsAProcessForEachChunk() throws {
        let result = try shell(
            "seq 12 | pmap -q -j2 -c3 --persistent --max-tasks=1 -s 'while read x; do echo $$; done' | sort | uniq -c | awk '{ print $1 }'"
        )
        #expect(result.text == "3\n3\n3\n3\n")
    }

    @Test func aWorkerThatLeaksIsReplaced() throws {
        let result = try shell(
            """
            seq 6 | pmap -q -j1 -c1 --persistent --max-rss=100M python3 -u -c '
            import os, sys
            kept = []
            for line in sys.stdin:
                kept.append(bytearray(60 << 20))
                print(os.getpid())' | uniq -c | awk '{ print $1 }'
            """)
        #expect(result.text == "2\n2\n2\n")
    }

    @Test func aReaderThatLeavesEndsTheWorkers() throws {
        let result = try shell("(yes | pmap -q -j2 --persistent cat; echo $? >&2) | head -n 3")
        #expect(result.text == "y\ny\ny\n")
        #expect(result.errors == "141\n")
    }

    // MARK: Options

    @Test(arguments: [
        "--persistent -F, cat", "--persistent -I% cat %", "--persistent --pool cat",
        "--persistent echo {}", "--persistent echo {#}", "--answer-end=x cat", "--max-tasks=2 cat",
        "--max-rss=1G cat", "--persistent --max-tasks=0 cat", "--persistent --resume --log l cat",
        "--persistent -n cat",
    ])
    func whatCannotWorkIsRefused(words: String) throws {
        let result = try shell("echo a | pmap \(words)")
        #expect(result.status == 1)
        #expect(result.text == "")
        #expect(result.errors.hasPrefix("pmap: "))
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test func anIdleWorkerHoldsNoToken() throws {
        // Two maps share one slot; each would wait for ever for a token that an idle worker kept.
        let result = try shell(
            """
            pmap --pool -j1 -- sh -c '
                (echo 1; sleep 1; echo 2) | pmap -q --persistent -s "while read x; do echo \\$x; done" &
                (sleep 0.3; echo 3; sleep 1; echo 4) | pmap -q --persistent -s "while read x; do echo \\$x; done" &
                wait' | sort
            """)
        #expect(result.text == "1\n2\n3\n4\n")
    }
}
