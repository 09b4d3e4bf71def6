import Foundation
import Testing

/// What pmap(1) says of the end of workers and of their process groups.
@Suite struct PmapEndingTests {
    /// Workers whose groups do not end by themselves, each with a process that ignores signals;
    /// `$ignored` are their numbers, and the process IDs are added to `pids`.
    private enum Stubborn: String, CaseIterable {
        case leaderThatDiesFirst = """
            (trap "" $ignored; echo x >>up; exec sleep 987) & echo $! >>pids
            until [ -e up ]; do sleep 0.05; done; echo $$ >>pids; echo ready >&2; wait
            """
        case leaderThatIgnoresIt = """
            trap "" $ignored; echo $$ >>pids; echo ready >&2; while :; do sleep 0.05; done
            """
        case stoppedLeader = """
            (trap "" $ignored; exec sleep 987) & echo $! >>pids
            trap "" $ignored; echo $$ >>pids; echo ready >&2; kill -STOP $$; wait
            """
    }

    /// TERM, INT, HUP, QUIT, USR2, ALRM, XCPU and a real-time signal.
    private static let ending: [Int32] = [
        SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR2, SIGALRM, SIGXCPU, 37,
    ]

    private func folder(ignoring signal: Int32) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write("items", "1\n2\n3\n")
        for (number, worker) in Stubborn.allCases.enumerated() {
            let script = worker.rawValue.replacingOccurrences(
                of: "$ignored", with: "\(signal) \(SIGTERM)")
            try folder.write("\(number + 1)", script)
        }
        return folder
    }

    @Test(arguments: ending) func theWholeGroupIsGoneAfterASignal(_ signal: Int32) throws {
        let folder = try folder(ignoring: signal)
        let running = try RunningShell(
            "exec pmap -a items -j3 --kill-after 0.5 -s '. ./$1'", in: folder)
        try running.wait(untilErrorsContain: "ready\nready\nready\n")
        kill(running.processID, signal)
        try expectNobodyIsLeft(of: 5, after: running, in: folder)
        #expect(try running.finish().status == 128 + signal)
    }

    /// They are up long before their time is, even on a slow machine.
    @Test func theWholeGroupIsGoneAfterATimeout() throws {
        let folder = try folder(ignoring: SIGTERM)
        let running = try RunningShell(
            "exec pmap -a items -j3 --timeout 4 --kill-after 0.5 --log log -s '. ./$1'", in: folder)
        try expectNobodyIsLeft(of: 5, after: running, in: folder)
        #expect(try running.finish().status == 125)
        #expect(try shell("tail -n +2 log | cut -f 9", in: folder).text == "-1\n-1\n-1\n")
    }

    @Test func theWholeGroupIsGoneAfterAHalt() throws {
        let folder = try folder(ignoring: SIGTERM)
        try folder.write("items", "1\n2\n3\n4\n")
        try folder.write(
            "4", "until [ $(wc -l <pids) = 5 ]; do sleep 0.05; done 2>/dev/null; exit 7")
        let running = try RunningShell(
            "exec pmap -a items -j4 --halt now --kill-after 0.5 -s '. ./$1'", in: folder)
        try expectNobodyIsLeft(of: 5, after: running, in: folder)
        #expect(try running.finish().status == 123)
    }

    /// The leader dies of the signal at once; the child has until `--kill-after`, and pmap
    /// waits for it.
    @Test(arguments: ["signal", "timeout", "halt"])
    func aChildMaySaveItsFile(why: String) throws {
        let folder = try TemporaryFolder()
        let options = ["timeout": "--timeout 3", "halt": "--halt now"][why] ?? ""
        try folder.write(
            "child",
            "trap 'sleep 1; echo saved >file; exit' TERM; echo x >up; while :; do sleep 0.05; done")
        let running = try RunningShell(
            """
            seq 2 >items; exec pmap -a items -j2 --kill-after 40 \(options) -s '
                if [ $1 = 1 ]; then sh child & else
                    until [ -e up ]; do sleep 0.05; done; echo ready >&2
                    \(why == "halt" ? "exit 7" : ":"); fi; wait' >output
            """, in: folder)
        try running.wait(untilErrorsContain: "ready")
        if why == "signal" { running.send(.terminate) }
        let result = try running.finish()
        #expect(result.status == ["signal": 143, "timeout": 125][why] ?? 123)
        #expect(try folder.text(of: "file") == "saved\n")
    }

    /// The second chunk's output waits for its turn.
    @Test(arguments: ["", "-u", "-l", "--tag", "--buffer 1"])
    func whatIsPrintedOnASignalIsPassedOn(mode: String) throws {
        let running = try RunningShell(
            """
            seq 2 >items; exec pmap -a items -j2 --kill-after 40 \(mode) -s '
                trap "echo ended $1; exit 0" TERM; echo ready >&2
                while :; do sleep 0.05; done'
            """)
        let tags = mode == "--tag" ? ["1\t", "2\t"] : ["", ""]
        if mode == "--tag" {
            for tag in tags { try running.wait(untilErrorsContain: "\(tag)ready\n") }
        } else {
            try running.wait(untilErrorsContain: "ready\nready\n")
        }
        running.send(.terminate)
        let result = try running.finish()
        #expect(result.lines.sorted() == ["\(tags[0])ended 1", "\(tags[1])ended 2"])
        if mode != "-u" && mode != "-l" { #expect(result.lines == result.lines.sorted()) }
        #expect(result.status == Signal.terminate.status)
    }

    /// It is continued, since a stopped process takes no signal.
    @Test func whatAStoppedWorkerPrintsOnASignalIsPassedOn() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "worker",
            "trap 'echo ended; exit 0' TERM; echo $$ >pid; echo ready >&2; kill -STOP $$; while :; do sleep 0.05; done"
        )
        let running = try RunningShell(
            "echo 1 >items; exec pmap -a items --kill-after 40 sh worker", in: folder)
        try running.wait(untilErrorsContain: "ready")
        try shell(
            "until grep -q '^State:.T' /proc/$(cat pid)/status; do sleep 0.05; done", in: folder)
        running.send(.terminate)
        let result = try running.finish()
        #expect(result.text == "ended\n" && result.status == Signal.terminate.status)
    }

    /// It is no member of the group, so it gets no signal, and goes on without its output.
    @Test(arguments: ["signal", "timeout"])
    func whatHasLeftTheGroupIsLeftAlone(why: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "independent",
            """
            trap "" PIPE; trap "echo caught >>caught" TERM; echo $$ >pid; echo ready >&2; exec 2>&-
            while echo x; do sleep 0.05; done 2>/dev/null; echo closed >closed
            until [ -e go ]; do sleep 0.05; done
            """)
        let options = why == "timeout" ? "--timeout 3" : ""
        let running = try RunningShell(
            "echo 1 >items; exec pmap -a items \(options) -s 'setsid sh independent & wait' >output",
            in: folder)
        try running.wait(untilErrorsContain: "ready")
        if why == "signal" { running.send(.terminate) }
        #expect(try running.finish().status == (why == "signal" ? 143 : 125))
        let result = try shell(
            """
            until [ -e closed ]; do sleep 0.05; done; kill -0 $(cat pid); echo $?; ls caught
            touch go; while kill -0 $(cat pid) && ! ps -o stat= $(cat pid) | grep Z; do
                sleep 0.05; done 2>&-
            """, in: folder)
        #expect(result.lines.first == "0" && result.errors.contains("caught"))
    }

    /// Signals that pmap handles, ends by, or only passes on; as nohup(1) and others leave them.
    @Test(arguments: [
        ("", 0), ("HUP", 0x1), ("HUP USR1 WINCH", 0x800_0201), ("INT QUIT TERM USR2", 0x4806),
        ("PIPE XFSZ TSTP CONT", 0x10A_1000),
    ])
    func workersIgnoreWhatPmapWasStartedToIgnore(names: String, mask: UInt64) throws {
        let trap = names.isEmpty ? "" : "trap '' \(names)"
        let result = try shell(
            "\(trap)\necho /proc/self/status | pmap grep SigIgn; pmap --pool grep SigIgn /proc/self/status"
        )
        // 32 and 33 are the C library's own, and whatever they were before.
        let masks = result.lines.compactMap { line in
            line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }
        }
        #expect(masks.map { $0 & ~(3 << 31) } == [mask, mask])
    }

    @Test func aWorkerThatWantsTheTerminalIsNamed() throws {
        let folder = try TemporaryFolder()
        let terminal = try TerminalShell(
            "echo 1 >items; pmap -q -a items -s 'echo $$ >pid; read x </dev/tty'; echo status $?",
            in: folder, columns: 200)
        try terminal.wait("a message") { $0.text.contains("wants the terminal") }
        let process = try folder.text(of: "pid").dropLast()
        let message = """
            pmap: chunk 1: worker \(process) wants the terminal, which workers cannot use, and is \
            stopped; give it its input, or end it
            """
        #expect(terminal.screen.text.contains(message))
        kill(pid_t(process) ?? 0, SIGKILL)
        #expect(try terminal.finish().text.contains("status 125"))
    }
}

/// Waits until a pmap is gone, and then until none of the processes in `pids` is left; zombies
/// do not count. It must come before `finish`, which kills what is left.
func expectNobodyIsLeft(
    of count: Int, after running: RunningShell, in folder: TemporaryFolder,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let result = try shell(
        """
        left() { for p in "$@"; do ps -o stat=,pid= $p | grep -v '^Z'; done; }
        while [ -n "$(left \(running.processID))" ]; do sleep 0.05; done
        for i in $(seq 100); do [ -n "$(left $(cat pids))" ] || break; sleep 0.1; done
        left $(cat pids); wc -l <pids
        """, in: folder, sourceLocation: sourceLocation)
    #expect(result.text == "\(count)\n", sourceLocation: sourceLocation)
}
