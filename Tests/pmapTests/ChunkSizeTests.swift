import Testing

@testable import pmap

/// Workers on a clock of the test's own: what a run would take if starting took `start`
/// seconds and item i took `costs[i]`.
///
/// - Parameters:
///   - readAhead: how many items are known to be left at most.
///   - blockPart: the bytes of an item, if chunks are blocks of bytes.
private func run(
    _ costs: [Double], workers: Int, start: Double, readAhead: Int = .max, blockPart: Int? = nil
) -> (makespan: Double, sizes: [Int]) {
    let bytes = blockPart ?? 1
    var sizer = ChunkSizer(blockPart == nil ? .items : .bytes)
    var freeAt = [Double](repeating: 0, count: workers)
    var running: [(slot: Int, items: Int, seconds: Double)] = []
    var next = 0
    var sizes: [Int] = []
    while next < costs.count || !running.isEmpty {
        let busy = Set(running.map(\.slot))
        if next < costs.count, let slot = (0..<workers).first(where: { !busy.contains($0) }) {
            let left = min(costs.count - next, readAhead)
            let wanted = sizer.size(left: left * bytes, workers: workers)
            // A last block may be wanted as large as is worth its start.
            #expect(wanted >= 1 && (wanted == 1 || wanted <= left || blockPart != nil))
            let size = max(wanted / bytes, 1)
            let end = min(next + size, costs.count)
            let seconds = start + costs[next..<end].reduce(0, +)
            freeAt[slot] += seconds
            running.append((slot, end - next, seconds))
            sizes.append(end - next)
            next = end
            continue
        }
        let first = running.indices.min { freeAt[running[$0].slot] < freeAt[running[$1].slot] }!
        let done = running.remove(at: first)
        sizer.note(size: done.items * bytes, seconds: done.seconds, spawning: start / 3)
        // A slot that was idle starts again now.
        for slot in 0..<workers where !running.contains(where: { $0.slot == slot }) {
            freeAt[slot] = max(freeAt[slot], freeAt[done.slot])
        }
    }
    return (freeAt.max() ?? 0, sizes)
}

@Suite struct ChunkSizerTests {
    @Test func itemsThatCostNothingSoonComeInLargeChunks() {
        let (_, sizes) = run(
            [Double](repeating: 1e-8, count: 100_000), workers: 2, start: 0.001)
        // With two workers each chunk is at most a quarter of what is left, which takes 41
        // chunks to come from 100,000 to 1: log 100,000 / log 4/3. A few more are small first.
        #expect(sizes.count <= 48, "\(sizes)")
        #expect(sizes.prefix(2) == [1, 1])
    }

    /// The last hundred items take all the time, and nothing tells before.
    @Test func noChunkTakesAllThatIsLeft() {
        let (makespan, sizes) = run(
            [Double](repeating: 5e-6, count: 1000) + [Double](repeating: 0.1, count: 100),
            workers: 2, start: 0.001)
        #expect(makespan < 6.5, "\(makespan), of 5 at best: \(sizes)")
    }

    @Test func aChunkThatIsSlowTeachesWhileItRuns() {
        var sizer = ChunkSizer()
        for _ in 0..<8 { sizer.note(size: 16, seconds: 0.001, spawning: 0.0005) }
        #expect(sizer.size(left: 100_000, workers: 4) > 16)
        #expect(sizer.size(left: 100_000, workers: 4, slowest: 1) == 1)
    }

    @Test func inTheMiddleAStartTakesATwentiethOfAChunk() {
        let (_, sizes) = run([Double](repeating: 0.001, count: 20_000), workers: 4, start: 0.002)
        // 19 starts of 2 ms are 38 items.
        let middle = sizes[sizes.count / 3..<sizes.count / 2]
        #expect(middle.allSatisfy { (35...42).contains($0) }, "\(sizes)")
    }

    @Test func aStartTakesAFiftiethOfABlockAndLittleOfTheLastOnes() {
        var sizer = ChunkSizer(.bytes)
        for _ in 0..<20 {
            let size = sizer.size
            sizer.note(size: size, seconds: 0.002 + 1e-9 * Double(size), spawning: 0.001)
        }
        // 49 starts of 2 ms are 98 MB.
        #expect((97_000_000...99_000_000).contains(sizer.size), "\(sizer.size)")
        // Toward the end a block is half of a worker's share, but at least a quarter of that, if no
        // worker is left without. Even if some are, it is not so small that the start takes most
        // of its time.
        #expect(sizer.size(left: 120_000_000, workers: 2) == 30_000_000)
        #expect(sizer.size(left: 60_000_000, workers: 2) == sizer.size / 4)
        #expect(sizer.size(left: 40_000_000, workers: 2) == 20_000_000)
        #expect(sizer.size(left: 40_000_000, workers: 40) == sizer.size / 16)
    }

    /// One of 64 parts of a worker's share, from 64 KiB to 8 MiB.
    @Test func theFirstBlocksAreASmallPartOfALargeFile() {
        let sizer = ChunkSizer(.bytes)
        #expect(sizer.size(left: 1 << 26, workers: 2) == 1 << 19)
        #expect(sizer.size(left: 1 << 26, workers: 4) == 1 << 18)
        #expect(sizer.size(left: 1 << 40, workers: 4) == 8 << 20)
        #expect(sizer.size(left: 1 << 22, workers: 2) == 64 << 10)
        // The size of a pipe is not known.
        #expect(sizer.size(left: .max, workers: 2) == 64 << 10)
        #expect(ChunkSizer(.items).size(left: 1 << 40, workers: 1) == 1)
        // Once a block has finished, what it took decides.
        var taught = sizer
        taught.note(size: 8 << 20, seconds: 1, spawning: 0.001)
        #expect(taught.size(left: 1 << 40, workers: 4) == 16 << 20)
    }

    /// The longer a chunk takes, the less the next one may be larger, however little it costs.
    @Test(arguments: [(0.004, 16), (0.006, 4), (0.04, 4), (0.06, 2), (100, 2)])
    func aChunkGrowsByAFactor(seconds: Double, factor: Int) {
        for (unit, first) in [(ChunkSizer.Unit.items, 1), (.bytes, 64 << 10)] {
            var sizer = ChunkSizer(unit)
            var expected = first
            for _ in 0..<3 {
                #expect(sizer.size == expected)
                sizer.note(size: expected, seconds: seconds, spawning: seconds)
                expected *= factor
            }
        }
    }

    @Test func itemsThatTakeLongComeAlone() {
        let (_, sizes) = run([Double](repeating: 0.1, count: 500), workers: 4, start: 0.001)
        #expect(sizes.filter { $0 > 1 }.count <= 8, "\(sizes)")
    }

    @Test func aChangeOfCostIsFollowedBothWays() {
        let cheap = [Double](repeating: 0.0001, count: 20_000)
        let dear = [Double](repeating: 0.1, count: 3000)
        let (makespan, sizes) = run(cheap + dear + cheap, workers: 4, start: 0.002)
        let total = (cheap + dear + cheap).reduce(0, +)
        #expect(makespan < total / 4 * 1.15 + 0.1, "\(makespan) \(total / 4) \(sizes)")
        // 19 starts of 2 ms are 380 of the cheap ones, before and after.
        #expect(sizes.prefix(40).contains(380) && sizes.suffix(80).contains { $0 >= 380 })
        #expect(sizes.contains(1))
    }

    /// Costs that differ a thousandfold, log-uniform: within 15 % of the ideal.
    @Test(arguments: UInt64(1)...15)
    func allWorkersEndTogetherWhateverTheItemsCost(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let costs = (0..<Int.random(in: 800...3000, using: &random)).map { _ in
            0.0002 * exp10(Double.random(in: 0...3, using: &random))
        }
        for readAhead in [Int.max, 400] {
            let (makespan, sizes) = run(
                costs, workers: 4, start: 0.003, readAhead: readAhead)
            let ideal = costs.reduce(0, +) / 4
            #expect(makespan < ideal * 1.15, "\(makespan / ideal): \(sizes)")
            #expect(sizes.reduce(0, +) == costs.count)
        }
    }

    /// 256 MiB in stretches of 1 MiB whose costs differ tenfold, after a cheap or a dear beginning.
    @Test(arguments: UInt64(1)...10)
    func allWorkersEndTogetherWhateverBytesCost(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let first = seed % 2 == 0 ? 1.0 : 10
        let stretches = (0..<256).map { number in
            number < 32 ? first : Double.random(in: 1...10, using: &random)
        }
        for (workers, perByte) in [(2, 1e-9), (4, 1e-8), (8, 1e-7)] {
            let all = (0..<1024).map { stretches[$0 / 4] * perByte * 262144 }
            let (makespan, sizes) = run(all, workers: workers, start: 0.003, blockPart: 262144)
            let ideal = all.reduce(0, +) / Double(workers)
            #expect(makespan < ideal * 1.15, "\(makespan / ideal): \(sizes)")
            #expect(sizes.reduce(0, +) == all.count)
        }
    }

    /// One worker among many more than there are items, and numbers at their limits.
    @Test func extremesAreBounded() {
        var sizer = ChunkSizer()
        #expect(sizer.size(left: 0, workers: 1) == 1)
        #expect(sizer.size(left: .max, workers: .max) == 1)
        for _ in 0..<100 { sizer.note(size: .max, seconds: 0, spawning: 0) }
        for left in [0, 1, 1000, Int.max] {
            for workers in [1, 1000, Int.max] {
                #expect(sizer.size(left: left, workers: workers) >= 1)
            }
        }
    }
}

private func exp10(_ exponent: Double) -> Double {
    (0..<1000).reduce(1.0) { product, _ in product * (1 + 0.002305239 * exponent) }
}

@Suite struct ChunkCostTests {
    /// An exact line is fitted exactly: t = 0.002 + 0.0005 n.
    @Test func startsAndItemsAreToldApart() {
        var cost = ChunkCost(memory: 1)
        for items in [1, 4, 16, 64, 64, 64] {
            cost.note(items: items, seconds: 0.002 + 0.0005 * Double(items), spawning: 0.001)
        }
        #expect(abs(cost.start - 0.002) < 1e-9 && abs(cost.perItem - 0.0005) < 1e-9)
        #expect(cost.knownStart == cost.start)
    }

    /// If the costs change, those of old chunks are forgotten.
    @Test func newChunksCountMoreThanOldOnes() {
        var cost = ChunkCost(memory: 0.8)
        for (start, perItem) in [(0.5, 0.01), (0.1, 0.05), (0.2, 0.002)] {
            for round in 0..<150 {
                let items = 1 + round % 7
                cost.note(
                    items: items, seconds: start + perItem * Double(items), spawning: start / 2)
            }
            #expect(abs(cost.start - start) < 1e-6 && abs(cost.perItem - perItem) < 1e-6)
        }
    }

    /// No line fits chunks of one size. No start takes longer than the shortest of them.
    @Test func aStartIsAtMostTheShortestChunk() {
        var cost = ChunkCost(memory: 1)
        for seconds in [3.0, 1.0, 5.0, 4.0] { cost.note(items: 5, seconds: seconds, spawning: 0) }
        #expect(cost.start >= 1 && cost.start < 1.03)
        for _ in 0..<200 { cost.note(items: 5, seconds: 4, spawning: 0) }
        #expect(abs(cost.start - 4) < 1e-9)
    }

    @Test func ofEqualChunksOnlyTheSpawningIsKnown() {
        var cost = ChunkCost(memory: 1)
        for _ in 0..<9 { cost.note(items: 5, seconds: 0.010, spawning: 0.001) }
        #expect(abs(cost.knownStart - 0.001) < 1e-9 && abs(cost.start - 0.010) < 1e-9)
    }
}
