import Shared

/// A keyed hash. The key is random in each run, so no input can be made to collide. Every output
/// bit depends on every input bit, so numbered keys (`k7919`, `k15838` ...) fill the table as
/// evenly as words do.
///
/// The mixing step is wyhash's (Wang Yi, public domain): the exclusive-or of the two halves of the
/// 128-bit product. After one step alone, equal distances between short keys still show in the
/// hash: with one random key in ten, searches for binary numbers went much further.
struct KeyedHash {
    private let keys: (UInt64, UInt64, UInt64)

    init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    init(using generator: inout some RandomNumberGenerator) {
        keys = (generator.next(), generator.next() | 1, generator.next() | 1)
    }

    /// The hash of a key of up to 15 bytes; never 0.
    @inline(__always)
    func tag(_ first: UInt64, _ second: UInt64) -> UInt32 {
        Self.upperHalf(Self.mix(first ^ keys.0, second ^ keys.1) &* keys.2)
    }

    /// The hash of a key of at least 16 bytes.
    func tag(_ key: UnsafeRawBufferPointer) -> UInt32 {
        var state = keys.2 ^ UInt64(key.count)
        var offset = 0
        while offset + 16 <= key.count {
            state = Self.mix(
                unsafe word(key, at: offset) ^ keys.0,
                unsafe word(key, at: offset + 8) ^ keys.1 ^ state)
            offset += 16
        }
        // Mix the last 16 bytes, some or all of them a second time, instead of a loop over the
        // rest.
        let last = key.count - 16
        return Self.upperHalf(
            Self.mix(
                unsafe word(key, at: last) ^ state, unsafe word(key, at: last + 8) ^ keys.1))
    }

    private func word(_ key: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
        unsafe UInt64(
            littleEndian: key.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    @inline(__always)
    private static func upperHalf(_ hash: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: hash &>> 32) | 1
    }

    @inline(__always)
    private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }
}
