import Foundation
import Testing

/// A log of lines `start` and `stop`, and the most that ever ran at once by it.
func mostAtOnce(_ log: String) -> (most: Int, starts: Int, running: Int) {
    var (most, starts, running) = (0, 0, 0)
    for line in log.split(separator: "\n") {
        running += line.hasPrefix("start") ? 1 : -1
        if line.hasPrefix("start") { starts += 1 }
        most = max(most, running)
    }
    return (most, starts, running)
}

/// What pmap-pool(7) says of the slots that it shares with make and others.
@Suite struct PmapJobserverTests {
    /// Sets up a jobserver of three tokens and one more slot, in `$MAKEFLAGS`, and at the end
    /// prints the tokens that are left with an X behind them.
    private func withTokens(_ form: String, _ command: String) -> String {
        """
        mkfifo pool; exec 7<>pool 8>pool; printf abc >&7; seq 12 >items
        MAKEFLAGS=" -j4 --jobserver-auth=\(form)"; export MAKEFLAGS
        \(command)
        printf X >&8; head -c4 <&7
        """
    }

    /// Tokens taken from the items would be items lost, and tokens put back would be output.
    @Test(arguments: ["0,0", "1,1", "2,2", "0,1", "5,5", "fifo:$PWD/in", "0,7"])
    func aStreamOfItemsOrOutputIsNoJobserver(_ address: String) throws {
        let result = try shell(
            """
            mkfifo in out; (seq 20 >in) & exec 5<in 7>/dev/null
            (MAKEFLAGS=" -j4 --jobserver-auth=\(address)" timeout 20 pmap echo <&5 2>errors; echo $?) |
            cat
            cat errors
            """)
        let said = result.lines.last ?? ""
        #expect(result.lines.dropLast() == (1...20).map { "\($0)" } + ["0"], "\(result.text)")
        #expect(said.hasPrefix("pmap: jobserver ") && said.hasSuffix("using -j1"), "\(said)")
    }

    @Test func theFileOfItemsIsNoJobserver() throws {
        let result = try shell(
            """
            mkfifo in; (seq 20 >in) &
            MAKEFLAGS=" -j4 --jobserver-auth=fifo:$PWD/in" timeout 20 pmap -a in echo
            """)
        #expect(result.lines == (1...20).map { "\($0)" } && result.errorLines.count == 1)
    }

    @Test(.enabled(if: isInstalled("make")), arguments: [2, 3, 5])
    func twoMapsAndASubMakeShareTheSlotsOfMake(slots: Int) throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "Makefile",
            """
            all: one two three
            one two:
            \t+@seq 20 | pmap -s 'echo start >>log; sleep 0.02; echo stop >>log'
            three:
            \t@$(MAKE) -f sub.mk

            """)
        try folder.write(
            "sub.mk",
            """
            T = $(addprefix t,1 2 3 4 5 6 7 8 9)
            all: $T
            $T:
            \t@echo start >>log; sleep 0.02; echo stop >>log

            """)
        let result = try shell("make --no-print-directory -j\(slots)", in: folder)
        // make says "INTERNAL" where a token is missing or one too many.
        #expect(result.status == 0 && result.errors == "" && result.text == "")
        let log = mostAtOnce(try folder.text(of: "log"))
        #expect(log.most <= slots && log.starts == 49 && log.running == 0)
    }

    /// The workers wait for each other, so this ends only if four run at once.
    @Test(arguments: ["fifo:$PWD/pool", "7,8", "3,4 --jobserver-fds=7,8"])
    func allSlotsAreUsedAndAllTokensGoBack(form: String) throws {
        let result = try shell(
            withTokens(
                form,
                """
                seq 4 | pmap -s 'echo x >>ready
                    until [ $(wc -l <ready) = 4 ]; do sleep 0.01; done'
                pmap -a items -s 'echo start >>log; sleep 0.01; echo stop >>log'
                """))
        #expect(result.errors == "" && result.status == 0)
        #expect(result.text.sorted() == ["X", "a", "b", "c"] && result.text.last == "X")
    }

    @Test(arguments: [
        ("pmap -a items --failed bad -s 'exit 3'", 123),
        ("pmap -a items --failed bad --halt now -s '[ $1 = 3 ] && exit 1; sleep 60'", 123),
        ("pmap -a items -s 'kill -9 $$' 2>/dev/null", 125),
        ("pmap -a items nosuch 2>/dev/null", 127),
        ("pmap -a items -s 'echo x; sleep 0.1' 2>/dev/null >/dev/full", 1),
        ("pmap -a items yes | head -n1 >/dev/null", 0),
        ("pmap -a items --timeout 0.1 sleep 60 2>/dev/null", 125),
        ("pmap -a items --failed bad --retry 1 false", 123),
        ("(ulimit -n 24; seq 60 | pmap true)", 0),
    ])
    func tokensGoBackHoweverItEnds(command: String, status: Int) throws {
        let result = try shell(
            withTokens("fifo:$PWD/pool", "\(command); echo $? >status") + "; cat status")
        let failures =
            switch command {
            case _ where status != 123: ""
            case _ where command.contains("--halt"):
                "1 of 12 chunks failed, 11 were not done: chunk 3 exited with status 1; item: 3"
            default:
                "12 of 12 chunks failed: the first, chunk 1, exited with status "
                    + "\(command.contains("exit 3") ? 3 : 1); item: 1"
            }
        #expect(result.text.contains("X\(status)\n"))
        #expect(result.errors == (failures.isEmpty ? "" : "pmap: \(failures); see bad\n"))
        #expect(result.text.prefix(4).sorted() == ["X", "a", "b", "c"])
    }

    @Test(arguments: [Signal.interrupt, .terminate, .hangUp, .quit])
    func tokensGoBackAfterASignal(_ signal: Signal) throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            withTokens(
                "7,8",
                "(sh -c 'echo $PPID' >pid; exec pmap -a items -s 'echo ready >&2; sleep 60')"),
            in: folder)
        try running.wait(untilErrorsContain: "ready\nready\nready\nready\n")
        try shell("kill -\(signal.rawValue) $(cat pid)", in: folder)
        let result = try running.finish()
        #expect(result.text.sorted() == ["X", "a", "b", "c"] && result.text.last == "X")
    }

    @Test func withoutTokensOneWorkerRunsAtATime() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            mkfifo pool; exec 7<>pool
            export MAKEFLAGS="-j4 --jobserver-auth=fifo:pool"
            seq 5 | pmap -s 'echo start >>log; sleep 0.02; echo stop >>log'; cat log
            """, in: folder)
        #expect(mostAtOnce(result.text) == (1, 5, 0) && result.errors == "")
    }

    /// It sleeps until a token comes: the system calls of a loop would be thousands.
    @Test(.enabled(if: isInstalled("strace"))) func waitingForATokenIsNoLoop() throws {
        let result = try shell(
            """
            mkfifo pool gate; exec 7<>pool 8<>gate
            export MAKEFLAGS="-j4 --jobserver-auth=fifo:pool"
            seq 2 | \(strace) -o calls pmap -s 'echo $1 >&2; [ $1 = 2 ] || head -c1 gate' &
            until grep -q EAGAIN calls; do sleep 0.02; done 2>/dev/null
            sleep 0.5; printf a >&7
            until grep -q 'SIGCHLD' calls; do sleep 0.02; done
            printf b >&8; wait $!; echo $?; wc -l <calls; head -c1 <&7
            """)
        #expect(result.errorLines == ["1", "2"])
        #expect(result.lines.first == "b0" && result.lines.last == "a")
        #expect(result.lines.count == 3 && Int(result.lines[1]) ?? .max < 1000)
    }

    @Test func whereTheNumberOfWorkersIsGivenTheSlotsAreNotAskedFor() throws {
        let result = try shell(
            """
            mkfifo pool; exec 7<>pool; export MAKEFLAGS="-j4 --jobserver-auth=fifo:pool"
            seq 3 | pmap -j3 -s 'echo x >>ready
                until [ $(wc -l <ready) = 3 ]; do sleep 0.01; done; echo "$MAKEFLAGS"'
            """)
        #expect(result.lines == Array(repeating: "-j4 --jobserver-auth=fifo:pool", count: 3))
    }

    @Test(.enabled(if: isInstalled("make")))
    func aRecipeWithoutPlusRunsOneWorkerAndSaysSo() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "Makefile",
            "all:\n\t@seq 4 | pmap -s 'echo start >>log; sleep 0.02; echo stop >>log'\n")
        let result = try shell("make -j4", in: folder, environment: form("pipe"))
        #expect(
            result.errors == "pmap: jobserver unavailable: using -j1; add '+' to the make rule\n")
        #expect(result.status == 0)
        #expect(mostAtOnce(try folder.text(of: "log")) == (1, 4, 0))
    }

    /// Closed, two pipes, no pipe, disabled, no numbers; no fifo, a file, nothing.
    @Test(arguments: [
        ("3,4", "unavailable"), ("7,8", "unavailable"), ("5,5", "unavailable"),
        ("-2,-2", "unavailable"), ("x", "unavailable"), ("fifo:none", "none"),
        ("fifo:items", "items"), ("fifo:", ""),
    ])
    func whatIsNoJobserverIsNotUsed(form: String, name: String) throws {
        let result = try shell(
            """
            mkfifo one other; exec 7<>one 8<>other 5<>file; printf abc >&7; seq 3 >items
            export MAKEFLAGS="-j4 --jobserver-auth=\(form)"
            pmap -a items -s 'echo start; sleep 0.02; echo stop'
            """)
        #expect(mostAtOnce(result.text) == (1, 3, 0) && result.status == 0)
        #expect(result.errorLines.count == 1)
        #expect(result.errors.hasPrefix("pmap: jobserver \(name): "))
        #expect(result.errors.contains("using -j1"))
    }

    /// Others wait for it with reads that block.
    @Test(.enabled(if: isInstalled("python3"))) func theInheritedPipeStaysBlocking() throws {
        let result = try shell(
            """
            export MAKEFLAGS="-j2 --jobserver-auth=7,8"; mkfifo pool; exec 7<>pool 8>pool
            seq 3 | pmap -s 'sleep 0.02'
            python3 -c 'import os; print(os.get_blocking(7), os.get_blocking(8))'
            """)
        #expect(result.text == "True True\n")
    }
}
