import Foundation
import Testing

/// What pmap-pool(7) says of slots that the workers of one map share.
@Suite struct PmapShareTests {
    private static let forms = ["fifo", "pipe"]

    /// What a worker runs: a map of so many items, each of which is seen in the log.
    private static let innerMap =
        "seq 6 | pmap -s \"echo start >>log; sleep 0.01; echo stop >>log\""

    private func leftover(_ folder: TemporaryFolder) throws -> String {
        try shell("ls -d pmap.* 2>/dev/null", in: folder).text
    }

    @Test(arguments: forms, [1, 2, 5])
    func allThatTheWorkersRunIsNeverMoreThanTheSlots(style: String, slots: Int) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            "seq 8 | pmap --share -j\(slots) -s '\(Self.innerMap)'", in: folder,
            environment: form(style))
        #expect(result.errors == "" && result.status == 0)
        let log = mostAtOnce(try folder.text(of: "log"))
        #expect(log.most <= slots && log.starts == 48 && log.running == 0)
        #expect(try leftover(folder) == "")
    }

    /// One worker, whose own workers wait for each other: it ends only if four run at once.
    @Test(arguments: forms) func oneWorkerMayUseAllSlots(style: String) throws {
        let result = try shell(
            """
            echo 1 | pmap --share -j4 -s 'seq 4 | pmap -s "echo x >>log
                until [ \\$(wc -l <log) = 4 ]; do sleep 0.01; done; echo done"'
            """, environment: form(style))
        #expect(result.text == "done\ndone\ndone\ndone\n" && result.errors == "")
    }

    @Test(.enabled(if: isInstalled("make"))) func makesInDirectoriesShareTheSlots() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            for d in a b c d; do
                mkdir $d; printf '%s\\n' 'all: 1 2 3 4' '1 2 3 4:' \
                    '\t@echo start >>../log; sleep 0.02; echo stop >>../log' >$d/Makefile
            done
            ls -d */ | pmap --share -j3 make --no-print-directory -C
            """, in: folder)
        #expect(result.text == "" && result.errors == "" && result.status == 0)
        let log = mostAtOnce(try folder.text(of: "log"))
        #expect(log.most <= 3 && log.starts == 16 && log.running == 0)
    }

    @Test(arguments: [
        ("--failed bad -s 'exit 3'", 123),
        ("--halt now --failed bad -s '[ $1 = 2 ] && exit 1; sleep 60'", 123),
        ("nosuch 2>/dev/null", 127), ("-s 'echo x' >/dev/full 2>&1", 1), ("yes | head -n1", 0),
        ("-s 'kill -TERM $PPID; sleep 60'", 143), ("-a nosuch true 2>/dev/null", 1),
        ("-n true", 0), ("--log . true 2>/dev/null", 1),
    ])
    func theNamedPipeIsRemovedHoweverItEnds(words: String, status: Int32) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            "seq 3 >in; exec <in; rm in; pmap --share -j4 \(words); s=$?; rm -f bad; exit $s",
            in: folder, environment: form("fifo"))
        // Of a signal the shell says something.
        let errors =
            switch words {
            case _ where words.hasSuffix("exit 3'"):
                "pmap: 3 of 3 chunks failed: the first, chunk 1, exited with status 3; item: 1; "
                    + "see bad\n"
            case _ where words.hasSuffix("sleep 60'") && status == 123:
                "pmap: 1 of 3 chunks failed, 2 were not done: chunk 2 exited with status 1; "
                    + "item: 2; see bad\n"
            default: ""
            }
        #expect(result.status == status && (status > 128 || result.errors == errors))
        #expect(try leftover(folder) == "")
    }

    /// make, or another pool, is above it already.
    @Test func aJobserverThatIsThereIsKept() throws {
        let result = try shell(
            """
            mkfifo pool; exec 7<>pool; export MAKEFLAGS="-j4 --jobserver-auth=fifo:$PWD/pool"
            [ "$(seq 1 | pmap --share -s 'echo "$MAKEFLAGS"')" = "$MAKEFLAGS" ] && echo same
            seq 1 | pmap --share -j3 --tmpdir . -s 'echo "$MAKEFLAGS"'
            """)
        #expect(result.lines.first == "same" && result.lines.count == 2)
        #expect(result.lines.last?.hasPrefix("-j3 --jobserver-auth=") == true)
        #expect(result.lines.last?.contains("/pool") == false)
    }

    @Test func itRefusesANumberThatChanges() throws {
        let result = try shell("echo 4 >jobs; seq 3 | pmap --share --jobs-file jobs true")
        #expect(result.errors.hasPrefix("pmap: --share and --jobs-file: "))
        #expect(result.errorLines.count == 1 && result.status == 1)
    }

    /// The first worker is a map that is killed with all slots. The second one's map ends only
    /// where it has them all, and is tried again should the loss not have been seen yet.
    @Test func theSlotsOfAKilledWorkerComeBack() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "worker",
            """
            if [ $1 = 1 ]; then
                seq 4 | pmap -q -s 'echo x >>ready; sleep 60' & map=$!
                until [ -e ready ] && [ $(wc -l <ready) = 4 ]; do sleep 0.01; done
                kill -9 $map; wait $map
                exit
            fi
            until rm -f log; seq 4 | pmap -q --timeout 5 -s 'echo x >>log
                until [ $(wc -l <log) = 4 ]; do sleep 0.01; done' 2>>late; do :; done
            echo done
            """)
        let result = try shell(
            """
            mkfifo items; exec 5<>items; echo 1 >&5
            pmap -a items --share -j4 --log log.tsv sh worker 2>/dev/null 5>&- &
            until [ $(wc -l <log.tsv) = 2 ]; do sleep 0.01; done 2>/dev/null
            echo 2 >&5; exec 5>&-; wait
            """, in: folder, environment: form("fifo"))
        #expect(result.text == "done\n")
        #expect(try leftover(folder) == "")
    }

    /// What is left of the pipe in its folder is not needed by those who have it open.
    @Test func aNamedPipeThatSomebodyRemovesIsNoHang() throws {
        let result = try shell(
            """
            seq 8 | pmap --share -j2 -s '
                rm -rf pmap.*; seq 2 | pmap -q echo 2>/dev/null' | sort | uniq -c | tr -s ' '
            """, environment: form("fifo"))
        #expect(result.text == " 8 1\n 8 2\n" && result.errors == "")
    }
}
