import Shared

/// Which lines are printed, and in which order. The order is total: it depends on
/// nothing but the lines and their counts.
struct Selection {
    /// Keeps this many of the most frequent, equal counts by bytes; nil keeps all.
    var top: Int?
    var minimum: UInt64 = 1
    var byKey = false
    var reversed = false

    func apply(to counts: borrowing CountTable) throws(Errno) -> [CountedKey] {
        var kept = try counts.entries { $0.count >= minimum }
        if let top, top < kept.count {
            kept.sort(by: Self.moreFrequent)
            kept.removeSubrange(top...)
            if byKey { kept.sort(by: Self.smallerKey) }
        } else {
            kept.sort(by: byKey ? Self.smallerKey : Self.moreFrequent)
        }
        if reversed { kept.reverse() }
        return kept
    }

    private static func moreFrequent(_ a: CountedKey, _ b: CountedKey) -> Bool {
        a.count != b.count ? a.count > b.count : a.keyPrecedes(b)
    }

    private static func smallerKey(_ a: CountedKey, _ b: CountedKey) -> Bool {
        a.keyPrecedes(b)
    }
}
