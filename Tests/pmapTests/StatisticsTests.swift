import Testing

@testable import pmap

@Suite struct HistogramTests {
    @Test(arguments: UInt64(1)...20)
    func quantilesAreKnownToOnePercent(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var histogram = Histogram()
        let times = (0..<Int.random(in: 1...5000, using: &random)).map { _ in
            Double.random(in: 0.00001...1, using: &random)
                * Double([1, 10, 1000, 100_000].randomElement(using: &random)!)
        }
        for time in times { histogram.add(time) }
        let sorted = times.sorted()
        // The nearest rank: the least value with that share of all at or below it.
        for share in [0.01, 0.5, 0.95, 1] {
            let rank = Int((share * Double(times.count)).rounded(.up))
            let exact = sorted[max(rank, 1) - 1]
            #expect(abs(histogram.quantile(share) / exact - 1) < 0.011)
        }
        #expect(histogram.smallest == sorted.first && histogram.largest == sorted.last)
    }

    @Test func whatIsOutOfRangeIsCounted() {
        var histogram = Histogram()
        #expect(histogram.quantile(0.5) == 0)
        for time in [0, 1e-12, 1e12] { histogram.add(time) }
        #expect(histogram.quantile(0.5) < 1.1e-6 && histogram.quantile(1) > 1e7)
    }
}

@Suite struct StatisticsTests {
    private func sample(_ number: Int, slot: Int, seconds: Double, end: Double)
        -> Statistics.Sample
    {
        Statistics.Sample(
            number: number, items: 2, bytes: 10, slot: slot, seconds: seconds, spawning: 0.25,
            end: end, cpuSeconds: 0.5, bytesOut: 100)
    }

    /// Two slots, ten seconds: the first works for 4 + 5 of them, the second for 2.
    @Test func theTableAddsUp() {
        var statistics = Statistics()
        statistics.note(sample(1, slot: 1, seconds: 4, end: 4), text: "a")
        statistics.note(sample(2, slot: 2, seconds: 2, end: 2), text: "b")
        statistics.note(sample(3, slot: 1, seconds: 5, end: 10), text: "c")
        statistics.note(sample(4, slot: 1, seconds: 1, end: 10), text: "d")
        var progress = Progress()
        progress.chunksDone = 4
        progress.itemsDone = 8
        progress.failed = 1
        let table = statistics.table(progress: progress, wall: 10, advice: "none").split(
            separator: "\n")
        let rows = table.map { $0.split(separator: " ").joined(separator: " ") }
        #expect(
            rows.prefix(6) == [
                "chunks 4, 1 failed", "items 8", "bytes out 400", "wall 10.000 s",
                "workers' CPU 2.000 s, 0.2 CPUs", "slots busy 1: 100 % 2: 20 %",
            ])
        #expect(
            rows[6].wholeMatch(
                of:
                    /chunk seconds min 1.000, median (1\.9|2\.0)[0-9]+, 95 % (4\.9|5\.0)[0-9]+, max 5.000/
            )
                != nil)
        #expect(
            rows.dropFirst(7) == [
                "starting 5 % of the slots' time, 0.250 s a worker",
                "slowest chunks 3: 5.000 s: c", "1: 4.000 s: a", "2: 2.000 s: b", "advice none",
            ])
        #expect(statistics.endShare(wall: 10) == 0.4)
    }
}

/// However many chunks there are, three are remembered, the slowest.
@Suite struct SlowestTests {
    @Test(arguments: UInt64(1)...5) func threeAreKept(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var statistics = Statistics()
        let times = (1...10_000).map { _ in Double.random(in: 0...9, using: &random) }
        var asked = 0
        for (index, seconds) in times.enumerated() {
            let sample = Statistics.Sample(
                number: index + 1, items: 1, bytes: 1, slot: index % 4 + 1, seconds: seconds,
                spawning: 0, end: 0, cpuSeconds: 0, bytesOut: 0)
            func text() -> String {
                asked += 1
                return ""
            }
            statistics.note(sample, text: text())
        }
        let expected = times.enumerated().sorted { $0.element > $1.element }.prefix(3)
        #expect(statistics.slowest.map(\.number) == expected.map { $0.offset + 1 })
        #expect(asked < 100 && statistics.busy.count == 4)
    }
}

@Suite struct AdviceTests {
    /// 4 workers on 4 CPUs, 100 chunks of 10 items, each a second of computing.
    private var good: Advice {
        Advice(
            limit: .items(10), workers: 4, cpus: 4, chunks: 100, items: 1000, bytes: 10_000,
            start: 0.001, busy: 100, cpusUsed: 3.9, utilisation: 0.99, startShare: 0.001,
            endShare: 0.01)
    }

    @Test func whatIsGoodIsKept() {
        #expect(good.sentence == "keep -c 10 -j 4: the slots were busy and the starts cheap.")
    }

    @Test func dearStartsAskForLargerChunks() {
        var advice = good
        advice.limit = .items(1)
        advice.chunks = 1000
        advice.busy = 10
        advice.start = 0.005
        advice.startShare = 0.5
        // An item takes 10 - 1000 x 0.005 = 5 s / 1000; 19 starts of 5 ms are 19 items.
        #expect(
            advice.sentence
                == "try -c 19 -j 4: starting workers took 50 % of the slots' time.")
        // 10 bytes an item; 49 starts of 5 ms are 490 bytes.
        advice.limit = .bytes(10)
        #expect(advice.sentence.hasPrefix("try -b 490 -j 4: "))
    }

    @Test func idleSlotsAtTheEndAskForSmallerOnes() {
        var advice = good
        advice.limit = .items(100)
        advice.chunks = 10
        advice.endShare = 0.3
        #expect(
            advice.sentence
                == "try -c 50 -j 4: slots had nothing left to do for 30 % of their time.")
        // As Python's Pool.map has it: 1000 items, 4 chunks to each of 4 workers.
        advice.chunks = 2
        #expect(advice.sentence == "try -c 63 -j 4: 2 chunks are too few for 4 workers.")
    }

    /// Adding up the counts of many small blocks is the reader's work, which pmap does not see.
    @Test func smallBlocksThatPrintMuchAskForLargerOnes() {
        var advice = good
        advice.limit = .bytes(1 << 20)
        advice.chunks = 400
        advice.bytes = 400 << 20
        advice.bytesOut = 60 << 20
        // Four blocks for each of 4 workers.
        let larger =
            "workers that count print less with larger blocks: these printed 15 % of what they read."
        #expect(advice.sentence == "try -b 25M -j 4: " + larger)
        advice.limit = .automatic(.bytes, 1 << 20)
        #expect(advice.sentence == "try -b 25M -j 4: " + larger)
        advice.limit = .bytes(1 << 20)
        advice.bytes *= 256
        advice.bytesOut *= 256
        advice.chunks *= 256
        #expect(advice.sentence == "try -b 64M -j 4: " + larger)
        advice.bytesOut = advice.bytes / 11
        #expect(advice.sentence.hasPrefix("keep -b 1024K -j 4: "))
        advice.bytesOut = advice.bytes
        advice.limit = .bytes(60 << 20)
        advice.chunks = advice.bytes / (60 << 20)
        #expect(advice.sentence.hasPrefix("keep -b 60M -j 4: "))
        // A chunk of a number of items is not a block.
        advice = good
        advice.bytesOut = advice.bytes
        #expect(advice.sentence.hasPrefix("keep -c 10 -j 4: "))
    }

    @Test func workersThatWaitAskForMoreOfThem() {
        var advice = good
        advice.cpusUsed = 0.4
        #expect(
            advice.sentence == "try -c 10 -j 16: workers waited for 90 % of their time.")
        advice.cpus = 8
        advice.cpusUsed = 3.9
        #expect(advice.sentence == "try -c 10 -j 8: there are 8 CPUs.")
        advice.cpus = 2
        advice.cpusUsed = 2
        #expect(advice.sentence == "try -c 10 -j 2: all 2 CPUs were busy.")
    }

    /// What was not so is not given for a reason.
    @Test func whatIsKeptForWantOfBetterIsNotPraised() {
        var advice = good
        advice.chunks = 4
        advice.items = 4
        advice.limit = .items(1)
        advice.startShare = 0.35
        advice.utilisation = 0.42
        #expect(
            advice.sentence == "keep -c 1 -j 4: starting workers took 35 % of the slots' time, "
                + "but there are too few items for larger chunks.")
        advice.startShare = 0.01
        #expect(
            advice.sentence == "keep -c 1 -j 4: the slots were busy for 42 % of their time, "
                + "which no other number would change.")
        advice.items = 1
        advice.chunks = 1
        #expect(advice.sentence == "none: one item tells too little.")
    }

    @Test func whereStartsAreMostOfTheTimeTheSizeIsLeftToBeFound() {
        var advice = good
        advice.limit = .items(1)
        advice.chunks = 1000
        advice.busy = 10
        advice.start = 0.009
        advice.startShare = 0.7
        #expect(
            advice.sentence == "try -c auto -j 4: starting workers took 70 % of the slots' time.")
    }

    /// 129,938 items of 7 bytes fit into so much room; the times alone would have 268,863.
    @Test func noSizeIsAdvisedThatNoCommandLineTakes() throws {
        var advice = good
        advice.limit = .automatic(.items, 268_863)
        advice.mostItems = 129_938
        #expect(advice.sentence.hasPrefix("try -c 129938 -j 4: "), "\(advice.sentence)")
        advice.limit = .items(2)
        advice.chunks = 500
        advice.mostItems = 16
        advice.startShare = 0.4
        advice.start = 0.1
        #expect(advice.sentence.hasPrefix("try -c 16 -j 4: "), "\(advice.sentence)")
        let room = ArgumentRoom(total: 2_079_008, words: [], separator: [])
        #expect(Advice.mostItems(in: room, items: 1000, bytes: 8000) == 2_079_008 / (7 + 9))
        #expect(Advice.mostItems(in: nil, items: 1000, bytes: 8000) == .max)
        #expect(Advice.mostItems(in: room, items: 0, bytes: 0) == .max)
    }

    @Test func whereNothingRanThereIsNone() {
        var advice = good
        advice.chunks = 0
        #expect(advice.sentence == "none: no worker ran to its end.")
    }
}
