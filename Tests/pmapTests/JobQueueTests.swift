import Shared
import Testing

@testable import pmap

@Suite struct JobQueueTests {
    private func job(_ number: Int, bytes: Int = 2) -> Job {
        Job(
            chunk: Chunk(
                number: number, itemCount: 1, bytes: [UInt8](repeating: 97, count: bytes)))
    }

    /// A queue whose input has nothing more.
    private func queue(_ system: FakeSystem) -> JobQueue<FakeSystem> {
        let pipe = system.makeWorkerPipe()
        system.closeWriter(of: pipe)
        var source = ItemSource(
            system, [InputFile(descriptor: pipe, name: "in", extent: nil, isLarge: false)],
            limits: ChunkLimits(items: 1, bytes: .max), delimiter: 10)
        while !source.atEnd { source.read() }
        return JobQueue(system, source, finds: nil, outputBuffer: 1 << 20)
    }

    @Test func chunksThatFailedComeInTheOrderOfTheInput() {
        var queue = queue(FakeSystem())
        for number in [3, 1, 4, 2] { queue.add(job(number)) }
        let (first, isExhausted) = (queue.firstWaiting?.number, queue.isExhausted)
        #expect(first == 1 && !isExhausted)
        let numbers = queue.removeWaiting().map(\.chunk.number)
        let isEmpty = queue.isExhausted
        #expect(numbers == [1, 2, 3, 4] && isEmpty)
    }

    @Test func eachChunkRestsAsLongAsItShould() {
        let system = FakeSystem()
        var queue = queue(system)
        var seen: [Int?] = []
        for (number, pause) in [(1, 2), (2, 1), (3, 3), (4, 0)] {
            queue.rest(job(number), for: .seconds(pause))
        }
        for _ in 0...3 {
            queue.wake()
            seen.append(queue.firstWaiting?.number)
            let wake = queue.nextWake
            #expect(wake == (system.now < .seconds(3) ? system.now + .seconds(1) : .never))
            system.now += .seconds(1)
        }
        #expect(seen == [4, 2, 1, 1])
    }

    @Test func chunksThatRestAreGivenUpWithTheOthers() {
        var queue = queue(FakeSystem())
        queue.rest(job(2), for: .seconds(9))
        queue.add(job(3))
        let numbers = queue.removeWaiting().map(\.chunk.number)
        #expect(numbers == [2, 3])
    }

    /// No new chunks are cut while 4 MiB of items rest.
    @Test func theMemoryOfChunksThatRestIsBounded() {
        let system = FakeSystem()
        var queue = queue(system)
        var seen: [Bool] = []
        for _ in 0..<3 {
            for (size, pause) in [(3 << 20, 1), ((1 << 20) - 1, 2), (1, 2)] {
                queue.rest(job(1, bytes: size), for: .seconds(pause))
                seen.append(queue.isCrowded)
            }
            system.now += .seconds(1)
            queue.wake()
            seen.append(queue.isCrowded)
            system.now += .seconds(1)
            queue.wake()
        }
        #expect(seen == Array(repeating: [false, false, true, false], count: 3).flatMap { $0 })
    }

    @Test func theNumberOfChunksThatRestIsBounded() {
        var queue = queue(FakeSystem())
        for number in 1...999 { queue.rest(job(number), for: .seconds(1)) }
        let before = queue.isCrowded
        queue.rest(job(1000), for: .seconds(1))
        let after = queue.isCrowded
        #expect(!before && after)
    }

    /// A start that fails is tried again after a tenth of a second, and ten times if no worker runs
    /// that could end and leave room.
    @Test func aStartThatFailsIsTriedTenTimes() {
        let system = FakeSystem()
        system.now = .seconds(5)
        var queue = queue(system)
        var seen: [Bool] = []
        for _ in 0...10 {
            seen.append(queue.isPatient(isAlone: true))
            let isPatientWithOthers = queue.isPatient(isAlone: false)
            #expect(isPatientWithOthers)
            queue.tryAgain(job(1))
            let next = queue.nextStart
            #expect(next == system.now + .milliseconds(100))
        }
        #expect(seen == Array(repeating: true, count: 10) + [false])
        queue.mayStart()
        let (isPatient, next) = (queue.isPatient(isAlone: true), queue.nextStart)
        #expect(isPatient && next == .zero)
    }
}
