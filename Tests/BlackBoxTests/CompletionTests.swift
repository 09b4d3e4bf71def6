import Foundation
import Testing

/// The completions that `make install` makes of each program's --help, in the shells
/// themselves; a shell that is missing is skipped.
@Suite struct CompletionTests {
    private let generator = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../completions/generate").path

    /// The long options of the manual page, with their dashes.
    private func options(_ program: Program) throws -> Set<String> {
        let lines = try #require(program.manual).split(separator: "\n")
            .filter { $0.hasPrefix(".It Fl ") }
        return Set(lines.flatMap { $0.matches(of: /Fl Fl ([-a-z0-9]+)/) }.map { "--\($0.1)" })
    }

    private func completed(
        _ program: Program, _ shellName: String, _ script: String
    ) throws -> [String] {
        let result = try shell(
            """
            \(program) --help | '\(generator)' \(shellName) \(program) >completion || exit
            \(script)
            """)
        #expect(result.status == 0 && result.errors == "", "\(result.errors)")
        return result.lines
    }

    /// What bash offers for the last of the words.
    private func bash(_ program: Program, _ words: String) throws -> [String] {
        try completed(
            program, "bash",
            """
            bash --norc -c 'compopt() { :; }; source ./completion
                COMP_WORDS=(\(words)); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                _pmaputils_\(program); printf "%s\\n" "${COMPREPLY[@]}"'
            """)
    }

    @Test(.enabled(if: isInstalled("bash")), arguments: Program.allCases)
    func bashKnowsEveryOption(_ program: Program) throws {
        let offered = try bash(program, "\(program) --")
        #expect(
            Set(offered.map { $0.replacing("=", with: "") }) == (try options(program)))
    }

    @Test(.enabled(if: isInstalled("bash"))) func bashCompletesValuesAndTheCommand() throws {
        #expect(try bash(.pmap, "pmap --halt = n") == ["never", "now"])
        #expect(try bash(.pmap, "pmap -c a") == ["auto"])
        #expect(
            try bash(.pmap, "pmap --progress = ''") == ["auto", "bar", "plain", "json", "none"])
        #expect(try bash(.pmap, "pmap -j 4 wordspl").contains("wordsplit"))
        #expect(try bash(.pmap, "pmap --log comple") == ["completion"])
        // Options of the command are its own.
        #expect(try bash(.pmap, "pmap -j 4 sort --he") == [""])
    }

    @Test(.enabled(if: isInstalled("fish")), arguments: Program.allCases)
    func fishKnowsEveryOption(_ program: Program) throws {
        let offered = try completed(
            program, "fish",
            "fish --no-config -c 'source ./completion; complete -C \"\(program) --\"'")
        let names = offered.filter { $0.hasPrefix("--") }
            .map { "\($0.prefix { $0 != "\t" && $0 != "=" })" }
        #expect(Set(names) == (try options(program)))
    }

    @Test(.enabled(if: isInstalled("fish"))) func fishCompletesValuesAndTheCommand() throws {
        func fish(_ line: String) throws -> [String] {
            try completed(
                .pmap, "fish",
                "mkdir -p sub1; touch sub2; fish -c 'source ./completion; complete -C \"\(line)\"'"
            ).map { "\($0.prefix { $0 != "\t" })" }
        }
        #expect(try fish("pmap --tmpdir=su") == ["--tmpdir=sub1/"])
        #expect(try fish("pmap --tmpdir su") == ["sub1/"])
        #expect(try fish("pmap --log su") == ["sub1/", "sub2"])
        #expect(
            try fish("pmap --progress=").sorted()
                == ["auto", "bar", "json", "none", "plain"].map { "--progress=\($0)" })
        #expect(try fish("pmap -j 4 wordspl").contains("wordsplit"))
        #expect(try fish("pmap --retr") == ["--retry", "--retry-delay"])
        // Options of the command are its own.
        #expect(try fish("pmap -j 4 sort --retr") == [])
        #expect(try fish("pmap -j 4 sort --rev") == ["--reverse"])
    }

    /// The function runs with a stand-in for _arguments that prints what it is given.
    @Test(.enabled(if: isInstalled("zsh")), arguments: Program.allCases)
    func zshKnowsEveryOption(_ program: Program) throws {
        let specs = try completed(
            program, "zsh", "zsh -f -c '_arguments() { print -rl -- \"$@\" }; source ./completion'")
        let names = specs.compactMap { try? /(?:\(.*\))?(--[-a-z0-9]+)=?-?\[.*/.wholeMatch(in: $0) }
        #expect(Set(names.map { "\($0.1)" }) == (try options(program)))
    }

    /// The words between which a value is chosen are those that the program takes.
    @Test func everyValueOfferedIsTaken() throws {
        let help = try shell("pmap --help").lines
        var count = 0
        for line in help {
            guard let option = line.firstMatch(of: /(--[-a-z]+)=[A-Z]/),
                let words = line.firstMatch(of: /[A-Za-z]+(?:\|[a-z]+)+/)
            else { continue }
            for word in words.0.split(separator: "|") where word.first?.isLowercase == true {
                count += 1
                let result = try shell("echo 1 | pmap \(option.1)=\(word) true")
                #expect(result.status == 0, "\(option.1)=\(word): \(result.errors)")
            }
        }
        #expect(count == 9)
    }
}
