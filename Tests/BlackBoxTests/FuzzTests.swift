import Foundation
import Testing

/// Random command lines, environments, logs, jobs files and bytes of a jobserver: whatever comes
/// from outside, a program ends by itself, without a trap and soon, and gives back the tokens that
/// it took. PMAPUTILS_FUZZ says how many; a failure prints the command and the seed.
@Suite struct OutsideFuzzTests {
    private static let count =
        ProcessInfo.processInfo.environment["PMAPUTILS_FUZZ"].flatMap(Int.init) ?? 300

    // No large number of retries: a command that fails is run as often as was asked for.
    private static let flags: [Program: [String]] = [
        .pmap: [
            "-0", "-i", "-l", "-n", "-q", "-s", "-u", "-v", "--tag", "--share", "--stats", "--pool",
            "--resume", "--help", "--retry=2",
        ],
        .wordsplit: ["-0", "-a", "-w", "-y", "-H", "--strict", "--version"],
        .wcreduce: ["-0", "-b", "-K", "-k", "-m", "-p", "-r", "-T", "-u", "--json"],
    ]

    private static let valued: [Program: [String]] = [
        .pmap: [
            "-a", "-b", "-c", "-F", "-I", "-j", "--buffer=", "--failed=", "--halt=", "--jobs-file=",
            "--kill-after=", "--log=", "--progress=", "--progress-interval=", "--timeout=",
            "--tmpdir=",
        ],
        .wordsplit: ["-g", "-m", "--files0-from=", "--min-length="],
        .wcreduce: ["-n", "-S", "--min=", "--tmpdir=", "--top="],
    ]

    private static let values = [
        "0", "1", "2", "3", "-1", "+1", "50%", "auto", "never", "now", "soon", "bar", "plain",
        "json",
        "none", "1K", "1M", "7E", "8E", "0.001", "1s", "9d", "1e9", "1048577", "4294967296",
        "2305843009213693952", "9223372036854775806", "9223372036854775807", "9223372036854775808",
        "18446744073709551615", "18446744073709551616", "99999999999999999999999%", "", " ", "{}",
        "{1}", "{#}", "log", "jobs", "items", "missing", ".", "/dev/null", "\u{FF}", "é", "\n", ",",
        "-", "--", "\\t", "\\",
    ]

    private static let makeFlags = [
        "", " -j4 --jobserver-auth=8,9", "-j2 --jobserver-auth=fifo:pool",
        "-j --jobserver-auth=0,0", "--jobserver-auth=1,1 -j9",
        "--jobserver-auth=2147483648,-2147483649", "--jobserver-auth=fifo:items",
        "--jobserver-auth=fifo:missing", "--jobserver-auth=,", "--jobserver-fds=99999,99999",
        "-j9223372036854775807 --jobserver-auth=fifo:.", "--jobserver-style=pipe", "-- -j",
        "--jobserver-auth=fifo:", "--jobserver-style=", "\u{FF}",
    ]

    private func word(_ random: inout SeededGenerator) -> String {
        if Int.random(in: 0..<4, using: &random) > 0 {
            return Self.values.randomElement(using: &random)!
        }
        let letters = Array("-=0123456789aAbcfijklnsuvPIé{}%+.KMG,\\ \t'\u{FF}").map(String.init)
        return (0..<Int.random(in: 0...6, using: &random)).map { _ in
            letters.randomElement(using: &random)!
        }.joined()
    }

    private func quoted(_ word: String) -> String {
        "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }

    private func command(_ program: Program, _ random: inout SeededGenerator) -> String {
        var words: [String] = []
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            switch Int.random(in: 0..<8, using: &random) {
            case 0..<4:
                let option = Self.valued[program]!.randomElement(using: &random)!
                words.append(option + word(&random))
            case 4..<7: words.append(Self.flags[program]!.randomElement(using: &random)!)
            default: words.append("-" + word(&random))
            }
        }
        if program == .pmap {
            words.append("--")
            words += [["echo"], ["echo", word(&random)], ["cat"], ["true"], [word(&random)]]
                .randomElement(using: &random)!
        } else if Bool.random(using: &random) {
            words.append(word(&random))
        }
        let environment = [
            "MAKEFLAGS=" + quoted(Self.makeFlags.randomElement(using: &random)!),
            "COLUMNS=" + quoted(word(&random)),
            "TMPDIR=" + quoted(Bool.random(using: &random) ? "." : word(&random)),
            "TERM=" + quoted(word(&random)), "PMAP_SLOT=" + quoted(word(&random)),
        ]
        return
            (environment.filter { _ in Bool.random(using: &random) } + [
                "timeout -s KILL 20 \(program)"
            ]
            + words.map(quoted)).joined(separator: " ")
    }

    private func bytes(_ random: inout SeededGenerator) -> [UInt8] {
        let pieces = [
            "chunk\tslot\tpid\tstart\tseconds\tuser\tsys\tmax_rss\texit\tsignal\tattempts\tbytes\titems\n",
            "1\t1\t2\t3.0\t0.1\t0\t0\t1\t0\t0\t1\t2\t1\n", "9223372036854775808\t", "-1", "\t",
            "\n", "1",
            "\0", "\u{FF}", "100%", "+9223372036854775807", "2305843009213693952",
        ]
        return (0..<Int.random(in: 0...5, using: &random)).flatMap { _ in
            Array(pieces.randomElement(using: &random)!.utf8)
        }
    }

    @Test(arguments: Program.allCases) func nothingFromOutsideIsATrapOrAHang(_ program: Program)
        throws
    {
        var random = SeededGenerator()
        let folder = try TemporaryFolder()
        let count = program == .pmap ? Self.count : Self.count / 3
        for start in stride(from: 0, to: count, by: 100) {
            var script = """
                ulimit -c 0; seq 5 >items; [ -p pool ] || mkfifo pool; exec 8<>pool 9>pool
                tokens() { od -An -v -tu1 -w1 "$1" | sort; }

                """
            for number in start..<min(start + 100, count) {
                try folder.write("log.\(number)", bytes(&random))
                try folder.write("jobs.\(number)", bytes(&random))
                try folder.write("tokens.\(number)", bytes(&random))
                let command = command(program, &random)
                try folder.write("command.\(number)", command)
                let usesPool = command.contains("8,9") || command.contains("fifo:pool")
                let left = """
                    dd bs=65536 iflag=nonblock <&8 >left 2>/dev/null
                    [ "$(tokens left)" = "$(tokens tokens.\(number))" ] || echo "tokens \(number)"
                    """
                // Of a signal that the shell tells: SIGILL, SIGTRAP, SIGABRT, SIGKILL, SIGSEGV.
                script += """
                    cp log.\(number) log; cp jobs.\(number) jobs
                    \(usesPool ? "cat tokens.\(number) >&9" : "")
                    \(command) <items >out 2>errors; s=$?
                    \(usesPool ? left : "")
                    case $s in 132|133|134|137|139) echo "$s \(number)";; esac
                    grep -q 'Fatal error' errors && echo "trap \(number)"

                    """
            }
            try folder.write("script", script)
            let result = try shell(
                "sh ./script; rm -f -- log.* jobs.* tokens.*", in: folder, timeout: 500)
            for line in result.lines {
                let number = line.split(separator: " ").last ?? ""
                Issue.record(
                    "\(line): \((try? folder.text(of: "command.\(number)")) ?? "") \(random)")
            }
        }
    }
}
