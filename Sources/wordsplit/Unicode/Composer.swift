import Shared

/// Converts words to Normalization Form C (Unicode Standard Annex #15) by the algorithms of the
/// Unicode Standard, section 3.11.
///
/// The String of the standard library can do this too, but is not used, for three reasons. It sorts
/// marks by insertion, so a letter with 160,000 marks takes six seconds. It allocates memory for
/// each word. It does not move U+0F73 and similar marks to their place.
@safe
struct Composer: ~Copyable {
    /// The decomposed scalars of the current piece of the word, each with its combining class in
    /// the upper 8 bits.
    private var piece: UnsafeMutablePointer<UInt32>
    /// Memory of the same size, to sort them. Allocated on first use.
    private var sorted: UnsafeMutablePointer<UInt32>?
    private var count = 0
    private var capacity = Self.usualCapacity
    private static let usualCapacity = 256
    /// Whether no mark of the piece comes after a mark of a higher class.
    private var isInOrder = true
    /// The combining class of the last scalar of the piece.
    private var lastClass: UInt32 = 0
    /// The number of steps done. A test checks that it is linear in the input.
    private(set) var work = 0

    private let machine: WordMachine
    /// A cache of the library's answers, for marks that have no decomposition. An entry holds the
    /// mark and, in its lower 8 bits, its combining class. A new entry replaces the old one in its
    /// slot.
    private let knownMarks: UnsafeMutablePointer<UInt32>
    private static let slots = 1024

    init(_ machine: WordMachine) throws(Errno) {
        self.machine = machine
        unsafe piece = try Self.memory(nil, Self.usualCapacity)
        unsafe knownMarks = .allocate(capacity: Self.slots)
        unsafe knownMarks.initialize(repeating: 0, count: Self.slots)
    }

    deinit {
        unsafe free(piece)
        unsafe free(sorted)
        unsafe knownMarks.deallocate()
    }

    /// Appends a word in Normalization Form C.
    ///
    /// A stable scalar is one that composition does not change (see `WordMachine.isStable`). Text
    /// after it does not change the text before it (Unicode Standard Annex #15, section 9). So only
    /// the pieces between stable scalars are composed, and memory grows with the longest piece
    /// only.
    ///
    /// - Parameter bytes: UTF-8.
    /// - Throws: `Errno` if there is no memory.
    mutating func append(
        _ bytes: UnsafeBufferPointer<UInt8>, to word: inout ByteBuffer
    ) throws(Errno) {
        work &+= bytes.count
        var index = 0
        // The bytes from `copied` on are not yet in `word`. If there is no piece, they are stable
        // scalars, and the last of these begins at `last`.
        var copied = 0
        var last = 0
        while index < bytes.count {
            let (scalar, length) = unsafe scalarOf(bytes, at: index)
            if scalar.value < 0x80 || machine.isStable(scalar) {
                if count > 0 {
                    try finishPiece(&word)
                    copied = index
                }
                last = index
            } else {
                if count == 0, last < index {
                    try unsafe word.append(UnsafeBufferPointer(rebasing: bytes[copied..<last]))
                    try unsafe decompose(scalarOf(bytes, at: last).value.value, &word)
                }
                try decompose(scalar.value, &word)
            }
            index += length
        }
        if count > 0 {
            try finishPiece(&word)
        } else {
            try unsafe word.append(UnsafeBufferPointer(rebasing: bytes[copied..<index]))
        }
    }

    /// Adds a scalar to the piece, decomposed.
    @inline(__always)
    private mutating func decompose(_ scalar: UInt32, _ word: inout ByteBuffer) throws(Errno) {
        let entry = unsafe knownMarks[Int(scalar) % Self.slots]
        if entry >> 8 == scalar {
            try add(scalar, combiningClass: UInt8(truncatingIfNeeded: entry))
        } else if scalar < 0xC0 {
            try addStarter(scalar, &word)
        } else {
            try decomposeUnknown(scalar, &word)
        }
    }

    private mutating func decomposeUnknown(
        _ scalar: UInt32, _ word: inout ByteBuffer
    ) throws(Errno) {
        if let parts = Self.decomposition(of: scalar) {
            // The recursion ends after four steps at most.
            try decompose(parts.first, &word)
            if parts.second != 0 { try decompose(parts.second, &word) }
        } else if 0xAC00..<0xAC00 + 11172 ~= scalar {
            let offset = scalar - 0xAC00
            try addStarter(0x1100 + offset / 588, &word)
            try add(0x1161 + offset % 588 / 28, combiningClass: 0)
            if offset % 28 > 0 { try add(0x11A7 + offset % 28, combiningClass: 0) }
        } else if machine.isStable(Unicode.Scalar(scalar)!) {
            try addStarter(scalar, &word)
        } else {
            let combiningClass = libraryClass(of: scalar)
            unsafe knownMarks[Int(scalar) % Self.slots] = scalar << 8 | UInt32(combiningClass)
            try add(scalar, combiningClass: combiningClass)
        }
    }

    /// Begins a piece with a stable scalar.
    private mutating func addStarter(
        _ scalar: UInt32, _ word: inout ByteBuffer
    ) throws(Errno) {
        if count > 0 { try finishPiece(&word) }
        try add(scalar, combiningClass: 0)
    }

    @inline(__always)
    private mutating func add(_ scalar: UInt32, combiningClass: UInt8) throws(Errno) {
        work &+= 1
        if count == capacity { try grow() }
        let combiningClass = UInt32(combiningClass)
        // Without a branch: marks of a noisy text come in any order.
        isInOrder = isInOrder && (combiningClass == 0 || lastClass <= combiningClass)
        lastClass = combiningClass
        unsafe piece[count] = combiningClass << 24 | scalar
        count &+= 1
    }

    private mutating func grow() throws(Errno) {
        unsafe free(sorted)
        unsafe sorted = nil
        try resize(to: capacity * 2)
    }

    private mutating func resize(to capacity: Int) throws(Errno) {
        unsafe piece = try Self.memory(piece, capacity)
        self.capacity = capacity
    }

    /// Allocates memory for `capacity` scalars. It takes over the contents of `old`, and frees it.
    private static func memory(
        _ old: UnsafeMutablePointer<UInt32>?, _ capacity: Int
    ) throws(Errno) -> UnsafeMutablePointer<UInt32> {
        guard let memory = unsafe realloc(old, capacity * MemoryLayout<UInt32>.stride) else {
            throw .noMemory
        }
        return unsafe memory.assumingMemoryBound(to: UInt32.self)
    }

    /// Composes the piece, appends it to the word, and makes it empty.
    private mutating func finishPiece(_ word: inout ByteBuffer) throws(Errno) {
        if !isInOrder { try orderMarks() }
        composeMarks()
        try unsafe word.appendUpTo(4 * count) { room in
            var end = unsafe room
            for index in 0..<count {
                unsafe end += writeUTF8(piece[index] & 0x1FFFFF, at: end)
            }
            return unsafe end - room
        }
        count = 0
        isInOrder = true
        lastClass = 0
        if capacity > 1 << 16 {
            unsafe free(sorted)
            unsafe sorted = nil
            try resize(to: Self.usualCapacity)
        }
    }

    // MARK: The algorithms

    /// The Canonical Ordering Algorithm, D108 and D109: a stable sort of each run of marks by
    /// combining class.
    private mutating func orderMarks() throws(Errno) {
        var start = 0
        while start < count {
            if unsafe piece[start] >> 24 == 0 {
                start += 1
                continue
            }
            var end = start + 1
            while end < count, unsafe piece[end] >> 24 != 0 { end += 1 }
            if end - start <= 24 {
                sortFew(start, end)
            } else {
                try sortMany(start, end)
            }
            start = end
        }
    }

    /// Sorts a short run by insertion.
    private mutating func sortFew(_ start: Int, _ end: Int) {
        for index in start + 1..<end {
            let mark = unsafe piece[index]
            var place = index
            while place > start, unsafe piece[place - 1] >> 24 > mark >> 24 {
                unsafe piece[place] = piece[place - 1]
                place -= 1
            }
            unsafe piece[place] = mark
            work &+= index - place
        }
    }

    /// Sorts a long run by counting the marks of each class. This takes linear time for any order.
    private mutating func sortMany(_ start: Int, _ end: Int) throws(Errno) {
        if unsafe sorted == nil { unsafe sorted = try Self.memory(nil, capacity) }
        let sorted = unsafe sorted!
        var ends = InlineArray<256, Int>(repeating: 0)
        for index in start..<end { unsafe ends[Int(piece[index] >> 24)] += 1 }
        var total = 0
        for combiningClass in 0..<256 {
            let size = ends[combiningClass]
            ends[combiningClass] = total
            total += size
        }
        for index in start..<end {
            let mark = unsafe piece[index]
            unsafe sorted[ends[Int(mark >> 24)]] = mark
            ends[Int(mark >> 24)] += 1
        }
        unsafe (piece + start).update(from: sorted, count: end - start)
        work &+= 3 * (end - start) + 256
    }

    /// The Canonical Composition Algorithm, D117.
    private mutating func composeMarks() {
        work &+= count
        var end = 0
        var starter: Int?
        for index in 0..<count {
            let scalar = unsafe piece[index]
            // D115: a scalar between the two blocks the second one, unless its class is lower.
            if let starter,
                unsafe starter == end - 1 || piece[end - 1] >> 24 < scalar >> 24,
                let composite = unsafe Self.composite(piece[starter], scalar & 0x1FFFFF)
            {
                unsafe piece[starter] = composite
                continue
            }
            if scalar >> 24 == 0 { starter = end }
            unsafe piece[end] = scalar
            end += 1
        }
        count = end
    }

    private static func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
        // Hangul, section 3.12.
        if 0x1100..<0x1113 ~= first, 0x1161..<0x1176 ~= second {
            return 0xAC00 + ((first - 0x1100) * 21 + second - 0x1161) * 28
        }
        if 0xAC00..<0xAC00 + 11172 ~= first, (first - 0xAC00) % 28 == 0,
            0x11A8..<0x11C3 ~= second
        {
            return first + second - 0x11A7
        }
        var slot = slot(first, second, of: 2048)
        while true {
            let entry = CompositionTable.compositions[slot]
            if entry == 0 { return nil }
            if entry >> 21 == UInt64(second) << 21 | UInt64(first) {
                return UInt32(entry & 0x1FFFFF)
            }
            slot = (slot + 1) % 2048
        }
    }

    /// The one or two scalars that a scalar decomposes to in one step, or nil if it has no
    /// decomposition. `second` is 0 if there is only one.
    private static func decomposition(of scalar: UInt32) -> (first: UInt32, second: UInt32)? {
        if scalar < 0xC0 { return nil }
        var slot = slot(scalar, 0, of: 4096)
        while true {
            let entry = CompositionTable.decompositions[slot]
            if entry == 0 { return nil }
            if entry & 0x1FFFFF == UInt64(scalar) {
                return (UInt32(entry >> 21 & 0x1FFFFF), UInt32(entry >> 42))
            }
            slot = (slot + 1) % 4096
        }
    }

    /// The slot at which a search in a table begins.
    ///
    /// - Parameter slots: the number of slots of the table, a power of 2.
    static func slot(_ first: UInt32, _ second: UInt32, of slots: Int) -> Int {
        let hash = (first &* 0x9E37_79B1) ^ (second &* 0x85EB_CA6B)
        return Int(((hash ^ (hash >> 15)) &* 0x2C1B_3C6D) >> 16) & (slots - 1)
    }
}

@inline(never)
private func libraryClass(of scalar: UInt32) -> UInt8 {
    Unicode.Scalar(scalar)!.properties.canonicalCombiningClass.rawValue
}
