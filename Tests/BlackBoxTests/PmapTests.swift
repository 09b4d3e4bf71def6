import Foundation
import Testing

/// What pmap(1) says of items, chunks and the ways they reach a command.
@Suite struct PmapChunkTests {
    @Test func eachItemIsACommandUnlessTold() throws {
        #expect(try shell("seq 3 | pmap echo x").text == "x 1\nx 2\nx 3\n")
    }

    @Test func itemsAreAppendedInChunks() throws {
        #expect(try shell("seq 5 | pmap -c2 echo").text == "1 2\n3 4\n5\n")
        #expect(try shell("seq 5 | pmap --chunk=5 echo").text == "1 2 3 4 5\n")
    }

    @Test func lastLineWithoutNewlineIsAnItem() throws {
        #expect(try shell("printf 'a\\nb' | pmap echo").text == "a\nb\n")
    }

    @Test func anEmptyLineIsAnItem() throws {
        let result = try shell(#"printf 'a\n\n\n' | pmap -c9 -s 'echo $#; printf "<%s>\n" "$@"'"#)
        #expect(result.text == "3\n<a>\n<>\n<>\n")
    }

    @Test func emptyInputRunsNothing() throws {
        let result = try shell("pmap echo ran </dev/null")
        #expect(result.output.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    @Test func nullEndsItems() throws {
        #expect(try shell("printf 'a b\\n\\0c\\0' | pmap -0 printf '<%s>'").text == "<a b\n><c>")
    }

    @Test func hostileItemsAreNeverSeenByAShell() throws {
        let items = ["; echo bad", "$(echo bad)", "`echo bad`", "a'b\"c", "-e", "--", "*", " x "]
        let input = Data(items.joined(separator: "\0").utf8) + Data([0, 0xFF, 0xC3, 0])
        #expect(try shell(#"pmap -0 -c100 -s 'printf "%s\0" "$@"'"#, input: input).output == input)
        #expect(try shell("pmap -0 -c100 printf '%s\\0'", input: input).output == input)
    }

    @Test func itemsComeFromAFile() throws {
        let folder = try TemporaryFolder()
        try folder.write("list", "a\nb\n")
        #expect(try shell("pmap -a list echo", in: folder).text == "a\nb\n")
        #expect(try shell("seq 2 | pmap -a - echo").text == "1\n2\n")
    }

    @Test func optionsEndAtTheCommand() throws {
        #expect(try shell("seq 1 | pmap echo -n -c").text == "-c 1")
        #expect(try shell("seq 1 | pmap -- echo -c").text == "-c 1\n")
    }

    @Test func bytesBoundAChunk() throws {
        // Items of 2 bytes with their newlines: two of them fit into 5.
        #expect(try shell("seq 5 | pmap -b5 echo").text == "1 2\n3 4\n5\n")
        #expect(try shell("seq 5 | pmap -b5 -c1 echo").text == "1\n2\n3\n4\n5\n")
    }

    @Test(arguments: ["400", "8192", "unlimited"])
    func chunksAreCutAtTheKernelsLimit(_ stack: String) throws {
        let script = #"seq 200000 | pmap -j2 -c200000 -s 'echo $#'"#
        let result = try shell("ulimit -s \(stack) || exit 77; \(script)")
        if result.status == 77 { try Test.cancel("the limit cannot be raised to \(stack)") }
        let sizes = result.lines.compactMap { Int($0) }
        #expect(result.status == 0 && result.errors == "")
        #expect(sizes.reduce(0, +) == 200_000)
        if stack == "400" { #expect(sizes.count > 10) }
        if stack == "unlimited" { #expect(sizes.count == 1) }
    }

    @Test func aBigEnvironmentLeavesLessRoom() throws {
        let big = String(repeating: "x", count: 120_000)
        let result = try shell(
            "seq 60000 | pmap -c60000 -s 'echo $#'",
            environment: ["BIG1": big, "BIG2": big, "BIG3": big, "BIG4": big])
        #expect(result.status == 0)
        #expect(result.lines.compactMap { Int($0) }.reduce(0, +) == 60_000)
    }

    @Test func anItemTooLongIsRefusedAndTheOthersAreDone() throws {
        let result = try shell(
            "(echo a; head -c 200000 /dev/zero | tr '\\0' x; echo; echo b) | pmap -c9 echo")
        #expect(result.text == "a\nb\n")
        #expect(
            result.errors
                == "pmap: item 2: too long for an argument (200000 bytes); -i has no such limit\n")
        #expect(result.status == 1)
    }

    @Test func anItemWithNULIsRefusedAndTheOthersAreDone() throws {
        let result = try shell(#"printf 'a\0b\nc\n' | pmap echo"#)
        #expect(result.text == "c\n")
        #expect(
            result.errors
                == "pmap: item 1: holds a NUL byte, which no argument can; see -0 and -i\n")
        #expect(result.status == 1)
    }

    @Test func aShellScriptGetsItemsAsItsArguments() throws {
        #expect(
            try shell(#"seq 3 | pmap -c2 -s 'echo $# $0 "$@" | tr a-z A-Z'"#).text
                == "2 SH 1 2\n1 SH 3\n")
        let wrong = try shell("seq 1 | pmap -s echo x")
        #expect(wrong.status == 1)
        #expect(wrong.errors == "pmap: operand 'x': -s takes the whole script as one operand\n")
    }

    @Test func workersKnowTheirChunkAndSlot() throws {
        let result = try shell(#"seq 4 | pmap -j1 -s 'echo $1 $PMAP_CHUNK $PMAP_SLOT'"#)
        #expect(result.text == "1 1 1\n2 2 1\n3 3 1\n4 4 1\n")
    }

    @Test func workersInheritNoDescriptor() throws {
        // A shell's list beside those of workers, which have what pmap was started with.
        let list = "ls /proc/self/fd | tr '\\n' ' '; echo"
        let result = try shell(
            """
            sh -c "\(list)" | cat
            seq 8 | pmap -j4 -i -c1 --log log --failed bad -s "\(list)" | cat
            """)
        #expect(result.lines.count == 9 && Set(result.lines).count == 1)
    }

    @Test func theNumberOfWorkersCanChangeWhileItRuns() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            echo 1 >jobs; seq 12 | pmap --jobs-file jobs -s '
                [ $1 = 3 ] && echo 4 >jobs; [ $1 = 8 ] && echo nonsense >jobs
                echo $PMAP_SLOT; sleep 0.1'
            """, in: folder)
        #expect(result.lines.prefix(3) == ["1", "1", "1"])
        #expect(Set(result.lines) == ["1", "2", "3", "4"])
        try folder.write("jobs", "x\n")
        #expect(try shell("seq 1 | pmap --jobs-file jobs echo", in: folder).status == 1)
        #expect(
            try shell("seq 1 | pmap --jobs-file none echo").errors
                == "pmap: none: No such file or directory\n")
    }

    @Test func inheritedChunkAndSlotAreReplaced() throws {
        let result = try shell(
            "PMAP_CHUNK=9 PMAP_SLOT=9; export PMAP_CHUNK PMAP_SLOT; "
                + "seq 1 | pmap -s 'env | grep ^PMAP_ | sort'")
        #expect(result.text == "PMAP_CHUNK=1\nPMAP_SLOT=1\n")
    }

    @Test func aScriptWithoutInterpreterLineIsRunByTheShell() throws {
        let folder = try TemporaryFolder()
        try folder.write("plain", "echo plain \"$1\"\n")
        let result = try shell(
            "chmod +x plain; seq 2 | pmap ./plain; echo 3 | PATH=.:$PATH pmap plain", in: folder)
        #expect(result.text == "plain 1\nplain 2\nplain 3\n")
    }
}

/// What pmap(1) says of -i.
@Suite struct PmapStandardInputTests {
    @Test func itemsAreFedByteForByte() throws {
        let bytes = Data((0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 3) })
        #expect(try shell("pmap -j3 -c17 -i cat", input: bytes).output == bytes)
        #expect(try shell("pmap -j3 -b 3000 -i cat", input: bytes).output == bytes)
        #expect(try shell("pmap -0 -j3 -c17 -i cat", input: bytes).output == bytes)
    }

    @Test func aChunkIsAsManyWholeLinesAsFitIntoItsSize() throws {
        // 300,000 lines of 8 bytes; 131,072 of them are 1 MiB.
        let result = try shell("seq 1000000 1299999 | pmap -b 1M -i wc -l")
        #expect(
            result.lines.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
                == [131_072, 131_072, 37_856])
    }

    @Test func aWorkerThatReadsNothingIsNoError() throws {
        let result = try shell("seq 1000000 | pmap -q -i true")
        #expect(result.status == 0 && result.errors == "")
    }

    @Test func aWorkerThatReadsAndPrintsMuchDoesNotDeadlock() throws {
        let result = try shell(
            "seq 2000000 | pmap -j2 -c2000000 -i cat | cksum; seq 2000000 | cksum")
        #expect(result.lines.count == 2 && result.lines[0] == result.lines[1])
    }

    @Test func otherwiseStandardInputIsEmpty() throws {
        #expect(try shell("seq 2 | pmap -s 'wc -c | tr -d \" \"'").text == "0\n0\n")
    }

    /// The first example of a course on Python's Pool: 1..10 beside 11..20, five pairs a chunk.
    @Test(arguments: [("+", 210), ("*", 935)])
    func pairsAreReduced(operation: String, sum: Int) throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            """
            seq 10 >a; seq 11 20 >b
            paste a b | pmap -v -j4 -c5 -i awk '{ print $1 \(operation) $2 }' |
            awk '{ s += $1 } END { print s }'
            """, in: folder)
        #expect(result.text == "\(sum)\n")
        #expect(result.errorLines.filter { $0.contains(": worker ") }.count == 2)
        #expect(result.errors.contains("$'1\\t11' $'2\\t12' $'3\\t13' $'4\\t14' $'5\\t15' | awk"))
    }
}
