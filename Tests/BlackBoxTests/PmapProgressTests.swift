import Foundation
import Testing

/// What pmap(1) says of progress where it is no bar, and of what else is shown.
@Suite struct PmapProgressTests {
    @Test func aShortRunIsSilent() throws {
        #expect(try shell("seq 3 | pmap true").errors == "")
    }

    @Test func aPlainStatusLineComesEveryInterval() throws {
        let slow = try shell("seq 2 | pmap -j1 --progress-interval 0.1 -s 'sleep 0.35'")
        #expect(slow.errorLines.count >= 2)
        #expect(
            slow.errorLines.dropLast().allSatisfy {
                $0.hasPrefix("pmap: ") && $0.contains("/2 items, ")
            })
        let sums = /pmap: 2 items in [0-9.]+ s, [0-9.]+ items\/s/
        #expect(slow.errorLines.last?.wholeMatch(of: sums) != nil)
        #expect(
            try shell("seq 2 | pmap -q -j1 --progress-interval 0.1 -s 'sleep 0.3'").errors == "")
    }

    /// The keys that the manual page lists, in lines that another program's parser reads.
    @Test func jsonIsAnObjectALineAndALastOneAtTheEnd() throws {
        let result = try shell(
            """
            seq 4 >in
            pmap -a in --progress json --progress-interval 0.1 -j1 -c2 -s 'sleep 0.25; exit 3'
            """)
        #expect(
            result.errorLines.last == "pmap: 2 of 2 chunks failed: the first, chunk 1, "
                + "exited with status 3; items: 1 2; see --failed, --log or -vv")
        let objects = try result.errorLines.dropLast().map {
            try #require(
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        let manual = try #require(Program.pmap.manual)
        let keys = manual.matches(of: /\n\.It Ql ([a-z_]+)\n/).map { String($0.1) }
        #expect(objects.count >= 3 && objects.allSatisfy { Set($0.keys) == Set(keys) })
        let numbers = { (key: String) in objects.map { $0[key] as? Int } }
        #expect(numbers("items_total").allSatisfy { $0 == 4 })
        #expect(numbers("chunks_total").allSatisfy { $0 == 2 })
        #expect(numbers("items_done").last == 4 && numbers("failed").last == 2)
        #expect(numbers("running").last == 0 && objects.last?["seconds_left"] is NSNull)
        #expect(
            objects.map { $0["finished"] as? Bool == true }.firstIndex(of: true)
                == objects.count - 1)
        let elapsed = objects.map { $0["elapsed"] as? Double ?? -1 }
        #expect(elapsed == elapsed.sorted() && elapsed[0] >= 0.1 && elapsed.last! >= 0.5)
    }

    /// Chunks that were not run, and items that were refused, are done with.
    @Test func jsonCountsWhatFailedForGoodAsDone() throws {
        func last(_ command: String) throws -> [String: Any] {
            let line = try #require(try shell(command).errorLines.last { $0.hasPrefix("{") })
            return try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
        let notFound = try last("seq 5 | pmap --progress=json nosuchcommand")
        #expect(notFound["chunks_done"] as? Int == 1 && notFound["failed"] as? Int == 1)
        #expect(notFound["seconds_left"] is NSNull)
        let refused = try last(
            "{ seq 2; head -c 200000 /dev/zero | tr '\\0' x; echo; echo 4; } | "
                + "pmap --progress=json true")
        #expect(refused["items_done"] as? Int == 4 && refused["items_total"] as? Int == 4)
    }

    @Test func aFileThatCannotBeReadIsNamed() throws {
        for command in ["pmap -n echo </", "pmap echo </"] {
            let result = try shell(command)
            #expect(result.errors == "pmap: standard input: Is a directory\n" && result.status == 1)
        }
    }

    @Test func anUnknownTotalIsNullInJSON() throws {
        let result = try shell(
            "{ echo 1; sleep 0.3; } | pmap --progress json --progress-interval 0.1 true")
        #expect(result.errorLines.first?.contains("\"items_total\": null") == true)
        #expect(result.errorLines.last?.contains("\"items_total\": 1") == true)
    }

    @Test(arguments: ["none", "bar"])
    func noEscapeSequenceReachesAFile(style: String) throws {
        let result = try shell(
            "seq 2 | pmap --progress \(style) --progress-interval 0.1 -j1 sleep 0.15",
            environment: ["TERM": "xterm"])
        #expect(!result.errors.contains("\u{1B}") && result.errors.isEmpty == (style == "none"))
    }

    @Test func verboseSaysWhichWorkerProcessesWhichItems() throws {
        let result = try shell("seq 3 | pmap -v -j1 -c2 -s 'echo $$'")
        let pids = result.lines
        #expect(
            Array(result.errorLines.prefix(2)) == [
                "pmap: worker \(pids[0]): /bin/sh -c 'echo $$' sh 1 2",
                "pmap: worker \(pids[1]): /bin/sh -c 'echo $$' sh 3",
            ])
        #expect(result.errorLines.last?.hasPrefix("pmap: 3 items (2 chunks) in ") == true)
    }

    @Test func verboseTwiceSaysHowAWorkerEndedAndAfterWhatTime() throws {
        let result = try shell(
            "seq 3 | pmap -vv -j1 -s 'echo $$; sleep 0.5; [ $1 = 2 ] && kill -9 $$; exit $1'")
        let pids = result.lines
        let ends = ["exited with status 1", "killed by signal 9 (Killed)", "exited with status 3"]
        for (pid, end) in zip(pids, ends) {
            let form = try Regex(
                "pmap: worker \(pid): "
                    + end.replacing("(", with: "\\(").replacing(")", with: "\\)")
                    + " after (0\\.[1-9]|[1-9][0-9]*\\.)[0-9]* s")
            #expect(try result.errorLines.filter { try form.wholeMatch(in: $0) != nil }.count == 1)
        }
    }

    @Test func verboseShortensALongListInTheMiddle() throws {
        let result = try shell("seq 100000 | pmap -v -c10000 true")
        let starts = result.errorLines.filter { $0.contains(": worker ") }
        #expect(starts.count == 10 && starts.allSatisfy { $0.count < 300 })
        // 'true', 10,000 items; what is left out and what is shown add up.
        let words = starts[1].split(separator: ": ")[2].split(separator: " ")
        let more = try #require(words.firstIndex(of: "more"))
        #expect(Int(words[more - 1]).map { $0 + words.count - 4 } == 10_001)
        #expect(words[1] == "10001" && words.last == "20000")
    }

    @Test func namesCannotPaintTheTerminal() throws {
        let result = try shell(
            #"printf 'a\033[31m\0b\nc\0\342\200\256d\0\377\0' | pmap -0 -v -c4 true"#)
        let line = try #require(result.errorLines.first)
        #expect(
            line.hasSuffix(#" true $'a\033[31m' $'b\nc' $'\342\200\256d' $'\377'"#), "\(line)")
    }

    @Test func aDryRunPrintsWhatAShellWouldRun() throws {
        let items = #"printf 'a b\nit'"'"'s\n$x\n\n*\n'"#
        let printed = try shell("\(items) | pmap -n -c2 printf '<%s>\\n' 'q r'")
        #expect(printed.lines.count == 3)
        let folder = try TemporaryFolder()
        try folder.write("script", printed.text)
        #expect(
            try shell("sh script", in: folder).output
                == shell("\(items) | pmap -c2 printf '<%s>\\n' 'q r'").output)
        let fed = try shell("\(items) | pmap -n -i -c2 cat -n")
        try folder.write("script", fed.text)
        #expect(
            try shell("sh script", in: folder).output
                == shell("\(items) | pmap -i -c2 cat -n").output)
        #expect(try shell("seq 3 | pmap -n echo >/dev/full").status == 1)
    }

    /// What a run would refuse, the dry run refuses in the same words.
    @Test func aDryRunRefusesWhatARunRefuses() throws {
        let items = "{ seq 2; head -c 200000 /dev/zero | tr '\\0' x; echo; echo 4; }"
        let printed = try shell("\(items) | pmap -n -c2 echo")
        let run = try shell("\(items) | pmap -c2 echo")
        #expect(printed.status == 1 && printed.errorLines.count == 1)
        #expect(printed.errors == run.errors && printed.errors.contains("item 3"))
        let folder = try TemporaryFolder()
        try folder.write("script", printed.text)
        #expect(try shell("sh script", in: folder).output == run.output)
    }
}
