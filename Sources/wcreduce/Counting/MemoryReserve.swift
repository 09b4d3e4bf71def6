import Shared

/// Address space reserved for moving counts to disk: for the buffer of the file and some lists.
/// Without it, counts that fill all memory could no longer be written. The reserve is never
/// touched, so it costs only address space.
struct MemoryReserve: ~Copyable {
    private var memory: GrowableMemory?
    private var isUsed = false

    private static let size = 3 << 19

    /// Reserves the memory on the first call. Call it before counts take more memory.
    mutating func setAside() {
        if isUsed { return }
        isUsed = true
        memory = try? GrowableMemory(capacity: Self.size)
    }

    /// Frees the reserve for use. It is not reserved again: the code that moves counts to disk
    /// keeps its memory for the next time.
    mutating func release() { memory = nil }
}
