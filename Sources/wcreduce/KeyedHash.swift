import Shared

/// A hash whose key is drawn anew for each run, so that no input can be made to
/// collide, and whose every output bit depends on every input bit: numbered keys
/// (`k7919`, `k15838` ...) fill the table as evenly as words do.
///
/// The mixing step is that of wyhash (Wang Yi, public domain): the two halves of the
/// 128-bit product, exclusive-or.
struct KeyedHash {
    private let keys: (UInt64, UInt64, UInt64)

    init() {
        var generator = SystemRandomNumberGenerator()
        keys = (generator.next(), generator.next(), generator.next())
    }

    @inline(__always)
    func callAsFunction(_ first: UInt64, _ second: UInt64, length: Int) -> UInt64 {
        let product = Self.mix(first ^ keys.0, second ^ keys.1)
        return Self.mix(product ^ keys.2, UInt64(truncatingIfNeeded: length) ^ keys.1)
    }

    /// For keys longer than 16 bytes.
    func callAsFunction(_ key: UnsafeRawBufferPointer) -> UInt64 {
        var state = keys.2
        var offset = 0
        while offset + 16 <= key.count {
            state = Self.mix(
                unsafe word(key, at: offset) ^ keys.0,
                unsafe word(key, at: offset + 8) ^ keys.1 ^ state)
            offset += 16
        }
        // The last 16 bytes once more, in part or whole, instead of a loop over the rest.
        let last = key.count - 16
        return self(
            unsafe word(key, at: last) ^ state, unsafe word(key, at: last + 8),
            length: key.count)
    }

    private func word(_ key: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
        unsafe UInt64(
            littleEndian: key.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    @inline(__always)
    private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }
}
