import Foundation
import Testing

/// What must hold whatever the input, the chunk size, the number of workers and the mode.
@Suite struct PmapPropertyTests {
    /// A random run: its items, and the options to run it with.
    private struct Run {
        let items: [[UInt8]]
        let delimiter: UInt8
        let input: Data
        let options: String
        let mode: String

        init(_ random: inout SeededGenerator) {
            delimiter = Bool.random(using: &random) ? 0x0A : 0
            let forbidden: Set<UInt8> = [0, delimiter]
            items = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                (0..<Int.random(in: 0...12, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }.filter { !forbidden.contains($0) }
            }
            var bytes = Data(items.joined(separator: [delimiter]))
            if items.isEmpty || items.last == [] || Bool.random(using: &random) {
                if !items.isEmpty { bytes.append(delimiter) }
            }
            input = bytes
            mode = ["", "-u", "--retry 0", "-u --retry 1"].randomElement(using: &random)!
            let chunk = [
                "-c \(Int.random(in: 1...40, using: &random))",
                "-b \(Int.random(in: 1...200, using: &random))",
            ].randomElement(using: &random)!
            let workers = Int.random(in: 1...6, using: &random)
            let buffer = ["1", "100", "64M"].randomElement(using: &random)!
            options =
                "\(mode) \(chunk) -j\(workers) --buffer \(buffer)\(delimiter == 0 ? " -0" : "")"
        }

        /// The items as a worker prints them, each with the delimiter behind it.
        var printed: [[UInt8]] { items.map { $0 + [delimiter] } }

        var format: String { delimiter == 0 ? #"%s\0"# : #"%s\n"# }

        /// Cuts what was printed or kept into items again.
        func records(_ bytes: Data) -> [[UInt8]] {
            var parts = bytes.split(separator: delimiter, omittingEmptySubsequences: false)
            if parts.last?.isEmpty == true { parts.removeLast() }
            return parts.map { Array($0) + [delimiter] }
        }
    }

    private func sorted(_ records: [[UInt8]]) -> [[UInt8]] {
        records.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// Each item is processed exactly once, and in order the output is that of one worker
    /// after the other.
    @Test(arguments: ["-s", "-i"])
    func everyItemIsProcessedOnce(delivery: String) throws {
        var random = SeededGenerator()
        for _ in 0..<12 {
            let run = Run(&random)
            let delay = "sleep 0.0$(($PMAP_CHUNK * 7 % 3)); "
            let script =
                delivery == "-i"
                ? "-i -s '\(delay)cat'" : "-s '\(delay)printf \"\(run.format)\" \"$@\"'"
            // In no order, an item that is fed without its delimiter is glued to the next
            // chunk's, as the bytes of cat(1) are those that it was fed.
            let isGlued = delivery == "-i" && run.mode.contains("-u")
            let input = isGlued ? Data(run.printed.joined()) : run.input
            let result = try shell("pmap \(run.options) \(script)", input: input)
            #expect(result.status == 0 && result.errors == "", "\(random) \(run.options)")
            let output = run.records(result.output)
            if run.mode.contains("-u") {
                #expect(sorted(output) == sorted(run.printed), "\(random) \(run.options)")
            } else {
                #expect(output == run.printed, "\(random) \(run.options)")
            }
        }
    }

    /// With workers that fail half-way, what is printed and what is in the file of failed
    /// items are all the items, none twice.
    @Test func whatIsPrintedAndWhatFailedAreAllTheItems() throws {
        var random = SeededGenerator()
        for _ in 0..<12 {
            let run = Run(&random)
            let options = run.mode.contains("--retry") ? run.options : run.options + " --retry 0"
            let script = """
                printf "\(run.format)" "$@"
                case $PMAP_CHUNK in *3|*7) exit 9;; *5) kill -9 $$;; esac
                """
            let folder = try TemporaryFolder()
            let result = try shell(
                "pmap \(options) --failed bad -s '\(script)'", in: folder, input: run.input)
            let failed = try Data(contentsOf: URL(fileURLWithPath: folder.path(of: "bad")))
            let output = run.records(result.output)
            let everything = output + run.records(failed)
            #expect(sorted(everything) == sorted(run.printed), "\(random) \(options)")
            #expect((result.status == 0) == failed.isEmpty, "\(random) \(options)")
        }
    }

    /// Interrupted anywhere and resumed, as often as it takes, nothing is done twice.
    @Test func aLogLosesNothingWhereverItIsCut() throws {
        var random = SeededGenerator()
        for _ in 0..<4 {
            let folder = try TemporaryFolder()
            let size = Int.random(in: 1...5, using: &random)
            try shell("seq 60 >items; pmap -a items -c\(size) --log log echo >first", in: folder)
            let whole = try Data(contentsOf: URL(fileURLWithPath: folder.path(of: "log")))
            let cut = Int.random(in: 0...whole.count, using: &random)
            try folder.write("log", whole.prefix(cut))
            // Whole rows are what is done.
            let rows = whole.prefix(cut).split(separator: 0x0A, omittingEmptySubsequences: false)
            let done = max(0, rows.count - 2)
            let result = try shell(
                "pmap -a items -c\(size) --log log --resume echo; wc -l <log", in: folder)
            let items = result.lines.dropLast().joined(separator: " ").split(separator: " ")
            #expect(
                items.compactMap { Int($0) } == Array(min(done * size, 60)..<60).map { $0 + 1 },
                "\(random)")
            #expect(Int(result.lines.last ?? "") == (60 + size - 1) / size + 1, "\(random)")
        }
    }

    /// An input without end: each item is started when it comes.
    @Test func anInputWithoutEndIsServedAsItComes() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            "mkfifo in; exec 3<>in; exec pmap -j2 -s 'echo got $1' <&3",
            in: folder)
        for item in ["one", "two", "three"] {
            try shell("until [ -p in ]; do :; done; echo \(item) >in", in: folder)
            try running.wait(untilOutputContains: "got \(item)\n")
        }
        running.send(.terminate)
        #expect(try running.finish().status == Signal.terminate.status)
    }

    /// 50 MB pass through less than 16.
    @Test(.measuresMemory) func memoryDoesNotGrowWithTheInput() throws {
        let result = try shell(
            """
            { yes $(printf %0999d 7) | head -n 50000; echo last; } | pmap -j2 -c1000 -s '
                if [ $1 = last ]; then grep VmHWM /proc/$PPID/status; else echo $#; fi'
            """)
        #expect(result.lines.dropLast() == Array(repeating: "1000", count: 50)[...])
        let peak = result.lines.last?.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        #expect((peak?.first ?? .max) < (16 << 10) + memoryOfLibraries)
    }
}
