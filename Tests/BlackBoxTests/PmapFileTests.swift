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
            seq 2 | pmap --log log true; cut -f1 log | sort -n
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
            printf '1\n2\n3\n4\n5' | pmap -j1 -c2 --log log true; cut -f13-15 log
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
                #"$'it is\t\033'"#,
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

    // MARK: Files with two parts

    /// Links are the same file under other names.
    @Test(arguments: [
        ("--log empty --failed empty", "<in", "--failed 'empty': is also --log 'empty'"),
        ("--log empty --failed link", "<in", "--failed 'link': is also --log 'empty'"),
        ("--failed empty", "<in >>empty", "--failed 'empty': is also standard output"),
        ("--log name", "<in >>empty", "--log 'name': is also standard output"),
        ("-a empty --log empty", "", "--log 'empty': is also the input"),
        ("--jobs-file in --failed in", "<list", "--failed 'in': is also --jobs-file 'in'"),
        ("-a in --jobs-file in", "", "--jobs-file 'in': is also the input"),
        ("-a in", ">>in", "standard output: is also the input"),
        ("--log fifo --failed fifo", "<in", "--failed 'fifo': is also --log 'fifo'"),
    ])
    func aFileWithTwoPartsIsRefusedUntouched(
        _ options: String, _ streams: String, _ message: String
    ) throws {
        let result = try shell(
            """
            echo 1 >in; cp in before; echo a >list; >empty; ln -s empty link; ln empty name
            mkfifo fifo; exec 3<>fifo
            pmap \(options) echo \(streams); echo $?; cmp in before; wc -c <empty
            """)
        #expect(result.text == "1\n0\n" && result.errors == "pmap: \(message)\n")
    }

    @Test func messagesAndRecordsDoNotShareAFile() throws {
        let result = try shell(
            "echo 1 | pmap --failed f echo 2>>f; echo $?; cat f; echo 1 | pmap --log l true 2>>l")
        #expect(result.text == "1\npmap: --failed 'f': is also standard error\n")
        #expect(result.status == 1)
    }

    @Test func devicesMayBeNamedTwice() throws {
        let result = try shell("seq 2 | pmap --log /dev/null --failed /dev/null echo >/dev/null")
        #expect(result.status == 0 && result.errors.isEmpty)
    }

    /// Item 3 is done by the third attempt.
    @Test(arguments: ["-a list", "<list"])
    func whatFailedIsRepeatedUntilNothingFails(_ input: String) throws {
        let result = try shell(
            """
            seq 4 >list; chmod 640 list; ln list first; ln -s list link
            while [ -s list ]; do
                echo $(cat list)
                pmap -q --failed link -j2 \(input) -s 'echo >>$1; [ $(wc -l <$1) -ge $1 ]' 2>no
            done
            ls -l list link | cut -c1-10; echo $(cat first)
            ls | wc -l
            """)
        #expect(
            result.text == """
                1 2 3 4
                2 3 4
                3 4
                4
                lrwxrwxrwx
                -rw-r-----
                1 2 3 4
                8

                """)
    }

    @Test func aListThatIsTheInputIsWholeAfterACrash() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            "seq 9 >list; exec pmap -a list --failed list -s '[ $1 = 1 ] || exec sleep 600'",
            in: folder)
        try shell("until pgrep -s \(running.processID) sleep; do sleep 0.02; done", in: folder)
        running.send(.kill)
        _ = try running.finish()
        #expect(try folder.text(of: "list") == (1...9).map { "\($0)\n" }.joined())
    }

    /// Items that nobody could read are in no other list.
    @Test(.enabled(if: isInstalled("strace")))
    func aListThatIsTheInputStaysIfItCannotBeRead() throws {
        let result = try shell(
            """
            seq 99999 >list; cp list before
            \(strace) -o trace -P "$PWD/list" -e trace=read -e inject=read:error=EIO:when=3 \
                "$(which pmap)" -a list --failed list -c9999 true
            echo $?; cmp list before
            """)
        #expect(result.text == "1\n" && result.errors == "pmap: list: Input/output error\n")
    }

    /// Much more than pmap reads ahead.
    @Test func aListThatIsTheInputKeepsWhatNobodyHasRead() throws {
        let result = try shell(
            """
            seq 2000000 >list; printf end >>list; (cat list; echo) >expected
            pmap -a list --failed list -j1 -s 'exit 255' 2>no; echo $?; cmp list expected
            """)
        #expect(result.text == "124\n" && result.errors.isEmpty)
    }

    @Test(.hasPlainUser) func aListThatCannotBeReplacedIsNotBegun() throws {
        let result = try shellWithPlainUser(
            """
            mkdir d; seq 3 >d/list; chmod 666 d/list; chmod 555 d
            $plain pmap -a d/list --failed d/list echo; echo $?; cat d/list; chmod 755 d
            """)
        #expect(result.text == "1\n1\n2\n3\n")
        #expect(result.errors == "pmap: cannot replace d/list: Permission denied\n")
    }

    // MARK: The list of failed items

    /// The first fails when the others are in the list. The third is refused.
    @Test func failedItemsAreListedAsTheyFailAndSortedAtTheEnd() throws {
        let result = try shell(
            #"""
            printf '1\n2\n\0\n4\n5\n6\n' | pmap -c2 -j4 --failed bad -s '
                [ $1 != 1 ] || until [ "$(wc -l <bad)" = 4 ]; do sleep 0.01; done; exit 1' 2>no
            tr '\0' 3 <bad
            """#)
        #expect(result.text == "1\n2\n3\n4\n5\n6\n")
    }

    @Test(arguments: ["true", "false"]) func anOldListIsEmptied(command: String) throws {
        let result = try shell(
            """
            printf 'some old\nlist\n' >bad
            echo 1 | pmap --failed bad -s 'wc -c <bad; \(command)' 2>no; cat bad
            """)
        #expect(result.text == (command == "true" ? "0\n" : "0\n1\n"))
    }

    @Test func aListThatIsNoRegularFileStaysInTheOrderOfFailure() throws {
        let result = try shell(
            """
            mkfifo f; exec 3<>f
            seq 2 | pmap -q -j2 --failed f -s '
                if [ $1 = 1 ]; then until [ -e two ]; do sleep 0.01; done; sleep 0.5
                else >two; fi; exit 1' 3>&- 2>no
            head -n2 <&3
            """)
        #expect(result.text.split(separator: "\n").sorted() == ["1", "2"])
    }

    /// Each item is printed or listed, whatever ends the run early.
    @Test(
        arguments: [
            ("-s '[ $1 != 7 ] || exit 255; echo $1'", 124),
            ("--halt soon -s '[ $1 != 7 ] || exit 3; echo $1'", 123),
            ("--halt now -s '[ $1 != 7 ] || exit 3; echo $1; sleep 0.1'", 123),
            ("-s '[ $1 != 7 ] || kill -TERM $PPID; [ $1 -lt 7 ] || sleep 600; echo $1'", 143),
            ("nosuchcommand", 127), ("./notexecutable", 126),
        ], ["-a in", "<in", ""])
    func afterAnEarlyEndAllOtherItemsAreListed(
        _ work: (command: String, status: Int32), _ input: String
    ) throws {
        let result = try shell(
            """
            exec 2>no; seq 300 >in; >notexecutable
            cat in | pmap -j3 --retry 0 --failed bad \(input) \(work.command) >out; echo $?
            sort -n out bad | cmp - in 2>&1; sort -nc bad 2>&1
            """)
        #expect(result.text == "\(work.status)\n")
    }

    @Test func aReaderThatIsGoneLeavesAListOfWhatWasNotDone() throws {
        let result = try shell(
            """
            seq 9 >in; pmap -a in -j2 --failed bad -s '
                case $1 in 1) yes;; 2) exec sleep 600;; esac' | head -n1
            until tail -n1 bad | grep -q 9; do sleep 0.02; done 2>no; cat bad
            """)
        #expect(result.text == "y\n1\n2\n3\n4\n5\n6\n7\n8\n9\n" && result.errors.isEmpty)
    }

    @Test func aListThatCannotBeWrittenGivesStatus1WhateverFailed() throws {
        for command in ["false", "-s 'exit 255'", "-s 'kill -9 $$'", "nosuchcommand"] {
            let result = try shell("seq 2 | pmap --failed /dev/full \(command)")
            #expect(result.status == 1)
            #expect(result.errors.contains("pmap: /dev/full: No space left on device\n"))
        }
    }

    // MARK: Files that wait

    @Test(arguments: ["--failed", "--log"])
    func aNamedPipeThatNobodyReadsIsRefused(_ option: String) throws {
        let result = try shell("mkfifo f; seq 3 | pmap \(option) f echo")
        #expect(result.status == 1 && result.output.isEmpty)
        #expect(result.errors == "pmap: f: is a named pipe that nobody reads\n")
    }

    @Test func aNamedPipeThatIsReadGetsTheLog() throws {
        let result = try shell(
            "mkfifo f; exec 3<>f; seq 2 | pmap -j1 --log f true 3>&-; head -n3 <&3 | cut -f1")
        #expect(result.text == "chunk\n1\n2\n")
    }

    /// The pipe holds 64 KiB.
    @Test func aSlowReaderOfTheListDoesNotMakePmapDeaf() throws {
        let running = try RunningShell(
            """
            mkfifo f; exec 3<>f; head -c 100000 /dev/zero | tr '\\0' x >in
            exec pmap -a in --failed f -s 'echo over >&2; exit 1'
            """)
        try running.wait(untilErrorsContain: "over")
        usleep(300_000)
        running.send(.terminate)
        let result = try running.finish()
        // The signal interrupts the write of the list, or comes before it.
        let isInterrupted = result.errors.contains("pmap: f: Interrupted system call\n")
        #expect(result.status == (isInterrupted ? 1 : Signal.terminate.status))
    }

    @Test func aJobsFileIsARegularFile() throws {
        let fifo = try shell("mkfifo f; seq 3 | pmap --jobs-file f echo")
        #expect(fifo.errors == "pmap: f: a jobs file is a regular file\n" && fifo.status == 1)
        let folder = try shell("mkdir d; seq 3 | pmap --jobs-file d echo")
        #expect(folder.errors == "pmap: d: Is a directory\n" && folder.status == 1)
    }

    @Test func aJobsFileThatBecomesANamedPipeChangesNothing() throws {
        let result = try shell(
            """
            echo 1 >jobs; seq 4 | pmap --jobs-file jobs -s 'rm -f jobs; mkfifo jobs; echo $1'
            """)
        #expect(result.text == "1\n2\n3\n4\n" && result.status == 0)
    }
}
