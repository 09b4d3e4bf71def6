import Shared
import Testing

@testable import pmap

@Suite struct ItemBufferTests {
    /// Bytes are added and removed at both ends, and put back, as in an array.
    @Test func aBufferIsAQueueOfBytes() throws {
        var random = SeededGenerator()
        for round in 0..<200 {
            let scale = round % 20 == 0 ? 100_000 : [4, 1000].randomElement(using: &random)!
            var buffer = ItemBuffer(capacity: .random(in: 0...scale, using: &random))
            var model: [UInt8] = []
            for _ in 0..<30 {
                let size = Int.random(in: 0...scale, using: &random)
                switch Int.random(in: 0...6, using: &random) {
                case 0...2:
                    let fresh =
                        [UInt8](repeating: .random(in: 0...255, using: &random), count: size)
                    let added = try buffer.fill(for: model.count + size) { memory in
                        let part = fresh.prefix(memory.count)
                        memory.copyBytes(from: part)
                        return part.count
                    }
                    #expect(added > 0 || size == 0, "\(random)")
                    model += fresh.prefix(added)
                case 3:
                    buffer.append(UInt8(truncatingIfNeeded: size))
                    model.append(UInt8(truncatingIfNeeded: size))
                case 4:
                    let count = min(size, model.count)
                    let taken = buffer.take(count)
                    #expect(taken == Array(model.prefix(count)), "\(random)")
                    if Bool.random(using: &random) {
                        buffer.putBack(taken)
                    } else {
                        model.removeFirst(count)
                    }
                case 5:
                    let count = min(size, model.count) / 3
                    buffer.removeFirst(count)
                    model.removeFirst(count)
                default:
                    let count = min(size, model.count) / 3
                    buffer.removeLast(count)
                    model.removeLast(count)
                }
                #expect(Array(buffer.contents) == model && buffer.last == model.last, "\(random)")
            }
        }
    }
}
