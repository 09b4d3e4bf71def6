import Foundation
import Testing

/// What pmap(1) says of where items come from, and of blocks: `-a`, `-i` without `-c`, `--header`.
@Suite struct PmapInputTests {
    /// A file of lines of all lengths, some longer than the pipe, and larger than what is read at
    /// once. The last line lacks its newline.
    private func makeLines(_ folder: TemporaryFolder, seed: UInt64 = 1) throws -> Data {
        var random = SplitMix(seed)
        var data = Data()
        while data.count < 3 << 20 {
            let longest = [0, 5, 100, 5000, 70_000, 400_000][random.below(6)]
            let letter = UInt8(0x61 + random.below(26))
            data += Data(repeating: letter, count: random.below(longest + 1)) + [0x0A]
        }
        data += Data("end".utf8)
        try folder.write("in", data)
        return data
    }

    private struct SplitMix {
        private var state: UInt64
        init(_ seed: UInt64) { state = seed }

        mutating func below(_ limit: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return Int((z ^ (z >> 31)) % UInt64(limit))
        }
    }

    private static let sources = [
        "pmap -a in OPTIONS", "pmap OPTIONS <in", "cat in | pmap OPTIONS",
        "mkfifo p; cat in >p & pmap -a p OPTIONS",
        "python3 -c 'import socket, subprocess; a, b = socket.socketpair(); "
            + "p = subprocess.Popen([\"cat\", \"in\"], stdout=a); a.close(); "
            + "subprocess.run([\"sh\", \"-c\", \"pmap OPTIONS\"], stdin=b)'",
    ]

    // MARK: Blocks

    /// A block is as many whole lines as fit, and at least one.
    @Test(arguments: sources, ["", "-b 1", "-b 4096", "-b 100000", "-b 1M", "-b 1G"])
    func blocksAreWholeLinesOfTheInput(_ source: String, _ size: String) throws {
        let folder = try TemporaryFolder()
        let all = try makeLines(folder)
        let options = "-q -j3 \(size) -i ./work"
        try folder.write(
            "work", "#!/bin/sh\nexec cat >c.$(printf %06d $PMAP_CHUNK)\n".utf8)
        let result = try shell(
            "chmod +x work; \(source.replacing("OPTIONS", with: options)); echo $?", in: folder)
        #expect(result.text == "0\n" && result.errors.isEmpty)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let chunks = try names.filter { $0.hasPrefix("c.") }.sorted().map {
            try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder.path(of: $0))))
        }
        #expect(chunks.reduce(into: Data()) { $0 += $1 } == all)
        let limits = ["-b 1": 1, "-b 4096": 4096, "-b 100000": 100_000, "-b 1M": 1 << 20]
        let limit = limits[size] ?? .max
        for (chunk, next) in zip(chunks, chunks.dropFirst()) {
            let isOneLine = chunk.firstIndex(of: 0x0A) == chunk.count - 1
            #expect(chunk.last == 0x0A && (chunk.count <= limit || isOneLine))
            guard limits[size] != nil else { continue }
            // The next line did not fit.
            #expect(chunk.count + (next.firstIndex(of: 0x0A) ?? next.count) + 1 > limit)
        }
        #expect(size == "" ? chunks.count > 3 : size != "-b 1G" || chunks.count == 1)
    }

    @Test func blocksGrowWhereWorkersAreQuick() throws {
        let result = try shell(
            "seq 4000000 >in; pmap -q -j2 -a in -i -s 'wc -c' | sort -n | sed -n '$p'; "
                + "pmap -q -j2 -a in -i cat | cmp - in")
        #expect(Int(result.text.dropLast()) ?? 0 > 256 << 10)
    }

    /// The second line comes only when the first has been worked on.
    @Test func aBlockDoesNotWaitForSlowInput() throws {
        let result = try shell(
            """
            { echo 1; until [ -e done ]; do sleep 0.01; done; echo 2; } |
                pmap -i -s 'cat; : >done'
            """)
        #expect(result.text == "1\n2\n")
    }

    @Test(arguments: ["-i", "-i -b 4096", "-i -c3"])
    func filesOfTheKernelAreRead(_ options: String) throws {
        let result = try shell(
            "for f in /proc/cpuinfo /proc/version; do pmap \(options) cat <$f | cmp - $f; "
                + "pmap \(options) -a $f cat | cmp - $f; done")
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    @Test(.measuresMemory) func memoryDoesNotGrowWithTheBlock() throws {
        let result = try shell(
            "yes 'to be or not to be' | head -c 200000000 >in; ulimit -v 100000; "
                + "pmap -q -j2 -b 90M -a in -i wc -c | paste -sd+ | bc")
        #expect(result.text == "200000000\n" && result.errors.isEmpty)
    }

    // MARK: Blocks from a pipe

    /// Blocks that are moved are the same as those that are copied, which --failed asks for.
    @Test(arguments: [
        ("-b 1M", 1), ("-b 3000000", 1), ("-b 1M --header=3", 4), ("-b 2M -j8", 1), ("-b 1M -u", 1),
    ])
    func blocksOfAPipeAreTheSameWithAndWithoutCopies(_ options: String, first: Int) throws {
        let result = try shell(
            """
            seq 2500000 >in
            for failed in '' '--failed failed'; do
                cat in | pmap -q -j3 \(options) --log log $failed -i -s 'tail -n +\(first); exit 3' |
                    sort -n >out
                tail -n +\(first) in | cmp - out
                tail -n +2 log | sort -n | cut -f 1,9,13-15 >"columns$failed"
            done
            cmp columns 'columns--failed failed'; cmp failed in; grep -c . columns
            """)
        #expect(Int(result.text.dropLast()) ?? 0 >= 6 && result.lines.count == 1)
        let said = result.errorLines.filter { !$0.contains("exit status 3") }
        #expect(said.allSatisfy { $0.contains("chunks failed") }, "\(said)")
    }

    /// Pieces of a few bytes leave little room in a pipe, whose parts are pages. In short lines and
    /// in long ones.
    @Test(arguments: ["b'%d\\n' % (i % 7)", "b'%010d' % i + b'\\n' * (i % 6000 == 0)"])
    func smallWritesAreOneInput(_ piece: String) throws {
        let result = try shell(
            """
            cat >write.py <<'end'
            import os
            for i in range(200000): os.write(1, \(piece))
            end
            python3 write.py | pmap -q -j2 -b 1M -i cat | cksum; python3 write.py | cksum
            """)
        #expect(result.lines.count == 2 && result.lines[0] == result.lines[1])
    }

    /// Each piece comes by itself, so a pipe is full of a few kilobytes of a line.
    @Test func aLineInManyPiecesIsOneItem() throws {
        let result = try shell(
            """
            python3 -c '
            import os, time
            for i in range(2000):
                os.write(1, b"0123456789")
                time.sleep(0.0002)
            os.write(1, b"\\nend\\n")
            ' | pmap -q -j2 -b 1M -i cat | cksum
            { seq 2000 | sed 's/.*/0123456789/' | tr -d '\\n'; echo; echo end; } | cksum
            """, timeout: 30)
        #expect(result.lines.count == 2 && result.lines[0] == result.lines[1])
    }

    /// A worker need not read its whole block, and the next one gets its own.
    @Test func whatAWorkerDoesNotReadIsDropped() throws {
        let result = try shell(
            """
            seq 1000000 >in
            cat in | pmap -q -j2 -b 1M -i head -n 1 >firsts; echo $?
            cat in | pmap -q -j2 -b 1M --failed failed -i head -n 1 | cmp - firsts
            cat in | pmap -q -j2 -b 1M -i true; echo $?
            cat in | pmap -q -j2 -b 1M -i -s 'exec <&-; sleep 0.2; echo x'; wc -l <firsts
            """)
        #expect(
            result.text == "0\n0\n" + String(repeating: "x\n", count: 7) + "7\n"
                && result.errors.isEmpty)
    }

    @Test func fewDescriptorsAreLeftToWorkers() throws {
        let result = try shell(
            "ulimit -n 24; seq 1000000 | pmap -q -j2 -b 1M -i cat | cksum; seq 1000000 | cksum")
        #expect(result.lines.count == 2 && result.lines[0] == result.lines[1])
        #expect(result.errors.isEmpty)
    }

    /// Chunks of so many lines, whether they are copied or moved as ranges of the file.
    @Test(arguments: sources, [1000, 7000, 8000, 100_000])
    func countedChunksOfALargeFileHaveTheirNumberOfLines(
        _ source: String, _ count: Int
    ) throws {
        let folder = try TemporaryFolder()
        let options = "-q -j3 -c\(count) -i ./work"
        try folder.write("work", "#!/bin/sh\ntee c.$PMAP_CHUNK | wc -l\n".utf8)
        let result = try shell(
            """
            chmod +x work
            { seq 200000; head -c 300000 /dev/zero | tr '\\0' z; echo; seq 50000; printf end; } >in
            \(source.replacing("OPTIONS", with: options)) >counts; echo $?
            cat $(ls c.* | sort -t. -k2n) | cmp - in
            split -l \(count) --filter='wc -l' in | cmp - counts
            """, in: folder)
        #expect(result.text == "0\n" && result.errors.isEmpty)
    }

    // MARK: The position of standard input

    @Test func aFileIsReadFromItsPositionToItsEnd() throws {
        let folder = try TemporaryFolder()
        _ = try makeLines(folder)
        let result = try shell(
            """
            { dd bs=1000000 count=1 status=none >head; pmap -q -j2 -i cat >rest; cat; } <in
            cat head rest | cmp - in
            """, in: folder)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    @Test func anEarlyEndLeavesTheRestOfTheFile() throws {
        let folder = try TemporaryFolder()
        _ = try makeLines(folder)
        let result = try shell(
            "{ pmap -q -j1 -b 700000 -i -s 'cat; exit 255' 2>said; cat; } <in | cmp - in",
            in: folder)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    // MARK: A file that changes

    @Test(arguments: ["-b 500000", "-c 20000"])
    func aFileThatShrinksIsReported(_ size: String) throws {
        let result = try shell(
            """
            seq 500000 >in
            pmap -q -a in -j1 \(size) -i -s 'cat >/dev/null; : >in; echo $PMAP_CHUNK'; echo $?
            """)
        #expect(result.text == "1\n1\n")
        #expect(result.errors.hasPrefix("pmap: in: has shrunk from 3388895 bytes to 0; "))
    }

    /// A worker whose input is cut must not take it for all of it.
    @Test func aBlockThatCannotBeFedToItsEndFails() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 1000000 >in
            pmap -q -a in -j1 -b 1G -i --failed failed -s \
                'head -c 1000 >/dev/null; : >in; wc -c; sleep 60'
            echo $?
            """, in: folder)
        #expect(result.text.hasSuffix("1\n"))
        let lines = result.errorLines
        #expect(lines.contains("pmap: chunk 1: its standard input: the file has become shorter"))
        #expect(lines.last?.contains("chunk 1 did not get all of its input; items: 1 2 3") == true)
    }

    @Test(arguments: ["-b 500000", "-c 20000"], ["", "part"])
    func aFileThatGrowsIsReadAsItWas(_ size: String, _ end: String) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 300000 >in; cp in lines; printf '%s' '\(end)' >>in
            pmap -q -a in -j1 \(size) -i -s 'echo more >>in; cat' >out; echo $?; cmp out lines
            """, in: folder)
        #expect(result.text == "1\n")
        #expect(result.errorLines.count == 1)
        #expect(
            result.errors.hasPrefix("pmap: in: has grown by ")
                && result.errors.hasSuffix(" bytes, which are not read\n"))
    }

    /// The end of a block that is longer than `-b` is found in another way.
    @Test func aFileOfLongLinesThatGrowsIsReadAsItWas() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            for n in 1 2 3; do head -c 500000 /dev/zero | tr '\\0' $n; echo; done >in; cp in lines
            pmap -q -a in -j1 -b 1000 -i -s 'echo more >>in; cat' >out; echo $?; cmp out lines
            """, in: folder)
        #expect(result.text == "1\n")
        #expect(result.errorLines.count == 1 && result.errors.hasPrefix("pmap: in: has grown by "))
    }

    // MARK: Failures

    /// What is left of the last item would be another one.
    @Test(arguments: [0, 3, 588_888, 1_000_003])
    func noPartOfAnItemIsListedAsFailed(_ size: Int) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 300000 >in; head -c \(size) in >rest
            [ -z "$(tail -c1 rest)" ] || sed -i '$d' rest
            pmap -q -a in -j1 -b 1G -i --failed failed -s \
                'cat >/dev/null; truncate -s \(size) in; exit 1'
            echo $?; cmp failed rest
            """, in: folder)
        #expect(result.text == "1\n")
        #expect(result.errors.contains("pmap: the input: has become shorter; "))
    }

    @Test(arguments: sources) func failedBlocksAreListed(_ source: String) throws {
        let folder = try TemporaryFolder()
        _ = try makeLines(folder)
        let options = "-q -j2 -b 300000 --failed failed -i ./work"
        try folder.write(
            "work",
            "#!/bin/sh\ntee c.$PMAP_CHUNK >/dev/null; [ $PMAP_CHUNK != 2 -a $PMAP_CHUNK != 4 ]".utf8
        )
        let result = try shell(
            """
            chmod +x work; \(source.replacing("OPTIONS", with: options)) 2>said
            cat c.2 c.4 | cmp - failed
            """, in: folder)
        #expect(result.text.isEmpty && result.errors.isEmpty)
    }

    @Test func theRestOfAFileIsListedWhenARunEndsEarly() throws {
        let folder = try TemporaryFolder()
        _ = try makeLines(folder)
        let result = try shell(
            """
            pmap -q -j1 -b 300000 --failed failed -a in -i -s 'cat >first; exit 255' 2>said
            echo >>in; cmp failed in
            """, in: folder)
        #expect(result.text.isEmpty && result.errors.isEmpty)
    }

    @Test func aBlockIsFedAgain() throws {
        let folder = try TemporaryFolder()
        _ = try makeLines(folder)
        let result = try shell(
            """
            pmap -q -j2 -b 300000 --retry 1 -a in -i -s \
                'cat; [ -e tried.$PMAP_CHUNK ] || { : >tried.$PMAP_CHUNK; exit 1; }' | cmp - in
            """, in: folder)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    // MARK: Records of a run

    @Test func blocksOfAFileAreResumed() throws {
        let folder = try TemporaryFolder()
        _ = try makeLines(folder)
        let result = try shell(
            """
            pmap -q -j1 -b 500000 --log log -a in -i -s \
                'cat; [ $PMAP_CHUNK != 3 ] || exit 255' >first 2>said
            sed -n '2,$p' log | cut -f1,13; cp log before
            pmap -q -j1 -b 500000 --log log --resume -a in -i cat >second
            head -c $(awk 'NR > 1 && $9 == 0 { n += $12 } END { print n }' before) first |
                cat - second | cmp - in
            touch -d 2001-01-01 in; cp before log
            pmap -q -b 500000 --log log --resume -a in -i cat; echo $?
            """, in: folder)
        #expect(result.text == "1\t-\n2\t-\n3\t-\n1\n")
        #expect(
            result.errors.hasPrefix(
                "pmap: log: chunk 1 has other items there than here; resume with the same input"))
    }

    @Test func blocksThatFindTheirSizeAreNotResumed() throws {
        let result = try shell("seq 3 | pmap -i --log log --resume cat; echo $?")
        #expect(
            result.text == "1\n"
                && result.errors
                    == "pmap: --resume: needs -i with -b or -c; else blocks differ from run to run\n"
        )
    }

    @Test func theBytesOfAFileAreKnownFromTheStart() throws {
        let folder = try TemporaryFolder()
        let count = try makeLines(folder).count
        let result = try shell(
            """
            pmap --progress=json --progress-interval=0.1 -j1 -b 1M -a in -i -s \
                'cat >/dev/null; sleep 0.3'
            """, in: folder)
        let first = try #require(result.errorLines.first)
        let last = try #require(result.errorLines.last)
        #expect(first.contains("\"bytes_done\": 0, \"bytes_total\": \(count),"))
        #expect(first.contains("\"items_done\": null, \"items_total\": null,"))
        #expect(last.contains("\"bytes_done\": \(count), \"bytes_total\": \(count),"))
        let plain = try shell(
            "pmap --progress=plain --progress-interval=0.1 -j1 -b 1M -a in -i -s 'sleep 0.3'",
            in: folder)
        #expect(plain.errorLines.first?.contains(" 0.0/\(count / 1_000_000).") == true)
    }

    // MARK: --header

    @Test(arguments: ["cat in |", "<in"], ["-b 300000", "-c7", ""])
    func theFirstLinesStandBeforeEachChunk(_ from: String, _ size: String) throws {
        for lines in [1, 3] { try expectHeader(of: lines, from, size) }
    }

    private func expectHeader(of lines: Int, _ from: String, _ size: String) throws {
        let folder = try TemporaryFolder()
        _ = try makeLines(folder)
        let option = lines == 1 ? "--header" : "--header=\(lines)"
        let result = try shell(
            """
            mv in body; { seq \(lines); cat body; } >in
            \(from) pmap -q -j2 \(size) \(option) -i -s 'head -n \(lines)' | uniq -c |
                awk '{ print $2, ($1 > 0) }' | sort -u
            \(from) pmap -q -j2 \(size) \(option) -i -s 'tail -n +\(lines + 1)' | cmp - body
            \(from) pmap -q -j2 \(size) \(option) --failed failed -i false 2>said; echo >>in
            cmp failed in
            """, in: folder)
        #expect(result.lines == (1...lines).map { "\($0) 1" } && result.errors.isEmpty)
    }

    @Test func anInputThatIsAllHeaderHasNoItems() throws {
        #expect(try shell("seq 2 | pmap --header=2 -i echo x; echo $?").text == "0\n")
        #expect(try shell("printf a | pmap --header=2 -i echo x; echo $?").text == "0\n")
        #expect(try shell("printf 'a\\nb' | pmap --header -i cat").text == "a\nb")
        let printed = try shell("seq 3 | pmap -n -c1 --header -i cat")
        #expect(printed.lines == ["printf '%s\\n' 1 2 | cat", "printf '%s\\n' 1 3 | cat"])
    }

    @Test func aHeaderNeedsStandardInputAndOneFile() throws {
        let result = try shell(
            "seq 3 | pmap --header echo; seq 3 >a; pmap --header -i -a a -a a cat")
        #expect(
            result.errorLines == [
                "pmap: --header: puts the first lines before what -i feeds to standard input",
                "pmap: --header: takes the first lines of one input, and -a names several",
            ])
    }

    // MARK: Several files

    @Test(arguments: ["-c1 echo", "-c3 echo", "-i cat", "-i -b 2 cat"])
    func severalFilesAreReadInOrder(_ command: String) throws {
        let result = try shell(
            """
            printf 'a\\nb' >x; : >empty; mkfifo p; seq 2 >p &
            echo c | pmap -q -a x -a empty -a - -a p \(command) | tr ' ' '\\n'
            """)
        #expect(result.lines == ["a", "b", "c", "1", "2"])
    }

    @Test func largeFilesAreReadInOrder() throws {
        let folder = try TemporaryFolder()
        _ = try makeLines(folder)
        let result = try shell(
            """
            echo a >a; seq 400000 >b
            pmap -q -j3 -a a -a in -a b -a a -i cat >out; cat a in b a | cmp - out
            """, in: folder)
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    @Test func eachFileIsCheckedAgainstTheOthers() throws {
        let result = try shell(
            """
            seq 2 >a; seq 3 >b; cp b before
            pmap -a a -a b cat >>b; pmap -a a -a b --log b cat; pmap -a a -a b --failed b cat
            pmap -a a -a none echo; cmp b before
            """)
        #expect(
            result.errorLines == [
                "pmap: standard output: is also the input",
                "pmap: b: is no log of pmap; move it away, or name another file",
                "pmap: --failed 'b': is also one of several inputs; name another file",
                "pmap: none: No such file or directory",
            ])
        #expect(result.text.isEmpty)
    }
}
