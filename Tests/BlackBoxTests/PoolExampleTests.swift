import Foundation
import Testing

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL.path

/// The examples of `.Bd -literal` in a manual page that hold a text, as they are typed: without
/// prompts. A makefile has none.
private func examples(in page: String, with text: String) throws -> [String] {
    let manual = try String(contentsOfFile: "\(root)/man/\(page)", encoding: .utf8)
    let blocks = manual.components(separatedBy: "\n.Bd -literal").dropFirst()
        .compactMap { $0.components(separatedBy: "\n.Ed\n").first }
    return blocks.filter { $0.contains(text) }.map { block in
        block.split(separator: "\n").dropFirst()
            .map { $0.hasPrefix("$ ") || $0.hasPrefix("> ") ? $0.dropFirst(2) : $0 }
            .joined(separator: "\n").replacing("\\e", with: "\\") + "\n"
    }
}

/// The examples of a pool of slots: the script, and what the manual pages show.
@Suite struct PoolExampleTests {
    /// Runs the script with a `sleep` that logs when it runs, and for whom.
    ///
    /// - Parameter workers: it waits until it was called by so many.
    private func script(slots: String, workers: Int, in folder: TemporaryFolder) throws
        -> ShellResult
    {
        try folder.write(
            "sleep",
            """
            #!/bin/sh
            echo start $PPID >>"$LOG"
            until [ $(cut -d' ' -f2 "$LOG" | sort -u | wc -l) -ge \(workers) ]; do
                "$SLEEP" 0.01
            done
            "$SLEEP" 0.003
            echo stop $PPID >>"$LOG"

            """)
        return try shell(
            """
            chmod +x sleep; export LOG="$PWD/log" SLEEP="$(command -v sleep)" PATH="$PWD:$PATH"
            '\(root)/examples/share-a-pool.sh' \(slots)
            """, in: folder, environment: ["TMPDIR": folder.path])
    }

    private static let output = "sum of the sums: 210\nsum of the products: 935\n"

    /// Each map has two chunks. All four workers wait for each other, so it ends only where
    /// both maps run at once: one after the other takes twice as long.
    @Test func twoMapsRunAtOnceOverOnePoolOfFourWorkers() throws {
        let folder = try TemporaryFolder()
        let result = try script(slots: "", workers: 4, in: folder)
        #expect(result.text == Self.output && result.status == 0)
        let log = try folder.text(of: "log")
        let count = mostAtOnce(log)
        #expect(count.most == 4 && count.starts == 20 && count.running == 0)
        // -v names them all, with what they take.
        let lines = result.errorLines.filter { $0.hasPrefix("pmap: worker ") }
        let named = lines.compactMap { $0.split(separator: " ").dropFirst(2).first?.dropLast() }
        let logged = log.split(separator: "\n").compactMap { $0.split(separator: " ").last }
        #expect(named.count == 4 && Set(named) == Set(logged))
        for (operation, items) in [
            ("x + y", "$'1\\t11' $'2\\t12' $'3\\t13' $'4\\t14' $'5\\t15'"),
            ("x + y", "$'6\\t16' $'7\\t17' $'8\\t18' $'9\\t19' $'10\\t20'"),
            ("x * y", "$'1\\t11' $'2\\t12' $'3\\t13' $'4\\t14' $'5\\t15'"),
            ("x * y", "$'6\\t16' $'7\\t17' $'8\\t18' $'9\\t19' $'10\\t20'"),
        ] {
            #expect(lines.count { $0.contains(operation) && $0.contains(items) } == 1)
        }
    }

    @Test(arguments: [1, 2, 3]) func aSmallerPoolHasFewerWorkers(slots: Int) throws {
        let folder = try TemporaryFolder()
        let result = try script(slots: "\(slots)", workers: slots, in: folder)
        #expect(result.text == Self.output && result.status == 0)
        let count = mostAtOnce(try folder.text(of: "log"))
        #expect(count.most == slots && count.starts == 20 && count.running == 0)
    }

    /// The workers of both maps stay: four process IDs each, with two chunks on average.
    @Test(.enabled(if: isInstalled("python3"))) func workersThatStayAddAndMultiply() throws {
        let result = try shell("'\(root)/examples/keep-workers.sh'")
        let sums = (1...40).map { $0 + $0 + 40 }
        let products = (1...40).map { $0 * ($0 + 40) }
        #expect(
            result.lines == [
                "sum of the sums: \(sums.reduce(0, +))",
                "sum of the products: \(products.reduce(0, +))",
            ])
        #expect(result.status == 0)
        let workers = result.errorLines.filter { $0.hasPrefix("pmap: worker ") }
            .compactMap { $0.split(separator: " ").dropFirst(2).first }
        #expect(workers.count == 16 && Set(workers).count <= 8)
    }

    @Test func theMapsOfThePageForPythonAddUp() throws {
        let example = try #require(examples(in: "pmaputils.7", with: "--pool").first)
        let result = try shell(
            example + "paste -sd+ sums | tr '\\n' ' '; echo; for f in sums products; do "
                + "awk '{ s += $1 } END { print s }' $f; done")
        #expect(
            result.lines == ["12+14+16+18+20+22+24+26+28+30 ", "210", "935"] && result.errors == "")
    }

    /// The words and the archives of the texts, each by other programs.
    private func check(_ command: String, in folder: TemporaryFolder, words: String) throws {
        let result = try shell(
            """
            cp "$SAMPLES"/sonnet-0[123]*.txt .; \(command)
            wordsplit *.txt | wcreduce | cmp - \(words) && [ -s \(words) ] && echo same
            """, in: folder, environment: ["SAMPLES": samples])
        #expect(result.text == "same\n" && result.errors == "" && result.status == 0)
    }

    @Test(.enabled(if: isInstalled("gzip"))) func thePoolOfThePageRunsBothMaps() throws {
        let folder = try TemporaryFolder()
        let example = try #require(examples(in: "pmap-pool.7", with: "--pool").first)
        try check(example, in: folder, words: "words")
        let archives = try shell("for f in *.txt; do gzip -dc $f.gz | cmp - $f; done", in: folder)
        #expect(archives.text == "" && archives.errors == "" && archives.status == 0)
    }

    @Test(.enabled(if: isInstalled("make") && isInstalled("gzip")))
    func theMakefileOfThePageRuns() throws {
        let folder = try TemporaryFolder()
        let example = try #require(examples(in: "pmap-pool.7", with: "\t+ls").first)
        try folder.write("Makefile", example)
        try check("make -s -j8", in: folder, words: "words")
    }
}
