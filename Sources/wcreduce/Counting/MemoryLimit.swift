import Shared

/// Bytes of memory to use, roughly: as many as were asked for, or half of what the process
/// may use. To find that out takes longer than to count a short input, so it is done only by
/// one who reaches `freely`.
struct MemoryLimit {
    private let given: Int?

    /// With less there is more merging than counting.
    private static let least = 1 << 20

    /// - Parameter given: bytes; nil for half of what there is.
    init(_ given: Int? = nil) { self.given = given.map { max(Self.least, $0) } }

    var bytes: Int { given ?? max(Self.least, usableMemory() / 2) }

    /// Bytes that can be used without a look at what there is.
    var freely: Int { given ?? 4 << 20 }
}
