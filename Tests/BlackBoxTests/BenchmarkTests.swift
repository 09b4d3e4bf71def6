import Foundation
import Testing

/// `make bench` on a tiny corpus: not how fast anything is, but that its figures can be trusted.
@Suite(.enabled("Python 3.9 or later runs the benchmark", { isPythonNewEnough }))
struct BenchmarkTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Runs one race once, with these programs in front of those of the machine.
    private func bench(
        _ only: String, programs: [String: String] = [:], path: String = "$PWD:$PATH",
        environment: [String: String] = [:]
    ) throws -> ShellResult {
        for (name, script) in programs {
            try folder.write(name, "#!/bin/sh\n\(script)\n")
            try shell("chmod +x \(name)", in: folder)
        }
        let settings = ["MEGABYTES": "1", "ROUNDS": "1", "JOBS": "2", "ONLY": only]
        return try shell(
            """
            python=$(python3 -c 'import sys; print(sys.executable)')
            PATH="\(path)" "$python" '\(projectFile("Benchmarks/bench"))'
            """, in: folder, environment: settings.merging(environment) { $1 })
    }

    /// The line about a contestant.
    private func row(_ name: String, _ result: ShellResult) -> String {
        result.lines.first { $0.hasPrefix("  \(name)  ") } ?? "no line about \(name)"
    }

    @Test func eachContestantHasItsFigures() throws {
        let result = try bench("count the words")
        #expect(result.status == 0, "\(result.errors)")
        let ours = row("pmap, wordsplit -a, wcreduce", result)
        #expect(ours.contains(#/ \d+\.\d{3} +1\.00 +\d+\.\d\d +\d+\.\d$/#), "\(ours)")
        let other = row("tr, sort, uniq -c, sort", result)
        #expect(other.contains(#/ \d+\.\d{3} +\d+\.\d\d +\d+\.\d\d +\d+\.\d$/#), "\(other)")
    }

    @Test func wrongCountsAreAFailureThatNamesWhoCounts() throws {
        let result = try bench(
            "count equal lines", programs: ["mawk": #"printf '1\tthe\n2\tunheard\n'"#])
        #expect(result.status == 1)
        #expect(row("mawk", result).contains("wrong: counts"))
        #expect(!row("sort, uniq -c", result).contains("wrong"))
        #expect(result.errors.contains("some did not do the work"))
    }

    @Test func wrongLinesAreAFailureThatNamesWhoPrints() throws {
        let result = try bench("split a text", programs: ["mawk": "echo the"])
        #expect(result.status == 1)
        #expect(row("mawk", result).contains("wrong: prints other lines"))
        #expect(!row("tr, tr", result).contains("wrong"))
    }

    @Test func aContestantThatFailsIsAFailureThatSaysWhy() throws {
        let result = try bench("count equal", programs: ["mawk": "echo no memory >&2; exit 3"])
        #expect(result.status == 1)
        #expect(row("mawk", result).contains("failed: exit status 3: no memory"))
    }

    @Test func whatIsMissingIsNamedAndTheOthersRace() throws {
        let tools = "bash sh cat tr sort uniq grep sha256sum pmap wordsplit wcreduce"
        try shell("for tool in \(tools); do ln -s \"$(command -v $tool)\" .; done", in: folder)
        let result = try bench("split a text", path: "$PWD")
        #expect(result.status == 0, "\(result.errors)")
        #expect(row("mawk", result).contains("skipped: mawk is missing"))
        #expect(row("ripgrep -o, tr", result).contains("skipped: rg is missing"))
        #expect(!row("tr, tr", result).contains("skipped"))
    }

    @Test func anotherPmapOnPathIsNotRaced() throws {
        let result = try bench("split a text", programs: ["pmap": "echo pmap from procps-ng"])
        #expect(result.status == 1)
        #expect(result.errors == "bench: the pmap of pmaputils is not on PATH: use make\n")
    }

    @Test(arguments: [("1000000", true), ("0.000001", false)])
    func aRatioWorseThanTheKeptOneStandsOut(_ ratio: String, isWorse: Bool) throws {
        try folder.write(
            "kept",
            """
            # corpus: 1.0 MB in 8 files
            # jobs: 2
            # machine: another
            # load: 0.0
            # date: 1970-01-01
            work\tcontestant\tseconds\tratio\tcpu_seconds\tlargest_mb
            split a text into words\ttr, tr\t1\t\(ratio)\t1\t1

            """)
        let result = try bench("split a text", environment: ["KEPT": folder.path(of: "kept")])
        #expect(row("tr, tr", result).hasSuffix("WORSE") == isWorse)
        #expect(result.text.contains("1 ratios are worse") == isWorse)
        #expect(result.text.contains("No ratios are worse") == !isWorse)
    }

    /// `make bench-hostile` on two texts.
    private func hostile(
        _ program: String, limit: Int, modes: String = ";-a;-g 2"
    ) throws -> ShellResult {
        try shell(
            "PROGRAM='\(program)' '\(projectFile("Benchmarks/hostile"))' 'NULs' 'zalgo'",
            in: folder,
            environment: [
                "MEGABYTES": "1", "ROUNDS": "1", "LIMIT": "\(limit)", "MODES": modes,
            ])
    }

    @Test func aTextThatTakesTooLongIsAFailure() throws {
        let ours = try hostile("wordsplit", limit: 1_000_000)
        #expect(ours.status == 0 && ours.lines.count == 3, "\(ours.errors)")
        #expect(ours.lines[1].contains(#/^zalgo +\d+\.\d +\d+\.\d  (no option|-g 2)$/#))
        try folder.write("slow", "#!/bin/sh\n[ ! -s text ] || while :; do :; done\n")
        try folder.write("broken", "#!/bin/sh\nkill -SEGV $$\n")
        try shell("chmod +x slow broken", in: folder)
        let slow = try hostile(folder.path(of: "slow"), limit: 30, modes: "-a")
        #expect(slow.status == 1 && slow.lines[1].contains("+"))
        #expect(slow.errors == "hostile: 2 of 2 texts take more than 30 ns a byte\n")
        let broken = try hostile(folder.path(of: "broken"), limit: 30)
        #expect(broken.status == 1 && broken.errors.contains("killed by signal 11"))
    }

    /// The rows of a curve that is measured with another xargs.
    private func measuredCurve(xargs: String) throws -> [String] {
        try folder.write("xargs", "#!/bin/sh\n\(xargs)\n")
        let result = try shell(
            """
            chmod +x xargs; mkdir tables
            PATH="$PWD:$PATH" python3 '\(projectFile("Benchmarks/curves"))' tables
            """, in: folder,
            environment: [
                "ONLY": "chunks", "LARGEST_CHUNKS": "100", "ROUNDS": "1", "JOBS": "2",
            ])
        #expect(result.status == 0, "\(result.errors)")
        return try folder.text(of: "tables/chunks.tsv").split(separator: "\n").map {
            $0.split(separator: "\t").prefix(2).joined(separator: ",")
        }
    }

    @Test func aCurveHasEachContestantAtEachSize() throws {
        let rows = try measuredCurve(xargs: "exec cat >/dev/null")
        for row in ["pmap,10", "pmap,100", "xargs -P -n1,10", "xargs -P -n1,100"] {
            #expect(rows.contains(row))
        }
    }

    @Test func aCurveGoesOnWithoutAContestantThatFails() throws {
        let rows = try measuredCurve(
            xargs: "[ $(wc -l) -eq 10 ] || { echo no memory >&2; exit 3; }")
        #expect(rows.contains("xargs -P -n1,10"))
        #expect(!rows.contains("xargs -P -n1,100"))
        #expect(rows.contains("pmap,100"))
    }

    /// The loops end the test by its timeout where the condition never comes.
    @Test func nothingIsLeftWhenItIsTerminated() throws {
        try folder.write("xargs", "#!/bin/sh\necho $$ >\"$STARTED\"\nexec sleep 300\n")
        let result = try shell(
            """
            chmod +x xargs; mkdir tables temporary
            PATH="$PWD:$PATH" STARTED=$PWD/started TMPDIR=$PWD/temporary ONLY=chunks ROUNDS=1 \\
                python3 '\(projectFile("Benchmarks/curves"))' tables >/dev/null &
            until [ -s started ]; do sleep 0.05; done
            kill $!; wait $!; echo $?
            while kill -0 "$(cat started)"; do sleep 0.05; done 2>/dev/null
            ls temporary tables
            """, in: folder)
        #expect(result.lines == ["143", "tables:", "", "temporary:"])
    }

    @Test func thePlotsAreOfTheFiguresThatAreKept() throws {
        let plot = projectFile("Benchmarks/plot")
        let result = try shell(
            """
            mkdir drawn && python3 '\(plot)' drawn && cd drawn && ls &&
            for plot in *; do cmp "$plot" '\(projectFile("docs"))'/"$plot" || exit; done
            """, in: folder)
        #expect(result.status == 0, "make bench-curves: \(result.errors)")
        let tables = try FileManager.default.contentsOfDirectory(
            atPath: projectFile("Benchmarks/results"))
        let curves = tables.filter { $0 != "latest.tsv" }.map {
            $0.replacing(".tsv", with: ".svg")
        }
        #expect(!curves.isEmpty)
        #expect(result.lines == curves.sorted())
    }

    /// Slower is higher: the names beside a plot stand in the order of the last figures.
    @Test func theNamesOfAPlotStandInTheOrderOfTheirTimes() throws {
        let plots = try FileManager.default.contentsOfDirectory(atPath: projectFile("docs"))
        // The picture of the progress bar is no plot.
        for curve in plots.filter({ $0.hasSuffix(".svg") && $0 != "bar.svg" }).map({
            $0.dropLast(4)
        }) {
            let table = try String(
                contentsOfFile: projectFile("Benchmarks/results/\(curve).tsv"), encoding: .utf8)
            var last: [String: Double] = [:]
            for line in table.split(separator: "\n") where !line.hasPrefix("#") {
                let columns = line.split(separator: "\t")
                if let seconds = Double(columns[2]) { last[String(columns[0])] = seconds }
            }
            let plot = try String(
                contentsOfFile: projectFile("docs/\(curve).svg"), encoding: .utf8)
            let names = plot.matches(of: #/<text x="554.0" [^>]*>([^<]*)</#).map { String($0.1) }
            #expect(names.count == last.count)
            #expect(names.map { last[$0] ?? 0 } == last.values.sorted(by: >))
        }
    }

    /// Bounds from below, and one from above that Python's own memory would break.
    @Test func timeAndMemoryAreThoseOfAllProcesses() throws {
        try folder.write(
            "figures.py",
            """
            import sys
            sys.dont_write_bytecode = True
            sys.path.insert(0, sys.argv[1])
            import measure
            variables = measure.environment()
            busy = '''import time
            while time.process_time() < 0.3: pass
            held = b"x" * 50_000_000'''
            variables["BUSY"] = busy
            small = measure.measure("sleep 0.2 | cat", ".", variables)
            large = measure.measure('"$PYTHON" -c "$BUSY" | cat | sleep 0.1', ".", variables)
            print(small.seconds >= 0.2, small.megabytes < 6)
            print(large.cpu >= 0.3, large.seconds >= 0.3, 50 < large.megabytes < 90)
            """)
        let script = "python3 figures.py '\(projectFile("Benchmarks"))'"
        #expect(try shell(script, in: folder).lines == ["True True", "True True True"])
    }
}

private let isPythonNewEnough =
    (try? shell("python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'").status) == 0
