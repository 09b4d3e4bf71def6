import Shared
import Testing

private let noSpace = WriteError(Errno(ENOSPC))

/// /dev/full, which fails each write with ENOSPC: full(4).
private func fullDevice() throws -> FileDescriptor {
    FileDescriptor(try retrying { open("/dev/full", O_WRONLY | O_CLOEXEC) })
}

/// Whether this process has /dev/full.
private let hasFullDevice = access("/dev/full", W_OK) == 0

private func append(_ bytes: [UInt8], to output: inout Output) throws {
    // By hand, since a closure of a typed throw crashes the compiler here (6.3.1).
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    try output.append(UnsafeRawBufferPointer(copy))
}

@Suite struct OutputTests {
    @Test func nothingIsWrittenBeforeItMustBe() throws {
        let file = try ScratchFile()
        var output = Output(try file.duplicate(), capacity: 8)
        try output.append("1234567")
        #expect(try file.contents() == [])
        try output.append("89")
        #expect(try !file.contents().isEmpty)
        try output.finish()
        #expect(try file.contents() == Array("123456789".utf8))
    }

    @Test func flushWritesWhatIsThere() throws {
        let file = try ScratchFile()
        var output = Output(try file.duplicate())
        try output.append("abc")
        try output.flush()
        #expect(try file.contents() == Array("abc".utf8))
        try output.flush()
        try output.finish()
        #expect(try file.contents() == Array("abc".utf8))
    }

    @Test(arguments: [0, 9, 10, 99, 100, 12345, UInt64(UInt32.max), UInt64.max - 1, .max])
    func numbersAreDecimal(_ number: UInt64) throws {
        let file = try ScratchFile()
        var output = Output(try file.duplicate(), capacity: 32)
        try output.append(decimal: number)
        try output.finish()
        #expect(try file.contents() == Array("\(number)".utf8))
    }

    /// In a process of its own, since what it guards against was a trap.
    @Test func anEmptyPieceMayComeFirst() async {
        await #expect(processExitsWith: .success) {
            var output = Output(.standardError)
            try append([], to: &output)
            try append([UInt8(ascii: "x")], to: &output)
            try output.finish()
        }
    }

    /// Appends of all kinds and sizes, at every distance from the buffer's end.
    @Test func nothingIsLostOrRepeatedAtTheBuffersEnd() throws {
        var random = SeededGenerator()
        for _ in 0..<50 {
            let file = try ScratchFile()
            let capacity = Int.random(in: 20...64, using: &random)
            var output = Output(try file.duplicate(), capacity: capacity)
            var expected: [UInt8] = []
            for _ in 0..<100 {
                let size = Int.random(in: 1...2 * capacity, using: &random)
                let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    try output.append(UInt8(size))
                    expected.append(UInt8(size))
                case 1:
                    let number = UInt64.random(in: .min ... .max, using: &random)
                    try output.append(decimal: number)
                    expected += Array("\(number)".utf8)
                case 2:
                    let part = bytes.prefix(capacity)
                    try output.appendUpTo(capacity) { room in
                        for (index, byte) in part.enumerated() { room[index] = byte }
                        return part.count
                    }
                    expected += part
                default:
                    try append(bytes, to: &output)
                    expected += bytes
                }
            }
            try output.finish()
            #expect(try file.contents() == expected, "\(random)")
        }
    }

    @Test(.enabled(if: hasFullDevice)) func aFullDiskIsFoundByFlush() throws {
        var output = Output(try fullDevice())
        try output.append("x")
        #expect(throws: noSpace) { try output.flush() }
        try output.finish()
    }

    @Test(.enabled(if: hasFullDevice)) func aFullDiskIsFoundAtTheEnd() throws {
        var output = Output(try fullDevice())
        try output.append("x")
        do {
            try output.finish()
            Issue.record("the last write failed in silence")
        } catch {
            #expect(error == noSpace)
        }
    }

    @Test(.enabled(if: hasFullDevice)) func aFullDiskIsFoundByEachKindOfAppend() throws {
        var output = Output(try fullDevice(), capacity: 20)
        func fill(_ output: inout Output) throws {
            try append(.init(repeating: 1, count: 20), to: &output)
        }
        try fill(&output)
        #expect(throws: noSpace) { try output.append(1) }
        try fill(&output)
        #expect(throws: noSpace) { try output.append("x") }
        try fill(&output)
        #expect(throws: noSpace) { try output.append(decimal: 1) }
        try fill(&output)
        #expect(throws: noSpace) { try output.appendUpTo(1) { _ in 0 } }
        #expect(throws: noSpace) { try append(.init(repeating: 1, count: 21), to: &output) }
        try output.finish()
    }

    @Test func aDescriptorThatIsNotOpenIsAnError() throws {
        var output = Output(FileDescriptor(-1))
        try output.append("x")
        #expect(throws: WriteError(Errno(EBADF))) { try output.flush() }
        do {
            try output.finish()
            Issue.record("closing failed in silence")
        } catch {
            #expect(error == WriteError(Errno(EBADF)))
        }
    }
}

@Suite struct PipeTests {
    /// Nobody but the process itself may hold an end open, else end of file never comes.
    @Test func bothEndsAreClosedOnExec() throws {
        let pipe = try Pipe()
        #expect(fcntl(pipe.reading.descriptor.rawValue, F_GETFD) & FD_CLOEXEC != 0)
        #expect(fcntl(pipe.writing.descriptor.rawValue, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func endOfFileComesWhenTheWritingEndIsGone() throws {
        let pipe = try Pipe()
        let reading = consume pipe.reading
        _ = consume pipe.writing
        #expect(try read(reading.descriptor) == [])
    }

    @Test func anEmptyNonBlockingPipeWouldBlock() throws {
        let pipe = try Pipe()
        try pipe.reading.descriptor.setNonBlocking()
        #expect(throws: Errno.wouldBlock) { try read(pipe.reading.descriptor) }
    }

    private func read(_ descriptor: FileDescriptor) throws -> [UInt8] {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 1)
        defer { room.deallocate() }
        return Array(room[..<(try descriptor.read(into: room))])
    }

    @Test func aFileIsOpenedClosedOnExec() throws {
        let file = try OpenFile(path: "/dev/null")
        #expect(fcntl(file.descriptor.rawValue, F_GETFD) & FD_CLOEXEC != 0)
        #expect(!file.descriptor.isTerminal)
    }

    @Test func aMissingFileIsAnError() {
        do {
            _ = try OpenFile(path: "/nonexistent/file")
            Issue.record("it was opened")
        } catch {
            #expect(error == .noEntry)
        }
    }
}
