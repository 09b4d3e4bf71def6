import Testing

@testable import pmap

private func progress(done: Int, total: Int?, seconds: Int = 1) -> Progress {
    var progress = Progress()
    progress.itemsDone = done
    progress.itemsTotal = total
    progress.chunksDone = done
    progress.chunksTotal = total
    progress.running = 2
    progress.elapsed = .seconds(seconds)
    progress.rate = Double(done) / Double(seconds)
    return progress
}

@Suite struct ProgressTests {
    @Test func aStatusLineSaysWhatIsDoneOfWhat() {
        var progress = progress(done: 60, total: 810, seconds: 6)
        progress.chunksDone = 12
        progress.chunksTotal = 162
        progress.running = 4
        progress.secondsLeft = 74.2
        #expect(
            progress.statusLine
                == "12/162 chunks, 60/810 items, 4 running, 0 failed, 10.0 items/s, 1m15s left")
    }

    @Test func anUnknownTotalIsLeftOut() {
        var progress = progress(done: 7, total: nil, seconds: 70)
        progress.running = 0
        // The chunks are left out, because each has one item.
        #expect(progress.statusLine == "7 items, 0 running, 0 failed, 0.1 items/s")
    }

    @Test func oneIsNoPlural() {
        var progress = progress(done: 5, total: 5)
        progress.chunksDone = 1
        progress.chunksTotal = 1
        #expect(progress.statusLine.hasPrefix("1/1 chunk, 5/5 items, "))
        progress.itemsTotal = nil
        progress.itemsDone = 1
        progress.chunksTotal = nil
        progress.chunksDone = 0
        #expect(progress.statusLine.hasPrefix("0 chunks, 1 item, "))
    }

    @Test func theSumsOfARunAreOneLine() {
        var progress = progress(done: 60, total: 60, seconds: 12)
        progress.elapsed = .milliseconds(12_390)
        #expect(progress.summary == "60 items in 12.3 s, 4.8 items/s")
        progress.chunksDone = 1
        #expect(progress.summary == "60 items (1 chunk) in 12.3 s, 4.8 items/s")
        progress.itemsTotal = 80
        progress.itemsSkipped = 30
        progress.elapsed = .seconds(100)
        #expect(
            progress.summary
                == "60 of 80 items (1 chunk), 30 of them done before, in 1m40s, 0.3 items/s"
        )
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

@Suite struct RateTests {
    @Test func aSteadyRateIsThatRate() {
        var rate = RateEstimate()
        #expect(rate.perSecond == 0)
        for second in 1...1000 {
            rate.note(count: 5 * second, at: .seconds(second))
            #expect(abs(rate.perSecond - 5) < 1e-9)
        }
    }

    @Test func howOftenItIsAskedMattersLittle() {
        var often = RateEstimate()
        var seldom = RateEstimate()
        for tenth in 1...600 {
            let count = tenth < 300 ? tenth : 300 + 4 * (tenth - 300)
            often.note(count: count, at: .milliseconds(100 * tenth))
            if tenth % 50 == 0 { seldom.note(count: count, at: .milliseconds(100 * tenth)) }
        }
        #expect(abs(often.perSecond / seldom.perSecond - 1) < 0.05)
    }

    @Test func aChangeIsFollowedAndAPauseDoesNotMakeItJump() {
        var rate = RateEstimate()
        for second in 1...100 { rate.note(count: 10 * second, at: .seconds(second)) }
        // Nothing for a second: 1/25 less.
        rate.note(count: 1000, at: .seconds(101))
        #expect(rate.perSecond > 9.5 && rate.perSecond < 10)
        // Nothing for 200 seconds: not forgotten, as 10/e^8 would be.
        var stalled = rate
        stalled.note(count: 1000, at: .seconds(300))
        #expect(stalled.perSecond > 0.5 && stalled.perSecond < 2)
        for second in 102...200 { rate.note(count: 1000 + second - 101, at: .seconds(second)) }
        #expect(rate.perSecond > 1 && rate.perSecond < 2)
    }
}

@Suite struct TimeLeftTests {
    /// Runs items of given seconds on some slots, each a chunk.
    ///
    /// - Returns: at each tenth of a second, what was estimated and what was really left.
    private func run(_ seconds: [Double], slots: Int) -> [(
        time: Double, said: Double?, left: Double
    )] {
        var estimate = TimeLeft()
        var running: [(slot: Int, item: Int, begun: Double)] = []
        var next = 0
        var time = 0.0
        var said: [(time: Double, said: Double?)] = []
        while next < seconds.count || !running.isEmpty {
            for work in running where work.begun + seconds[work.item] <= time + 1e-9 {
                estimate.note(work: 1, seconds: seconds[work.item], slot: work.slot)
            }
            running.removeAll { $0.begun + seconds[$0.item] <= time + 1e-9 }
            for slot in 1...slots
            where next < seconds.count && !running.contains(where: { $0.slot == slot }) {
                running.append((slot, next, time))
                next += 1
            }
            let work = running.map { RunningWork(work: 1, age: time - $0.begun) }
            said.append((time, estimate.estimate(waiting: seconds.count - next, running: work)))
            time += 0.1
        }
        let end = time - 0.1
        return said.map { ($0.time, $0.said, end - $0.time) }
    }

    @Test func equalItemsCountDownWithoutASawtooth() {
        let moments = run(Array(repeating: 1, count: 40), slots: 4)
        #expect(moments.prefix(10).allSatisfy { $0.said == nil })
        for moment in moments.dropFirst(11).dropLast() {
            #expect(abs((moment.said ?? -1) - moment.left) < 0.15, "\(moment)")
        }
    }

    @Test func aChangeOfPaceIsFollowedWithinAFewChunks() {
        let moments = run(
            Array(repeating: 3, count: 4) + Array(repeating: 0.1, count: 120), slots: 4)
        for moment in moments where moment.time > 3.9 && moment.left > 0 {
            #expect((moment.said ?? -1) < moment.left * 2 + 0.3, "\(moment)")
        }
        // The other way round, too: no jump to and fro.
        let slow = run(Array(repeating: 0.1, count: 40) + Array(repeating: 2, count: 40), slots: 4)
        for moment in slow where moment.time > 9 && moment.left > 0 {
            #expect(abs((moment.said ?? -1) - moment.left) < moment.left / 3 + 1, "\(moment)")
        }
    }

    @Test func theLongestRunningChunkCounts() {
        var estimate = TimeLeft()
        estimate.note(work: 1, seconds: 10, slot: 1)
        let left = estimate.estimate(
            waiting: 0, running: [RunningWork(work: 1, age: 9), RunningWork(work: 1, age: 1)])
        #expect(left == 9)
    }
}

@Suite struct ProgressBarTests {
    private let styles = [true, false].map { ProgressBar(usesBlocks: $0, usesColour: false) }

    @Test(arguments: 0...250)
    func aLineLeavesTheLastColumnFree(columns: Int) {
        var many = progress(done: 399_999, total: 400_000, seconds: 100_000)
        many.failed = 1234
        for state in [many, progress(done: 3, total: nil), progress(done: 0, total: 0)] {
            for style in styles {
                for tick in 0..<20 {
                    let line = style.line(state, columns: columns, tick: tick)
                    #expect(line.unicodeScalars.count <= max(columns - 1, 0))
                    #expect(line.unicodeScalars.allSatisfy { style.usesBlocks || $0.isASCII })
                }
            }
        }
    }

    /// 40 cells are 320 eighths: of the Unicode standard's Block Elements, U+2588 is full and
    /// U+2589 to U+258F are seven to one eighths.
    @Test(arguments: 0...320)
    func theBarIsAnEighthOfACellFine(eighths: Int) {
        let bar = styles[0].line(progress(done: eighths, total: 320), columns: 200, tick: 0)
            .unicodeScalars.dropFirst().prefix(50)
        let full = bar.filter { $0.value == 0x2588 }.count
        let part = bar.first { (0x2589...0x258F).contains($0.value) }
        let shown = full * 8 + (part.map { 8 - (Int($0.value) - 0x2588) } ?? 0)
        #expect(shown == eighths * 400 / 320)
    }

    @Test func inASCIIHalfDoneIsHalfABar() {
        let bar = styles[1].line(progress(done: 1, total: 2), columns: 200, tick: 0)
            .prefix { $0 != "]" }
        let full = bar.filter { $0 == "=" }.count
        #expect(full > 0 && full == bar.filter { $0 == " " }.count)
    }

    @Test func theMostTellingFieldsStayLongest() {
        var state = progress(done: 4, total: 40, seconds: 4)
        state.failed = 2
        state.secondsLeft = 36
        let lines = [200, 80, 60, 34, 12].map { styles[0].line(state, columns: $0, tick: 0) }
        let words = ["elapsed", "2 running", "2 failed", "10%", "4/40 items"]
        for (index, line) in lines.enumerated() {
            #expect(line.contains(words[index]), "\(line)")
            if index > 0 { #expect(!line.contains(words[index - 1]), "\(line)") }
        }
    }

    @Test func onlyWhatIsAllDoneFillsTheBar() {
        let almost = styles[0].line(
            progress(done: 999_999, total: 1_000_000), columns: 200, tick: 0)
        #expect(!almost.hasPrefix("▕" + String(repeating: "█", count: 50)))
        let all = styles[0].line(progress(done: 1_000_000, total: 1_000_000), columns: 200, tick: 0)
        #expect(all.hasPrefix("▕" + String(repeating: "█", count: 50)))
    }

    @Test func aPieceGoesToAndFroWhereTheTotalIsUnknown() {
        let places = (0..<80).map { tick in
            styles[1].line(progress(done: 1, total: nil), columns: 200, tick: tick)
                .prefix { $0 != "=" }.count - 1
        }
        #expect(Set(places) == Set(0...40))
        #expect(zip(places, places.dropFirst()).allSatisfy { abs($0 - $1) == 1 })
    }
}

@Suite struct TerminalTests {
    private func terminal(_ variables: [String: String]) -> Terminal {
        Terminal { variables[$0] }
    }

    @Test func theLocaleSaysWhetherThereAreBlocks() {
        #expect(terminal(["LANG": "en_US.UTF-8"]).showsBlocks)
        #expect(terminal(["LANG": "C", "LC_CTYPE": "C.utf8"]).showsBlocks)
        #expect(!terminal(["LANG": "en_US.UTF-8", "LC_ALL": "C"]).showsBlocks)
        #expect(terminal(["LANG": "en_US.UTF-8", "LC_ALL": ""]).showsBlocks)
        #expect(!terminal([:]).showsBlocks)
        #expect(!terminal(["LANG": "zh_CN.UTF-8"]).showsBlocks)
    }

    /// https://no-color.org: set and not empty, whatever the value.
    @Test func coloursAreRefusedByNO_COLOR() {
        #expect(terminal(["TERM": "xterm"]).showsColour)
        #expect(!terminal(["TERM": "xterm", "NO_COLOR": "0"]).showsColour)
        #expect(terminal(["TERM": "xterm", "NO_COLOR": ""]).showsColour)
        #expect(!terminal(["TERM": "dumb"]).showsColour && !terminal([:]).hasCursorControl)
    }

    @Test func onlyTerminalsThatShowItGetTaskProgress() {
        for variables in [
            ["TERM": "xterm-ghostty"], ["TERM": "xterm-256color", "WT_SESSION": "x"],
            ["TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"],
            ["TERM": "xterm-256color", "PTYXIS_VERSION": "48.1"],
            ["TERM": "xterm-256color", "TERM_FEATURES": "T3LrMSc7UUw9Ts3BFGsSyHNoSxFP"],
        ] {
            #expect(terminal(variables).showsTaskProgress, "\(variables)")
        }
        for variables in [
            ["TERM": "xterm-256color"], ["TERM": "screen", "WT_SESSION": "x"],
            ["TERM": "tmux-256color", "TERM_PROGRAM": "WezTerm"], ["TERM": "dumb"], [:],
            ["TERM": "xterm-256color", "PTYXIS_VERSION": "47.9"],
            ["TERM": "xterm-256color", "TERM_FEATURES": "T3LrMSc7UUw9Ts3BFGsSyHNoSxFPa"],
        ] {
            #expect(!terminal(variables).showsTaskProgress, "\(variables)")
        }
    }
}
