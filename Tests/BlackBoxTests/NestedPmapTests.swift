import Foundation
import Testing

/// Maps whose workers are maps.
@Suite struct NestedPmapTests {
    /// Four deep, two wide: up to 16 at the same time.
    private let nested =
        "pmap -q -j2 -c16 -i pmap -q -j2 -c8 -i pmap -q -j2 -c4 -i pmap -q -j2 -c1 -s"

    @Test func inputOrderHoldsAtEveryDepth() throws {
        let result = try shell(
            "seq 128 >in; \(nested) 'sleep 0.0$(($1 % 4)); echo $1' <in | cmp - in")
        #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
    }

    /// 123 at each depth; what the others print is all there.
    @Test func aFailureComesThroughFromTheDeepest() throws {
        let result = try shell("seq 128 | \(nested) 'echo $1; [ $1 != 77 ]'")
        #expect(result.lines == (1...128).map(String.init) && result.status == 123)
    }

    @Test func aSignalReachesTheDeepest() throws {
        let folder = try TemporaryFolder()
        let running = try RunningShell(
            "seq 128 >in; exec <in \(nested) 'echo $$ >>pids; echo ready >&2; exec sleep 987'",
            in: folder)
        try running.wait(untilErrorsContain: String(repeating: "ready\n", count: 16))
        running.send(.terminate)
        #expect(try running.finish().status == Signal.terminate.status)
        let left = try shell(
            "for p in $(cat pids); do kill -0 $p 2>/dev/null && echo $p; done; wc -l <pids",
            in: folder)
        #expect(left.text.trimmingCharacters(in: .whitespacesAndNewlines) == "16")
    }

    /// As `| head` does: SIGPIPE, from the outermost to the deepest.
    @Test func aReaderThatLeavesEndsTheDeepest() throws {
        let result = try shell(
            """
            { seq 128 | \(nested) 'echo $$ >>pids; while echo $1; do :; done'; echo $? >status; } |
                head -n 1
            cat status; for p in $(cat pids); do kill -0 $p 2>/dev/null && echo $p; done
            """)
        #expect(result.lines == ["1", "\(Signal.pipe.status)"] && result.errors.isEmpty)
    }
}
