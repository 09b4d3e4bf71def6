import Foundation
import Testing

/// What pmap(1) says of the command line, for users of xargs(1), GNU parallel and Python too.
@Suite struct PmapArgumentTests {
    @Test(arguments: [
        ("-P4 echo", "-P", "use -j4"), ("-P 4 echo", "-P", "use -j4"),
        ("-0P2 echo", "-P", "use -j2"),
        ("-P echo", "-P", "use -jN"), ("-L1 echo", "-L", "use -c1"), ("-N 3 echo", "-N", "use -c3"),
        ("-r echo", "-r", "leave it out"), ("-t echo", "-t", "use -v"),
        ("-k echo", "-k", "leave it"),
        ("-d, echo", "-d", "items are lines"), ("-h", "-h", "try 'pmap --help'"),
    ])
    func optionsOfOtherProgramsGetAdvice(
        _ words: String, _ option: String, _ advice: String
    ) throws {
        let result = try shell("echo a | pmap \(words)")
        #expect(result.errors.hasPrefix("pmap: unknown option '\(option)': \(advice)"))
        #expect(result.status == 1 && result.text.isEmpty && result.errorLines.count == 1)
    }

    @Test func aNumberAfterTheDryRunOptionIsNoCommand() throws {
        let result = try shell("seq 3 | pmap -n 1 echo")
        #expect(
            result.errors.contains("a dry run takes no number") && result.errors.contains("-c1"))
        #expect(result.status == 1 && result.text.isEmpty)
    }

    /// As `xargs -I` does: the text is replaced, and nothing else.
    @Test(arguments: ["-I {}", "-I{}", "-I %", "-I ITEM"])
    func theReplacementTextStandsForTheItem(_ option: String) throws {
        let words = "echo a{}b % ITEM {#} {1} {.} x{}"
        let ours = try shell("printf 'p q\\nr\\n' | pmap \(option) \(words)")
        let theirs = try shell("printf 'p q\\nr\\n' | xargs \(option) \(words)")
        #expect(ours.text == theirs.text && ours.lines.count == 2 && ours.status == 0)
        #expect(ours.errors.isEmpty)
    }

    @Test(arguments: ["-I x -i cat", "-I x -F, echo", "-I x -s 'echo x'", "-I '' echo"])
    func aReplacementTextIsRefusedIfItCannotBePutInPlace(_ words: String) throws {
        let result = try shell("echo a | pmap \(words)")
        #expect(result.errors.hasPrefix("pmap: -I ") && result.status == 1)
        #expect(result.text.isEmpty && result.errorLines.count == 1)
    }

    /// `./add {1} {2}` with five pairs would get ten arguments and print one wrong sum.
    @Test(arguments: [
        "-c5 -F '\\t' ./add {1} {2}", "-c auto echo {} {.}", "-b 100 echo {} x{}",
        "-c2 echo {/} - {}",
    ])
    func placeholdersInSeveralArgumentsTakeChunksOfOneItem(_ words: String) throws {
        let result = try shell("printf '1\\t2\\n3\\t4\\n' | pmap \(words)")
        #expect(result.errors.contains(": a chunk of several items would give all for the first"))
        #expect(result.status == 1 && result.text.isEmpty && result.errorLines.count == 1)
    }

    @Test func placeholdersInOneArgumentTakeAnyChunk() throws {
        let result = try shell("printf '1\\t2\\n3\\t4\\n' | pmap -c2 -F '\\t' echo {1}+{2}")
        #expect(result.text == "1+2 3+4\n" && result.status == 0 && result.errors.isEmpty)
    }

    /// What pmaputils(7) gives for starmap with a chunk size.
    @Test func aScriptTakesPairsOfFieldsOneAfterTheOther() throws {
        let result = try shell(
            """
            seq 1 10 >a; seq 11 20 >b; paste a b | pmap -c5 -F '\\t' -s '
                while [ $# -gt 0 ]; do echo $(($1 + $2)); shift 2; done'
            """)
        #expect(result.lines == (1...10).map { "\(2 * $0 + 10)" })
    }

    /// The run does what was typed, and one line says what may have been meant.
    @Test func placeholdersThatAreNotReplacedAreNamed() throws {
        let script = try shell("echo a | pmap -s 'echo {}'")
        #expect(script.text == "{}\n" && script.status == 0)
        #expect(script.errors.hasPrefix("pmap: -s replaces no {}: the items are $1"))
        let field = try shell("echo a | pmap echo {1}")
        #expect(field.text == "{1} a\n" && field.status == 0)
        #expect(field.errors == "pmap: '{1}': not replaced: fields need -F; the item is {}\n")
        for command in [
            "-s 'echo {} $1'", "-s 'for x; do echo {}; done'", "-i -s 'xargs -I{} echo {}'",
            "echo 'x{1}'", "-F, echo {1}", "-I {1} echo {1}", "-i grep -c {1}",
        ] {
            let errors = try shell("echo a | pmap \(command)").errors
            #expect(!errors.contains("replace"), "\(command)")
        }
    }

    @Test func aScriptMayBeginLikeAnOption() throws {
        for script in ["-x", "+x", "--", "-"] {
            let result = try shell(
                "echo a | pmap -s -- '\(script) 2>/dev/null; echo \"$1\"'")
            #expect(result.text == "a\n" && result.status == 0, "\(script): \(result.errors)")
        }
    }

    /// Quadratic in the braces, this took 6 seconds.
    @Test func manyBracesTakeNoTime() throws {
        let result = try shell(
            "echo a | pmap -n echo \"$(head -c 130000 /dev/zero | tr '\\0' '{')\" | wc -c",
            timeout: 5)
        #expect(result.text == "\(130_000 + "echo  a".utf8.count + 2 + 1)\n")
    }

    /// 2^61 workers once overflowed the arithmetic of the table.
    @Test(arguments: [
        "2305843009213693952", "9223372036854775807", "99999999999999999%", "+9223372036854775807",
    ])
    func extremeNumbersOfWorkersAreBounded(_ number: String) throws {
        let option = try shell("seq 3 | pmap -j \(number) --stats echo")
        #expect(option.text == "1\n2\n3\n" && option.status == 0)
        let file = try shell("echo \(number) >jobs; seq 3 | pmap --jobs-file jobs --stats echo")
        #expect(file.text == "1\n2\n3\n" && file.status == 0)
    }

    @Test(arguments: [
        "-c 9223372036854775806", "-c 9223372036854775807", "-b 9223372036854775807",
        "--buffer 7E", "--retry 9223372036854775807", "--timeout 3650000d", "--kill-after=3650000d",
        "-c 9223372036854775806 --retry 9223372036854775807 -b 7E --buffer 7E",
    ])
    func extremeNumbersAreBounded(_ options: String) throws {
        for form in ["echo", "-i cat", "--tag echo", "-l echo", "-n echo"] {
            let result = try shell(
                "seq 3 | pmap \(options) --progress=json --progress-interval=0.001 --stats \(form)")
            #expect(result.status == 0 && result.text.contains("3"), "\(form): \(result.errors)")
        }
    }

    @Test func aDryRunNamesTheInputThatItCannotRead() throws {
        let result = try shell("pmap -n echo </; echo $?; pmap -a / -n echo; echo $?")
        #expect(
            result.errors == "pmap: standard input: Is a directory\npmap: /: Is a directory\n")
        #expect(result.text == "1\n1\n")
    }

    @Test func aDryRunOfFedItemsPrintsTheirBytes() throws {
        let folder = try TemporaryFolder()
        for (items, option) in [
            ("a\\0b\\nc", ""), ("-x\\n\\\\%%d\\0\\n", ""), ("a\\nb\\n", ""), ("-n", ""),
            ("a\\0-b", "-0"),
            ("a\\0", "-0"), ("\\n", ""), ("%%\\\\", ""), ("'\\n'", ""), ("\\0", ""),
        ] {
            try shell("printf -- \"\(items)\" >items", in: folder)
            for name in ["sh", "bash"] where isInstalled(name) {
                let result = try shell(
                    "pmap \(option) -n -i cat <items | \(name) | cmp - items", in: folder)
                #expect(result.text.isEmpty && result.errors.isEmpty, "\(items): \(result.text)")
            }
        }
    }

    /// Words that a shell takes for its grammar, as it lists them itself.
    @Test(.enabled(if: isInstalled("bash")))
    func aCommandNamedLikeAReservedWordIsQuoted() throws {
        let words = try shell("bash -c 'compgen -k'").lines
        #expect(words.count > 15)
        for word in words {
            let printed = try shell("echo a | pmap -n '\(word)' x")
            #expect(printed.text == "'\(word)' x a\n")
        }
    }

    @Test(.enabled(if: isInstalled("bash")))
    func theCommandThatIsSaidCanBePasted() throws {
        let folder = try TemporaryFolder()
        let result = try shell(
            #"printf 'a\tb\ni'"'"'t\\n\n\033[1m\303\251\n\377\n' | pmap -v -c9 printf '%s\n' 2>said"#,
            in: folder)
        let said = try #require(try shell("head -n 1 said", in: folder).lines.first)
        let command = try #require(said.firstRange(of: "printf"))
        try folder.write("script", "\(said[command.lowerBound...])\n")
        #expect(try shell("bash script", in: folder).output == result.output)
        #expect(result.lines.count == 4)
    }
}
