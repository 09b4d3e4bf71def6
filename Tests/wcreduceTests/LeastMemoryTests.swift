import Testing

@testable import wcreduce

@Suite struct LeastMemoryTests {
    @Test func noLimitIsBelowAMebibyte() {
        for given in [0, 1, (1 << 20) - 1] {
            #expect(MemoryLimit(given).bytes == 1 << 20)
            #expect(MemoryLimit(given).freely == 1 << 20)
        }
        #expect(MemoryLimit((1 << 20) + 1).bytes == (1 << 20) + 1)
    }
}
