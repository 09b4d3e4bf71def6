import Foundation
import Testing

/// Files that change while they are read, and folders for temporary files that are gone or
/// full. What `wcreduce` says of such folders is in `WcreduceSpillTests`.
@Suite struct FileFaultTests {
    /// Whoever opened a file reads that file, whatever its name stands for by then.
    @Test(arguments: Program.allCases, ["rm in", "echo other >new; mv new in"])
    func aFileThatIsRemovedOrReplacedIsReadToItsEnd(_ program: Program, _ change: String) throws {
        let command = program == .pmap ? "pmap -a in -i cat" : "\(program) in"
        let result = try shell(
            """
            \(words(456_976)) | sed p >in; cat in >copy
            \(command) >out & pid=$!
            # Until it has the file open, or has ended, having read all of it.
            until ls -l /proc/$pid/fd | grep -q "$PWD/in\\$" || ! kill -0 $pid; do :; done 2>ended
            \(change); wait $pid; echo $?
            \(program == .wcreduce ? "uniq copy | sed 's/^/2\t/'" : "cat copy") | cmp - out
            """)
        #expect(result.text == "0\n" && result.errors.isEmpty)
    }

    /// The first worker cuts the file when 4 MiB at the most were read ahead of it.
    @Test func itemsOfAFileThatShrinksAreThoseThatWereRead() throws {
        let result = try shell(
            """
            seq 3000000 >in; cat in >copy
            pmap -a in -j1 -c4000 -s '[ $PMAP_CHUNK != 1 ] || : >in; printf "%s\\n" "$@"' >out
            echo $?; [ $(wc -c <out) -lt 9000000 ] || echo all of it
            # The last item may be what was left of one.
            cmp -n $(($(wc -c <out) - 1)) out copy
            """)
        #expect(result.text == "0\n" && result.errors.isEmpty)
    }

    /// The first worker removes it, before any output had to be put there, and prints when
    /// that of the others was.
    @Test(arguments: ["", "-u", "--retry 1"])
    func aTemporaryFolderThatVanishesIsNoLoss(_ mode: String) throws {
        let result = try shell(
            """
            mkdir t; for i in 1 2 3 4; do seq 100000; done >expected
            seq 4 | pmap \(mode) -j4 --buffer 64K --tmpdir t -s '
                if [ $1 = 1 ]; then rmdir t; >go; until [ -s errors ]; do sleep 0.01; done; fi
                until [ -e go ]; do sleep 0.01; done; seq 100000' 2>errors | cmp - expected
            cat errors >&2
            """)
        #expect(result.text.isEmpty && result.status == 0)
        #expect(
            result.errors == "pmap: t: No such file or directory; "
                + "output waits in memory, and workers do when that is full\n")
    }

    /// The file in use has no name to lose. By line that file is all it takes; to sort by
    /// count it takes another, which is an error then, and nothing is printed.
    @Test(arguments: ["-k", ""]) func aFolderThatVanishesIsMissedOnlyWhereItIsNeeded(
        _ order: String
    ) throws {
        let result = try shell(
            """
            mkdir t; mkfifo in; seq 400000 | LC_ALL=C sort | sed 's/^/1\t/' >expected
            wcreduce \(order) -S 4M --tmpdir=t <in >out & exec 3>in; seq 300000 >&3
            until ls -l /proc/$!/fd | grep -q "$PWD/t/.*(deleted)"; do kill -0 $! || break; done
            rmdir t; seq 300001 400000 >&3; exec 3>&-; wait $!; echo $?
            [ -s out ] && cmp out expected
            """)
        let isNeeded = order.isEmpty
        #expect(result.text == (isNeeded ? "2\n" : "0\n"))
        #expect(
            result.errors
                == (isNeeded ? "wcreduce: temporary file in t: No such file or directory\n" : ""))
    }

    /// In a name space of its own, so that nothing stays mounted.
    @Test(
        .enabled(if: canMount),
        arguments: [
            ("size=64k", "No space left on device"), ("ro", "Read-only file system"),
        ], ["", "-u", "--retry 1"])
    func aTemporaryFolderThatIsFullOrReadOnlyIsNoLoss(
        _ disk: (options: String, reason: String), _ mode: String
    ) throws {
        let result = try shell(
            """
            mkdir t; for i in 1 2 3 4; do seq 100000; done >expected
            seq 4 | unshare -m sh -c 'mount -t tmpfs -o \(disk.options) none t
                pmap \(mode) -j4 --buffer 64K --tmpdir t -s "
                    [ \\$1 != 1 ] || until [ -s errors ]; do sleep 0.01; done
                    seq 100000"' 2>errors | cmp - expected
            cat errors >&2
            """)
        #expect(result.text.isEmpty && result.status == 0)
        #expect(
            result.errors == "pmap: t: \(disk.reason); "
                + "output waits in memory, and workers do when that is full\n")
    }
}
