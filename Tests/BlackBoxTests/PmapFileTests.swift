import Foundation
import Testing

/// What pmap(1) says of the files that the user names: `--log`, `--failed`, `--jobs-file`, `-a`.
@Suite struct PmapFileTests {
    // MARK: The log

    /// A file with a tail, one of one byte, one that is not UTF-8, and one that begins as a log.
    @Test(
        arguments: [
            #"precious\ntail"#, "x", "c", #"\377\376\n\377"#,
            #"chunk\tslot\tpid\tstart\tseconds\n1\t2\n"#,
        ], ["", "--resume"])
    func aFileThatIsNoLogIsRefusedUntouched(_ bytes: String, _ option: String) throws {
        let result = try shell(
            """
            printf '\(bytes)' >f; cp f before
            echo a | pmap --log f \(option) echo; echo $?; cmp f before
            """)
        #expect(result.text == "1\n")
        #expect(
            result.errors == "pmap: f: is no log of pmap; move it away, or name another file\n")
    }

    @Test func aLogWhoseRowsAreSomethingElseIsNotResumed() throws {
        let result = try shell(
            """
            seq 2 | pmap --log log true; echo x >>log; cp log before
            seq 2 | pmap --log log --resume echo; echo $?; cmp log before
            """)
        #expect(result.text == "1\n")
        #expect(
            result.errors == "pmap: log: is no log of pmap; move it away, or name another file\n")
    }

    @Test(arguments: ["", "head -c 20 full >log", "head -n1 full >log", "cp full log"])
    func anEarlierLogIsOverwritten(_ before: String) throws {
        let result = try shell(
            """
            seq 9 | pmap --log full true; >log; \(before)
            seq 2 | pmap --log log true; cut -f1 log
            """)
        #expect(result.text == "chunk\n1\n2\n" && result.errors.isEmpty)
    }

    /// A full disk or a crash may leave a part of the header.
    @Test func aPartOfAHeaderIsResumedAsAnEmptyLog() throws {
        let result = try shell(
            """
            seq 2 | pmap --log full true; head -c 20 full >log
            seq 2 | pmap --log log --resume echo; cut -f1 log
            """)
        #expect(result.text == "1\n2\nchunk\n1\n2\n" && result.errors.isEmpty)
    }

    @Test func aLogWithoutHashesIsNotResumed() throws {
        let result = try shell(
            """
            seq 2 | pmap --log new true; cut -f1-13 new >log; cp log before
            seq 2 | pmap --log log --resume echo; echo $?; cmp log before
            seq 2 | pmap --log log true; awk -F '\\t' '{ print NF }' log
            """)
        #expect(result.text == "1\n15\n15\n15\n")
        #expect(
            result.errors == "pmap: log: is a log of an older pmap, which cannot be resumed\n")
    }

    /// The hashes are from Python: `h = (h ^ byte) * 0x100000001b3 % 2**64`.
    @Test func theLogHasAHashOfTheItemsAndTheItems() throws {
        let result = try shell(
            #"""
            printf '1\n2\n3\n4\n5' | pmap -c2 --log log true; cut -f13-15 log
            printf 'a\0b' | pmap -0 -i -c2 --log log cat >copy; tail -n1 log | cut -f13-15
            """#)
        #expect(
            result.text == """
                items\thash\tinput
                2\t7a2385f1c75178ae\t1 2
                2\t20d8c602ad99056a\t3 4
                1\t07eb3407b4aede8e\t5
                2\tab40d7820d408076\ta b

                """)
    }

    @Test func longListsOfItemsAreShortenedInTheLog() throws {
        let result = try shell(
            #"""
            seq 1000 | pmap -c1000 --log log true; tail -n1 log | cut -f15
            printf 'it is\t\033\n' | pmap --log log true; tail -n1 log | cut -f15
            """#)
        #expect(
            result.lines == [
                "1 2 3 4 5 6 7 8 9 10 11 12 13 ... 984 more ... 998 999 1000",
                #"'it is\t\x1b'"#,
            ])
    }

    @Test func resumeRefusesOtherItemsOfTheSameNumber() throws {
        let result = try shell(
            """
            seq 4 | pmap -c2 --log log -s '[ $1 = 1 ]'
            printf '1\\n2\\n3\\n9' | pmap -c2 --log log --resume echo; echo $?
            printf '1\\nx\\n3\\n4' | pmap -c2 --log log --resume echo; echo $?
            """)
        #expect(result.text == "3 9\n0\n1\n")
        #expect(
            result.errorLines.last
                == "pmap: log: chunk 1 has other items there than here; "
                + "resume with the same input and chunk size")
    }

    /// The output of the second cannot get lost, because there is none.
    @Test func aChunkThatPrintsNothingIsLoggedBehindASlowOne() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            "seq 2 >in; exec pmap -a in -j2 --log log -s '[ $1 = 2 ] || exec sleep 600'",
            in: folder)
        try shell("until [ $(wc -l <log) = 2 ]; do sleep 0.02; done 2>no", in: folder)
        running.send(.kill)
        _ = try running.finish()
        #expect(try shell("pmap -a in --log log --resume echo", in: folder).text == "1\n")
    }
}
