import Foundation
import Testing

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL.path

/// An example as a reader sees it: what is typed after the prompts `$ ` and `> `, and what is
/// printed.
private struct Example: CustomStringConvertible {
    /// Each with its continuation lines.
    var commands: [String] = []
    var output: [String] = []

    var description: String { commands.joined(separator: "\n") }

    /// All that a text shows: lines that begin with `$ ` at any indentation, and what follows them
    /// at that indentation or more. An empty line ends an example, unless more output follows it.
    static func all(in text: String) -> [Example] {
        var examples: [Example] = []
        var indentation = Int.max
        var isAfterEmptyLine = true
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let typed = line.drop { $0 == " " }
            if typed.isEmpty {
                isAfterEmptyLine = true
                continue
            }
            let last = examples.count - 1
            if typed.hasPrefix("$ ") {
                if isAfterEmptyLine || indentation == .max { examples.append(Example()) }
                indentation = line.count - typed.count
                examples[examples.count - 1].commands.append(String(typed.dropFirst(2)))
            } else if line.count - typed.count < indentation {
                indentation = .max
            } else if line.dropFirst(indentation).hasPrefix("> ") {
                let command = examples[last].commands.count - 1
                examples[last].commands[command] += "\n" + line.dropFirst(indentation + 2)
            } else {
                if isAfterEmptyLine { examples[last].output.append("") }
                examples[last].output.append(String(line.dropFirst(indentation)))
            }
            isAfterEmptyLine = false
        }
        return examples
    }
}

/// Every example of the manual pages and of README.md is pasted into a shell as it is shown: from
/// the rendered page, since a mistake of markup changes what a reader sees. It must succeed and
/// print what is shown after it, if anything is.
@Suite(.enabled(if: isInstalled("mandoc") && isInstalled("bash") && isInstalled("make")))
struct ManualExampleTests {
    static let pages = [
        "man/pmap.1", "man/wordsplit.1", "man/wcreduce.1", "man/pmap-pool.7", "man/pmaputils.7",
        "README.md",
    ]

    private func rendered(_ page: String) throws -> String {
        let path = "\(root)/\(page)"
        if page.hasSuffix(".md") { return try String(contentsOfFile: path, encoding: .utf8) }
        let text = try shell("mandoc -Tutf8 -Owidth=200 '\(path)'").text
        // Bold and underlined characters are printed over others.
        return text.replacing(/.\u{8}/, with: "")
    }

    /// The files and programs that the examples need: the sample texts, and stand-ins.
    private static let stage = """
        cp "$SAMPLES"/*.txt . && mkdir .bin
        seq 40 >list; cp list urls; cp list access.log; printf '\\033[32minfo\\033[m done\\n' >build.log
        printf '#!/bin/sh\\nsleep 0.2\\n' >job; chmod +x job
        printf '1\\tapple\\n' | tee there.counts >here.counts
        for name in curl hadoop ninja salloc srun ssh; do
            printf '#!/bin/sh\\nexit 0\\n' >.bin/$name; chmod +x .bin/$name
        done
        PATH=$PWD/.bin:$PATH

        """
    /// Only for the examples that need it, because others count all texts below their folder.
    private static let plays =
        "mkdir plays; cp *.txt plays; printf 'all:\\n\\t@:\\n' >plays/Makefile\n"

    /// Blanks count as one, since tabs are rendered as blanks; so do the numbers of a status line,
    /// which depend on the machine.
    private func comparable(_ line: some StringProtocol) -> String {
        let line = String(line).replacing(/[ \t]+/, with: " ").trimmingCharacters(in: .whitespaces)
        guard line.hasPrefix("pmap: "), line.contains("items") else { return line }
        return line.replacing(/[0-9.]+/, with: "N")
    }

    @Test(arguments: pages) func everyExampleDoesWhatThePageShows(_ page: String) throws {
        let examples = Example.all(in: try rendered(page))
        #expect(examples.count >= (page == "man/pmap-pool.7" ? 3 : 5))
        for example in examples {
            let folder = try TemporaryFolder()
            // A person takes a moment between two commands.
            let script = example.commands.map { $0.hasSuffix("&") ? "\($0)\nsleep 1" : $0 }
            try folder.write("script", script.joined(separator: "\n") + "\nwait\n")
            let needsPlays = "\(example)".contains(/plays|\*\//)
            let result = try shell(
                Self.stage + (needsPlays ? Self.plays : "") + "bash -e ./script </dev/null 2>&1",
                in: folder,
                environment: ["SAMPLES": samples, "LC_ALL": "C.UTF-8"])
            #expect(result.status == 0, "\(example): \(result.text)")
            var lines = result.lines.map(comparable)
            // An empty line at the end of an example cannot be seen.
            while lines.last == "" { lines.removeLast() }
            if !example.output.isEmpty {
                #expect(lines == example.output.map(comparable), "\(example)")
            } else {
                #expect(!result.text.contains("pmap: "), "\(example): \(result.text)")
            }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(!files.contains { $0.hasPrefix("-") }, "\(example): \(files)")
        }
    }
}
