import Shared
import Testing

@testable import pmap

private let newline = UInt8(ascii: "\n")

/// The lines of a text, each with its newline if it has one.
private func lines(_ text: [UInt8]) -> [[UInt8]] {
    var found: [[UInt8]] = []
    var rest = text[...]
    while !rest.isEmpty {
        let end = rest.firstIndex(of: newline).map { $0 + 1 } ?? rest.endIndex
        found.append(Array(rest[..<end]))
        rest = rest[end...]
    }
    return found
}

/// The lines as one text. `joined()` takes ten times as long without optimization.
private func whole(_ lines: ArraySlice<[UInt8]>) -> [UInt8] { lines.reduce(into: []) { $0 += $1 } }

/// Files that come in pieces, and what is cut from them.
private struct Input: ~Copyable {
    let system = FakeSystem()
    var source: ItemSource<FakeSystem>
    private let pipes: [FileDescriptor]
    private var unread: [[UInt8]]
    private var file = 0
    /// Bytes in the files.
    let size: Int
    /// What the files hold one after the other, the last line of each but the last one ended.
    let text: [UInt8]

    init(
        _ texts: [[UInt8]], _ limits: ChunkLimits, headerItems: Int = 0, cutsBlocks: Bool,
        pipeSize: Int? = nil, grantedPipeSize: Int? = nil
    ) {
        let system = self.system
        if let size = grantedPipeSize ?? pipeSize { system.pipeCapacity = size }
        pipes = texts.map { _ in system.makeWorkerPipe() }
        unread = texts
        size = texts.reduce(0) { $0 + $1.count }
        var text: [UInt8] = []
        for (index, part) in texts.enumerated() {
            text += part
            if let last = part.last, last != newline, index + 1 < texts.count {
                text.append(newline)
            }
        }
        self.text = text
        source = ItemSource(
            system,
            pipes.map {
                InputFile(
                    descriptor: $0, name: "in", extent: nil, isLarge: false, isPipe: true,
                    leastRange: (pipeSize ?? 0) / 2, pipeSize: pipeSize ?? 0)
            },
            limits: limits, delimiter: newline, headerItems: headerItems, cutsBlocks: cutsBlocks,
            usesPipes: pipeSize != nil, hashesBlocks: pipeSize != nil)
    }

    /// Lets the source read a piece of a file, or its end.
    mutating func read(_ count: Int) {
        if file < pipes.count {
            system.print(Array(unread[file].prefix(count)), into: pipes[file])
            unread[file].removeFirst(min(count, unread[file].count))
            if unread[file].isEmpty {
                system.closeWriter(of: pipes[file])
                file += 1
            }
        }
        if source.isReadable { source.read() }
    }

    mutating func next() throws -> Chunk? {
        try source.nextChunk { _ in Issue.record("an item is refused") }
    }

    /// The bytes of a chunk, which can be read once.
    func bytes(of chunk: Chunk) throws -> [UInt8] {
        guard case .piped(let block) = chunk.contents else { return chunk.bytes }
        var bytes: [UInt8] = []
        while bytes.count < chunk.byteCount {
            let worker = try system.makePipe()
            let (count, _) = try block.move(to: worker.writing, system)
            var piece = [UInt8](repeating: 0, count: count)
            let read = try piece.withUnsafeMutableBytes {
                try system.read(worker.reading, into: $0)
            }
            #expect(read == count)
            bytes += piece
            system.close(worker.reading)
            system.close(worker.writing)
        }
        return bytes
    }
}

@Suite struct ItemSourceTests {
    private static func text(
        lines count: Int, atMost length: Int, _ random: inout SeededGenerator
    ) -> [UInt8] {
        var text: [UInt8] = []
        for _ in 0..<count {
            let length = Int.random(in: 0...length, using: &random)
            text += [UInt8](repeating: .random(in: 97...122, using: &random), count: length)
            text.append(newline)
        }
        if Bool.random(using: &random), !text.isEmpty { text.removeLast() }
        return text
    }

    private static func texts(_ random: inout SeededGenerator) -> [[UInt8]] {
        let isLarge = Int.random(in: 0..<20, using: &random) == 0
        return (0..<Int.random(in: 1...3, using: &random)).map { _ in
            text(
                lines: .random(in: 0...(isLarge ? 8 : 30), using: &random),
                atMost: isLarge ? 100_000 : 20, &random)
        }
    }

    /// However the files come, the chunks are their lines in order, after the header, and each chunk
    /// is as large as its limits allow. A chunk that is put back comes again in smaller parts. A
    /// block in pipes is the same as one in memory.
    @Test(arguments: [(false, false), (true, false), (true, true)])
    func chunksAreTheLinesOfAllFiles(cutsBlocks: Bool, usesPipes: Bool) throws {
        var random = SeededGenerator()
        var blocksInPipes = 0
        for _ in 0..<200 {
            let pipeSize = usesPipes ? [40, 80, 20_000].randomElement(using: &random)! : nil
            let most = cutsBlocks ? 2_000_000 : Int.max
            let size =
                pipeSize.map { .random(in: $0...(5 * $0), using: &random) }
                ?? [1, 10, 100, 1000, 200_000, most].randomElement(using: &random)!
            let limits = ChunkLimits(
                items: cutsBlocks ? .max : .random(in: 1...10, using: &random), bytes: size)
            let headerItems = [0, 0, 1, 3].randomElement(using: &random)!
            var input = Input(
                Self.texts(&random), limits, headerItems: headerItems, cutsBlocks: cutsBlocks,
                pipeSize: pipeSize)
            let all = lines(input.text)
            let header = all.prefix(headerItems)
            var rest = all.dropFirst(headerItems)
            let items = rest.count
            var itemLimit = limits.items
            var chunks = 0
            while !input.source.isExhausted {
                let pieces = input.text.count < 10_000 ? [1, 7, 300] : [9000, 70_000, 1_000_000]
                input.read(pieces.randomElement(using: &random)!)
                while let chunk = try input.next() {
                    if !cutsBlocks, let count = chunk.itemCount, count > 1,
                        Int.random(in: 0..<8, using: &random) == 0
                    {
                        input.source.putBack(chunk)
                        itemLimit = min(itemLimit, count / 2)
                        continue
                    }
                    chunks += 1
                    let bytes = try input.bytes(of: chunk)
                    let count = lines(bytes).count
                    if case .piped(let block) = chunk.contents {
                        blocksInPipes += 1
                        let same = Chunk(number: chunks, itemCount: count, bytes: bytes)
                        let marks = [chunk, same].map {
                            ChunkMark($0, delimiter: newline, isBlock: true)
                        }
                        #expect(marks[0] == marks[1], "\(random)")
                        let ends = [bytes.prefix(2048), bytes.suffix(2048)]
                        #expect(ends == [block.head[...], block.tail[...]], "\(random)")
                    }
                    let isNext =
                        chunk.number == chunks && chunk.itemCount == count
                        && bytes == whole(rest.prefix(count))
                        && chunk.header == whole(header)
                    rest = rest.dropFirst(count)
                    // Whether a last line without its newline goes on is not known in time.
                    let next = rest.first.map { $0.count + ($0.last == newline ? 0 : 1) } ?? 0
                    let isFull =
                        rest.isEmpty || count == itemLimit || chunk.byteCount >= size
                        || chunk.byteCount + next > size
                    let isAllowed = count == 1 || count <= itemLimit && chunk.byteCount <= size
                    // A check for each chunk, because many checks take long.
                    #expect(isNext && isFull && isAllowed, "\(random)")
                }
            }
            #expect(rest.isEmpty && input.source.header == whole(header), "\(random)")
            let (totalItems, left) = (input.source.totalItems, input.source.itemsWaiting)
            #expect(totalItems == items && left == 0, "\(random)")
            let totalChunks = input.source.totalChunks(itemsPerChunk: itemLimit)
            #expect(totalChunks == chunks, "\(random)")
            let totalBytes = input.source.totalBytes
            #expect(totalBytes == input.size - header.joined().count, "\(random)")
            let openPipes = input.system.openPipes
            #expect(openPipes == 0, "\(random)")
        }
        #expect(usesPipes == (blocksInPipes > 20))
    }

    /// However many blocks wait, they take only 24 pipes; the others are in memory. There are two
    /// more pipes.
    @Test func blocksTakeFewPipes() throws {
        let text = Array((1...1000).map { "\($0)\n" }.joined().utf8)
        var input = Input(
            [text], ChunkLimits(items: .max, bytes: 100), cutsBlocks: true, pipeSize: 40)
        var chunks: [Chunk] = []
        var given = 0
        while !input.source.isExhausted {
            input.read(30)
            given += 30
            while let chunk = try input.next() { chunks.append(chunk) }
            let openPipes = input.system.openPipes
            #expect(openPipes <= 24 + 2)
            let cut = chunks.reduce(0) { $0 + $1.itemCount! }
            let waiting = input.source.itemsWaiting
            #expect(waiting >= 0 && waiting <= lines(Array(text.prefix(given))).count - cut)
        }
        let inPipes = chunks.count { if case .piped = $0.contents { true } else { false } }
        #expect(inPipes >= 4 && inPipes * 3 <= LivePipes.most && chunks.count >= 39)
        #expect(try chunks.flatMap { try input.bytes(of: $0) } == text)
        chunks = []
        let openPipes = input.system.openPipes
        #expect(openPipes == 0)
    }

    /// An unprivileged user may get smaller pipes than pmap asks for. Then blocks are in memory.
    @Test(arguments: [(40, true), (39, false)])
    func blocksAreInPipesOnlyIfTheseAreLargeEnough(granted: Int, isUsed: Bool) throws {
        let text = Array((100...150).map { "\($0)\n" }.joined().utf8)
        var input = Input(
            [text], ChunkLimits(items: .max, bytes: 100), cutsBlocks: true, pipeSize: 40,
            grantedPipeSize: granted)
        var bytes: [UInt8] = []
        while !input.source.isExhausted {
            input.read(30)
            while let chunk = try input.next() {
                if chunk.byteCount == 100 {
                    let isPiped = if case .piped = chunk.contents { true } else { false }
                    #expect(isPiped == isUsed)
                }
                bytes += try input.bytes(of: chunk)
            }
        }
        let openPipes = input.system.openPipes
        #expect(bytes == text && openPipes == 0)
    }

    /// The number of chunks is known when the input has ended, however much of it is cut.
    @Test func theNumberOfChunksIsKnownAtTheEndOfTheInput() throws {
        for count in 1...9 {
            var input = Input(
                [Array((1...count).map { "\($0)\n" }.joined().utf8)],
                ChunkLimits(items: 4, bytes: .max), cutsBlocks: false)
            let before = input.source.totalChunks(itemsPerChunk: 4)
            #expect(before == nil)
            for _ in 0..<2 { input.read(1000) }
            for cut in 0...(count + 3) / 4 {
                let total = input.source.totalChunks(itemsPerChunk: 4)
                #expect(total == (count + 3) / 4)
                let chunk = try input.next()
                #expect((chunk == nil) == (cut == (count + 3) / 4))
            }
        }
    }

    /// The file goes no further, so what was read of its last item may be only a part of it.
    @Test(arguments: [("a\nb\nhal", "a\nb\n"), ("a\nb\n", "a\nb\n"), ("hal", ""), ("", "")])
    func anItemThatAReadErrorCutsIsNotUsed(beforeIt: String, whole: String) throws {
        let system = FakeSystem()
        let pipes = [system.makeWorkerPipe(), system.makeWorkerPipe()]
        var source = ItemSource(
            system,
            pipes.map { InputFile(descriptor: $0, name: "in", extent: nil, isLarge: false) },
            limits: ChunkLimits(items: 100, bytes: .max), delimiter: newline)
        system.print(Array(beforeIt.utf8), into: pipes[0])
        system.fail(pipes[0], with: Errno(EIO))
        system.print(Array("c\nd".utf8), into: pipes[1])
        system.closeWriter(of: pipes[1])
        while !source.atEnd { source.read() }
        let chunk = try source.nextChunk { _ in }
        #expect(chunk?.bytes == Array((whole + "c\nd").utf8))
        let (faults, bytes, items) = (source.takeFaults(), source.totalBytes, source.totalItems)
        #expect(faults.map(\.why) == ["Input/output error"])
        #expect(bytes == whole.utf8.count + 3 && items == chunk?.itemCount)
    }

    @Test func theTotalIsThatOfAllFiles() {
        // Each begins at an offset; the last one has shrunk to less than that.
        let extents = [(10, 30), (0, 5), (7, 3)].map {
            InputFile.Extent(start: $0.0, end: $0.1, changed: .zero)
        }
        func total(_ extents: [InputFile.Extent?]) -> Int? {
            let source = ItemSource(
                FakeSystem(),
                extents.map {
                    InputFile(
                        descriptor: FileDescriptor(0), name: "in", extent: $0, isLarge: false)
                },
                limits: ChunkLimits(items: 1, bytes: .max), delimiter: newline)
            return source.totalBytes
        }
        #expect(total(extents) == 25 && total(Array(extents.prefix(1))) == 20)
        #expect(total(extents + [nil]) == nil)
    }

    /// What a run that is given up has read are whole items: the rest of the last one may come yet.
    @Test func theRestOfTheInputIsWholeItems() throws {
        var random = SeededGenerator()
        for _ in 0..<200 {
            let text = Self.text(lines: 20, atMost: 9, &random)
            var input = Input(
                [text], ChunkLimits(items: 1, bytes: .max), cutsBlocks: false)
            let count = Int.random(in: 1...(text.count + 1), using: &random)
            input.read(count)
            if count > text.count { input.read(1) }
            var seen: [UInt8] = []
            if Bool.random(using: &random), let chunk = try input.next() { seen += chunk.bytes }
            while case .memory(let bytes, _)? = input.source.takeRest() { seen += bytes }
            let read = text.prefix(count)
            let whole = read.lastIndex(of: newline).map { $0 + 1 } ?? 0
            #expect(seen == Array(count > text.count ? read : read.prefix(whole)), "\(random)")
        }
    }
}
