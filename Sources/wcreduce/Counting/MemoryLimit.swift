import Shared

/// The approximate number of bytes of memory to use: the number given, or half of what the process
/// may use. Finding that out takes longer than counting a short input, so it is done only when
/// `freely` is used up.
struct MemoryLimit {
    private let given: Int?

    /// With less memory, merging takes more time than counting.
    private static let least = 1 << 20

    /// - Parameter given: the number of bytes; nil means half of the usable memory.
    init(_ given: Int? = nil) { self.given = given.map { max(Self.least, $0) } }

    /// The limit in bytes. Ask for it when `freely` is used up: it counts those bytes as usable
    /// too.
    var bytes: Int { given ?? max(Self.least, (usableMemory() + freely) / 2) }

    /// The bytes for merging, after the table's memory has been freed. It is at most half of the
    /// usable memory, because the user may have asked for more than there is.
    var forMerging: Int { min(bytes, max(Self.least, usableMemory() / 2)) }

    /// The bytes that may be used before the usable memory is known.
    var freely: Int { given ?? 4 << 20 }
}
