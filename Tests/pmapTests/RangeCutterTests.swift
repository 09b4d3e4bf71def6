import Shared
import Testing

@testable import pmap

@Suite struct RangeCutterTests {
    /// However the number of items changes while they are counted, the chunks are the file, in order,
    /// and each has as many items as it says. A file that changes its size, if only by one byte, is
    /// read no further than is safe.
    @Test(arguments: [0, 1, -1])
    func countedChunksAreTheItemsOfTheFile(change: Int) throws {
        var random = SeededGenerator()
        for _ in 0..<500 {
            let system = FakeSystem()
            let size = Int.random(in: 0...2000, using: &random)
            let rarity = Int.random(in: 1...60, using: &random)
            system.input = (0..<size).map { _ in
                Int.random(in: 0..<rarity, using: &random) == 0 ? 0x0A : 0x61
            }
            let start = Int.random(in: 0...(size / 3), using: &random)
            let file = InputFile(
                descriptor: FileDescriptor(0), name: "in", extent: nil, isLarge: true,
                leastRange: Int.random(in: 1...70, using: &random))
            let extent = InputFile.Extent(start: start, end: size, changed: .zero)
            var cutter = RangeCutter(system, file, extent, delimiter: 0x0A)
            if change > 0 { system.input += [0x61] }
            var shrinksAt = change < 0 ? Int.random(in: start...size, using: &random) : .max
            var found: [UInt8] = []
            while !cutter.isAtEnd {
                if cutter.position >= shrinksAt {
                    system.input.removeLast()
                    shrinksAt = .max
                }
                let limit = Int.random(in: 1...50, using: &random)
                guard let contents = try cutter.next(items: limit) else { continue }
                let bytes: [UInt8] =
                    switch contents {
                    case .memory(let bytes, _): bytes
                    case .range(let range):
                        Array(system.input[range.offset..<(range.offset + range.count)])
                    case .piped: []
                    }
                let lines = bytes.count { $0 == 0x0A } + (bytes.last == 0x0A ? 0 : 1)
                #expect(contents.itemCount == lines && lines > 0, "\(random)")
                found += bytes
                #expect(system.inputPosition == start + found.count, "\(random)")
            }
            let hasShrunk = system.input.count < size
            var expected = Array(system.input[start..<min(size, system.input.count)])
            // The last item goes on in what was added, which is not read.
            if change > 0 { expected.removeLast(expected.reversed().prefix { $0 != 0x0A }.count) }
            #expect(hasShrunk ? expected.starts(with: found) : found == expected, "\(random)")
            #expect(found == expected || found.last ?? 0x0A == 0x0A, "\(random)")
            let isRight = !hasShrunk && (change <= 0 || start == size)
            #expect((cutter.fault == nil) == isRight, "\(random)")
        }
    }

    /// Lines of at most so many bytes; the last one may lack its newline.
    private static func lines(
        _ size: Int, atMost longest: Int, _ random: inout SeededGenerator
    ) -> [UInt8] {
        var lines: [UInt8] = []
        while lines.count < size {
            lines += [UInt8](repeating: 0x61, count: .random(in: 0..<longest, using: &random))
            lines.append(0x0A)
        }
        return Array(lines.prefix(size))
    }

    /// A range is as many whole items as fit, or one that is longer.
    @Test func rangesHaveAsManyItemsAsFit() throws {
        var random = SeededGenerator()
        for _ in 0..<500 {
            let system = FakeSystem()
            // The end of a range is looked for in steps of 4 KiB and more.
            let scale = [1, 1, 1, 1000].randomElement(using: &random)!
            let size = Int.random(in: 0...500, using: &random) * scale
            let longest = Int.random(in: 1...50, using: &random) * scale
            system.input = Self.lines(size, atMost: longest, &random)
            let file = InputFile(
                descriptor: FileDescriptor(0), name: "in", extent: nil, isLarge: true)
            let extent = InputFile.Extent(start: 0, end: size, changed: .zero)
            var cutter = RangeCutter(system, file, extent, delimiter: 0x0A)
            while !cutter.isAtEnd {
                let start = cutter.position
                let limit = Int.random(in: 1...100, using: &random) * scale
                var range: FileRange?
                while range == nil, !cutter.isAtEnd { range = try cutter.next(size: limit) }
                let count = try #require(range).count
                let rest = system.input[start...]
                let longer = rest.dropFirst(count).firstIndex(of: 0x0A).map { $0 + 1 } ?? size
                let isWhole = count == rest.count || rest[start + count - 1] == 0x0A
                let fits = count <= limit || !rest.prefix(count - 1).contains(0x0A)
                let isFull = count == rest.count || longer - start > limit
                #expect(
                    range?.offset == start && count > 0 && isWhole && fits && isFull, "\(random)")
            }
            #expect(cutter.position == size && cutter.fault == nil, "\(random)")
        }
    }

    /// However far the last newline is from the most bytes that a range may have.
    @Test func theLastNewlineBeforeTheLimitIsFound() throws {
        let system = FakeSystem()
        let limit = 5000
        let file = InputFile(
            descriptor: FileDescriptor(0), name: "in", extent: nil, isLarge: true)
        let extent = InputFile.Extent(start: 0, end: 6000, changed: .zero)
        system.input = [0x0A] + [UInt8](repeating: 0x61, count: 5999)
        for place in 0..<limit {
            system.input[place] = 0x0A
            var cutter = RangeCutter(system, file, extent, delimiter: 0x0A)
            var range: FileRange?
            while range == nil { range = try cutter.next(size: limit) }
            #expect(range?.count == place + 1)
            if place > 0 { system.input[place] = 0x61 }
        }
    }

    /// The header may be longer than what is read at a time.
    @Test func theFirstItemsAreTakenAndTheRestFollows() throws {
        var random = SeededGenerator()
        for count in 0...20 {
            let system = FakeSystem()
            system.input = Self.lines(20_000, atMost: 3000, &random)
            let file = InputFile(
                descriptor: FileDescriptor(0), name: "in", extent: nil, isLarge: true)
            let extent = InputFile.Extent(start: 0, end: 20_000, changed: .zero)
            var cutter = RangeCutter(system, file, extent, delimiter: 0x0A)
            let header = try cutter.takeFirst(count)
            var size = 0
            for _ in 0..<count {
                size = system.input[size...].firstIndex(of: 0x0A).map { $0 + 1 } ?? 20_000
            }
            #expect(header == Array(system.input[..<size]) && cutter.position == size, "\(random)")
        }
    }
}
