import Foundation
import Testing

/// What pmap(1) says of signals, of progress and of what it shows.
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

    @Test(arguments: [1, 2])
    func aStubbornWorkerIsKilled(signals: Int) throws {
        let running = try RunningShell(
            """
            echo 1 >items; exec pmap -a items -s 'trap "" TERM; echo ready >&2
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

    /// In a process group of its own and a session that goes on, as a job of a terminal.
    @Test(.enabled(if: isInstalled("python3"))) func stopAndContinueReachTheWorkers() throws {
        let folder = try TemporaryFolder()
        try folder.write("items", "1\n")
        try folder.write(
            "job.py",
            """
            import os, signal, subprocess, time
            job = subprocess.Popen(
                ["pmap", "-a", "items", "-s", "echo $$ >worker; while :; do sleep 0.02; done"],
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

    @Test func blockedSignalsDoNoHarm() throws {
        let blocked = """
            import os, signal, sys
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGTERM])
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            os.execvp("pmap", ["pmap", "-i", "-c1", "grep", "SigBlk", "/proc/self/status"])
            """
        let folder = try TemporaryFolder()
        try folder.write("blocked.py", blocked)
        if !isInstalled("python3") { return }
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
        #expect(result.errors.contains("pmap: 0/3 chunks, 0/3 items, 3 running, 0 failed, "))
        #expect(result.status == 0)
    }
}

@Suite struct PmapDisplayTests {
    @Test func aShortRunIsSilent() throws {
        #expect(try shell("seq 3 | pmap true").errors == "")
    }

    @Test func aPlainStatusLineComesEveryInterval() throws {
        let slow = try shell("seq 2 | pmap -j1 --progress-interval 0.1 -s 'sleep 0.35'")
        #expect(slow.errorLines.count >= 2)
        #expect(slow.errorLines.allSatisfy { $0.hasPrefix("pmap: ") && $0.contains("/2 chunks, ") })
        #expect(
            try shell("seq 2 | pmap -q -j1 --progress-interval 0.1 -s 'sleep 0.3'").errors == "")
    }

    @Test func verboseSaysWhichWorkerProcessesWhichItems() throws {
        let result = try shell("seq 3 | pmap -v -j1 -c2 -s 'echo $$'")
        let pids = result.lines
        #expect(
            Array(result.errorLines.prefix(2)) == [
                "pmap: worker \(pids[0]): chunk 1: /bin/sh -c 'echo $$' sh 1 2",
                "pmap: worker \(pids[1]): chunk 2: /bin/sh -c 'echo $$' sh 3",
            ])
        #expect(result.errorLines.last?.hasPrefix("pmap: 2/2 chunks, 3/3 items, 0 running") == true)
    }

    @Test func verboseCutsALongList() throws {
        let result = try shell("seq 100000 | pmap -v -c10000 true")
        #expect(result.errorLines.allSatisfy { $0.count < 6000 })
        #expect(result.errors.contains(" more\n"))
    }

    @Test func aDryRunPrintsWhatAShellWouldRun() throws {
        let items = #"printf 'a b\nit'"'"'s\n$x\n\n*\n'"#
        let printed = try shell("\(items) | pmap -n -c2 printf '<%s>\\n' 'q r'")
        #expect(printed.lines.count == 3)
        let folder = try TemporaryFolder()
        try folder.write("script", printed.text)
        #expect(
            try shell("sh script", in: folder).output
                == shell("\(items) | pmap -c2 printf '<%s>\\n' 'q r'").output)
        let fed = try shell("\(items) | pmap -n -i -c2 cat -n")
        try folder.write("script", fed.text)
        #expect(
            try shell("sh script", in: folder).output
                == shell("\(items) | pmap -i -c2 cat -n").output)
        #expect(try shell("seq 3 | pmap -n echo >/dev/full").status == 1)
    }

    @Test(.enabled(if: isInstalled("script")))
    func aTerminalGetsABarThatIsTakenAway() throws {
        let command = "seq 4 | pmap -j2 -s 'sleep 0.3; echo err $1 >&2' 2>/dev/tty"
        let result = try shell(
            #"script -qec "$COMMAND" /dev/null"#,
            environment: ["TERM": "xterm", "COMMAND": command])
        #expect(
            result.text.contains("[") && result.text.contains("0/4 chunks, 0/4 items, 2 running"))
        #expect(result.text.contains("err 4\r\n"))
        // Played back as a terminal shows it, no piece of a bar is left on any line.
        let shown = result.text.split(separator: "\n").map {
            $0.split(separator: "\r").last { $0 != "\u{1B}[K" } ?? ""
        }
        #expect(shown.allSatisfy { !$0.contains("chunks") })
        for quiet in ["-q", "--quiet"] {
            let silent = try shell(
                #"script -qec "$COMMAND" /dev/null"#,
                environment: ["TERM": "xterm", "COMMAND": "seq 4 | pmap \(quiet) -s 'sleep 0.2'"])
            #expect(silent.text == "")
        }
        let dumb = try shell(
            #"script -qec "$COMMAND" /dev/null"#,
            environment: ["TERM": "dumb", "COMMAND": "seq 4 | pmap -s 'sleep 0.2'"])
        #expect(dumb.text == "")
    }
}
