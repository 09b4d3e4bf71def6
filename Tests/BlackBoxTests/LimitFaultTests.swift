import Foundation
import Testing

/// The limits of getrlimit(2): each is a message and a status, or fewer workers, and never
/// an item that is lost or done twice. File sizes, too, are in `CommonOutputTests`.
@Suite struct LimitFaultTests {
    @Test(.enabled(if: programsAreStatic), arguments: Program.readers)
    func aFileBeyondTheLimitOfDescriptorsIsAMessage(_ program: Program) throws {
        let result = try shell(
            "echo a >file; echo b | (ulimit -n 3; exec \(program) file -)")
        #expect(result.errors == "\(program): file: Too many open files\n")
        #expect(result.text == program.output(["b"]) && result.status == 1)
    }

    @Test(.enabled(if: programsAreStatic))
    func aTemporaryFileBeyondTheLimitOfDescriptorsIsAnErrorAndNothingIsPrinted() throws {
        let result = try shell(
            "seq 200000 | (ulimit -n 3; exec wcreduce -S 1M --tmpdir .)")
        #expect(result.errors == "wcreduce: temporary file in .: Too many open files\n")
        #expect(result.output.isEmpty && result.status == 2)
    }

    /// From none too many to enough for all workers.
    @Test(
        .enabled(if: programsAreStatic), arguments: ["-i -c5 cat", "-c5 printf '%s\\n'"])
    func howeverFewDescriptorsThereAreNothingIsLostSilently(_ work: String) throws {
        let result = try shell(
            """
            seq 40 >items
            for limit in $(seq 3 30); do
                (ulimit -n $limit; exec pmap -a items -j4 --log log --failed failed \(work)) \
                    >out 2>errors
                status=$?
                if [ $status = 0 ]; then cmp out items; continue; fi
                [ $status = 1 ] && grep -q '^pmap: .*Too many open files$' errors ||
                    echo limit $limit: status $status, $(cat errors)
                sort -n out failed | uniq -d
            done; echo $status
            """)
        // The last limit is enough.
        #expect(result.text == "0\n")
    }

    /// Reading, starting, holding, or gathering a line: whichever it is that finds no memory.
    @Test(
        .enabled(if: programsAreStatic),
        arguments: [
            "pmap -a long -i cat", "pmap -a many -j2 -c40000 printf '%s\\n'",
            "pmap -a three -j3 cat", "pmap -a three -u -j3 cat", "pmap -a three -l -j3 cat",
        ])
    func noMemoryIsAMessageOfPmapWhereverItRunsOut(_ command: String) throws {
        let result = try shell(
            """
            head -c 9000000 /dev/zero | tr '\\0' x >long; echo >>long; seq 40000 >many
            printf 'long\\nlong\\nlong\\n' >three; cat long long long >expected
            for limit in $(seq 13000 4000 60000) 200000; do
                (ulimit -v $limit; exec \(command)) >out 2>errors; status=$?
                for expected in long many expected; do
                    if [ $status = 0 ] && cmp -s out $expected; then echo right; continue 2; fi
                done
                [ $status = 1 ] && grep -q '^pmap: .*Cannot allocate memory$' errors &&
                    echo refused || echo limit $limit: status $status, $(head -n 1 errors)
            done
            """)
        #expect(Set(result.lines.dropLast()).isSubset(of: ["right", "refused"]), "\(result.text)")
        #expect(result.lines.last == "right")
    }

    /// Of the 60 MB that wait most have to wait on disk, without being told so.
    @Test(.enabled(if: programsAreStatic))
    func outputThatWaitsTakesAQuarterOfTheMemoryAtTheMost() throws {
        let result = try shell(
            """
            (ulimit -v 40000; seq 4 | pmap -j4 -s '[ $1 != 1 ] || sleep 0.3
                head -c 20000000 /dev/zero') | cksum
            head -c 80000000 /dev/zero | cksum
            """)
        #expect(result.lines.count == 2 && result.lines.first == result.lines.last)
        #expect(result.errors.isEmpty)
    }

    /// Of another user, since limits on processes do not hold for root.
    @Test(
        .limitsProcesses, .hasPlainUser,
        .enabled(if: getuid() == 0 && isInstalled("prlimit")))
    func fewProcessesMeanFewerWorkers() throws {
        let result = try shellWithPlainUser(
            """
            seq 40 >items
            for limit in 2 3 4; do
                $plain prlimit --nproc=$limit pmap -a items -j9 -c2 -i cat | cmp - items
            done
            $plain prlimit --nproc=1 pmap -a items -j9 -c2 --failed failed -i cat
            echo $?; cat failed
            """)
        #expect(result.lines == ["1"] + (1...40).map(String.init))
        #expect(
            result.errors == "pmap: cannot start a worker: Resource temporarily unavailable\n")
    }

    /// Its output, its log and the file of failed items.
    @Test(.limitsFileSize) func aFileSizeLimitIsAWriteErrorOfPmap() throws {
        let limit = "trap '' XFSZ; ulimit -f 8"
        let output = try shell("seq 9999 >in; (\(limit); pmap -a in -i cat >out); echo $?")
        #expect(output.text == "1\n" && output.errors == "pmap: write error: File too large\n")

        let log = try shell("seq 300 >in; (\(limit); pmap -a in --log log echo) | cmp - in")
        #expect(log.text.isEmpty && log.errors == "pmap: log: File too large\n")

        let failed = try shell(
            """
            seq 9999 >in; (\(limit); pmap -a in -c999 --failed failed false); echo $?
            """)
        #expect(
            failed.text == "1\n"
                && failed.errors == "pmap: failed: File too large\n"
                    + "pmap: 11 of 11 chunks failed: the first, chunk 1, exited with status 1; "
                    + "items: 1 2 3 4 5 6 7 8 9 10 11 12 13 ... 982 more ... 996 997 998 999; see failed\n"
        )
    }

    @Test(.enabled(if: isInstalled("prlimit")))
    func aWorkerBeyondItsCPUTimeIsNamedAndTheOthersAreDone() throws {
        let result = try shell(
            """
            seq 3 | prlimit --cpu=1:9 pmap --retry 0 --failed failed -s '
                echo $1; [ $1 != 2 ] || while :; do :; done'
            echo $?; cat failed
            """)
        #expect(result.lines == ["1", "3", "125", "2"])
        let reason =
            "killed by signal 24 (CPU time limit exceeded); item: 2\n"
            + "pmap: 1 of 3 chunks failed: chunk 2 was killed by signal 24 "
            + "(CPU time limit exceeded); item: 2\n"
        #expect(
            result.errors.hasPrefix("pmap: chunk 2: worker ") && result.errors.hasSuffix(reason))
    }

    /// Nothing is printed before the end of the input, so nothing looks complete.
    @Test(.enabled(if: isInstalled("prlimit")))
    func countingBeyondTheCPUTimePrintsNothing() throws {
        let result = try shell("seq 1e12 | prlimit --cpu=1:9 wcreduce -S 99M -T; echo $?")
        #expect(result.text == "\(128 + SIGXCPU)\n")
    }
}
