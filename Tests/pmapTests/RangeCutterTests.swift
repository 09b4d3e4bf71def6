import Shared
import Testing

@testable import pmap

@Suite struct RangeCutterTests {
    /// However the number of items changes while they are counted, the chunks are the file, in order,
    /// and each has as many items as it says.
    @Test(arguments: [false, true])
    func countedChunksAreTheItemsOfTheFile(grows: Bool) throws {
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
            if grows { system.input += [0x61] }
            var found: [UInt8] = []
            while !cutter.isAtEnd {
                let limit = Int.random(in: 1...50, using: &random)
                guard let contents = try cutter.next(items: limit) else { continue }
                let bytes =
                    switch contents {
                    case .memory(let bytes, _): bytes
                    case .range(let range):
                        Array(system.input[range.offset..<(range.offset + range.count)])
                    }
                let lines = bytes.count { $0 == 0x0A } + (bytes.last == 0x0A ? 0 : 1)
                #expect(contents.itemCount == lines && lines > 0, "\(random)")
                found += bytes
                #expect(system.inputPosition == start + found.count, "\(random)")
            }
            var expected = Array(system.input[start..<size])
            // The last item goes on in what was added, which is not read.
            if grows { expected.removeLast(expected.reversed().prefix { $0 != 0x0A }.count) }
            #expect(found == expected, "\(random)")
            #expect((cutter.fault == nil) == (!grows || start == size), "\(random)")
        }
    }
}
