import Shared
import Testing

@Suite struct Bytes64Tests {
    @Test func eachByteHasItsBit() {
        var random = SeededGenerator()
        for _ in 0..<1000 {
            let range = Bool.random(using: &random) ? 9...11 : 0...UInt8.max
            let bytes = (0..<64).map { _ in UInt8.random(in: range, using: &random) }
            var expected: UInt64 = 0
            for place in 0..<64 where bytes[place] == 10 { expected |= 1 << UInt64(place) }
            #expect(unsafe cs_matches64(bytes, 10) == expected, "\(random)")
        }
    }
}
