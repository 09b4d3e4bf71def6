import Foundation
import Testing

/// What pmap(1) says of workers that do not simply print and exit.
@Suite struct PmapWorkerTests {
    @Test func aWorkerThatSomebodyStopsCountsAsRunning() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            """
            seq 3 >items; exec pmap -a items -j2 -s '
                [ $1 != 1 ] || { echo $$ >stopped; kill -STOP $$; }; echo $1; echo over $1 >&2'
            """, in: folder)
        // The other slot does the rest of the work.
        try running.wait(untilErrorsContain: "over 3")
        try shell("kill -CONT $(cat stopped)", in: folder)
        let result = try running.finish()
        #expect(result.text == "1\n2\n3\n" && result.status == 0)
    }

    /// A stopped process acts on no signal but SIGCONT and SIGKILL, and SIGKILL does not come here.
    private static let stoppedWorker = """
        -s 'trap "echo continued; exit 0" TERM; echo $$ >pid; kill -STOP $$; exit 7' <items
        """

    @Test func aWorkerThatIsStoppedCanBeEnded() throws {
        let result = try shell(
            """
            echo 1 >items; pmap --kill-after=600 \(Self.stoppedWorker) &
            until grep -qs '^State:.T' "/proc/$(cat pid)/status"; do sleep 0.01; done 2>/dev/null
            kill -TERM $!; wait $!
            """)
        #expect(result.text == "continued\n" && result.status == Signal.terminate.status)
    }

    @Test func aWorkerThatIsStoppedTimesOut() throws {
        let result = try shell(
            "echo 1 >items; pmap -q --timeout=0.5 --kill-after=600 \(Self.stoppedWorker)")
        #expect(result.text == "continued\n" && result.status == 125)
    }

    /// Signals of the same number merge into one: here many come at the same moment.
    @Test func manyWorkersThatEndAtOnceAreAllSeen() throws {
        let result = try shell(
            """
            seq 60 | pmap -j60 -s 'echo $1; echo x >>ready; until [ -e go ]; do sleep 0.02; done' &
            until [ "$(wc -l <ready)" = 60 ]; do sleep 0.02; done 2>/dev/null
            >go; wait $!
            """)
        #expect(result.lines == (1...60).map(String.init) && result.status == 0)
    }

    @Test func manyThatEndAtOnceAreAllFinishedWhereTheOutputFails() throws {
        let result = try shell(
            """
            seq 30 >items; pmap -a items -u -j30 -s 'echo x >>ready
                until [ -e go ]; do sleep 0.02; done; echo; echo x >>over' >/dev/full &
            until [ "$(wc -l <ready)" = 30 ]; do sleep 0.02; done 2>/dev/null
            kill -STOP $!; >go; until [ "$(wc -l <over)" = 30 ]; do sleep 0.02; done 2>/dev/null
            sleep 0.1; kill -CONT $!; wait $!
            """)
        #expect(result.errors == "pmap: write error: No space left on device\n")
        #expect(result.status == 1)
    }

    /// A zombie that stays lets this run into the time limit.
    @Test func aWorkerThatEndedIsNoZombie() throws {
        let result = try shell(
            """
            : >ended; seq 40 | pmap -j4 -s '[ $1 = 1 ] || { echo $1 >>ended; exit; }
                until [ "$(wc -l <ended)" = 39 ]; do sleep 0.02; done
                while ps -o stat= --ppid $PPID | grep -q Z; do sleep 0.02; done; echo none'
            """)
        #expect(result.text == "none\n")
    }

    @Test func standardErrorMayOutliveStandardOutput() throws {
        let result = try shell(
            """
            seq 2 | pmap -j2 -s 'exec >&-; for i in 1 2 3; do echo $1 $i >&2; sleep 0.05; done
                printf "end $1" >&2'
            """)
        #expect(
            result.errorLines.sorted() == [
                "1 1", "1 2", "1 3", "2 1", "2 2", "2 3", "end 1", "end 2",
            ])
        #expect(result.text == "" && result.status == 0)
    }

    @Test(arguments: ["soon", "now"])
    func afterAHaltNothingIsBothPrintedAndFailed(halt: String) throws {
        let result = try shell(
            """
            seq 40 | pmap -j3 --retry 1 --halt \(halt) --failed bad -s '
                sleep 0.0$(($1 % 5)); echo $1; [ $1 != 17 ]' >done; echo $?
            sort -n done bad | uniq -d | wc -l; grep -cx 17 bad; grep -cx 17 done
            """)
        #expect(result.lines == ["123", "0", "1", "0"])
    }

    @Test(.enabled(if: isInstalled("taskset")))
    func oneCPUMeansOneWorker() throws {
        let result = try shell("seq 6 | taskset -c 0 pmap -s 'sleep 0.02; echo $PMAP_SLOT'")
        #expect(result.lines == Array(repeating: "1", count: 6))
    }
}
