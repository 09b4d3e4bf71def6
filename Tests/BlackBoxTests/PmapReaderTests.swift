import Foundation
import Testing

/// What pmap(1) says of readers that are slow or gone, and of a pmap that does not run.
@Suite struct PmapReaderTests {
    /// The ways in which output is merged. In the last two there is no room to hold it.
    private static let modes = [
        "-j1", "-j3", "-j3 -u", "-j4 -l", "-j4 -l --tag", "-j2 --tag", "-j3 --retry 1",
        "-j3 -u --retry 1", "-j3 -u --buffer 64K --tmpdir nosuch",
        "-j3 -l --buffer 64K --tmpdir nosuch",
    ]

    /// Takes 64 KiB, pauses, and so on.
    private static let slowReader = """
        import os, sys, time
        while piece := os.read(0, 65536):
            os.write(1, piece)
            time.sleep(0.1)
        """

    /// Four chunks print 630 KB each, of which the pipe to the reader takes 1 MiB. The reader
    /// takes nothing for longer than pmap waits for what a worker left behind.
    @Test(arguments: modes) func aReaderThatPausesGetsEverything(mode: String) throws {
        try everythingArrives(
            "seq 4 | pmap -q \(mode) --log log --failed failed -s 'seq -f \"$1 %06.0f\" 70000'",
            reader: "{ sleep 2; cat; }", tags: mode.contains("--tag"))
    }

    @Test func aReaderThatPausesGetsWhatWasFed() throws {
        try everythingArrives(
            """
            for i in 1 2 3 4; do seq -f "$i %06.0f" 70000; done |
            pmap -q -j2 -i -c70000 --log log --failed failed cat
            """, reader: "{ sleep 2; cat; }")
    }

    @Test(.enabled(if: isInstalled("python3")), arguments: ["-j1", "-j3 -u", "-j4 -l"])
    func aSlowReaderGetsEverything(mode: String) throws {
        try everythingArrives(
            "seq 4 | pmap -q \(mode) --log log --failed failed -s 'seq -f \"$1 %06.0f\" 70000'",
            reader: "python3 slow.py")
    }

    private func everythingArrives(
        _ command: String, reader: String, tags: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let folder = try TemporaryFolder()
        try folder.write("slow.py", Self.slowReader)
        let result = try shell(
            """
            { \(command); echo $? >status; } | \(reader) | \(tags ? "cut -f2" : "cat") | sort >output
            for i in 1 2 3 4; do seq -f "$i %06.0f" 70000; done | cmp - output
            cat status failed; tail -n +2 log | cut -f9,10 | tr '\\t\\n' ',;'
            """, in: folder)
        #expect(result.text == "0\n0,0;0,0;0,0;0,0;", sourceLocation: sourceLocation)
        // That there is no room is said once.
        #expect(
            result.errorLines.allSatisfy { $0.hasPrefix("pmap: nosuch: ") },
            sourceLocation: sourceLocation)
    }

    /// The workers are ended too, if they have something to print or not.
    @Test(arguments: ["-j2", "-j2 -u", "-j2 -l", "-j2 --tag", "-j2 -u --retry 1", "-j2 --retry 1"])
    func aReaderThatLeavesEndsEveryMode(mode: String) throws {
        let result = try shell(
            """
            { yes '' | head -n 500 | pmap \(mode) -s 'echo $$ >>pids; head -c 100000 /dev/zero | tr "\\0" "\\n"'
                echo $? >status; } | head -c 1
            cat status; for p in $(cat pids); do ps -o stat= $p | grep -v Z; done
            """)
        #expect(result.text.dropFirst() == "\(Signal.pipe.status)\n" && result.errors == "")
    }

    // MARK: A pmap that does not run

    /// How pmap is kept from running, and how it goes on.
    enum Suspension: String, CaseIterable {
        case stopped = """
            suspend() { kill -STOP $pmap; until grep -q '^State:.T' /proc/$pmap/status
                do sleep 0.05; done; }
            resume() { kill -CONT $pmap; }
            """
        case frozen = """
            group=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/pmaputils.$$
            mkdir $group && echo $pmap >$group/cgroup.procs
            suspend() { echo 1 >$group/cgroup.freeze
                until grep -q 'frozen 1' $group/cgroup.events; do sleep 0.05; done; }
            resume() { echo 0 >$group/cgroup.freeze; }
            trap 'until rmdir $group; do sleep 0.05; done 2>/dev/null' EXIT
            """

        var isPossible: Bool { self == .stopped || groupsCanBeFrozen }
    }

    /// One worker exits while pmap does not run, and the other goes on. Both would be late if
    /// the time counted, and would be run again.
    @Test(arguments: Suspension.allCases.filter(\.isPossible), ["-j2", "-j2 -u", "-j2 --retry 1"])
    func timeInWhichPmapDoesNotRunCountsForNobody(_ how: Suspension, mode: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("items", "1\n2\n")
        let result = try shell(
            """
            pmap -a items -q \(mode) --timeout 4 --log log --failed failed -s '
                echo $$ >>ready; until [ -e go$1 ]; do sleep 0.05; done; seq 30000' >output &
            pmap=$!
            \(how.rawValue)
            until [ "$(wc -l <ready)" = 2 ]; do sleep 0.05; done 2>/dev/null
            suspend; touch go1; sleep 6; resume; touch go2
            wait $pmap; echo $?; cat failed; tail -n +2 log | cut -f9-11
            { seq 30000; seq 30000; } | cmp - output
            """, in: folder)
        #expect(result.text == "0\n0\t0\t1\n0\t0\t1\n" && result.errors == "")
    }

    @Test(
        .enabled(
            if: groupsCanBeFrozen, "skipped: there is no control group here that can be frozen"))
    func aFrozenControlGroupIsTried() {
        // The test above has the case; this one makes a skip visible.
    }

    // MARK: Standard error

    @Test func aReaderOfErrorsThatStopsDoesNotMakePmapDeaf() throws {
        let folder = try TemporaryFolder()
        try folder.write("items", "1\n")
        let running = try RunningShell(
            """
            mkfifo errors; sleep 987 <errors >/dev/null 2>&1 &
            exec pmap -a items --kill-after 1 -s 'echo ready; yes >&2' 2>errors
            """, in: folder)
        try running.wait(untilOutputContains: "ready")
        // By then the pipe of errors is full. If it is not, the test is easier.
        usleep(500_000)
        running.send(.terminate)
        #expect(try running.finish().status == Signal.terminate.status)
    }

    // MARK: Bounds

    /// What pmap takes at the most, in KiB, as the last worker sees it.
    private static let peak = "grep VmHWM /proc/$PPID/status | tr -dc 0-9 >&2"

    /// Nothing can be held, so the line goes out as it comes.
    @Test(.measuresMemory) func aLineLongerThanMemoryPassesThrough() throws {
        let result = try shell(
            """
            seq 2 | pmap -q -j2 -l --buffer 4M --tmpdir nosuch -s '
                head -c 300000000 /dev/zero | tr "\\0" $1; echo; \(Self.peak)' >output 2>errors
            wc -c <output; tr -s 12 <output; grep -v nosuch errors
            """)
        #expect(result.lines.prefix(1) == ["600000002"])
        #expect(Set(result.lines.dropFirst().prefix(2)) == ["1", "2"])
        let peaks = result.lines.dropFirst(3).compactMap { Int($0) }
        #expect(!peaks.isEmpty && peaks.allSatisfy { $0 < 32 << 10 })
    }

    /// 8 MiB more than the buffer is the limit, if the directory for more has no room.
    @Test(.measuresMemory) func anAttemptThatCannotBeHeldFails() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            printf '4000000\\n60000000\\n' | pmap -q -j1 --retry 1 --buffer 64K --tmpdir nosuch \
                --failed failed --log log -s '
                head -c $1 /dev/zero' >output
            echo $?; wc -c <output; cat failed; tail -n +2 log | cut -f 9-11
            """, in: folder)
        // The worker that fails is killed.
        #expect(result.lines == ["125", "4000000", "60000000", "0\t0\t1", "0\t9\t2"])
        let reason = "its output has to be held, and fits neither into --buffer nor into nosuch"
        #expect(result.errors.contains("pmap: chunk 2: \(reason)\n"))
        #expect(!result.errors.contains("chunk 1: "))
    }

    /// What is too much is still in its pipe when it exits with status 0.
    @Test func anAttemptThatHasExitedAndCannotBeHeldFails() throws {
        let result = try shell(
            """
            echo 8900000 | pmap -q --retry 0 --buffer 1 --tmpdir nosuch --failed failed \
                -s 'head -c $1 /dev/zero' >output
            echo $?; wc -c <output; cat failed
            """)
        #expect(result.lines == ["125", "0", "8900000"])
    }
}

/// Whether there is a control group of version 2 that this user can freeze.
private let groupsCanBeFrozen: Bool = {
    let probe = """
        group=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/pmaputils.$$
        mkdir "$group" && [ -w "$group/cgroup.freeze" ] && sh -c 'echo $$ >'"$group/cgroup.procs"
        status=$?; until rmdir "$group" || [ ! -d "$group" ]; do sleep 0.05; done; exit $status
        """
    return (try? shell("{ \(probe)\n} 2>/dev/null").status) == 0
}()
