import Foundation
import Testing

/// What pmap(1) says of signals.
@Suite struct PmapSignalTests {
    /// The shell becomes pmap, so that the signal is sent to pmap and to nobody else.
    @Test(arguments: [Signal.interrupt, .terminate, .hangUp, .quit])
    func aSignalReachesEveryWorkerAndThenPmap(_ signal: Signal) throws {
        let folder = try TemporaryFolder()
        try folder.write("items", "1\n2\n3\n")
        let running = try RunningShell(
            """
            exec pmap -a items -j3 -s '
                trap "echo caught $1 >&2; exit 0" \(signal.rawValue); echo ready >&2
                while :; do sleep 0.05; done'
            """, in: folder)
        for count in 1...3 {
            try running.wait(
                untilErrorsContain: String(repeating: "ready\n", count: count))
        }
        running.send(signal)
        let result = try running.finish()
        #expect(result.status == signal.status)
        // Beside these, a shell may say how its sleep ended.
        #expect(Set(result.errorLines).isSuperset(of: ["caught 1", "caught 2", "caught 3"]))
    }

    @Test func whatAWorkerStartedIsSignalledToo() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            "echo 1 >items; exec pmap -a items -s 'sleep 987 & echo $! >pid; echo ready >&2; wait'",
            in: folder)
        try running.wait(untilErrorsContain: "ready")
        running.send(.terminate)
        #expect(try running.finish().status == Signal.terminate.status)
        let pid = try folder.text(of: "pid").dropLast()
        let state = try shell("sleep 0.1; cut -d' ' -f3 /proc/\(pid)/stat 2>/dev/null")
        #expect(state.text == "" || state.text == "Z\n")
    }

    /// A second signal does not wait for `--kill-after`.
    @Test(arguments: [(1, "0.3"), (2, "600")])
    func aStubbornWorkerIsKilled(signals: Int, killAfter: String) throws {
        let running = try RunningShell(
            """
            echo 1 >items; exec pmap -a items --kill-after \(killAfter) -s '
                trap "" TERM; echo ready >&2
                while :; do sleep 0.05; done'
            """)
        try running.wait(untilErrorsContain: "ready")
        for _ in 0..<signals {
            running.send(.terminate)
            usleep(100_000)
        }
        #expect(try running.finish().status == Signal.terminate.status)
    }

    @Test func anIgnoredSignalStaysIgnored() throws {
        let running = try RunningShell(
            """
            trap '' HUP; echo 1 >items
            exec pmap -a items -s 'echo ready >&2; kill -HUP $$; sleep 0.2; echo done'
            """)
        try running.wait(untilErrorsContain: "ready")
        running.send(.hangUp)
        let result = try running.finish()
        #expect(result.text == "done\n" && result.status == 0)
    }

    /// In a process group of its own and a session that goes on, as a job of a terminal. The
    /// worker starts nothing: a shell whose child is stopped between vfork(2) and execve(2) is
    /// not seen to be stopped itself.
    @Test(.enabled(if: isInstalled("python3"))) func stopAndContinueReachTheWorkers() throws {
        let folder = try TemporaryFolder()
        try folder.write("items", "1\n")
        try folder.write(
            "job.py",
            """
            import os, signal, subprocess, time
            job = subprocess.Popen(
                ["pmap", "-a", "items", "-s", "echo $$ >worker; exec sleep 600"],
                preexec_fn=os.setpgrp)
            def until(condition):
                while not condition(): time.sleep(0.01)
            until(lambda: os.path.exists("worker") and os.path.getsize("worker") > 0)
            worker = open("worker").read().strip()
            def states():
                return {open(f"/proc/{p}/stat").read().split()[2] for p in (job.pid, worker)}
            job.send_signal(signal.SIGTSTP); until(lambda: states() == {"T"})
            job.send_signal(signal.SIGCONT); until(lambda: "T" not in states())
            job.terminate()
            print(job.wait())
            """)
        #expect(try shell("python3 job.py", in: folder).text == "-15\n")
    }

    @Test(.enabled(if: isInstalled("python3"))) func blockedSignalsDoNoHarm() throws {
        let blocked = """
            import os, signal, sys
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGTERM])
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            os.execvp("pmap", ["pmap", "-i", "-c1", "grep", "SigBlk", "/proc/self/status"])
            """
        let folder = try TemporaryFolder()
        try folder.write("blocked.py", blocked)
        let result = try shell("seq 2 | python3 blocked.py", in: folder)
        // SIGTERM is 15, SIGCHLD 17: bits 14 and 16. The worker has what pmap was given.
        #expect(result.lines == Array(repeating: "SigBlk:\t0000000000014000", count: 2))
        #expect(result.status == 0)
    }

    @Test func workersFindSIGPIPEAtItsDefault() throws {
        let result = try shell("echo 1 | pmap -s 'yes | head -n1'")
        #expect(result.text == "y\n" && result.errors == "")
    }

    @Test func aUserSignalPrintsAStatusLine() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            "mkfifo gate; seq 3 >items; exec pmap -q -a items -j3 -s 'echo ready >&2; cat gate'",
            in: folder)
        try running.wait(untilErrorsContain: "ready\nready\nready\n")
        running.send(.user1)
        try running.wait(untilErrorsContain: "items/s")
        try shell("exec 3<>gate; sleep 0.2", in: folder)
        let result = try running.finish()
        #expect(result.errors.contains("pmap: 0/3 items, 3 running, 0 failed, "))
        #expect(result.status == 0)
    }
}
