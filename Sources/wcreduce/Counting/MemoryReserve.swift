import Shared

/// Address space set aside for what it takes to move counts to disk: the buffer of the file and
/// some lists. Counts that fill all the memory there is could not be written any more. Nobody
/// touches it, so it costs address space only.
struct MemoryReserve: ~Copyable {
    private var memory: GrowableMemory?
    private var isUsed = false

    private static let size = 3 << 19

    /// Sets it aside, the first time. To be called before counts take more memory.
    mutating func setAside() {
        if isUsed { return }
        isUsed = true
        memory = try? GrowableMemory(capacity: Self.size)
    }

    /// Gives it back, to be used. What moves counts to disk keeps its memory for the next time.
    mutating func release() { memory = nil }
}
