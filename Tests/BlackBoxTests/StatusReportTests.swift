import Foundation
import Testing

/// The line that SIGUSR1 asks for, from the programs that read files.
@Suite struct StatusReportTests {
    static let programs = Program.readers

    /// 200,000 words of 6 bytes each have come, and no end of the input.
    @Test(arguments: programs)
    func aSignalIsAnsweredAtOnceWithTheBytesRead(_ program: Program) throws {
        // Bit 9 of the signals that it catches is SIGUSR1, which kills who does not.
        let result = try shell(
            """
            mkfifo fifo; \(program) <fifo >out 2>errors & pid=$!
            exec 3>fifo
            until grep -q 'SigCgt:.*[2367abef]..$' /proc/$pid/status; do sleep 0.01; done
            kill -USR1 $pid; \(words(200_000)) >&3
            for try in $(seq 500); do kill -USR1 $pid; sleep 0.01
            if grep -q ' 1200000 bytes' errors; then break; fi; done
            exec 3>&-; wait $pid; echo $?; wc -l <out; cat errors >&2
            """)
        let form = try Regex("\(program): ([0-9]+) bytes read in [0-9]+\\.[0-9] s")
        let lines = result.errorLines
        #expect(try lines.allSatisfy { try form.wholeMatch(in: $0) != nil })
        #expect(lines.contains { $0.contains(": 1200000 bytes read") })
        #expect(result.lines == ["0", "200000"])
    }

    @Test(arguments: programs)
    func startedToIgnoreTheSignalAProgramIgnoresIt(_ program: Program) throws {
        let result = try shell(
            """
            trap '' USR1; mkfifo fifo; \(program) <fifo & pid=$!
            exec 3>fifo; kill -USR1 $pid; sleep 0.1; kill -USR1 $pid; echo a >&3; exec 3>&-; wait $pid
            """)
        #expect(result.text == program.output(["a"]) && result.errors.isEmpty)
    }
}
