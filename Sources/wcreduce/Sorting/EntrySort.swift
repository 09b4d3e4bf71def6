import Shared

/// Sorts entries in place by most-significant-digit radix sort. A digit is the first 8 bits of a
/// 64-bit word in which any two of the entries differ. The entries are permuted into its 256
/// buckets (McIlroy, Bostic and McIlroy, "Engineering radix sort", 1993, American flag sort).
///
/// A key is a sequence of words: its first 8 bytes; then 7 bytes and a mark; and, if the mark says
/// that the key goes on, 7 bytes and a mark again. So no word is examined twice, and no key is
/// compared from its start.
@safe
struct EntrySort: ~Copyable {
    private let entries: UnsafeMutablePointer<CountedKey>
    private let count: Int
    /// Only this many leading entries must be in their final places.
    private let wanted: Int

    /// Up to this many entries are sorted by insertion.
    private static let small = 24

    private init(_ list: borrowing EntryList, wanted: Int) {
        unsafe entries = unsafe list.start
        count = list.count
        self.wanted = wanted
    }

    /// Sorts by key, in byte order, like memcmp(3) and LC_ALL=C sort(1).
    static func byKey(_ list: inout EntryList) {
        let sort = EntrySort(list, wanted: .max)
        sort.byKey(list.store, 0, sort.count)
    }

    /// Sorts by count, the highest first, and equal counts by key.
    ///
    /// - Parameter wanted: only this many leading entries are put in their final places.
    static func byCount(_ list: inout EntryList, wanted: Int = .max) {
        let sort = EntrySort(list, wanted: wanted)
        unsafe sort.radix(
            0, sort.count, by: { unsafe ~$0.pointee.count },
            equals: { low, high in sort.byKey(list.store, low, high) })
    }

    private func byKey(_ store: borrowing KeyStore, _ low: Int, _ high: Int) {
        unsafe radix(
            low, high, by: { unsafe $0.pointee.first.byteSwapped },
            equals: { low, high in bySecond(store, low, high) })
    }

    /// Sorts keys that are equal in their first 8 bytes.
    private func bySecond(_ store: borrowing KeyStore, _ low: Int, _ high: Int) {
        let first = unsafe entries[low].first
        var places = 0
        for index in low..<high where unsafe !entries[index].isInline {
            // All these keys have the same first word. So `first` can hold a long key's place while
            // `second` holds its next word.
            let place = unsafe entries[index].place
            unsafe entries[index].first = UInt64(place)
            unsafe entries[index].second = Self.word(store.bytes(at: place), from: 8)
            places += 1
        }
        unsafe radix(
            low, high, by: { unsafe $0.pointee.second.byteSwapped },
            equals: { low, high in byRest(store, low, high) })
        if places == 0 { return }
        for index in low..<high where unsafe !entries[index].isInline {
            unsafe entries[index].second = CountedKey.longMark | entries[index].first
            unsafe entries[index].first = first
        }
    }

    /// Sorts long keys that are equal in their first 15 bytes. The groups still to be sorted are
    /// kept in a list: recursion would go as deep as keys are long.
    private func byRest(_ store: borrowing KeyStore, _ low: Int, _ high: Int) {
        var rest = [(low: low, high: high, depth: 15)]
        while let group = rest.popLast() {
            if group.high - group.low <= Self.small {
                bySmallRest(store, group.low, group.high, from: group.depth)
                continue
            }
            let depth = commonLength(store, group.low, group.high, from: group.depth)
            for index in group.low..<group.high {
                unsafe entries[index].second = Self.word(
                    store.bytes(at: Int(entries[index].first)), from: depth)
            }
            unsafe radix(
                group.low, group.high, by: { unsafe $0.pointee.second.byteSwapped },
                equals: { rest.append((low: $0, high: $1, depth: depth + 7)) })
        }
        // If a key has ended, the word left in `second` looks like the word of a short key.
        for index in low..<high { unsafe entries[index].second = CountedKey.longMark }
    }

    /// Insertion sort of a few long keys by all their bytes.
    private func bySmallRest(
        _ store: borrowing KeyStore, _ low: Int, _ high: Int, from depth: Int
    ) {
        for index in low + 1..<high {
            let entry = unsafe entries[index]
            let key = unsafe store.bytes(at: Int(entry.first))
            var hole = index
            while hole > low,
                unsafe keyPrecedes(key, store.bytes(at: Int(entries[hole - 1].first)), from: depth)
            {
                unsafe entries[hole] = entries[hole - 1]
                hole -= 1
            }
            unsafe entries[hole] = entry
        }
    }

    /// The length in bytes of the common prefix of these keys, which is known to be at least
    /// `depth`.
    private func commonLength(
        _ store: borrowing KeyStore, _ low: Int, _ high: Int, from depth: Int
    ) -> Int {
        var common = unsafe store.bytes(at: Int(entries[low].first))
        for index in low + 1..<high {
            let key = unsafe store.bytes(at: Int(entries[index].first))
            let end = min(common.count, key.count)
            if unsafe end == common.count
                && memcmp(common.baseAddress! + depth, key.baseAddress! + depth, end - depth) == 0
            {
                continue
            }
            var length = depth
            while length < end, unsafe common[length] == key[length] { length += 1 }
            unsafe common = UnsafeRawBufferPointer(rebasing: common[..<length])
        }
        return common.count
    }

    /// 7 bytes of a key from an offset, zero-padded, first byte lowest. The top byte holds how many
    /// bytes there are, or the mark if more follow.
    private static func word(_ key: UnsafeRawBufferPointer, from depth: Int) -> UInt64 {
        let rest = key.count - depth
        // Reading past the end of the key is safe: see `KeyStore.padding`.
        let bytes = unsafe UInt64(
            littleEndian: (key.baseAddress! + depth).loadUnaligned(as: UInt64.self))
        if rest > 7 { return bytes & ~CountedKey.longMark | CountedKey.longMark }
        return bytes & ((1 << UInt64(rest * 8)) - 1) | UInt64(rest) << 56
    }

    /// Sorts a range by a word of each entry, and calls `equals` with each group whose words are
    /// equal.
    @inline(__always)
    private func radix(
        _ low: Int, _ high: Int, by word: (UnsafeMutablePointer<CountedKey>) -> UInt64,
        equals: (Int, Int) -> Void
    ) {
        if high - low <= Self.small { return unsafe insertion(low, high, by: word, equals: equals) }
        // The ranges still to be sorted: at most 255 buckets for each digit of one word.
        var rest = [(low: low, high: high)]
        while let (low, high) = rest.popLast() {
            if low >= wanted { continue }
            if high - low <= Self.small {
                unsafe insertion(low, high, by: word, equals: equals)
                continue
            }
            let sample = unsafe word(entries + low)
            var differences: UInt64 = 0
            for index in low + 1..<high {
                differences |= unsafe word(entries + index) ^ sample
            }
            if differences == 0 {
                equals(low, high)
                continue
            }
            let digit = Digit(of: differences)
            unsafe permute(
                low, high, by: { unsafe digit(word($0)) },
                then: { rest.append((low: $0, high: $1)) })
        }
    }

    /// Moves the entries into the buckets of their digits, and calls `then` with the range of each
    /// bucket that has more than one entry.
    @inline(__always)
    private func permute(
        _ low: Int, _ high: Int, by digit: (UnsafeMutablePointer<CountedKey>) -> Int,
        then: (Int, Int) -> Void
    ) {
        var next = InlineArray<256, Int>(repeating: 0)
        var ends = InlineArray<256, Int>(repeating: 0)
        for index in low..<high { unsafe ends[unchecked: digit(entries + index)] += 1 }
        var start = low
        for bucket in 0..<256 {
            next[bucket] = start
            start += ends[bucket]
            ends[bucket] = start
        }
        for bucket in 0..<256 {
            var place = next[bucket]
            let end = ends[bucket]
            while place < end {
                var entry = unsafe entries[place]
                var target = unsafe digit(&entry)
                while target != bucket {
                    let other = unsafe next[unchecked: target]
                    unsafe next[unchecked: target] = other &+ 1
                    unsafe swap(&entry, &entries[other])
                    target = unsafe digit(&entry)
                }
                unsafe entries[place] = entry
                place &+= 1
            }
        }
        for bucket in 0..<256 {
            let start = bucket == 0 ? low : ends[bucket - 1]
            if ends[bucket] - start > 1 { then(start, ends[bucket]) }
        }
    }

    @inline(__always)
    private func insertion(
        _ low: Int, _ high: Int, by word: (UnsafeMutablePointer<CountedKey>) -> UInt64,
        equals: (Int, Int) -> Void
    ) {
        if high - low < 2 || low >= wanted { return }
        for index in low &+ 1..<high {
            var entry = unsafe entries[index]
            let key = unsafe word(&entry)
            var hole = index
            while hole > low, unsafe word(entries + (hole &- 1)) > key {
                unsafe entries[hole] = entries[hole &- 1]
                hole &-= 1
            }
            unsafe entries[hole] = entry
        }
        var start = low
        for index in low + 1...high
        where unsafe index == high || word(entries + index) != word(entries + start) {
            if index - start > 1 { equals(start, index) }
            start = index
        }
    }
}

/// The first bits of a word in which the words differ: up to 8 bits, in up to three pieces. In
/// decimal text they are the 4 varying bits of each of two characters. 8 contiguous bits would be
/// the varying bits of one character and 4 constant bits.
private struct Digit {
    private var shifts: (UInt64, UInt64, UInt64) = (0, 0, 0)
    private var masks: (UInt64, UInt64, UInt64) = (0, 0, 0)

    /// - Parameter differences: the bits in which the words differ, at least one.
    init(of differences: UInt64) {
        let first = Piece(of: differences, atMost: 8)
        let second = Piece(of: first.below(differences), atMost: 8 - first.width)
        let third = Piece(
            of: second.below(first.below(differences)), atMost: 8 - first.width - second.width)
        shifts = (
            first.low - second.width - third.width, second.low - min(second.low, third.width),
            third.low
        )
        masks = (
            first.mask << (second.width + third.width), second.mask << third.width, third.mask
        )
    }

    @inline(__always)
    func callAsFunction(_ word: UInt64) -> Int {
        Int(
            truncatingIfNeeded: word &>> shifts.0 & masks.0 | word &>> shifts.1 & masks.1
                | word &>> shifts.2 & masks.2)
    }

    /// The highest contiguous set bits of a word.
    private struct Piece {
        /// The position of the lowest of these bits.
        let low: UInt64
        let width: UInt64

        init(of bits: UInt64, atMost limit: UInt64) {
            let zeros = UInt64(bits.leadingZeroBitCount)
            width = bits == 0 ? 0 : min(limit, UInt64((~(bits << zeros)).leadingZeroBitCount))
            low = width == 0 ? 0 : 64 - zeros - width
        }

        var mask: UInt64 { (1 << width) - 1 }

        /// The bits of a word below the piece. There are none if the piece is empty.
        func below(_ bits: UInt64) -> UInt64 { bits & ((1 << low) - 1) }
    }
}
