import Foundation
import Testing

/// What wcreduce(1) promises of -S: the same output in less memory, and what disks may do.
@Suite struct WcreduceSpillTests {
    /// 300,000 lines of which 200,000 are different, some of them long: ten times what -S 1M holds.
    private static let lines = """
        awk 'BEGIN { for (i = 0; i < 300000; i++) { n = i * 7919 % 200003
            printf "%s%d\\n", n % 7 ? "k" : "a line that is longer than most of the others ", n } }'
        """

    @Test(arguments: [
        "", "-r", "-k", "-kr", "-n 1000", "-n 1000 -r", "-n 1000 -k", "-n 1000 -kr", "-n 150000",
        "-n 150000 -k", "--min 2", "--min 2 -k", "-p", "-K", "-b", "-bk", "--json -k", "-T",
        "-T --min 2", "-n 0",
    ])
    func theOutputIsTheSameInLittleMemory(_ options: String) throws {
        let result = try shell(
            """
            \(Self.lines) >in; wcreduce -S 1G \(options) in >expected 2>errors
            wcreduce -S 1M \(options) in 2>others | cmp - expected
            cmp errors others
            """)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    @Test func inLittleMemoryCountsAreThoseOfSortAndUniq() throws {
        let result = try shell(
            """
            \(Self.lines) >in; cat in | \(countedByOthers) >expected
            wcreduce -S 1M in | cmp - expected
            wcreduce -S 1M -u in | \(onlySorted) | cmp - expected
            wcreduce in | wcreduce -mS 1M | cmp - expected
            """)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    private var onlySorted: String { "LC_ALL=C sort -t \"$(printf '\\t')\" -k1,1nr -k2" }

    /// Lines far longer than the memory, and merged from many runs.
    @Test func aLineMayBeLongerThanTheMemory() throws {
        let result = try shell(
            """
            for letter in a b a c b a; do head -c 3000000 /dev/zero | tr '\\0' $letter; echo; done |
            wcreduce -S 1M | awk '{ print $1, length($2), substr($2, 1, 2) }'
            """)
        #expect(result.lines == ["3 3000000 aa", "2 3000000 bb", "1 3000000 cc"])
    }

    /// The resident size at its highest, by the kernel, when the first line is printed: what the
    /// program itself takes and 1 MiB, where the lines take ten times as much.
    @Test(.measuresMemory) func memoryIsBounded() throws {
        let result = try shell(
            """
            seq 300000 >in
            for size in 1M 1G; do
                mkfifo $size; exec 3<>$size; wcreduce -S $size in >$size & pid=$!
                read -r line <&3; awk '/VmHWM/ { print $2 }' /proc/$pid/status; kill $pid; wait $pid
            done
            """)
        let sizes = result.lines.compactMap(Int.init)
        #expect(sizes.count == 2 && sizes[0] + 5000 < sizes[1])
    }

    /// A sum that no run has passes 2^64-1 only when runs are merged.
    @Test func aSumPast64BitsIsFoundInMergingTooAndNothingIsPrinted() throws {
        let result = try shell(
            """
            { printf '18446744073709551615\\tapple\\n'; seq 100000 | sed 's/^/1\t/'
            printf '1\\tapple\\n'; } | wcreduce -m -S 1M
            """)
        #expect(result.errors == "wcreduce: 'apple': the sum of its counts passes 2^64-1\n")
        #expect(result.output.isEmpty && result.status == 2)
    }

    @Test func aMissingFolderIsNamedAndNothingIsPrinted() throws {
        let missing = try shell("\(Self.lines) | wcreduce -S 1M --tmpdir=absent")
        #expect(missing.errors == "wcreduce: temporary file in absent: No such file or directory\n")
        #expect(missing.output.isEmpty && missing.status == 2)
        let variable = try shell("\(Self.lines) | TMPDIR=absent wcreduce -S 1M")
        #expect(variable.errors == missing.errors && variable.status == 2)
        // It is not needed where memory is enough.
        #expect(try shell("echo a | wcreduce --tmpdir=absent").text == "1\ta\n")
    }

    /// It means /tmp, as none does. To take it for a folder would be to write in the root directory,
    /// which a plain user cannot.
    @Test(.hasPlainUser) func anEmptyTMPDIRNamesNoFolder() throws {
        let result = try shellWithPlainUser(
            "\(Self.lines) | TMPDIR= $plain wcreduce -S 1M | wc -l")
        #expect(result.text == "200003\n" && result.errors.isEmpty)
    }

    @Test(.limitsFileSize) func aFullFileSystemIsNamedAndNothingIsPrinted() throws {
        let result = try shell(
            """
            \(Self.lines) >in; ulimit -f 1000; trap '' XFSZ; wcreduce -S 1M in
            """)
        #expect(
            result.errors
                == "wcreduce: temporary file in \(try temporaryFolder()): File too large\n")
        #expect(result.output.isEmpty && result.status == 2)
    }

    private func temporaryFolder() throws -> String {
        try shell("printf %s \"${TMPDIR:-/tmp}\"").text
    }

    @Test(.enabled(if: canMount))
    func aFullOrReadOnlyFileSystemIsNamedAndNothingIsPrinted() throws {
        let result = try shell(
            """
            \(Self.lines) >in; mkdir disk
            unshare -m sh -c 'mount -t tmpfs -o size=1M none disk
            wcreduce -S 1M --tmpdir=disk in; echo $?
            ls -A disk; mount -o remount,ro disk
            wcreduce -S 1M --tmpdir=disk in; echo $?'
            """)
        #expect(
            result.errorLines == [
                "wcreduce: temporary file in disk: No space left on device",
                "wcreduce: temporary file in disk: Read-only file system",
            ])
        #expect(result.lines == ["2", "2"])
    }

    /// The first write and a later one to a temporary file, and the first read, fail.
    @Test(
        .enabled(if: isInstalled("strace") && programsAreStatic),
        arguments: [
            ("pwrite64,write:error=ENOSPC:when=1", "No space left on device"),
            ("write:error=EIO:when=9", "Input/output error"),
            ("pread64:error=EIO:when=1", "Input/output error"),
            ("pread64:error=EIO:when=12", "Input/output error"),
            ("pread64:retval=0:when=3", "Input/output error"),
        ])
    func aFailureOfATemporaryFileIsAnErrorAndNothingIsPrinted(
        _ fault: String, _ reason: String
    ) throws {
        let result = try shell(
            """
            \(Self.lines) >in; mkdir t
            \(strace) -qq -o trace -e trace=write,pwrite64,pread64 -e inject=\(fault) \
                wcreduce -S 1M --tmpdir=t in >out
            echo $?; ls -A t; wc -c <out
            """)
        #expect(result.errors == "wcreduce: temporary file in t: \(reason)\n")
        #expect(result.lines == ["2", "0"])
    }

    @Test func killedItLeavesNothingBehind() throws {
        let result = try shell(
            """
            mkdir t; mkfifo fifo; wcreduce -S 1M --tmpdir=t <fifo & pid=$!
            exec 3>fifo; \(Self.lines) >&3
            ls -l /proc/$pid/fd | grep -c deleted
            ls -A t; kill -KILL $pid; wait $pid; echo $?; ls -A t
            """)
        #expect(result.lines == ["1", "137"])
    }

    /// `ulimit -v` lets the program have a few megabytes only, which are less than -S allows. It
    /// moves counts to disk then, as if they had reached -S; it is never ended by a trap. What is
    /// printed is all there is to print, or nothing.
    @Test(
        .enabled(if: programsAreStatic),
        arguments: ["", "-S 8M", "-S 1M", "-k", "-n 9", "--json", "-m", "-b -n 99 -k"])
    func memoryThatIsRefusedIsALimitToo(_ options: String) throws {
        let input = options == "-m" ? "sed 's/^/1\\t/'" : "cat"
        let result = try shell(
            """
            seq 150000 | \(input) >short
            seq 150000 | sed 's/$/ is longer than what an entry holds by itself/' | \(input) >long
            for file in short long; do
                wcreduce -S 1G \(options) $file >expected
                for limit in $(seq 9000 1000 24000); do
                    (ulimit -c 0; ulimit -v $limit; exec wcreduce \(options) $file) >out 2>errors
                    status=$?
                    if [ $status = 0 ] && cmp -s out expected; then echo right $limit; continue; fi
                    [ $status = 2 ] && [ ! -s out ] && grep -q 'allocate memory$' errors &&
                        echo refused || echo limit $limit: status $status, $(head -n 1 errors)
                done
            done
            """)
        #expect(result.lines.count == 32)
        for line in result.lines {
            #expect(line == "refused" || line.hasPrefix("right "), "\(line)")
        }
        // 14 MB are enough: the program itself takes 9.
        for limit in stride(from: 14000, through: 24000, by: 1000) {
            #expect(result.lines.count { $0 == "right \(limit)" } == 2, "\(limit)")
        }
    }

    /// Lines that take most of the memory, in every form of the output and in a merge.
    @Test(
        .enabled(if: programsAreStatic),
        arguments: ["", "-S 1M", "-S 1M -k", "--json", "--json -K", "-b", "-p", "-K", "-S 1M -n 1"])
    func longLinesThatMemoryIsShortOfAreAMessage(_ options: String) throws {
        let result = try shell(
            """
            for letter in a b c d; do
                head -c 3000000 /dev/zero | tr '\\0' $letter; printf '\\377\\n'
            done >in
            wcreduce -S 1G \(options) in >expected
            for limit in $(seq 12000 4000 60000) 200000; do
                (ulimit -c 0; ulimit -v $limit; exec wcreduce \(options) in) >out 2>errors
                status=$?
                if [ $status = 0 ] && cmp -s out expected; then echo right; continue; fi
                [ $status = 2 ] && grep -q 'allocate memory$' errors && echo refused ||
                    echo limit $limit: status $status, $(head -n 1 errors)
            done
            """)
        #expect(Set(result.lines.dropLast()).isSubset(of: ["right", "refused"]), "\(result.text)")
        #expect(result.lines.last == "right")
    }

    /// An error of mremap(2) other than ENOMEM once was taken for one of the file that was read:
    /// status 1, and the counts so far were printed.
    @Test(
        .enabled(if: isInstalled("strace") && programsAreStatic),
        arguments: ["mremap:error=EPERM", "mremap,mmap:error=EPERM:when=200+"])
    func whateverRefusesMemoryNoPartialCountsArePrinted(_ fault: String) throws {
        let result = try shell(
            """
            seq 300000 >in; wcreduce in >expected
            \(strace) -qq -o trace -e trace=mremap,mmap -e inject=\(fault) wcreduce in >out
            status=$?; [ $status = 0 ] && cmp out expected; [ $status = 2 ] && wc -c <out; :
            """)
        #expect(result.text.isEmpty || result.text == "0\n", "\(result.text)\(result.errors)")
        #expect(result.errors.isEmpty || result.errors == "wcreduce: Cannot allocate memory\n")
    }
}
