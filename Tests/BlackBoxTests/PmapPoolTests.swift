import Foundation
import Testing

/// Has MAKEFLAGS choose the form in which slots are served; the pipe has its name here.
func form(_ style: String) -> [String: String] {
    ["MAKEFLAGS": "--jobserver-style=\(style)", "TMPDIR": "."]
}

/// What pmap-pool(7) says of a pool of slots.
@Suite struct PmapPoolTests {
    private static let forms = ["fifo", "pipe"]

    /// Whether nothing of a pool is left in the folder that it was made in.
    private func isClean(_ folder: TemporaryFolder) throws -> Bool {
        try shell("ls -d pmap.* 2>/dev/null", in: folder).text == ""
    }

    // MARK: The command

    @Test(arguments: forms) func theCommandHasTheStandardDescriptors(style: String) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            "printf 'a b' | pmap --pool -j2 -- sh -c 'cat; echo error >&2; exit 7' sh {} '{}'",
            in: folder, environment: form(style))
        #expect(result.text == "a b" && result.errors == "error\n" && result.status == 7)
        #expect(try isClean(folder))
    }

    @Test func theCommandGetsItsArgumentsAsTheyAre() throws {
        let result = try shell("pmap --pool printf '<%s>' {} '{#}' '' 'a b' -j9")
        #expect(result.text == "<{}><{#}><><a b><-j9>" && result.status == 0)
    }

    @Test(arguments: forms) func pmapDiesOfTheSignalThatTheCommandDiedOf(style: String) throws {
        let folder = try TemporaryFolder()
        for signal in [Signal.kill, .terminate, .quit, .pipe] {
            let result = try shell(
                "exec pmap --pool sh -c 'kill -\(signal.rawValue) $$'", in: folder,
                environment: form(style))
            #expect(result.status == signal.status && result.errors == "")
        }
        #expect(try isClean(folder))
    }

    @Test func aCommandThatCannotBeRunIsSaid() throws {
        let folder = try TemporaryFolder()
        try folder.write("data", "x")
        for (name, status, why) in [
            ("nosuch", 127, "No such file or directory"), ("./data", 126, "Permission denied"),
        ] {
            let result = try shell("pmap --pool \(name)", in: folder, environment: form("fifo"))
            #expect(result.status == Int32(status) && result.errors == "pmap: \(name): \(why)\n")
        }
        #expect(try isClean(folder))
    }

    @Test(arguments: [
        ("-c5 true", "--pool and -c: "), ("-v true", "--pool and -v: "),
        ("--log=x true", "--pool and --log: "), ("-j0 true", "-j '0': "), ("", "no command: "),
        ("-j4097 true", "-j gives 4097 slots: a pool has at most 4096"),
        ("--tmpdir=nosuch true", "nosuch: No such file or directory"),
        ("--tmpdir='a b' true", "a b: make cannot be told"),
        ("--tmpdir='a$b' true", "a$b: make cannot be told"),
    ])
    func whatDoesNotGoWithItIsRefused(words: String, message: String) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            "mkdir 'a b' 'a$b'; pmap --pool \(words)", in: folder, environment: form("fifo"))
        #expect(result.status == 1 && result.errorLines.count == 1)
        #expect(result.errors.hasPrefix("pmap: \(message)"))
    }

    @Test(arguments: forms) func aPoolHas4096SlotsAtMost(style: String) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            "seq 9 | pmap --pool -j4096 pmap echo", in: folder, environment: form(style))
        #expect(result.lines == (1...9).map(String.init) && result.errors == "")
    }

    @Test func theEnvironmentNamesThePool() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            MAKELEVEL=2 PMAP_SLOT=1 PMAP_CHUNK=1 MAKEFLAGS='k --jobserver-style=fifo -j9 -- A=b' \
                pmap --pool -j3 --tmpdir=. sh -c '
                    echo "$MAKEFLAGS"; echo "$PMAP_POOL"; [ -p "${PMAP_POOL#fifo:}" ]; echo $?
                    env | grep -E "^(MAKELEVEL|PMAP_SLOT|PMAP_CHUNK)="'; pwd -P
            """, in: folder)
        let path = try #require(result.lines.last)
        let pool = result.lines.count > 1 ? result.lines[1] : ""
        #expect(pool.hasPrefix("fifo:\(path)/pmap.") && pool.hasSuffix("/slots"))
        #expect(
            result.lines == [
                "k --jobserver-style=fifo -j3 --jobserver-auth=\(pool) -- A=b", pool, "0", path,
            ])
        #expect(try isClean(folder))
    }

    @Test func theLastStyleCounts() throws {
        let result = try shell(
            "pmap --pool sh -c 'echo $PMAP_POOL'",
            environment: ["MAKEFLAGS": "--jobserver-style=fifo --jobserver-style=pipe -- A=b"])
        #expect(result.text.contains(",") && result.errors == "")
    }

    /// A make of GNU before 4.4 stops where it is told of a named pipe.
    @Test(arguments: [
        ("echo GNU Make 4.3", "10,"), ("echo GNU Make 4.4.1", "fifo:"),
        ("echo make: unknown option >&2; exit 2", "fifo:"), ("exec sleep 0", "fifo:"),
        ("echo GNU Make 4.3; exec yes", ""), ("printf GNU; sleep 0.1; echo \" Make 4.3\"; yes", ""),
        ("exec yes", "fifo:"), ("echo GNU Make 4.3; exec sleep 100", ""),
    ])
    func theMakeOnPATHDecidesOfTheForm(script: String, beginning: String) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            mkdir bin; ln -s "$(which sh)" "$(which sleep)" bin; pmap=$(which pmap)
            printf '#!/bin/sh\\n%s\\n' '\(script)' >bin/make; chmod +x bin/make
            PATH=$PWD/bin $pmap --pool --tmpdir . sh -c 'echo "$PMAP_POOL"' 3>&- 4>&-
            rm bin/make; PATH=$PWD/bin $pmap --pool --tmpdir . sh -c 'echo "$PMAP_POOL"'
            """, in: folder)
        #expect(result.lines.count == 2 && result.errors == "")
        let first = result.lines.first ?? ""
        // The number of a pipe's end has two digits at least: scripts use those of one.
        if beginning == "fifo:" {
            #expect(first.hasPrefix(beginning))
        } else {
            #expect(first.wholeMatch(of: /[0-9]{2,},[0-9]{2,}/) != nil)
        }
        #expect(result.lines.last?.hasPrefix("fifo:") == true)
    }

    // MARK: Sharing

    /// The log of two maps side by side, started by the command itself.
    private func logOfTwoMaps(slots: Int, style: String) throws -> String {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            pmap --pool -j\(slots) -- sh -c '
                map() { seq 20 | pmap -s "echo start >>log; sleep 0.01; echo stop >>log"; }
                map & map & wait'
            """, in: folder, environment: form(style))
        #expect(result.errors == "" && result.status == 0)
        #expect(try isClean(folder))
        return try folder.text(of: "log")
    }

    @Test(arguments: forms, [1, 2, 3, 5])
    func mapsSideBySideAreNeverMoreThanTheSlots(style: String, slots: Int) throws {
        let log = mostAtOnce(try logOfTwoMaps(slots: slots, style: style))
        #expect(log.most <= slots && log.starts == 40 && log.running == 0)
    }

    /// Each has two chunks, and all four wait for each other: it ends only if they all run.
    @Test(arguments: forms) func mapsSideBySideUseAllSlots(style: String) throws {
        let result = try shell(
            """
            pmap --pool -j4 -- sh -c '
                map() { seq 2 | pmap -s "echo x >>log
                    until [ \\$(wc -l <log) = 4 ]; do sleep 0.01; done"; }
                map & map & wait'; wc -l <log
            """, environment: form(style))
        #expect(result.text == "4\n" && result.errors == "")
    }

    /// What has a slot of its own takes no other for its first worker: it would wait for ever.
    @Test(.enabled(if: isInstalled("make")))
    func aMapInAWorkerOrARecipeHasItsSlot() throws {
        let folder = try TemporaryFolder()
        try folder.write("Makefile", "all:\n\t+@seq 3 | pmap echo\n")
        let result = try shell(
            """
            pmap --pool -j1 -- sh -c "seq 1 | pmap -s 'seq 3 | pmap echo'"
            pmap --pool -j1 make
            """, in: folder)
        #expect(result.text == "1\n2\n3\n1\n2\n3\n" && result.errors == "")
    }

    /// The first has the only slot, and no chance to give it back.
    @Test(arguments: forms) func theSlotOfAKilledMapIsFree(style: String) throws {
        let result = try shell(
            """
            mkfifo gate; pmap --pool -j1 -- sh -c '
                echo 1 | pmap -s "echo ready >&8; sleep 60" 8>gate & read -r line <gate
                { sleep 0.3; kill -9 $!; } & seq 3 | pmap echo'
            """, environment: form(style))
        #expect(result.text == "1\n2\n3\n")
    }

    /// The first map holds all slots and waits for the second, which waits for a slot. It may
    /// take longer than status lines take to come.
    @Test(arguments: forms) func aMapThatIsKeptFromPrintingLendsItsSlots(style: String) throws {
        let result = try shell(
            """
            pmap --pool -j2 -- sh -c 'seq 4 | pmap -q -l -s "seq 2000000" | pmap -q -i wc -l' |
                awk '{ sum += $1 } END { print sum }'
            """, environment: form(style))
        #expect(result.text == "8000000\n" && result.errors == "")
    }

    @Test(.enabled(if: isInstalled("make")), arguments: [1, 3])
    func makeSharesThePoolWithTheMapsInItsRecipes(slots: Int) throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "Makefile",
            """
            T = $(addprefix t,1 2 3 4 5 6 7 8 9)
            all: $T one two
            $T:
            \t@echo start >>log; sleep 0.02; echo stop >>log
            one two:
            \t+@seq 10 | pmap -s 'echo start >>log; sleep 0.02; echo stop >>log'

            """)
        let result = try shell("pmap --pool -j\(slots) make", in: folder)
        #expect(result.text == "" && result.errors == "" && result.status == 0)
        let log = mostAtOnce(try folder.text(of: "log"))
        #expect(log.most <= slots && log.starts == 29 && log.running == 0)
    }

    @Test(.enabled(if: ninjaSharesSlots)) func ninjaSharesThePool() throws {
        let folder = try TemporaryFolder()
        let edges = (1...12).map { "build t\($0): run\n" }.joined()
        try folder.write(
            "build.ninja",
            "rule run\n command = echo start >>log; sleep 0.02; echo stop >>log; touch $out\n"
                + edges)
        let result = try shell("pmap --pool -j3 ninja", in: folder, environment: form("fifo"))
        #expect(result.errors == "" && result.status == 0)
        let log = mostAtOnce(try folder.text(of: "log"))
        #expect(log.most <= 3 && log.starts == 12 && log.running == 0)
    }

    // MARK: Lost slots

    /// Prints the three tokens of a named pipe and an X, and then a Z where there is no more.
    private static let tokens = """
        exec 7<>${PMAP_POOL#fifo:}; printf X >&7; head -c4 <&7; printf Z >&7; head -c1 <&7
        """

    /// The workers wait for each other, so a map ends only where four of them run at once. It
    /// is tried again should it have come before the killed one was seen to be gone.
    @Test func theSlotsOfAKilledClientComeBack() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "script",
            """
            seq 4 | pmap -s 'echo ready >>ready; sleep 60' & map=$!
            until [ -e ready ] && [ $(wc -l <ready) = 4 ]; do sleep 0.01; done
            kill -9 $map; wait $map
            until rm -f log; seq 4 | pmap -q --timeout 5 -s 'echo x >>log
                until [ $(wc -l <log) = 4 ]; do sleep 0.01; done' 2>>late; do :; done
            \(Self.tokens)
            """)
        let result = try shell(
            "pmap --pool -j4 sh script 2>/dev/null", in: folder, environment: form("fifo"))
        #expect(result.text.sorted() == ["+", "+", "+", "X", "Z"] && result.text.last == "Z")
        #expect(try isClean(folder))
    }

    /// A client that was stopped still has its slots, whoever else comes and goes.
    @Test func whatALivingClientHasIsNotReplaced() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "script",
            """
            seq 4 | pmap -s 'echo ready >>ready; until [ -e go ]; do sleep 0.01; done' & map=$!
            until [ -e ready ] && [ $(wc -l <ready) = 4 ]; do sleep 0.01; done
            kill -STOP $map
            for i in 1 2 3 4 5 6 7 8 9; do : 3<>${PMAP_POOL#fifo:}; done; sleep 0.1
            exec 6<>${PMAP_POOL#fifo:}; printf Y >&6; head -c1 <&6; exec 6>&-
            touch go; kill -CONT $map; wait $map
            \(Self.tokens)
            """)
        let result = try shell(
            "pmap --pool -j4 sh script", in: folder, environment: form("fifo"))
        #expect(result.text.first == "Y" && result.text.last == "Z" && result.errors == "")
        #expect(result.text.sorted() == ["+", "+", "+", "X", "Y", "Z"])
    }

    /// The pool looks for lost tokens whenever a client leaves, while others take and give.
    @Test func clientsThatComeAndGoLeaveTheSlotsAsTheyAre() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "script",
            """
            maps() {
                for i in 1 2 3 4 5 6 7 8 9 10; do
                    seq 4 | pmap -s 'echo start >>log; sleep 0.003; echo stop >>log'
                done
            }
            maps & maps & maps & maps & wait
            \(Self.tokens)
            """)
        let result = try shell(
            "pmap --pool -j4 sh script", in: folder, environment: form("fifo"))
        let log = mostAtOnce(try folder.text(of: "log"))
        #expect(log.most <= 4 && log.starts == 160 && log.running == 0)
        #expect(result.text.sorted() == ["+", "+", "+", "X", "Z"] && result.text.last == "Z")
        #expect(result.errors == "")
    }

    // MARK: Signals

    @Test(arguments: forms, [Signal.interrupt, .terminate, .hangUp, .quit, .user1])
    func aSignalThatIsSentIsPassedOn(style: String, signal: Signal) throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            """
            exec pmap --pool sh -c 'trap "echo caught; exit 5" \(signal.rawValue); echo ready
                while :; do sleep 0.02; done'
            """, in: folder, environment: form(style))
        try running.wait(untilOutputContains: "ready")
        running.send(signal)
        let result = try running.finish()
        #expect(result.text == "ready\ncaught\n" && result.status == 5)
        #expect(try isClean(folder))
    }

    /// The terminal sends it to the command as well as to pmap, which need not pass it on.
    @Test(.enabled(if: isInstalled("strace"))) func whatIsTypedReachesTheCommandOnce() throws {
        let folder = try TemporaryFolder()
        let terminal = try TerminalShell(
            """
            trap : INT; \(strace) -o calls -e trace=kill,wait4 "$(which pmap)" --pool sh -c '
                trap "echo caught >>log" INT; echo ready
                until [ -e stop ]; do sleep 0.02; done'; echo status $?
            """, in: folder, environment: form("fifo"))
        try terminal.wait("the command") { $0.text.contains("ready") }
        terminal.type("\u{3}")
        try shell("until [ -s log ]; do sleep 0.01; done; touch stop", in: folder)
        #expect(try terminal.finish().text.contains("status 0"))
        #expect(try folder.text(of: "log") == "caught\n")
        let calls = try folder.text(of: "calls")
        #expect(calls.contains("SIGINT") && !calls.contains("kill("))
        #expect(try isClean(folder))
    }

    @Test(.enabled(if: isInstalled("strace"))) func anInterruptedWaitIsMadeAgain() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            \(strace) -qq -o trace -e trace=wait4 -e inject=wait4:error=EINTR:when=1..2 \
                "$(which pmap)" --pool sh -c 'exit 3'
            """, in: folder, environment: form("fifo"))
        #expect(result.status == 3 && result.errors == "")
        #expect(try folder.text(of: "trace").contains("INJECTED"))
    }

    @Test func anIgnoredSignalStaysIgnoredByTheCommand() throws {
        let result = try shell(
            "trap '' HUP; pmap --pool sh -c 'kill -HUP $$; kill -HUP $PPID; sleep 0.1; echo on'")
        #expect(result.text == "on\n" && result.status == 0)
    }

    // MARK: The maps below

    /// Two maps in the background, which ignore SIGINT and SIGQUIT there, each with two workers
    /// and one below them. `pids` gets those of all.
    private static let twoMaps = #"""
        map() { seq 2 | pmap "$@" -q -s 'echo $$ >>pids; echo ready >&2; sleep 987'; }
        map & map -j2 & wait
        """#

    @Test(arguments: forms, [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR2, SIGALRM, SIGXCPU])
    func aSignalEndsTheMapsBelow(style: String, signal: Int32) throws {
        let folder = try TemporaryFolder()
        try folder.write("script", Self.twoMaps)
        let running = try RunningShell(
            "exec pmap --pool -j4 sh script", in: folder, environment: form(style))
        try running.wait(untilErrorsContain: String(repeating: "ready\n", count: 4))
        kill(running.processID, signal)
        try expectNobodyIsLeft(of: 4, after: running, in: folder)
        #expect(try running.finish().status == 128 + signal)
        #expect(try isClean(folder))
    }

    @Test(arguments: forms) func theDeathOfThePoolEndsTheMapsBelow(style: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("script", Self.twoMaps)
        let running = try RunningShell(
            "exec pmap --pool -j4 sh script", in: folder, environment: form(style))
        try running.wait(untilErrorsContain: String(repeating: "ready\n", count: 4))
        running.send(.kill)
        try expectNobodyIsLeft(of: 4, after: running, in: folder)
        #expect(try running.finish().status == Signal.kill.status)
    }

    @Test(arguments: forms, [Signal.interrupt, .kill])
    func aPoolEndsThePoolsBelow(style: String, signal: Signal) throws {
        let folder = try TemporaryFolder()
        try folder.write("script", Self.twoMaps)
        try folder.write("outer", "pmap --pool -j4 sh script & wait")
        let running = try RunningShell(
            "exec pmap --pool sh outer", in: folder, environment: form(style))
        try running.wait(untilErrorsContain: String(repeating: "ready\n", count: 4))
        running.send(signal)
        try expectNobodyIsLeft(of: 4, after: running, in: folder)
        #expect(try running.finish().status == signal.status)
    }

    /// The worker takes a while to end, and the script does not wait for it.
    @Test(arguments: forms) func aPoolThatIsEndedWaitsForTheMapsBelow(style: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "worker",
            "trap 'sleep 0.5; echo saved >file; exit' TERM; echo x >ready; while :; do sleep 0.05; done"
        )
        let running = try RunningShell(
            "exec pmap --pool sh -c 'echo 1 | pmap sh worker >/dev/null 2>&1 & wait'", in: folder,
            environment: form(style))
        try shell("until [ -s ready ]; do sleep 0.05; done", in: folder)
        running.send(.terminate)
        #expect(try running.finish().status == Signal.terminate.status)
        #expect(try folder.text(of: "file") == "saved\n")
    }

    /// The map gets the same SIGINT from the terminal and from the pool, in either order. It
    /// counts once: a second one would kill the worker.
    @Test(arguments: forms) func whatIsTypedEndsAMapOnce(style: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "worker",
            "trap 'trap \"\" INT TERM; sleep 0.5; echo summary; exit' INT TERM; echo ready; while :; do sleep 0.05; done"
        )
        let terminal = try TerminalShell(
            """
            trap : INT; echo 1 >items
            pmap --pool pmap -q --kill-after 40 -a items sh worker; echo status $?
            """, in: folder, environment: form(style))
        try terminal.wait("the worker") { $0.text.contains("ready") }
        terminal.type("\u{3}")
        let screen = try terminal.finish()
        #expect(screen.text.contains("summary") && screen.text.contains("status 130"))
    }

    /// The map, which ignores SIGINT in the background, ends with the pool. A signal that comes
    /// later is its first one: a second one would kill the worker.
    @Test(arguments: forms) func aSignalAfterThatOfThePoolKillsNoWorker(style: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "worker",
            """
            trap 'trap "" TERM; echo caught >&2; until [ -e go ]; do sleep 0.05; done
                echo summary; exit' TERM
            echo ready >&2; while :; do sleep 0.05; done
            """)
        let running = try RunningShell(
            """
            echo 1 >items; exec pmap --pool sh -c 'trap "" INT
                pmap -q -a items --kill-after 40 sh worker & echo $! >map; wait'
            """, in: folder, environment: form(style))
        try running.wait(untilErrorsContain: "ready")
        running.send(.interrupt)
        try running.wait(untilErrorsContain: "caught")
        try shell("kill -TERM $(cat map); sleep 0.5; touch go", in: folder)
        #expect(try running.finish().text == "summary\n")
    }

    @Test(arguments: forms) func aMapThatTheCommandLeftBehindGoesOn(style: String) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            pmap --pool sh -c '{ seq 3 | pmap -s "echo ready >>ready; until [ -e go ]; do
                sleep 0.05; done; echo \\$1"; echo $? >status; } >out 2>&1 &
                until [ -s ready ]; do sleep 0.05; done'
            echo $?; sleep 0.3; touch go; until [ -s status ]; do sleep 0.05; done; cat out status
            """, in: folder, environment: form(style))
        #expect(result.text == "0\n1\n2\n3\n0\n" && result.errors == "")
    }

    /// A program in between closed the descriptor that is inherited, and another file has its
    /// number: a pipe whose other end is closed.
    @Test(.enabled(if: isInstalled("python3"))) func aForeignPipeEndsNoMap() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "between.py",
            """
            import os, sys
            number = int(os.environ["PMAP_POOL_ALIVE"].split(",")[0])
            reading, writing = os.pipe()
            os.close(writing)
            os.dup2(reading, number, inheritable=True)
            os.execvp("pmap", ["pmap", "-s", "sleep 0.2; echo $1"])
            """)
        let result = try shell(
            "seq 2 | pmap --pool python3 between.py", in: folder, environment: form("pipe"))
        #expect(result.text == "1\n2\n" && result.errors == "" && result.status == 0)
    }

    @Test func whatAKilledPoolLeftIsRemovedByTheNext() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            mkdir pmap.empty1 pmap.files1; touch pmap.files1/slots
            pmap --pool sh -c 'kill -9 $PPID'
            ls -d pmap.?????? | wc -l
            pmap --pool sh -c 'pmap --pool sh -c "ls -d pmap.?????? | wc -l"; seq 2 | pmap echo'
            ls -d pmap.*
            """, in: folder, environment: form("fifo"))
        #expect(result.text == "3\n4\n1\n2\npmap.empty1\npmap.files1\n")
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func theFolderOfAnotherUserIsNotTouched() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            for name in pmap.theirs pmap.mine01; do mkdir $name; mkfifo $name/slots; done
            chown 65534 pmap.theirs; pmap --pool true; ls -d pmap.*
            """, in: folder, environment: form("fifo"))
        #expect(result.text == "pmap.theirs\n" && result.errors == "" && result.status == 0)
    }

    @Test(.enabled(if: isInstalled("strace")))
    func aPipeOfWhichNothingIsKnownIsNotTouched() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            mkdir pmap.other1; mkfifo pmap.other1/slots
            \(strace) -o trace -P ./pmap.other1/slots -e inject=openat:error=EACCES \
                "$(which pmap)" --pool true 2>no; echo $?; ls -d pmap.*; grep -c EACCES trace
            """, in: folder, environment: form("fifo"))
        #expect(result.text == "0\npmap.other1\n1\n")
    }
}

/// ninja is a client from 1.13 on.
private let ninjaSharesSlots: Bool = {
    guard let version = try? shell("ninja --version 2>/dev/null").text else { return false }
    let numbers = version.split(separator: ".").map { Int($0) ?? 0 }
    return numbers.count > 1 && (numbers[0], numbers[1]) >= (1, 13)
}()
