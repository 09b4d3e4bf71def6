import Shared
import Testing

@testable import pmap

@Suite struct ShellQuotingTests {
    private func quoted(_ word: String) -> String {
        String(decoding: shellQuoted(Array(word.utf8)), as: UTF8.self)
    }

    /// POSIX.1-2024, XCU 2.2.2: nothing is special between single quotes, and a single
    /// quote cannot stand there.
    @Test func wordsAreQuotedWhereAShellWouldChangeThem() {
        #expect(quoted("plays/hamlet-1.txt") == "plays/hamlet-1.txt")
        #expect(quoted("") == "''")
        #expect(quoted("a b") == "'a b'")
        #expect(quoted("$HOME;*") == "'$HOME;*'")
        #expect(quoted("it's") == "'it'\\''s'")
        #expect(quoted("~") == "'~'")
        #expect(quoted("#x") == "'#x'")
        #expect(quoted("a\nb") == "'a\nb'")
    }
}

@Suite struct ProgressTests {
    @Test func aStatusLineSaysWhatIsDoneOfWhat() {
        var progress = Progress()
        progress.chunksDone = 12
        progress.chunksTotal = 162
        progress.itemsDone = 60
        progress.itemsTotal = 810
        progress.running = 4
        progress.elapsed = .seconds(6)
        // 10 items a second, 750 left: 75 seconds.
        #expect(
            progress.statusLine
                == "12/162 chunks, 60/810 items, 4 running, 0 failed, 10.0 items/s, 1m15s left")
    }

    @Test func anUnknownTotalIsLeftOut() {
        var progress = Progress()
        progress.itemsDone = 7
        progress.chunksDone = 7
        progress.elapsed = .seconds(70)
        #expect(progress.statusLine == "7 chunks, 7 items, 0 running, 0 failed, 0.1 items/s")
    }

    @Test(arguments: 0...200)
    func aBarLeavesTheLastColumnFree(columns: Int) {
        var progress = Progress()
        progress.itemsDone = 399_999
        progress.itemsTotal = 400_000
        progress.chunksDone = 79_999
        progress.chunksTotal = 80_000
        progress.elapsed = .seconds(100_000)
        #expect(progress.bar(columns: columns).count <= max(columns - 1, 0))
    }

    @Test func halfDoneIsHalfABar() {
        var progress = Progress()
        progress.itemsDone = 1
        progress.itemsTotal = 2
        let bar = progress.bar(columns: 200).prefix { $0 != "]" }
        let full = bar.filter { $0 == "=" }.count
        #expect(full > 0 && full == bar.filter { $0 == " " }.count)
    }

    @Test func timesAreReadable() {
        #expect(clock(0) == "0s")
        #expect(clock(59) == "59s")
        #expect(clock(60) == "1m00s")
        #expect(clock(185) == "3m05s")
        #expect(clock(7 * 60 + 2 * 3600) == "2h07m")
        #expect(clock(4 * 86400 + 3 * 3600) == "4d03h")
    }
}

@Suite struct CountingBytesTests {
    @Test(arguments: [0, 1, 254, 255, 256, 511, 1000, 100_000])
    func everyOccurrenceCounts(length: Int) {
        let all = [UInt8](repeating: 0x0A, count: length)
        #expect(all.withUnsafeBytes { occurrences(of: 0x0A, in: $0) } == length)
        #expect(all.withUnsafeBytes { occurrences(of: 0x0B, in: $0) } == 0)
    }
}
