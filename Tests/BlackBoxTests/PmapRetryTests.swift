import Foundation
import Testing

/// What pmap(1) says of --halt, --retry, --timeout, --failed, --log and --resume.
@Suite struct PmapRetryTests {
    @Test func aFailedChunkIsRunAgainAndItsFirstOutputIsDropped() throws {
        let result = try shell(
            """
            seq 4 | pmap --retry 2 -j2 -s 'echo $1 tried; echo x >>tries$1
                [ $1 != 3 ] || [ $(wc -l <tries$1) = 3 ]'
            cat tries3 | wc -l
            """)
        #expect(result.text == "1 tried\n2 tried\n3 tried\n4 tried\n3\n")
        #expect(result.status == 0)
    }

    @Test func aChunkThatFailsForGoodPrintsNothing() throws {
        let result = try shell(
            "seq 4 | pmap --retry 1 --failed bad -j2 -s 'echo $1; exit $(($1 % 2))'; echo $?; sort bad"
        )
        #expect(result.text == "2\n4\n123\n1\n3\n")
    }

    @Test func retryZeroDropsTheOutputOfFailedChunks() throws {
        let result = try shell(
            "seq 2 | pmap --retry 0 -s 'echo $1; echo x >>n; exit $(($1 % 2))'; wc -l <n | tr -d ' '"
        )
        #expect(result.text == "2\n2\n")
    }

    /// The file's lines are the times of the attempts.
    @Test func thePauseBeforeARetryDoubles() throws {
        let result = try shell(
            """
            echo 1 | pmap --retry 3 --retry-delay 0.2 -s 'date +%s%N >>times; exit 1' 2>no
            awk 'NR > 1 { print ($1 - last) / 1e9 } { last = $1 }' times
            """)
        let pauses = result.lines.compactMap(Double.init)
        #expect(pauses.count == 3)
        for (pause, least) in zip(pauses, [0.2, 0.4, 0.8]) { #expect(pause > least - 0.01) }
    }

    /// With one worker, all others are run before the first is run again.
    @Test func aPauseKeepsNoOtherChunkAndIsEndedBySignals() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            """
            seq 5 >in; exec pmap -a in -j1 -u --retry 1 --retry-delay 1h --failed bad -s '
                [ $1 != 1 ] || exit 1; echo $1'
            """, in: folder)
        try running.wait(untilOutputContains: "5\n")
        running.send(.terminate)
        let result = try running.finish()
        #expect(result.status == Signal.terminate.status)
        #expect(try folder.text(of: "bad") == "1\n")
        #expect(
            result.errorLines.last
                == "pmap: 1 of 5 chunks failed: chunk 1 exited with status 1; item: 1")
    }

    /// Of a server that refuses everything, not all items are asked for at once: pmap waits.
    @Test func noMoreThanAThousandChunksRest() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            "seq 3000 >in; exec pmap -a in -j2 --retry 1 --retry-delay 1h --failed bad false",
            in: folder)
        try shell(
            """
            until [ "$(pgrep -P \(running.processID) | wc -l)" = 0 ] &&
                grep -q 'State:.S' /proc/\(running.processID)/status; do sleep 0.3; done
            """)
        running.send(.terminate)
        #expect(try running.finish().status == Signal.terminate.status)
        #expect(try folder.text(of: "bad") == (1...3000).map { "\($0)\n" }.joined())
    }

    @Test func aPauseNeedsARetry() throws {
        let result = try shell("echo 1 | pmap --retry-delay 1 echo")
        #expect(
            result.errors == "pmap: --retry-delay: is a pause before what --retry does\n")
        #expect(result.status == 1)
    }

    /// Not among the results, and not what earlier attempts printed.
    @Test(arguments: ["--retry 1", "", "--retry 1 --buffer 1 --tmpdir ."])
    func whatAFailedChunkPrintedIsShown(_ options: String) throws {
        let result = try shell(
            """
            seq 3 | pmap -j1 --show-failed \(options) -s 'echo >>n$1
                seq $(wc -l <n$1) 90000; printf "end of $1"; [ $1 != 2 ]' >out
            wc -l <n2; (seq 90000; printf "end of 1"; seq 90000; printf "end of 3") | cmp - out
            """)
        let attempts = options.isEmpty ? 1 : 2
        #expect(result.text == "\(attempts)\n")
        let shown = (attempts...90000).map { "\($0)\n" }.joined()
        #expect(
            result.errors == "pmap: chunk 2: exited with status 1 and printed what follows; "
                + "item: 2\n\(shown)end of 2\n"
                + "pmap: 1 of 3 chunks failed: chunk 2 exited with status 1; item: 2\n")
    }

    @Test func status255IsNotRetried() throws {
        let result = try shell(
            "echo 1 | pmap --retry 5 -s 'echo x >>n; exit 255'; echo $?; wc -l <n | tr -d ' '")
        #expect(result.text == "124\n1\n")
    }

    /// The first attempt's output fills its file before it fails.
    @Test func whatAFailedAttemptLeftOnDiskIsDroppedToo() throws {
        let result = try shell(
            """
            for first in 1 2 3; do seq $first 90000; done >expected
            seq 3 | pmap --retry 1 --buffer 1 --tmpdir . -s 'seq $1 90000
                [ $1 != 2 ] || [ -e failed ] || { touch failed; exit 1; }' | cmp - expected &&
                ls failed
            """)
        #expect(result.text == "failed\n")
    }

    /// Both workers have ended before pmap looks: the first is to be tried again when the second
    /// says that there is to be no more.
    @Test func whatWaitsForAnotherAttemptFailsWhenNoMoreAreStarted() throws {
        let result = try shell(
            """
            seq 3 | pmap -q -j2 --retry 1 --failed bad -s 'case $1 in
                1) until [ -e two ]; do sleep 0.01; done
                    echo >stopped; kill -STOP $PPID; exit 1 ;;
                2) touch two; until [ -s stopped ]; do sleep 0.01; done; sleep 0.2; exit 255 ;;
                esac; echo $1' &
            until [ -s stopped ]; do sleep 0.01; done
            sleep 0.5; kill -CONT $!; wait $!; echo $?; sort bad
            """)
        #expect(result.text == "124\n1\n2\n3\n")
    }

    @Test func failedItemsAreReadyToBeReadAgain() throws {
        let result = try shell(
            #"""
            printf 'a b\nc\nd\ne' | pmap -j1 -c2 --failed bad -s 'case "$*" in *d*) exit 1;; esac'
            pmap -a bad printf '<%s>'
            printf 'x\ny\0z' | pmap -0 -j1 --failed bad false; od -An -c bad | tr -d ' \n'
            """#)
        #expect(result.text == #"<d><e>x\ny\0z\0"#)
    }

    @Test func refusedItemsAreAmongTheFailed() throws {
        let result = try shell(
            #"printf 'a\0b\nc\n' | pmap --failed bad echo; od -An -c bad | tr -d ' \n'"#)
        #expect(result.text == "c\n" + #"a\0b\n"#)
    }

    @Test func aFailedFileThatCannotBeWrittenIsAnError() throws {
        let result = try shell("seq 2 | pmap --failed /dev/full -s 'echo $1; exit 1'")
        #expect(result.text == "1\n2\n" && result.status == 1)
        #expect(
            result.errors == "pmap: /dev/full: No space left on device\n"
                + "pmap: 2 of 2 chunks failed: the first, chunk 1, exited with status 1; item: 1; "
                + "see /dev/full\n")
        let missing = try shell("seq 2 | pmap --failed no/where echo")
        #expect(missing.errors == "pmap: no/where: No such file or directory\n")
        #expect(missing.output.isEmpty && missing.status == 1)
    }

    @Test func haltSoonStartsNoMore() throws {
        let result = try shell(
            """
            mkfifo gate; yes | pmap -j2 --halt soon -s 'case $PMAP_CHUNK in
                1) read x <gate; echo one;; 2) echo two; (sleep 0.1; echo go >gate) >&2 & exit 3;; esac'
            """)
        #expect(result.text == "one\ntwo\n" && result.status == 123)
    }

    /// Both time out. When the first has ended, `--halt now` finds the second one ending already.
    @Test func aWorkerThatIsEndingIsToldOnlyOnce() throws {
        let result = try shell(
            """
            seq 2 | pmap -q -j2 --timeout 0.3 --kill-after 60 --halt now -s '
                trap "echo $1" TERM; [ $1 = 2 ] || trap "sleep 0.5; touch over; echo $1; exit" TERM
                until [ -e over ]; do sleep 0.05; done; sleep 0.5'
            """)
        #expect(result.text == "1\n2\n" && result.status == 125)
    }

    @Test func haltNowEndsTheRunningWorkers() throws {
        let result = try shell(
            """
            seq 3 | pmap -j3 --halt now --failed bad -s 'case $PMAP_CHUNK in
                1) until [ -e ready2 -a -e ready3 ]; do sleep 0.01; done; exit 3;;
                *) trap "echo ended; exit 0" TERM; >ready$PMAP_CHUNK; while :; do sleep 0.01; done;; esac'
            echo $?; wc -l <bad | tr -d ' '
            """)
        // Whatever the two that were ended exit with, they did not do their work.
        #expect(result.text == "ended\nended\n123\n3\n")
    }

    @Test func aWorkerThatTakesTooLongIsEnded() throws {
        let result = try shell(
            "seq 3 | pmap --timeout 0.3 -j3 -s '[ $1 = 2 ] && exec sleep 600; echo $1'")
        #expect(result.text == "1\n3\n" && result.status == 125)
        #expect(
            result.errors.replacing(/worker [0-9]+/, with: "worker N")
                == "pmap: chunk 2: worker N timed out and was ended; item: 2\n"
                + "pmap: 1 of 3 chunks failed: chunk 2 timed out and was ended; item: 2\n")
    }

    @Test func oneThatIgnoresThatIsKilled() throws {
        let result = try shell(
            "echo 1 | pmap --timeout 0.1 --kill-after 0.1 -s 'trap \"\" TERM; while :; do sleep 0.02; done'"
        )
        #expect(result.status == 125)
    }

    @Test func aTimedOutWorkerFailedEvenIfItExitsWithZero() throws {
        let result = try shell(
            """
            echo 1 | pmap --timeout 0.1 --log log -s 'trap "exit 0" TERM; while :; do sleep 0.02; done'
            echo $?; tail -n 1 log | cut -f 9,10
            """)
        #expect(result.text == "125\n-1\t0\n")
    }

    @Test func theLogSaysWhatBecameOfEachChunk() throws {
        let result = try shell(
            """
            seq 6 | pmap -j1 -c2 --log log -s 'echo $1; case $1 in 3) exit 7;; 5) kill -9 $$;; esac'
            cat log
            """)
        let table = result.lines.drop { !$0.contains("\t") }.map { $0.split(separator: "\t") }
        #expect(
            table.first?.joined(separator: " ")
                == "chunk slot pid start seconds user sys max_rss exit signal attempts bytes items "
                + "hash input")
        let wanted = [0, 1, 8, 9, 10, 11, 12]
        let rows = table.dropFirst().map { row in wanted.map { String(row[$0]) } }
        #expect(
            rows == [
                ["1", "1", "0", "0", "1", "2", "2"], ["2", "1", "7", "0", "1", "2", "2"],
                ["3", "1", "0", "9", "1", "2", "2"],
            ])
        let now = Date().timeIntervalSince1970
        #expect(table.dropFirst().allSatisfy { abs((Double($0[3]) ?? 0) - now) < 120 })
        #expect(table.dropFirst().allSatisfy { (Int($0[7]) ?? 0) > 100 })
    }

    @Test func resumeLeavesOutWhatSucceeded() throws {
        let result = try shell(
            """
            seq 6 | pmap -c2 --log log -s '[ $1 != 3 ]'
            printf '3\\t1\\t9' >>log
            seq 6 | pmap -c2 --log log --resume echo again
            seq 6 | pmap -c2 --log log --resume echo never
            wc -l <log | tr -d ' '
            """)
        #expect(result.text == "again 3 4\n5\n")
        #expect(
            result.errors
                == "pmap: 1 of 3 chunks failed: chunk 2 exited with status 1; items: 3 4\n")
    }

    @Test func resumeRefusesAnotherInput() throws {
        let result = try shell(
            """
            seq 6 | pmap -c2 --log log true; seq 6 | pmap -c3 --log log --resume echo; echo $?
            echo x >other; seq 6 | pmap --log other --resume echo; echo $?; pmap --resume echo; echo $?
            """)
        #expect(result.text == "1\n1\n1\n")
        #expect(
            result.errorLines == [
                "pmap: log: chunk 1 has 2 items there and 3 here; resume with the same input and chunk size",
                "pmap: other: is no log of pmap; move it away, or name another file",
                "pmap: --resume: needs the --log of the run that it resumes",
            ])
    }

    /// Chunk 2 has ended, but its output waits for chunk 1's: a crash then must not lose it.
    @Test func aChunkIsLoggedOnceItsOutputIsWritten() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            """
            seq 2 >items; exec pmap -a items -j2 --log log -s '
                if [ $1 = 1 ]; then sleep 600; else echo two; sleep 0.1; echo over >&2; fi'
            """, in: folder)
        try running.wait(untilErrorsContain: "over")
        usleep(200_000)
        running.send(.kill)
        #expect(try running.finish().text == "")
        #expect(try shell("pmap -a items --log log --resume echo", in: folder).text == "1\n2\n")
    }

    /// Where pmap is killed, the log tells how much of the output is whole chunks.
    @Test func afterACrashTheOutputIsCutToWhatTheLogSays() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            """
            seq 40 >items; exec >out; exec pmap -a items -j3 -c2 --log log -s '
                printf "%s\\n" "$1"; [ $1 != 21 ] || { echo ready >&2; sleep 600; }
                printf "%s\\n" "$2"'
            """, in: folder)
        try running.wait(untilErrorsContain: "ready")
        // Chunk 11 has printed its first line, once the ten before are written.
        try shell("until grep -qx 21 out; do sleep 0.01; done", in: folder)
        running.send(.kill)
        _ = try running.finish()
        let result = try shell(
            """
            truncate -s "$(awk -F '\\t' 'NR > 1 { sum += $12 } END { print sum }' log)" out
            pmap -a items -j3 -c2 --log log --resume printf '%s\\n' >>out; cmp out items
            """, in: folder)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    @Test func aLogThatCannotBeWrittenIsAnError() throws {
        let result = try shell("seq 2 | pmap --log /dev/full echo")
        #expect(result.errors == "pmap: /dev/full: No space left on device\n")
        #expect(result.status == 1)
    }
}
