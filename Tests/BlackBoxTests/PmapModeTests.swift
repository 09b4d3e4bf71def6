import Foundation
import Testing

/// What pmap(1) says of -u, -l, --tag, --buffer and --tmpdir.
@Suite struct PmapModeTests {
    @Test func unorderedPrintsWholeChunksAsTheyFinish() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            """
            mkfifo gate1 gate2; seq 3 | pmap -u -j3 -s '
                echo $1; case $1 in 1|2) read x <gate$1;; esac; echo $1'
            """, in: folder)
        try running.wait(untilOutputContains: "3\n3\n")
        try shell("echo go >gate2", in: folder)
        try running.wait(untilOutputContains: "2\n2\n")
        try shell("echo go >gate1", in: folder)
        #expect(try running.finish().text == "3\n3\n2\n2\n1\n1\n")
    }

    /// 16 chunks of 150,000 equal letters: folded at that width, each line has one letter.
    @Test func unorderedChunksAreNeverMixed() throws {
        let result = try shell(
            """
            printf '%s\\n' a b c d e f g h i j k l m n o p | pmap -u -j8 -s 'for i in 1 2 3 4 5; do
                head -c 30000 /dev/zero | tr "\\0" $1; done' | fold -w 150000
            """)
        #expect(result.lines.count == 16)
        #expect(result.lines.allSatisfy { $0.count == 150_000 && Set($0).count == 1 })
    }

    /// 8 workers printing lines of 6000 bytes: a well-known way to break them.
    @Test(arguments: ["-l", "-u", "--tag", "-l --tag"])
    func linesAreNeverBroken(mode: String) throws {
        let result = try shell(
            """
            seq 8 | pmap \(mode) -j8 -s 'i=0; while [ $i -lt 40 ]; do
                printf "%05999d" 0 | tr 0 $1; i=$((i + 1)); echo; done'
            """)
        let lines = result.lines.map { $0.split(separator: "\t").last.map(String.init) ?? "" }
        #expect(lines.count == 320)
        #expect(lines.allSatisfy { $0.count == 5999 && Set($0).count == 1 })
        let counts = Dictionary(grouping: lines, by: { $0.prefix(1) }).mapValues(\.count)
        #expect(counts.count == 8 && counts.values.allSatisfy { $0 == 40 })
    }

    @Test func linesComeAsTheyArePrinted() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            """
            mkfifo gate; seq 2 | pmap -l -j2 -s '
                if [ $1 = 1 ]; then echo early; printf half; read x <gate; echo way; else echo other; fi'
            """, in: folder)
        try running.wait(untilOutputContains: "early\n")
        try running.wait(untilOutputContains: "other\n")
        try shell("echo go >gate", in: folder)
        let result = try running.finish()
        #expect(result.lines.sorted() == ["early", "halfway", "other"])
    }

    @Test func anUnfinishedLastLineIsEndedInTheLineModes() throws {
        #expect(try shell("seq 2 | pmap -j1 -l printf %s").text == "1\n2\n")
        #expect(try shell("seq 2 | pmap -j1 --tag printf %s").text == "1\t1\n2\t2\n")
        #expect(try shell("seq 2 | pmap -j1 -u printf %s").text == "12")
    }

    @Test func aTagIsTheItemsOrTheChunksNumber() throws {
        #expect(
            try shell("seq 3 | pmap -j1 -c2 --tag -s 'echo a; echo; echo b'").text
                == "1 2\ta\n1 2\t\n1 2\tb\n3\ta\n3\t\n3\tb\n")
        #expect(try shell("seq 3 | pmap -j1 -c2 -i --tag cat").text == "1\t1\n1\t2\n2\t3\n")
    }

    @Test func linesOnStandardErrorHaveTheTagToo() throws {
        let result = try shell("echo a | pmap --tag -s 'printf b >&2; echo c >&2; echo d'")
        #expect(result.text == "a\td\n" && result.errors == "a\tbc\n")
    }

    /// Each worker's last line on standard error is printed whole, and lacks its newline.
    @Test func anUnfinishedLineOnStandardErrorIsFinished() throws {
        let result = try shell("seq 2 | pmap -j1 -c1 -s 'printf \"one\\n$1\" >&2'")
        #expect(result.errors == "one\n1\none\n2\n" && result.output.isEmpty)
    }

    /// A line of one byte gets no more than 201 bytes before it.
    @Test func longItemsAreCutInTheMiddleOfATag() throws {
        let result = try shell("seq 20000 | pmap -c20000 --tag echo x | cut -f1")
        let tag = result.text.dropLast()
        #expect(tag.utf8.count <= 203 && tag.hasPrefix("1 2 3 4 "))
        #expect(tag.hasSuffix(" 19999 20000") && tag.contains("..."))
    }

    /// In order too, nothing of a line is printed before its end, so nothing can break it.
    @Test func taggedLinesAreWhole() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            "mkfifo gate; echo a | exec pmap --tag -s 'printf half; echo told >&2; read x <gate; echo'",
            in: folder)
        try running.wait(untilErrorsContain: "a\ttold\n")
        try shell("echo >gate", in: folder)
        let result = try running.finish()
        #expect(result.text == "a\thalf\n" && result.errors == "a\ttold\n")
    }

    @Test func theLastOfTheModesCounts() throws {
        let script = "seq 1 | pmap -j1 %s printf x"
        #expect(try shell(script.replacing("%s", with: "-u -l")).text == "x\n")
        #expect(try shell(script.replacing("%s", with: "-l -u")).text == "x")
    }

    /// 8 x 20 MB behind a slow first chunk, with 1 MB of memory: most of it waits in a file.
    @Test(.measuresMemory, arguments: ["", "-u"])
    func outputWaitsInAFileWhereMemoryIsFull(mode: String) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            mkdir tmp; seq 8 | pmap -q \(mode) -j8 --buffer 1M --tmpdir tmp -s '
                if [ $1 = 1 ]; then until [ $(ls done* | wc -l) = 7 ]; do sleep 0.02; done 2>/dev/null
                    grep VmHWM /proc/$PPID/status >&2; ls tmp >&2; fi
                head -c 20000000 /dev/zero | tr "\\0" $1; >done$1' |
            fold -w 20000000 | cut -c 1-1 | tr -d '\\n'
            """, in: folder)
        #expect(result.text.sorted() == Array("12345678"))
        if mode == "" { #expect(result.text == "12345678") }
        // The worker sees no name there: the file is unlinked.
        #expect(result.errorLines.count == 1)
        let peak = result.errors.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }.first
        #expect((peak ?? .max) < (16 << 10) + memoryOfLibraries)
        #expect(try shell("ls tmp", in: folder).text == "")
    }

    /// The output of the first few chunks is held with preference.
    @Test func chunksWithLittleOutputNeedNotWaitForThoseWithMuch() throws {
        let result = try shell(
            """
            seq 6 | pmap -q -u -j6 -c1 -s '
                case $1 in [56]) size=3000000;; *) size=60000000;; esac
                head -c $size /dev/zero | tr "\\0" $1' | tr -s 1-6
            """)
        #expect(result.errors == "")
        #expect(result.text.prefix(2).sorted() == ["5", "6"])
        #expect(result.text.sorted() == Array("123456"))
    }

    @Test func withoutAFileWorkersWaitAndNothingIsLost() throws {
        let script =
            "seq 4 | pmap %s -j4 --buffer 64K --tmpdir /nonexistent -s '[ $1 = 1 ] && sleep 0.2; seq 100000'"
        let expected = try shell("for i in 1 2 3 4; do seq 100000; done").output
        for mode in ["", "-u", "--retry 1"] {
            let result = try shell(script.replacing("%s", with: mode))
            #expect(result.output == expected && result.status == 0)
            #expect(
                result.errors == "pmap: /nonexistent: No such file or directory; "
                    + "output waits in memory, and workers do when that is full\n")
        }
    }

    /// The first chunk fails once all others are held and nothing more can be.
    @Test(arguments: ["", "-u"])
    func aChunkThatIsRunAgainIsWaitedForHoweverMuchIsHeld(_ mode: String) throws {
        let result = try shell(
            """
            seq 4 | pmap \(mode) -j4 --retry 1 --buffer 64K --tmpdir /nonexistent -s '
                echo x >>tried$1; [ $1 != 1 ] || until [ -e over2 -a -e over3 -a -e over4 ]; do
                    sleep 0.01; done
                seq 9000; >over$1; [ $1 != 1 ] || [ "$(wc -l <tried1)" = 2 ]' | cksum
            for i in 1 2 3 4; do seq 9000; done | cksum
            """, timeout: 20)
        #expect(result.lines.count == 2 && result.lines[0] == result.lines[1])
    }

    /// A file size limit, which raises SIGXFSZ, and a full disk by fault injection.
    @Test(.limitsFileSize) func aFileThatCannotGrowIsNoLoss() throws {
        let result = try shell(
            """
            seq 4 | (ulimit -f 100; pmap -j4 --buffer 64K -s '
                [ $1 = 1 ] && sleep 0.3; seq 100000') | cksum
            for i in 1 2 3 4; do seq 100000; done | cksum
            """)
        #expect(result.lines.count == 2 && result.lines[0] == result.lines[1])
        #expect(result.errors.contains("File too large"))
    }

    @Test(.enabled(if: isInstalled("strace")))
    func aFullDiskIsNoLoss() throws {
        let result = try shell(
            """
            seq 4 | \(strace) -o trace -e trace=pwrite64 -e inject=pwrite64:error=ENOSPC:when=3+ \
                "$(which pmap)" -j4 --tag --buffer 64K -s '[ $1 = 1 ] && sleep 0.3; seq 100000' |
                cksum
            for i in 1 2 3 4; do seq -f "$i\t%.0f" 100000; done | cksum
            """)
        #expect(result.lines.count == 2 && result.lines[0] == result.lines[1])
        #expect(result.errors.contains("No space left on device"))
    }
}
