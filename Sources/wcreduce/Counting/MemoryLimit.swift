import Shared

/// Bytes of memory to use, roughly: as many as were asked for, or half of what the process
/// may use. To find that out takes longer than to count a short input, so it is done only when
/// `freely` is used up.
struct MemoryLimit {
    private let given: Int?

    /// With less there is more merging than counting.
    private static let least = 1 << 20

    /// - Parameter given: bytes; nil for half of what there is.
    init(_ given: Int? = nil) { self.given = given.map { max(Self.least, $0) } }

    /// Asked for when `freely` is used up: what is used already is a part of what there is.
    var bytes: Int { given ?? max(Self.least, (usableMemory() + freely) / 2) }

    /// Bytes for merging, when the table's memory has been given back. More than there is may have
    /// been asked for.
    var forMerging: Int { min(bytes, max(Self.least, usableMemory() / 2)) }

    /// Bytes that can be used without a look at what there is.
    var freely: Int { given ?? 4 << 20 }
}
