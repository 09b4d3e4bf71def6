import Shared
import Testing

@testable import wcreduce

/// Sorted runs on disk: what is written is read again, whatever the lengths, counts and buffers.
@Suite struct RunTests {
    private let folder = defaultTemporaryFolder()

    /// Numbers around those at which one more byte of a header is needed.
    private static let edges: [UInt64] = {
        var numbers: [UInt64] = [0, 1, 1 << 31, 1 << 32, .max - 1, .max]
        for size in 1...9 {
            let next = UInt64(1) << UInt64(7 * size)
            numbers += [next - 1, next, next + 1]
        }
        return numbers
    }()

    private func write(_ entries: [Entry], to file: inout RunFile) throws {
        try file.appendRun { file in
            for entry in entries {
                try withPaddedCopy(of: entry.key) { try file.write($0, entry.count) }
            }
        }
    }

    private func read(_ runs: [[Entry]], bufferSize: Int) throws -> [[Entry]] {
        var file = try RunFile(folder: folder)
        for run in runs { try write(run, to: &file) }
        return try file.takeRuns(file.runs.count).map { run in
            var reader = try RunReader(run, of: file.descriptor, bufferSize: bufferSize)
            var found: [Entry] = []
            while true {
                try reader.advance()
                guard let record = reader.current else { return found }
                found.append(Entry(record.count, Array(record.key)))
            }
        }
    }

    @Test(arguments: [1, 64, 100, 1 << 16]) func whatIsWrittenIsRead(_ bufferSize: Int) throws {
        var random = SeededGenerator()
        let lengths = [
            0, 1, 7, 8, 9, 15, 16, 17, 62, 63, 64, 65, 126, 127, 128, 129, 255, 300, 20_000,
        ]
        var runs: [[Entry]] = []
        for _ in 0..<4 {
            runs.append(
                lengths.shuffled(using: &random).flatMap { length in
                    (0..<3).map { _ in
                        let key = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random)
                        }
                        return Entry(Self.edges.randomElement(using: &random)!, key)
                    }
                })
        }
        runs.append(Self.edges.map { Entry($0, "k") })
        #expect(try read(runs, bufferSize: bufferSize) == runs, "\(random)")
    }

    /// Records of all sizes end at each place of a buffer.
    @Test func aRecordMayLieAcrossTheEndOfABuffer() throws {
        for size in 1...70 {
            let run = (0..<50).map { Entry(UInt64($0) << 40, [UInt8](repeating: 97, count: size)) }
            #expect(try read([run], bufferSize: 64) == [run], "\(size)")
        }
    }

    /// A file that has become shorter, as a full or broken disk may leave it.
    @Test(arguments: [1, 12, 1498]) func aRunThatIsCutShortIsAnError(_ missing: Int) throws {
        for isFileCut in [false, true] {
            var file = try RunFile(folder: folder)
            try write((0..<100).map { Entry(1, "key number \(10 + $0 % 90)") }, to: &file)
            var run = file.runs[0]
            if isFileCut {
                let size = off_t(run.count - missing)
                try #require(ftruncate(file.descriptor.rawValue, size) == 0)
            } else {
                run.count -= missing
            }
            #expect(throws: Errno.inputOutput, "\(missing) \(isFileCut)") {
                var reader = try RunReader(run, of: file.descriptor, bufferSize: 64)
                repeat { try reader.advance() } while reader.current != nil
            }
        }
    }

    private func merged(_ runs: [[Entry]], order: Order, memory: Int) throws -> [Entry] {
        var file = try RunFile(folder: folder)
        for run in runs { try write(run, to: &file) }
        var found: [Entry] = []
        try mergeRuns(of: &file, order: order, memory: memory) {
            found.append(Entry($0.count, Array($0.key)))
        }
        return found
    }

    /// As many runs as one pass takes, one more, and so many that several passes are needed.
    @Test(arguments: [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 30]) func anyNumberOfRunsIsMerged(
        _ count: Int
    ) throws {
        var random = SeededGenerator()
        var expected: [[UInt8]: UInt64] = [:]
        let runs = (0..<count).map { _ in
            let keys = Set((0..<20).map { _ in randomKey(upTo: 20, &random) })
            for key in keys { expected[key, default: 0] += 3 }
            return keys.sorted { $0.lexicographicallyPrecedes($1) }.map { Entry(3, $0) }
        }
        let sorted = expected.map { Entry($1, $0) }.sorted {
            $0.key.lexicographicallyPrecedes($1.key)
        }
        for memory in [0, 512 << 10, 1 << 20, 1 << 30] {
            #expect(
                try merged(runs, order: .byKey, memory: memory) == sorted, "\(random) \(memory)")
        }
    }

    @Test func aSumOfSeveralRunsPast64BitsIsAnError() throws {
        for (one, other) in [(UInt64.max, 1), (1 << 63, 1 << 63), (.max, .max)]
            as [(UInt64, UInt64)]
        {
            #expect(throws: Failure.self) {
                try merged(
                    [[Entry(one, "a")], [Entry(other, "a")]], order: .byKey, memory: 1 << 20)
            }
        }
        let largest = [[Entry(.max - 1, "a")], [Entry(1, "a")]]
        #expect(try merged(largest, order: .byKey, memory: 1 << 20) == [Entry(.max, "a")])
    }

    /// In so little memory that each few records become a run.
    @Test(arguments: [0, 1, 2, 10, 499, 500, 501, 2000, Int.max]) func theWantedRecordsAreSorted(
        _ wanted: Int
    ) throws {
        var random = SeededGenerator()
        let keys = Set(
            (0..<1000).map { number in randomKey(upTo: 20, &random) + Array("\(number)".utf8) })
        let entries = keys.map { Entry(.random(in: 1...5, using: &random), $0) }
        for order in [Order.byKey, .byCount, Order(isByCount: true, isReversed: true)] {
            // What is reversed is chosen before, so all of it is wanted.
            let wanted = order.isReversed ? .max : wanted
            for limit in [2000, 40_000, 1 << 30] {
                var sort = try RecordSort(
                    order: order, wanted: wanted, limit: limit, folder: folder)
                for entry in entries {
                    try withPaddedCopy(of: entry.key) {
                        try sort.add(Record(count: entry.count, key: $0))
                    }
                }
                var found: [Entry] = []
                try sort.visit { found.append(Entry($0.count, Array($0.key))) }
                var expected =
                    order.isByCount
                    ? entries.sorted(by: isPrintedBefore)
                    : entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
                if order.isReversed { expected.reverse() }
                #expect(found == Array(expected.prefix(wanted)), "\(random) \(wanted) \(limit)")
            }
        }
    }
}
