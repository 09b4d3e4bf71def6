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
    /// the upper 8 bits, and `mayCompose`.
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
    /// A cache of decompositions. A new entry replaces the old one in its slot.
    private let known: UnsafeMutablePointer<Decomposition>
    private static let slots = 2048

    /// A scalar in Normalization Form D: four scalars at most, as they are in a piece.
    private struct Decomposition {
        /// An empty slot has none.
        var scalar = UInt32.max
        var count: UInt32 = 0
        var parts = InlineArray<4, UInt32>(repeating: 0)

        /// Whether the first part neither composes with text before it nor changes places with it.
        var beginsPiece: Bool { parts[0] < Composer.mayCompose }
        var lastClass: UInt32 { parts[Int(count) - 1] >> 24 }
    }

    /// The bits of a scalar in a piece that hold its value.
    private static let scalarMask: UInt32 = 0x1FFFFF
    /// The bit of a scalar in a piece that may compose with a scalar before it.
    private static let mayCompose: UInt32 = 1 << 21

    init(_ machine: WordMachine) throws(Errno) {
        self.machine = machine
        unsafe piece = try Self.memory(nil, Self.usualCapacity)
        unsafe known = .allocate(capacity: Self.slots)
        unsafe known.initialize(repeating: Decomposition(), count: Self.slots)
    }

    deinit {
        unsafe free(piece)
        unsafe free(sorted)
        unsafe known.deallocate()
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
                    if copied < last {
                        try unsafe word.append(UnsafeBufferPointer(rebasing: bytes[copied..<last]))
                    }
                    unsafe beginPiece(with: scalarOf(bytes, at: last).value.value)
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
        let parts = unsafe decomposition(of: scalar)
        // No text after a stable scalar changes the text before it.
        if count > 0, unsafe parts.pointee.beginsPiece { try finishPiece(&word) }
        let partCount = unsafe Int(parts.pointee.count)
        if count &+ partCount > capacity { try grow() }
        for index in 0..<partCount { unsafe add(parts.pointee.parts[unchecked: index]) }
    }

    /// Begins a piece with a stable scalar. It is not decomposed, because composing its parts
    /// gives it back, unless a mark comes between them: see `orderMarks`.
    private mutating func beginPiece(with scalar: UInt32) {
        if scalar >= 0xC0 { unsafe lastClass = decomposition(of: scalar).pointee.lastClass }
        unsafe piece[0] = scalar
        count = 1
    }

    @inline(__always)
    private func decomposition(of scalar: UInt32) -> UnsafePointer<Decomposition> {
        let entry = unsafe known + Int(scalar) % Self.slots
        if unsafe entry.pointee.scalar != scalar { unsafe entry.pointee = decompose(scalar) }
        return unsafe UnsafePointer(entry)
    }

    private func decompose(_ scalar: UInt32) -> Decomposition {
        var whole = Decomposition()
        whole.scalar = scalar
        // The recursion ends after four steps at most.
        func append(_ scalar: UInt32) {
            if let parts = Self.step(of: scalar) {
                append(parts.first)
                if parts.second != 0 { append(parts.second) }
                return
            }
            whole.parts[Int(whole.count)] = part(scalar)
            whole.count += 1
        }
        if 0xAC00..<0xAC00 + 11172 ~= scalar {
            let offset = scalar - 0xAC00
            append(0x1100 + offset / 588)
            append(0x1161 + offset % 588 / 28)
            if offset % 28 > 0 { append(0x11A7 + offset % 28) }
        } else {
            append(scalar)
        }
        return whole
    }

    /// A scalar without a decomposition, as it is in a piece.
    private func part(_ scalar: UInt32) -> UInt32 {
        let value = Unicode.Scalar(scalar)!
        if machine.isStable(value) { return scalar }
        let mayCompose = machine.facts(of: value) & WordMachine.isRecomposed != 0
        return UInt32(libraryClass(of: scalar)) << 24 | (mayCompose ? Self.mayCompose : 0) | scalar
    }

    /// Adds a part to the piece, for which there must be room.
    @inline(__always)
    private mutating func add(_ part: UInt32) {
        work &+= 1
        let combiningClass = part &>> 24
        // Without a branch: marks of a noisy text come in any order.
        isInOrder = isInOrder && (combiningClass == 0 || lastClass <= combiningClass)
        lastClass = combiningClass
        unsafe piece[count] = part
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
                unsafe end += writeUTF8(piece[index] & Self.scalarMask, at: end)
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
        try decomposeFirst()
        var start = 0
        while start < count {
            if unsafe piece[start] >> 24 == 0 {
                start += 1
                continue
            }
            var end = start + 1
            while end < count, unsafe piece[end] >> 24 != 0 { end += 1 }
            if end - start <= 16 {
                sortFew(start, end)
            } else {
                try sortMany(start, end)
            }
            start = end
        }
    }

    /// Decomposes the first scalar of the piece, if `beginPiece` left it whole.
    private mutating func decomposeFirst() throws(Errno) {
        if unsafe piece[0] < 0xC0 { return }
        let whole = unsafe decomposition(of: piece[0] & Self.scalarMask).pointee
        let more = Int(whole.count) - 1
        if more == 0 { return }
        if count + more > capacity { try grow() }
        unsafe memmove(
            piece + 1 + more, piece + 1, (count - 1) * MemoryLayout<UInt32>.stride)
        for index in 0...more { unsafe piece[index] = whole.parts[index] }
        count += more
        work += count
    }

    /// Sorts a short run by insertion. Without a branch: where a mark goes cannot be guessed.
    private mutating func sortFew(_ start: Int, _ end: Int) {
        for index in start + 1..<end {
            var mark = unsafe piece[index]
            var place = index
            while place > start {
                let before = unsafe piece[place - 1]
                let isLater = before >> 24 > mark >> 24
                unsafe piece[place] = isLater ? before : mark
                mark = isLater ? mark : before
                place -= 1
            }
            unsafe piece[start] = mark
            work &+= index - start
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
        let piece = unsafe piece
        var end = 0
        var starter = -1
        for index in 0..<count {
            let scalar = unsafe piece[index]
            // D115: a scalar between the two blocks the second one, unless its class is lower.
            if scalar & Self.mayCompose != 0, starter >= 0,
                unsafe starter == end &- 1 || piece[end &- 1] >> 24 < scalar >> 24,
                let composite = unsafe Self.composite(
                    piece[starter] & Self.scalarMask, scalar & Self.scalarMask)
            {
                unsafe piece[starter] = composite
                continue
            }
            if scalar >> 24 == 0 { starter = end }
            unsafe piece[end] = scalar
            end &+= 1
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
    private static func step(of scalar: UInt32) -> (first: UInt32, second: UInt32)? {
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
