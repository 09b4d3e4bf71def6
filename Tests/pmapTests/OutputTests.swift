import Shared
import Testing

@testable import pmap

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

// The macros take no values that cannot be copied.
private func expect(
    _ holds: Bool, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) { #expect(holds, comment, sourceLocation: sourceLocation) }
private func unwrap<Value>(
    _ value: Value?, sourceLocation: SourceLocation = #_sourceLocation
) throws -> Value { try #require(value, sourceLocation: sourceLocation) }

/// Random lines, of which the last may be unfinished.
private func randomText(_ random: inout SeededGenerator, atMost lines: Int) -> [UInt8] {
    var result: [UInt8] = []
    for _ in 0..<Int.random(in: 0...lines, using: &random) {
        let length = Int.random(
            in: 0...[3, 100, 3000].randomElement(using: &random)!, using: &random)
        result += [UInt8](repeating: .random(in: 97...122, using: &random), count: length) + [10]
    }
    if !result.isEmpty, Bool.random(using: &random) { result.removeLast() }
    return result
}

@Suite struct LineFilterTests {
    /// Passes a text through the filter in random pieces, with little memory for the results.
    private func filtered(
        _ text: [UInt8], tag: [UInt8], memory: Int, _ random: inout SeededGenerator
    ) -> [UInt8] {
        var filter = LineFilter(tag: tag)
        var result: [UInt8] = []
        var rest = text[...]
        while !rest.isEmpty {
            let piece = rest.prefix(.random(in: 1...rest.count, using: &random))
            let (read, written) = unsafe piece.withUnsafeBytes { bytes in
                let room = UnsafeMutableRawBufferPointer.allocate(byteCount: memory, alignment: 1)
                defer { unsafe room.deallocate() }
                let (read, written) = unsafe filter.copyTagged(bytes, into: room)
                return (read, unsafe Array(room.prefix(written)))
            }
            #expect(read > 0)
            rest = rest.dropFirst(read)
            result += written
        }
        return result + filter.ending()
    }

    @Test func eachLineGetsTheTagInWhateverPiecesItComes() {
        var random = SeededGenerator()
        for _ in 0..<300 {
            let tag = [UInt8](repeating: 84, count: .random(in: 1...300, using: &random))
            let text = randomText(&random, atMost: 20)
            var expected: [UInt8] = []
            for line in text.split(separator: 10, omittingEmptySubsequences: false) {
                expected += tag + line + [10]
            }
            // What comes after the last newline is a line only if it is not empty.
            if text.isEmpty || text.last == 10 { expected.removeLast(tag.count + 1) }
            let memory =
                LineFilter(tag: tag).memoryForResult(ofBytes: 0)
                + .random(in: 0...5000, using: &random)
            #expect(filtered(text, tag: tag, memory: memory, &random) == expected, "\(random)")
        }
    }

    @Test func aTextGetsItsTagsInOneCall() {
        var filter = LineFilter(tag: bytes("x\t"))
        #expect(text(filter.tagged(bytes("a\n\nb\n"))) == "x\ta\nx\t\nx\tb\n")
        #expect(filter.ending() == [])
        #expect(text(filter.tagged(bytes("c"))) == "x\tc")
        #expect(text(filter.tagged(bytes("d"))) == "d")
        #expect(text(filter.ending()) == "\n")
    }

    @Test func withoutATagOnlyTheEndIsAdded() {
        var filter = LineFilter(tag: [])
        for (piece, ending) in [("", ""), ("a", "\n"), ("a\n", ""), ("\na", "\n")] {
            unsafe bytes(piece).withUnsafeBytes { unsafe filter.pass($0) }
            #expect(text(filter.ending()) == ending)
        }
    }
}

@Suite struct SpillFilesTests {
    @Test func spaceOfTheCommonFileIsFreedPieceByPiece() throws {
        let system = FakeSystem()
        var files = SpillFiles(system, folder: "t")
        var first = try unwrap(files.append(bytes("first")))
        let second = try unwrap(files.append(bytes("second")))
        expect(files.commonBytes == 11 && system.openFiles == 1)
        expect(text(try files.takeFirst(3, of: &first)) == "fir")
        expect(files.commonBytes == 8 && system.bytesOnDisk == 8)
        files.release(second)
        expect(text(try files.takeFirst(9, of: &first)) == "st")
        expect(files.commonBytes == 0 && system.openFiles == 0)
    }

    @Test(arguments: [(0, 0), (4, 1), (40, 10), (1 << 20, 64)])
    func chunksGetAQuarterOfTheDescriptorsAtMost(limit: Int, files: Int) {
        let system = FakeSystem()
        system.descriptorLimit = limit
        var spill = SpillFiles(system, folder: "t")
        var made: [ChunkFile] = []
        while let file = spill.makeChunkFile() { made.append(file) }
        #expect(made.count == files)
        if let file = made.popLast() {
            spill.close(file)
            expect(spill.makeChunkFile() != nil)
        }
    }

    @Test func aFullDiskIsRememberedUntilThereIsRoom() throws {
        let system = FakeSystem()
        system.diskRoom = 4
        var files = SpillFiles(system, folder: "t")
        let pipe = system.makeWorkerPipe()
        system.print(bytes("abcdef"), into: pipe)
        var file = try unwrap(files.makeChunkFile())
        expect(try files.splice(from: pipe, to: &file) == 4)
        expect(try files.splice(from: pipe, to: &file) == nil)
        expect(files.failure == Errno(ENOSPC) && file.count == 4)
        files.close(file)
        expect(files.failure == nil && system.openFiles == 0)
    }
}

@Suite struct HeldPipesTests {
    @Test(arguments: [(0, 0), (15, 0), (16, 1), (100, 6), (1024, 24), (1 << 20, 24)])
    func pipesAreASixteenthOfTheDescriptorsAtMost(limit: Int, count: Int) {
        let system = FakeSystem()
        system.descriptorLimit = limit
        var pipes = HeldPipes(system, pipeSize: 65536)
        var made: [HeldPipe] = []
        while let pipe = pipes.make(room: 1 << 20) { made.append(pipe) }
        expect(made.count == count && system.openPipes == count)
        expect(pipes.memoryBytes == count * 65536)
        if let pipe = made.popLast() {
            pipes.close(pipe)
            expect(pipes.make(room: 1 << 20) != nil)
        }
    }

    @Test func aPipeMustFitIntoTheMemory() {
        let system = FakeSystem()
        var pipes = HeldPipes(system, pipeSize: 40_000)
        // The kernel makes it larger than it has to be.
        expect(pipes.make(room: 65535) == nil && system.openPipes == 0 && pipes.memoryBytes == 0)
        expect(pipes.make(room: 65536) != nil && pipes.memoryBytes == 65536)
    }

    @Test func ifThePipesAreTooSmallThereAreNone() {
        let system = FakeSystem()
        var pipes = HeldPipes(system, pipeSize: 65537)
        expect(pipes.make(room: .max) == nil && system.openPipes == 0)
        system.pipeCapacity = 1 << 20
        expect(pipes.make(room: .max) == nil)
    }

    @Test func aPipeCanBeFullOfAFewBytes() throws {
        let system = FakeSystem()
        system.bytesInFullPipe = 4
        var pipes = HeldPipes(system, pipeSize: 65536)
        let worker = system.makeWorkerPipe()
        system.print(bytes("abcdef"), into: worker)
        var pipe = try unwrap(pipes.make(room: .max))
        expect(try pipes.splice(from: worker, to: &pipe) == 4 && pipe.count == 4)
        expect(try pipes.splice(from: worker, to: &pipe) == nil)
        var other = try unwrap(pipes.make(room: .max))
        expect(try pipes.splice(from: worker, to: &other) == 2 && other.count == 2)
        #expect(throws: Errno.wouldBlock) { try pipes.splice(from: worker, to: &other) }
        system.closeWriter(of: worker)
        expect(try pipes.splice(from: worker, to: &other) == 0)
        expect(text(try pipes.readFirst(3, of: &pipe)) == "abc" && pipe.count == 1)
        expect(text(try pipes.readFirst(3, of: &pipe)) == "d")
        expect(try pipes.readFirst(3, of: &pipe) == [])
    }
}

@Suite struct BacklogTests {
    /// Bytes come in every way in which they can, and leave in every way, in the order of their
    /// arrival. The disk may be full at any time, and the pipes smaller than they should be.
    @Test func heldOutputComesBackByteForByte() throws {
        var random = SeededGenerator()
        for _ in 0..<200 {
            let system = FakeSystem()
            system.descriptorLimit = [0, 4, 1024].randomElement(using: &random)!
            if Bool.random(using: &random) {
                system.diskRoom = .random(in: 0...50_000, using: &random)
            }
            let limit = [0, 100, 10_000, 1 << 20].randomElement(using: &random)!
            system.pipeCapacity = [100, 300, 65536].randomElement(using: &random)!
            system.bytesInFullPipe = [1, 50, .max].randomElement(using: &random)!
            if Int.random(in: 0...9, using: &random) == 0 { system.pipeFault = .invalid }
            var backlog = Backlog(system, limit: limit, folder: "t")
            var held = HeldOutput()
            var expected: [UInt8] = []
            var taken: [UInt8] = []
            let pipe = system.makeWorkerPipe()
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                let piece = randomText(&random, atMost: 5)
                switch Int.random(in: 0...5, using: &random) {
                case 0...2:
                    unsafe piece.withUnsafeBytes { unsafe backlog.append($0, to: &held) }
                    expected += piece
                case 3:
                    system.print(piece, into: pipe)
                    let moved = (try? backlog.splice(from: pipe, to: &held)) ?? 0
                    expected += piece.prefix(moved)
                    while let left = try? readAll(system, pipe), !left.isEmpty {
                        unsafe left.withUnsafeBytes { unsafe backlog.append($0, to: &held) }
                        expected += left
                    }
                case 4: backlog.moveToFile(&held)
                default: taken += try backlog.takeBytes(from: &held) ?? []
                }
                expect(backlog.bytes == expected.count - taken.count, "\(random)")
            }
            if Bool.random(using: &random) {
                let rest = expected.count - taken.count
                expect(backlog.clear(&held) == rest, "\(random)")
            } else {
                while let piece = try backlog.takeBytes(from: &held) { taken += piece }
                #expect(taken == expected, "\(random)")
            }
            expect(backlog.bytes == 0 && backlog.memoryBytes == 0, "\(random)")
            expect(system.openFiles == 0 && system.openPipes == 0, "\(random)")
        }
    }

    private func hold(
        _ count: Int, in held: inout HeldOutput, of backlog: inout Backlog<FakeSystem>
    ) {
        unsafe [UInt8](repeating: 97, count: count).withUnsafeBytes {
            unsafe backlog.append($0, to: &held)
        }
    }

    @Test func aChunkWithMuchOutputGetsAFileBeforeMemoryIsFull() throws {
        let system = FakeSystem()
        var backlog = Backlog(system, limit: 64_000, folder: "t")
        var (small, large) = (HeldOutput(), HeldOutput())
        hold(999, in: &small, of: &backlog)
        hold(1, in: &small, of: &backlog)
        for _ in 0..<2 { hold(500, in: &large, of: &backlog) }
        expect(system.openFiles == 0)
        for _ in 0..<10 { hold(1000, in: &large, of: &backlog) }
        backlog.moveToFile(&large)
        expect(system.openFiles == 1 && backlog.memoryBytes == 2000 && backlog.bytes == 12_000)
        expect(backlog.clear(&large) == 11_000 && backlog.clear(&small) == 1000)
    }

    /// What a chunk prints after its first bytes goes to pipes, and to a file when there are enough
    /// of these.
    @Test func aChunkWithMuchOutputGetsPipesBeforeAFile() throws {
        let system = FakeSystem()
        system.pipeCapacity = 1000
        var backlog = Backlog(system, limit: 64_000, folder: "t")
        var held = HeldOutput()
        let worker = system.makeWorkerPipe()
        system.print([UInt8](repeating: 97, count: 30_000), into: worker)
        hold(999, in: &held, of: &backlog)
        expect(try backlog.splice(from: worker, to: &held) == nil)
        hold(1, in: &held, of: &backlog)
        for count in 1...24 {
            expect(try backlog.splice(from: worker, to: &held) == 1000)
            expect(system.openPipes == count && system.openFiles == 0)
        }
        expect(backlog.memoryBytes == 25_000 && backlog.bytes == 25_000)
        expect(try backlog.splice(from: worker, to: &held) == 6000)
        expect(system.openPipes == 24 && system.openFiles == 1)
        expect(backlog.memoryBytes == 25_000 && backlog.bytes == 31_000)
        expect(try backlog.takeBytes(from: &held)?.count == 1000)
        expect(try backlog.takeBytes(from: &held)?.count == 1000)
        expect(system.openPipes == 23 && backlog.memoryBytes == 23_000)
        expect(backlog.clear(&held) == 29_000 && system.openPipes == 0 && system.openFiles == 0)
    }

    /// A pipe is read in pieces of 256 KiB. What is left, if it is only a byte, comes next.
    @Test func aPipeIsReadInPieces() throws {
        let system = FakeSystem()
        system.pipeCapacity = 300_000
        var backlog = Backlog(system, limit: 640_000, folder: "t")
        var held = HeldOutput()
        let worker = system.makeWorkerPipe()
        hold(10_000, in: &held, of: &backlog)
        system.print([UInt8](repeating: 97, count: (256 << 10) + 1), into: worker)
        expect(try backlog.splice(from: worker, to: &held) == (256 << 10) + 1)
        for count in [10_000, 256 << 10, 1] {
            expect(try backlog.takeBytes(from: &held)?.count == count)
        }
        expect(try backlog.takeBytes(from: &held) == nil && system.openPipes == 0)
    }

    /// A pipe counts with all that it can hold.
    @Test func pipesCountAsMemory() throws {
        let system = FakeSystem()
        system.pipeCapacity = 1000
        system.bytesInFullPipe = 10
        var backlog = Backlog(system, limit: 64_000, folder: "t")
        var (held, other) = (HeldOutput(), HeldOutput())
        let worker = system.makeWorkerPipe()
        hold(1000, in: &held, of: &backlog)
        hold(60_500, in: &other, of: &backlog)
        system.print([UInt8](repeating: 97, count: 100), into: worker)
        expect(try backlog.splice(from: worker, to: &held) == 10)
        expect(try backlog.splice(from: worker, to: &held) == 10)
        expect(system.openPipes == 2 && backlog.memoryBytes == 63_500)
        // The next one would be too much.
        expect(try backlog.splice(from: worker, to: &held) == 80 && system.openFiles == 1)
        expect(backlog.clear(&held) == 1100 && backlog.clear(&other) == 60_500)
    }

    @Test func whatNoPipeTakesGoesToAFile() throws {
        let system = FakeSystem()
        system.pipeCapacity = 1000
        system.pipeFault = Errno(ENOMEM)
        var backlog = Backlog(system, limit: 64_000, folder: "t")
        var held = HeldOutput()
        let worker = system.makeWorkerPipe()
        hold(1000, in: &held, of: &backlog)
        system.print([UInt8](repeating: 97, count: 100), into: worker)
        expect(try backlog.splice(from: worker, to: &held) == 100 && system.openFiles == 1)
        expect(backlog.clear(&held) == 1100)
    }

    @Test func ifThereIsNoFileMemoryIsUsedUpToItsLimit() throws {
        let system = FakeSystem()
        system.diskRoom = 0
        var backlog = Backlog(system, limit: 1_000_000, folder: "t")
        var held = HeldOutput()
        for _ in 0..<60 { hold(10_000, in: &held, of: &backlog) }
        expect(backlog.memoryBytes == 600_000 && !backlog.isFull && backlog.spillFailure == nil)
        for _ in 0..<50 { hold(10_000, in: &held, of: &backlog) }
        expect(backlog.memoryBytes == 1_100_000 && backlog.isFull && backlog.spillFailure != nil)
        expect(backlog.clear(&held) == 1_100_000)
    }

    /// It is read from the common file, or from the file of its chunk.
    @Test(arguments: [0, 1024]) func whatCannotBeReadIsStillHeld(descriptors: Int) throws {
        let system = FakeSystem()
        system.descriptorLimit = descriptors
        var backlog = Backlog(system, limit: 1000, folder: "t")
        var held = HeldOutput()
        hold(500, in: &held, of: &backlog)
        for _ in 0..<100 { hold(5000, in: &held, of: &backlog) }
        expect(try backlog.takeBytes(from: &held)?.count == 500 && system.openFiles == 1)
        system.readFault = Errno(EIO)
        for _ in 0..<3 {
            #expect(throws: Errno(EIO)) { _ = try backlog.takeBytes(from: &held) }
            expect(backlog.bytes == 500_000)
        }
        system.readFault = nil
        var count = 0
        while let piece = try backlog.takeBytes(from: &held) { count += piece.count }
        expect(count == 500_000 && backlog.bytes == 0 && system.openFiles == 0)
    }

    private func readAll(_ system: FakeSystem, _ pipe: FileDescriptor) throws -> [UInt8] {
        var buffer = try InputBuffer(capacity: 1 << 16)
        _ = try unsafe buffer.fill { memory throws(Errno) in
            try unsafe system.read(pipe, into: memory)
        }
        return unsafe Array(buffer.bytes)
    }
}

@Suite struct MergedOutputTests {
    /// Workers that print into a merged output, one pipe each.
    private struct Run: ~Copyable {
        let system = FakeSystem()
        var output: MergedOutput<FakeSystem>
        var buffer: InputBuffer
        var pipes: [Int: FileDescriptor] = [:]
        var filters: [Int: LineFilter] = [:]

        init(
            _ mode: OutputMode, holdsBack: Bool = false, limit: Int = 1 << 20,
            prepare: (FakeSystem) -> Void = { _ in }
        ) throws {
            prepare(system)
            output = MergedOutput(
                system, mode: mode, holdsBack: holdsBack, buffer: limit, folder: "t",
                bar: BarLine(system, output: nil))
            buffer = try InputBuffer(capacity: 256 << 10)
        }

        mutating func begin(_ chunk: Int, _ filter: LineFilter? = nil) {
            output.begin(chunk)
            pipes[chunk] = system.makeWorkerPipe()
            filters[chunk] = filter
        }

        mutating func print(_ chunk: Int, _ bytes: [UInt8]) throws {
            system.print(bytes, into: pipes[chunk]!)
            try read(chunk)
        }

        /// Reads all that may be read now.
        mutating func read(_ chunk: Int) throws {
            while output.takes(chunk) {
                var filter = filters[chunk]
                let receipt = try output.receive(
                    chunk: chunk, from: pipes[chunk]!, through: &buffer, lines: &filter)
                filters[chunk] = filter
                guard case .more = receipt else { return }
            }
        }

        mutating func finish(_ chunk: Int, keeps: Bool = true) throws {
            var filter = filters[chunk]
            try output.finish(chunk: chunk, keeps: keeps, rest: filter?.ending() ?? [])
        }
    }

    @Test func chunksComeInTheirOrder() throws {
        var run = try Run(.ordered)
        for chunk in 1...3 { run.begin(chunk) }
        try run.print(3, bytes("3a "))
        try run.print(2, bytes("2a "))
        expect(run.system.output == [])
        try run.print(1, bytes("1a "))
        expect(text(run.system.output) == "1a ")
        try run.finish(3)
        try run.print(1, bytes("1b "))
        try run.finish(1)
        expect(text(run.system.output) == "1a 1b 2a ")
        expect(run.output.takeDone() == [1])
        try run.finish(2)
        expect(text(run.system.output) == "1a 1b 2a 3a ")
        expect(run.output.takeDone() == [2, 3])
        expect(run.output.isEmpty)
    }

    @Test func unorderedChunksComeAsTheyFinish() throws {
        var run = try Run(.unordered)
        for chunk in 1...3 { run.begin(chunk) }
        for chunk in 1...3 { try run.print(chunk, bytes("\(chunk) ")) }
        expect(run.system.output == [])
        for chunk in [2, 3, 1] { try run.finish(chunk) }
        expect(text(run.system.output) == "2 3 1 ")
    }

    @Test func onlyWholeLinesAreWritten() throws {
        var run = try Run(.lines)
        run.begin(1, LineFilter(tag: []))
        run.begin(2, LineFilter(tag: bytes("two\t")))
        try run.print(1, bytes("a"))
        try run.print(2, bytes("c\nd"))
        expect(text(run.system.output) == "two\tc\n")
        try run.print(1, bytes("b\n"))
        expect(text(run.system.output) == "two\tc\nab\n")
        try run.finish(2)
        expect(text(run.system.output) == "two\tc\nab\ntwo\td\n")
    }

    @Test func aFullReaderHoldsUpTheWorkersAndNothingIsLost() throws {
        var run = try Run(.ordered) { $0.room = 3 }
        run.begin(1)
        try run.print(1, bytes("abcdef"))
        expect(text(run.system.output) == "abc" && run.output.waitsForReader)
        expect(!run.output.takes(1))
        run.system.room = 10
        try run.output.flush()
        expect(run.output.takes(1))
        try run.read(1)
        expect(text(run.system.output) == "abcdef")
    }

    /// If nothing more can be held, the oldest chunk comes next, so that it can end.
    @Test func unorderedTheOldestChunkComesNextIfThereIsNoRoom() throws {
        var run = try Run(.unordered, limit: 1000) { $0.diskRoom = 0 }
        for chunk in 1...3 { run.begin(chunk) }
        try run.print(2, bytes("2 "))
        try run.print(3, [UInt8](repeating: 51, count: 200_000))
        expect(run.output.isFull && run.output.takes(1))
        expect(!run.output.takes(2) && !run.output.takes(3) && run.system.output == [])
        try run.print(1, bytes("1a "))
        expect(text(run.system.output) == "1a ")
        try run.finish(3)
        try run.print(1, bytes("1b "))
        try run.finish(1)
        try run.finish(2)
        expect(
            text(run.system.output) == "1a 1b " + String(repeating: "3", count: 200_000) + "2 ")
    }

    @Test func theOutputOfAFailedAttemptIsDropped() throws {
        var run = try Run(.ordered, holdsBack: true)
        run.begin(1)
        try run.print(1, bytes("wrong"))
        run.output.restart(chunk: 1)
        run.begin(1)
        try run.print(1, bytes("right"))
        expect(run.system.output == [])
        try run.finish(1)
        expect(text(run.system.output) == "right")
    }

    /// A chunk with much output gets pipes and a file, and pmap does not copy what goes through them,
    /// unless standard output takes no splices.
    @Test(arguments: [true, false])
    func muchWaitingOutputIsInPipes(takesSplices: Bool) throws {
        var run = try Run(.ordered, limit: 4 << 20) { $0.takesSplices = takesSplices }
        let much = (0..<(2 << 20)).map { UInt8(truncatingIfNeeded: $0 % 251) }
        run.begin(1)
        run.begin(2)
        try run.print(2, much)
        expect(run.system.openPipes == 24 && run.system.bytesOnDisk < 1 << 19)
        let copied = run.system.bytesCopied
        try run.finish(1)
        try run.finish(2)
        expect(run.system.output == much)
        let more = run.system.bytesCopied - copied
        expect(takesSplices ? more == 0 : more > 3 << 19)
        expect(run.system.openPipes == 0 && run.system.openFiles == 0)
    }

    /// A full reader takes a part of a pipe.
    @Test func aPipeIsWrittenInParts() throws {
        var run = try Run(.ordered, limit: 64_000) {
            $0.pipeCapacity = 1000
            $0.room = 1700
        }
        let much = (0..<3500).map { UInt8(truncatingIfNeeded: $0 % 251) }
        run.begin(1)
        run.begin(2)
        try run.print(2, Array(much[..<1000]))
        try run.print(2, Array(much[1000...]))
        expect(run.system.openPipes == 3)
        try run.finish(2)
        try run.finish(1)
        expect(run.output.waitsForReader && run.system.output == Array(much[..<1700]))
        expect(run.output.waitingBytes == 1500)
        run.system.room = .max
        try run.output.flush()
        expect(run.system.output == much && run.system.openPipes == 0)
    }

    /// A chunk with much output gets a file, and pmap does not copy what goes through it.
    @Test func muchWaitingOutputIsNotCopied() throws {
        var run = try Run(.ordered, limit: 1 << 10)
        let much = [UInt8](repeating: 120, count: 1 << 20)
        run.begin(1)
        run.begin(2)
        for _ in 0..<8 { try run.print(2, much) }
        expect(run.system.bytesOnDisk > 7 << 20 && run.system.output == [])
        try run.finish(1)
        try run.finish(2)
        expect(run.system.output == [UInt8](repeating: 120, count: 8 << 20))
        expect(run.system.bytesCopied < 1 << 20)
        expect(run.output.isEmpty && run.system.openFiles == 0)
    }

    /// Parts of lines that come one by one do not make more files.
    @Test func taggedOutputOfAChunkIsInOneFile() throws {
        var run = try Run(.ordered, limit: 1 << 10)
        run.begin(1)
        run.begin(2, LineFilter(tag: bytes("two\t")))
        let piece =
            [UInt8](repeating: 120, count: 99_999) + [10] + [UInt8](repeating: 121, count: 30)
        for _ in 0..<20 { try run.print(2, piece) }
        expect(run.system.openFiles == 1)
        try run.finish(1)
        try run.finish(2)
        let lines = text(run.system.output).split(separator: "\n")
        #expect(lines.count == 21 && lines.allSatisfy { $0.hasPrefix("two\t") })
        expect(run.system.output.count == 20 * piece.count + 21 * 4 + 1)
    }

    @Test func whatIsAbandonedIsClosed() throws {
        var run = try Run(.ordered, limit: 1) { $0.room = 10 }
        run.begin(1)
        run.begin(2)
        try run.print(2, [UInt8](repeating: 120, count: 100_000))
        try run.finish(1)
        expect(run.output.waitsForReader)
        run.output.abandon()
        expect(run.output.isEmpty && run.system.openFiles == 0)
    }
}
