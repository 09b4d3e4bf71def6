import Shared

/// The bytes of long keys, each preceded by its length.
@safe
struct KeyStore: ~Copyable {
    private var memory: GrowableMemory
    private(set) var used = 0

    /// The number of bytes after a key that may be read. They have no defined value.
    static let padding = 16
    private static let header = MemoryLayout<Int>.size
    private static let initialCapacity = 1 << 16

    init() throws(Errno) { memory = try GrowableMemory(capacity: Self.initialCapacity) }

    /// The bytes that a key of this length takes in the store.
    static func size(ofKey length: Int) -> Int { header + length }

    /// - Returns: the place of the key, for `bytes(at:)`.
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

    /// The bytes of the key at a place, valid until the next call of `store`.
    func bytes(at place: Int) -> UnsafeRawBufferPointer {
        let start = unsafe UnsafeRawPointer(memory.start) + place
        return unsafe UnsafeRawBufferPointer(
            start: start + Self.header, count: start.loadUnaligned(as: Int.self))
    }

    /// Removes all keys.
    mutating func removeAll() {
        used = 0
        memory.shrink(to: Self.initialCapacity)
    }
}
