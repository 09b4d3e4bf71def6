import Shared

/// The items that are not given to a worker yet.
///
/// A large regular file is cut into ranges if its items go to standard input (`-i`). Blocks from a
/// pipe stay in pipes if they are needed only once. All other input is read into memory.
struct ItemSource<S: System>: ~Copyable {
    private let system: S
    private let files: [InputFile]
    /// The file that is being read; after the last one, the number of files.
    private var place = 0
    /// The present file, if it is cut into ranges. What was read of earlier files comes first.
    private var ranges: RangeCutter<S>?
    private var buffer: ItemBuffer
    private var chunker: Chunker
    /// What is in pipes, after what is in the buffer; nil if all is in memory.
    private var pipes: BlockPipes<S>?
    /// The items in the pipes that were seen.
    private var itemsInPipes = 0
    private let livePipes = LivePipes()
    private var canUsePipes = false
    private let cutsBlocks: Bool
    private let usesRanges: Bool
    private let usesPipes: Bool
    private let hashesBlocks: Bool
    private let delimiter: UInt8

    /// The most items in the next chunk.
    var chunkItems: Int {
        get { chunker.limits.items }
        set { chunker.limits.items = min(newValue, mostItems) }
    }
    /// The most bytes in the next block, unless its first item is longer.
    var blockSize: Int
    /// The most items that fit on a command line, learned from the kernel's refusals.
    private var mostItems = Int.max
    /// Bytes at the front of the buffer that are known to hold no delimiter.
    private var searched = 0
    /// How long to wait for a block to be full; nil for as long as that takes.
    private let patience: Duration?
    /// Since when the buffer has had bytes of the next block.
    private var waitsSince = Duration.never

    /// How many items stand before each chunk, and these items.
    private let headerItems: Int
    private(set) var header: [UInt8] = []
    private var hasHeader: Bool

    private var itemsSeen = 0
    private var itemsCut = 0
    private var chunksCut = 0
    /// Bytes of input that were read or are in ranges.
    private var bytesSeen = 0
    /// Whether no file was cut into blocks without counting their items.
    private(set) var countsItems = true
    /// Whether input that is in no chunk was taken by `takeRest`.
    private var gaveUpRest = false
    /// What is wrong with a file, until it is reported.
    private var faults: [(file: String, why: String)] = []

    /// How many bytes are read ahead of the workers, unless one chunk needs more. It is large
    /// enough to learn most totals early.
    private static var readAhead: Int { ItemBuffer.usualSize }
    /// From this size on, only one block is read ahead. It then gets the memory of the buffer.
    private static var largeBlock: Int { 1 << 20 }

    /// Of fewer, none are taken from workers for pipes that hold blocks.
    private static var manyDescriptors: Int { 1024 }

    /// - Parameters:
    ///   - headerItems: how many items of the input stand before each chunk.
    ///   - cutsBlocks: whether chunks are blocks of at most `limits.bytes`.
    ///   - usesRanges: whether a large file may be cut into ranges.
    ///   - usesPipes: whether the items of a block are needed only once.
    ///   - hashesBlocks: whether the hashes of blocks are needed.
    ///   - patience: how long to wait for a block to be full; nil for as long as that takes.
    init(
        _ system: S, _ files: [InputFile], limits: ChunkLimits, delimiter: UInt8,
        headerItems: Int = 0, cutsBlocks: Bool = false, usesRanges: Bool = false,
        usesPipes: Bool = false, hashesBlocks: Bool = false, patience: Duration? = nil
    ) {
        self.system = system
        self.files = files
        self.delimiter = delimiter
        self.cutsBlocks = cutsBlocks
        self.usesRanges = usesRanges
        self.usesPipes = usesPipes
        self.hashesBlocks = hashesBlocks
        self.headerItems = headerItems
        self.patience = patience
        hasHeader = headerItems == 0
        blockSize = limits.bytes
        chunker = Chunker(limits: limits, delimiter: delimiter)
        buffer = ItemBuffer(capacity: 128 << 10)
        startFile()
    }

    // MARK: Files

    /// Whether the last file was read to its end.
    var atEnd: Bool { place == files.count }

    /// The file that is read, or the last one.
    var descriptor: FileDescriptor { files[min(place, files.count - 1)].descriptor }

    private mutating func startFile() {
        ranges = nil
        if atEnd { return }
        let file = files[place]
        canUsePipes =
            usesPipes && cutsBlocks && file.isPipe && system.descriptorLimit >= Self.manyDescriptors
        guard usesRanges, file.isLarge, let extent = file.extent else { return }
        ranges = RangeCutter(system, file, extent, delimiter: delimiter)
        if cutsBlocks { countsItems = false }
    }

    /// Goes on with the next file. The last item of a file ends with it.
    private mutating func endFile() {
        if let last = buffer.last, last != delimiter {
            itemsSeen += 1
            if place + 1 < files.count { buffer.append(delimiter) }
        }
        place += 1
        startFile()
    }

    /// Removes and returns what is wrong with a file.
    mutating func takeFaults() -> [(file: String, why: String)] {
        defer { faults = [] }
        return faults
    }

    private mutating func note(_ error: Errno) { faults.append((files[place].name, error.reason)) }

    // MARK: What is known

    /// Whether there is room for more input. Callers take all ready chunks first.
    var wantsMore: Bool { !atEnd && !isInRanges && bytesWaiting < wantedBytes }

    /// Bytes that were read and are in no chunk yet.
    private var bytesWaiting: Int { buffer.count + (pipes?.count ?? 0) }

    /// Whether the next chunk is a range of a file and not in memory.
    var isInRanges: Bool {
        switch ranges {
        case nil: false
        default: true
        }
    }

    /// How many bytes the buffer is to hold.
    private var wantedBytes: Int {
        pipes != nil || cutsBlocks && blockSize >= Self.largeBlock ? blockSize : Self.readAhead
    }

    /// Items that were read completely and are not in a chunk yet.
    var itemsWaiting: Int { itemsSeen - itemsCut }

    /// Whether a read would return at once.
    var isReadable: Bool { system.isReady(descriptor, for: .reading) }

    /// Whether all items are in chunks.
    var isExhausted: Bool { atEnd && buffer.count == 0 }

    /// The number of items in the whole input; nil until its end has been read, or if they are not
    /// counted.
    var totalItems: Int? { atEnd && countsItems ? itemsSeen : nil }

    /// The number of bytes in the whole input; nil if it is not known yet.
    var totalBytes: Int? {
        if atEnd { return bytesSeen }
        var total = -header.count
        for file in files {
            guard let extent = file.extent else { return nil }
            total += max(extent.end - extent.start, 0)
        }
        return total
    }

    /// Bytes that are in no chunk yet, as far as they are known; nil if more may come.
    var bytesLeft: Int? {
        var left = buffer.count
        switch ranges {
        case nil: if !atEnd { return nil }
        case .some(let ranges): left += ranges.end - ranges.position
        }
        for file in files.dropFirst(place + 1) {
            guard let extent = file.extent else { return nil }
            left += max(extent.end - extent.start, 0)
        }
        return left
    }

    /// Items that are in no chunk yet, as far as they are known. In a file that is cut into ranges
    /// they are estimated from its bytes.
    var itemsLeft: Int {
        guard isInRanges, bytesSeen > 0, let bytesLeft else { return itemsWaiting }
        return Int((Double(bytesLeft) * Double(itemsCut) / Double(bytesSeen)).rounded(.up))
    }

    /// The number of chunks in the whole input, as far as it is known. It may turn out higher if
    /// the kernel's limit makes later chunks smaller.
    func totalChunks(itemsPerChunk: Int) -> Int? {
        guard atEnd else { return nil }
        if !countsItems { return buffer.count == 0 && !gaveUpRest ? chunksCut : nil }
        let left = itemsSeen - itemsCut
        if left == 0 { return chunksCut }
        if itemsPerChunk == .max { return nil }
        return chunksCut + (left + itemsPerChunk - 1) / itemsPerChunk
    }

    // MARK: Reading

    /// Reads once. Does nothing if a non-blocking descriptor has no data, or if the file is cut
    /// into ranges.
    mutating func read() {
        if atEnd || isInRanges || readIntoPipes() { return }
        let wanted = cutsBlocks ? wantedBytes : 0
        let (system, descriptor) = (self.system, self.descriptor)
        let added: Int
        do {
            let growth = buffer.growth(for: wanted)
            if growth > 0 { try system.requireMemory(growth) }
            added = try unsafe buffer.fill(for: wanted) { memory throws(Errno) in
                try unsafe system.read(descriptor, into: memory)
            }
        } catch .wouldBlock {
            return
        } catch {
            // The bytes after the last delimiter may be only part of an item. Drop them, so that
            // they are not used as a whole item.
            let dropped = bytesOfLastItem
            buffer.removeLast(dropped)
            bytesSeen -= dropped
            note(error)
            return endFile()
        }
        if added == 0 { return endFile() }
        if waitsSince == .never, patience != nil { waitsSince = system.now }
        bytesSeen += added
        let delimiter = self.delimiter
        itemsSeen += unsafe buffer.withBytes {
            unsafe occurrences(
                of: delimiter, in: UnsafeRawBufferPointer(rebasing: $0.suffix(added)))
        }
    }

    // MARK: Pipes

    /// Moves what the input has now into pipes, if that is possible.
    ///
    /// - Returns: false if it must be read into memory.
    private mutating func readIntoPipes() -> Bool {
        if pipes == nil, !beginPipes() { return false }
        let count: Int
        do throws(Errno) {
            count = try pipes!.take(from: descriptor)
        } catch .wouldBlock {
            return true
        } catch {
            if error == .invalid { canUsePipes = false }
            return !drainPipes()
        }
        if count == 0 { return !drainPipes() }
        if waitsSince == .never, patience != nil { waitsSince = system.now }
        bytesSeen += count
        collect()
        return true
    }

    /// Moves whole items into the next block. If that is not possible, reads all into memory.
    private mutating func collect() {
        do throws(Errno) {
            try pipes!.collect(limit: blockSize)
        } catch {
            // The pipes of the user take as much as they may.
            if error == .notPermitted { canUsePipes = false }
            drainPipes()
            return
        }
        itemsSeen += pipes!.items - itemsInPipes
        itemsInPipes = pipes!.items
        if pipes!.isClogged, pipes!.count < blockSize { drainPipes() }
    }

    /// Goes over from memory to pipes before the first bytes of a block.
    private mutating func beginPipes() -> Bool {
        guard canUsePipes, hasHeader, blockSize >= files[place].pipeSize,
            buffer.count <= files[place].leastRange,
            livePipes.hasRoom(for: blockSize, pipeSize: files[place].pipeSize)
        else { return false }
        do throws(Errno) {
            let made = try BlockPipes(
                system, files[place], delimiter: delimiter, hashes: hashesBlocks, live: livePipes)
            try made.put(Array(buffer.contents))
            // pmap then takes more at a time, and waits less often until the writer lets go of it.
            system.enlargePipe(descriptor, to: files[place].pipeSize)
            pipes = made
        } catch {
            canUsePipes = false
            return false
        }
        itemsInPipes = itemsWaiting
        buffer.removeFirst(buffer.count)
        searched = 0
        return true
    }

    /// Reads what is in pipes into memory.
    ///
    /// - Returns: whether that succeeded; if not, the file has ended.
    @discardableResult
    private mutating func drainPipes() -> Bool {
        guard let pipes else { return true }
        self.pipes = nil
        itemsSeen -= itemsInPipes
        itemsInPipes = 0
        do throws(Errno) {
            try requireMemory(pipes.count)
            let bytes = try pipes.drain()
            let delimiter = self.delimiter
            itemsSeen += unsafe bytes.withUnsafeBytes {
                unsafe occurrences(of: delimiter, in: $0)
            }
            buffer = ItemBuffer(bytes)
            return true
        } catch {
            note(error)
            endFile()
            return false
        }
    }

    /// Returns the next block in pipes.
    private mutating func nextPipedBlock() throws(Errno) -> Chunk? {
        let isFull = pipes!.count >= blockSize
        let isLate = patience.map { system.now >= waitsSince + $0 } ?? false
        if !isFull && !(isLate && pipes!.hasBlock) { return nil }
        if !pipes!.hasBlock {
            // The next item is longer than a block.
            drainPipes()
            return try nextBlockInMemory()
        }
        let contents = try pipes!.takeBlock()
        itemsCut += contents.itemCount ?? 0
        itemsInPipes -= contents.itemCount ?? 0
        waitsSince = pipes!.count > 0 ? system.now : .never
        collect()
        return chunk(contents)
    }

    // MARK: Chunks

    /// Bytes after the last delimiter.
    private var bytesOfLastItem: Int {
        if buffer.last == delimiter { return 0 }
        let delimiter = self.delimiter
        return unsafe buffer.withBytes { bytes in
            unsafe bytes.count - (lastOffset(of: delimiter, in: bytes).map { $0 + 1 } ?? 0)
        }
    }

    /// Returns the next full chunk, or the rest at the end of the input; nil if more input is
    /// needed first, or none is left.
    ///
    /// - Parameter refuse: called for each item that no command can take.
    /// - Throws: `Errno.noMemory`.
    mutating func nextChunk(_ refuse: (RefusedItem) -> Void) throws(Errno) -> Chunk? {
        if !hasHeader, !takeHeader() { return nil }
        if buffer.count == 0, isInRanges { return nextRange() }
        if cutsBlocks { return try pipes == nil ? nextBlockInMemory() : nextPipedBlock() }
        while true {
            let atEnd = self.atEnd
            var chunker = self.chunker
            let cut = unsafe buffer.withBytes { unsafe chunker.next($0, atEnd: atEnd) }
            self.chunker = chunker
            switch cut {
            case nil:
                // No chunk is full, so more input is needed, however much is in the buffer.
                return nil
            case .refused(let byteCount, let why):
                itemsCut += 1
                try requireMemory(byteCount)
                let item = buffer.take(byteCount)
                refuse(
                    RefusedItem(number: itemsCut, bytes: item, why: why, chunkBefore: chunksCut))
            case .chunk(let byteCount, let itemCount):
                try requireMemory(byteCount)
                return chunk(byteCount, itemCount: itemCount)
            }
        }
    }

    private mutating func chunk(_ byteCount: Int, itemCount: Int) -> Chunk {
        itemsCut += itemCount
        return chunk(.memory(buffer.take(byteCount), itemCount: itemCount))
    }

    private mutating func chunk(_ contents: Chunk.Contents) -> Chunk {
        chunksCut += 1
        var chunk = Chunk(number: chunksCut, contents: contents)
        chunk.header = header
        return chunk
    }

    /// - Returns: false if more input is needed.
    private mutating func takeHeader() -> Bool {
        if ranges != nil {
            do throws(Errno) {
                header = try ranges?.takeFirst(headerItems) ?? []
            } catch {
                note(error)
                endFile()
            }
        } else {
            if itemsSeen < headerItems && !atEnd { return false }
            let (delimiter, wanted) = (self.delimiter, headerItems)
            let size = unsafe buffer.withBytes { bytes in
                var size = 0
                for _ in 0..<wanted where size < bytes.count {
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[size...])
                    size += unsafe firstOffset(of: delimiter, in: rest).map { $0 + 1 } ?? rest.count
                }
                return size
            }
            header = Array(buffer.take(size))
            itemsSeen -= min(headerItems, itemsSeen)
            bytesSeen -= size
        }
        hasHeader = true
        return true
    }

    // MARK: Blocks

    private mutating func nextBlockInMemory() throws(Errno) -> Chunk? {
        guard buffer.count > 0, let size = sizeOfBlock() else { return nil }
        searched = 0
        try requireMemory(size)
        let items = itemsInFirst(size)
        let block = chunk(size, itemCount: items)
        waitsSince = buffer.count > 0 ? system.now : .never
        return block
    }

    private mutating func nextRange() -> Chunk? {
        let (size, count, cutsBlocks) = (max(blockSize, 1), chunkItems, self.cutsBlocks)
        while isInRanges {
            do throws(Errno) {
                let contents =
                    cutsBlocks
                    ? try ranges?.next(size: size).map { .range($0) }
                    : try ranges?.next(items: count)
                if let contents {
                    let itemCount = contents.itemCount ?? 0
                    bytesSeen += contents.byteCount
                    itemsSeen += itemCount
                    itemsCut += itemCount
                    if ranges?.isAtEnd ?? true { endRanges() }
                    return chunk(contents)
                }
            } catch {
                note(error)
                endFile()
                continue
            }
            if !(ranges?.isAtEnd ?? true) { return nil }
            endRanges()
        }
        return nil
    }

    private mutating func endRanges() {
        if let why = ranges?.fault { faults.append((files[place].name, why)) }
        endFile()
    }

    /// Returns the bytes of the next block in memory; nil if it needs more input.
    private mutating func sizeOfBlock() -> Int? {
        let isLast = atEnd || isInRanges
        let count = buffer.count
        if isLast && count <= blockSize { return count }
        let isLate = patience.map { system.now >= waitsSince + $0 } ?? false
        if count < blockSize, !isLate { return nil }
        let (delimiter, known, limit) = (self.delimiter, searched, min(count, blockSize))
        let end: Int? = unsafe buffer.withBytes { bytes in
            if known < limit {
                let first = unsafe UnsafeRawBufferPointer(rebasing: bytes[known..<limit])
                if let offset = unsafe lastOffset(of: delimiter, in: first) {
                    return known + offset + 1
                }
            }
            let from = max(known, limit)
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[from...])
            return unsafe firstOffset(of: delimiter, in: rest).map { from + $0 + 1 }
        }
        if end == nil { searched = count }
        return end ?? (isLast ? count : nil)
    }

    /// Counts the items of the next block: in the block, or in what is left after it.
    private func itemsInFirst(_ size: Int) -> Int {
        let (delimiter, count) = (self.delimiter, buffer.count)
        if size > count / 2 {
            let rest = unsafe buffer.withBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[size...])
                return unsafe occurrences(of: delimiter, in: rest)
            }
            // The last item of the input may lack its delimiter.
            let hasOpenItem = (atEnd || isInRanges) && size < count && buffer.last != delimiter
            return itemsWaiting - rest - (hasOpenItem ? 1 : 0)
        }
        return unsafe buffer.withBytes { bytes in
            unsafe occurrences(
                of: delimiter, in: UnsafeRawBufferPointer(rebasing: bytes[..<size]))
        }
    }

    /// When the next block is cut although it is not full; `never` if it need not be, or has no
    /// whole item.
    var nextBlockTime: Duration {
        guard let patience, waitsSince != .never, itemsWaiting > 0 else { return .never }
        return waitsSince + patience
    }

    // MARK: Putting back

    /// Whether this chunk was the last one cut.
    func wasCutLast(_ chunk: Chunk) -> Bool { chunk.number == chunksCut }

    /// Takes back the last chunk, because it did not fit on a command line, and cuts smaller chunks
    /// from now on.
    mutating func putBack(_ chunk: Chunk) {
        guard let itemCount = chunk.itemCount else { return }
        buffer.putBack(chunk.bytes)
        itemsCut -= itemCount
        chunksCut -= 1
        mostItems = max(itemCount / 2, 1)
        chunkItems = min(chunkItems, mostItems)
    }

    /// Removes and returns the whole items that were read and are not in a chunk, or the rest of a
    /// file, because the run is given up; nil if there are none.
    mutating func takeRest() -> Chunk.Contents? {
        gaveUpRest = true
        drainPipes()
        let count = atEnd || isInRanges ? buffer.count : buffer.count - bytesOfLastItem
        if count > 0 { return .memory(buffer.take(count), itemCount: 0) }
        if isInRanges {
            let rest = ranges?.takeRest()
            endRanges()
            if let rest { return .range(rest) }
        }
        return nil
    }

    /// Checks that there is memory for a copy of an item or a chunk.
    private func requireMemory(_ byteCount: Int) throws(Errno) {
        // The main loop has already checked for small ones.
        if byteCount > 1 << 16 { try system.requireMemory(byteCount + 1 << 16) }
    }
}

/// An item that no command can take.
struct RefusedItem {
    /// From 1.
    let number: Int
    let bytes: [UInt8]
    let why: String
    /// The number of the chunk before this item, or 0.
    let chunkBefore: Int
}
