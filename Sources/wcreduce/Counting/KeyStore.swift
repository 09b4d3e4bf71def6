import Shared

/// The bytes of long keys, one behind the other, each behind its length.
@safe
struct KeyStore: ~Copyable {
    private var memory: GrowableMemory
    private(set) var used = 0

    /// Bytes that may be read behind a key, as garbage.
    static let padding = 16
    private static let header = MemoryLayout<Int>.size
    private static let initialCapacity = 1 << 16

    init() throws(Errno) { memory = try GrowableMemory(capacity: Self.initialCapacity) }

    /// The bytes that a key of this length takes here.
    static func size(ofKey length: Int) -> Int { header + length }

    /// - Returns: the place by which `bytes(at:)` finds it.
    mutating func store(_ key: UnsafeRawBufferPointer) throws(Errno) -> Int {
        let place = used
        let end = place + Self.size(ofKey: key.count)
        let capacity = memory.count
        if end + Self.padding > capacity {
            try memory.grow(to: max(capacity * 2, end + Self.padding))
        }
        unsafe (memory.start + place).storeBytes(of: key.count, as: Int.self)
        if let bytes = key.baseAddress {
            unsafe (memory.start + place + Self.header).copyMemory(
                from: bytes, byteCount: key.count)
        }
        used = end
        return place
    }

    /// Valid until the next `store`.
    func bytes(at place: Int) -> UnsafeRawBufferPointer {
        let start = unsafe UnsafeRawPointer(memory.start) + place
        return unsafe UnsafeRawBufferPointer(
            start: start + Self.header, count: start.loadUnaligned(as: Int.self))
    }

    /// Forgets all keys.
    mutating func removeAll() {
        used = 0
        memory.shrink(to: Self.initialCapacity)
    }
}
