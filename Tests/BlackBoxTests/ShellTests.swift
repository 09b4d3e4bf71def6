import Foundation
import Testing

@Suite("The helper of these tests") struct ShellTests {
    @Test func bothOutputsAndTheStatusAreCaptured() throws {
        let result = try shell("echo out; echo err >&2; exit 3")
        #expect(result.text == "out\n")
        #expect(result.errors == "err\n")
        #expect(result.status == 3)
    }

    @Test(arguments: [Signal.terminate, .kill, .interrupt, .pipe])
    func deathBySignalIs128AndItsNumber(_ signal: Signal) throws {
        #expect(try shell("kill -\(signal.rawValue) $$").status == signal.status)
    }

    @Test func inputOfAnyBytesArrives() throws {
        let bytes = Data((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        #expect(try shell("cat", input: bytes).output == bytes)
        #expect(try shell("cat").output.isEmpty)
    }

    @Test func muchOnBothPipesDoesNotBlock() throws {
        let result = try shell("(yes | head -c 500000) & yes e | head -c 500000 >&2; wait")
        #expect(result.output.count == 500_000)
        #expect(result.errors.count == 500_000)
    }

    @Test func aFolderIsGoneWithItsLastUser() throws {
        let result = try shell("pwd; ls -A; echo x > file")
        #expect(result.lines.count == 1)
        #expect(!FileManager.default.fileExists(atPath: result.lines[0]))
    }

    @Test func theProgramsAreFirstInPath() throws {
        let found = try shell("which pmap wordsplit wcreduce").lines
        #expect(found == ["pmap", "wordsplit", "wcreduce"].map { programFolder + "/" + $0 })
    }

    @Test func aHangIsAFailureAndAllProcessesAreKilled() throws {
        let folder = try TemporaryFolder()
        withKnownIssue {
            let result = try shell("sleep 987 & echo $! > pid; wait", in: folder, timeout: 0.5)
            #expect(result.status == Signal.kill.status)
        }
        let pid = try folder.text(of: "pid")
        let state = try shell("cut -d' ' -f3 /proc/\(pid.dropLast())/stat 2>/dev/null")
        #expect(state.text == "" || state.text == "Z\n")
    }

    @Test func aSignalReachesARunningProgram() throws {
        let running = try RunningShell(
            "trap 'echo caught; exit 7' TERM; echo ready; sleep 60 & wait")
        try running.wait(untilOutputContains: "ready")
        running.send(.terminate)
        try running.wait(untilOutputContains: "caught")
    }
}
