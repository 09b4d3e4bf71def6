import Foundation
import Shared
import Testing

@testable import pmap

private func row(_ chunk: Int, _ outcome: Outcome, bytes: Int = 12) -> LogRow {
    LogRow(
        chunk: chunk, slot: 2, process: 77, start: .milliseconds(1_000_007),
        wallTime: .milliseconds(50), userTime: .zero, systemTime: .milliseconds(1999),
        maximumResidentSize: 4096, outcome: outcome, attempts: 3, bytes: bytes,
        mark: ChunkMark(items: "5", hash: "00000000000000ff")!, shownItems: "a b")
}

/// When a chunk is in the log.
@Suite struct RecordsTests {
    private let system = FakeSystem()
    private let log: FileDescriptor

    init() throws { log = try system.makePipe().writing }

    private func records() throws -> Records<FakeSystem> {
        let words = ["pmap", "--log=file", "true"]
        let vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: 4)
        for (index, word) in words.enumerated() { unsafe vector[index] = strdup(word) }
        unsafe vector[words.count] = nil
        guard
            case .run(let options, let operands) = try unsafe pmapSyntax.parse(
                vector, count: Int32(words.count))
        else { throw Errno.invalid }
        return Records(
            system, try Settings(options, operands: operands), log: log, done: [:], failed: nil,
            inputIsFile: false)
    }

    private func note(
        _ chunk: Int, bytes: Int, in records: inout Records<FakeSystem>
    ) throws {
        try records.addRow(
            row(chunk, .exited(status: 0), bytes: bytes),
            chunk: Chunk(number: chunk, itemCount: 1, bytes: [97]))
    }

    /// The chunks in the log.
    private var logged: [String] {
        String(decoding: system.bytes(in: log), as: UTF8.self).split(separator: "\n").map {
            String($0.prefix { $0 != "\t" })
        }
    }

    @Test func aRowComesAfterTheOutputOfItsChunk() throws {
        var records = try records()
        try note(1, bytes: 12, in: &records)
        try note(2, bytes: 0, in: &records)
        #expect(logged == ["2"])
        try records.writeRows(of: [3, 1])
        #expect(logged == ["2", "1"])
        try records.writeRows(of: [1])
        #expect(logged == ["2", "1"])
    }

    @Test func aLogThatCannotBeWrittenIsGivenUp() throws {
        var records = try records()
        try note(1, bytes: 12, in: &records)
        try note(2, bytes: 12, in: &records)
        system.writeFault = Errno(ENOSPC)
        let failure = #expect(throws: Failure.self) { try records.writeRows(of: [1]) }
        #expect(failure?.what == "file" && failure?.why == "No space left on device")
        system.writeFault = nil
        try records.writeRows(of: [1, 2])
        try note(3, bytes: 0, in: &records)
        try records.finishLog()
        #expect(logged == [])
    }
}

/// What the log says of chunks, and what --resume takes from it.
@Suite struct LogTests {
    @Test func aRowHasAColumnForEachNameOfTheHeader() {
        let names = LogRow.header.dropLast().split(separator: "\t")
        let row = row(9, .exited(status: 4)).text
        #expect(
            row
                == "9\t2\t77\t1000.007\t0.050\t0.000\t1.999\t4096\t4\t0\t3\t12\t5\t00000000000000ff\ta b\n"
        )
        #expect(row.dropLast().split(separator: "\t").count == names.count)
    }

    @Test(
        arguments: [
            (.exited(status: 0), true), (.exited(status: 1), false), (.exited(status: 255), false),
            (.killed(signal: 9), false), (.timedOut, false),
        ] as [(Outcome, Bool)])
    func onlyAChunkThatSucceededIsDone(outcome: Outcome, isDone: Bool) throws {
        let text = row(9, outcome).text
        let logged = try #require(LoggedChunk(row: text.dropLast()))
        #expect(logged.number == 9 && logged.mark.items == 5 && logged.mark.hash == 255)
        #expect(logged.isDone == isDone)
    }

    @Test func aRowWithAColumnTooFewOrTooManyIsNone() {
        let text = row(9, .exited(status: 0)).text.dropLast()
        #expect(LoggedChunk(row: text[..<text.lastIndex(of: "\t")!]) == nil)
        #expect(LoggedChunk(row: text + "\t") == nil)
        #expect(LoggedChunk(row: "x" + text) == nil)
    }

    @Test func itemsOfTheSameBytesInAnotherOrderAreOtherItems() {
        func mark(_ text: String) -> ChunkMark {
            ChunkMark(Chunk(number: 1, itemCount: 2, bytes: Array(text.utf8)), delimiter: 0x0A)
        }
        #expect(mark("ab\ncd\n") == mark("ab\ncd"))
        #expect(
            Set(
                ["ab\ncd", "cd\nab", "a\nbcd", "abc\nd", "ab\nce", "bb\ncd"].map {
                    mark($0).hash
                }
            ).count == 6)
    }

    // MARK: The file

    /// Opens a log of these bytes as a run does, and returns what is done and the bytes after that.
    private func opened(
        _ bytes: String, resumes: Bool
    ) throws -> (done: [Int], text: String) {
        let path = NSTemporaryDirectory() + "/pmaputils-log." + UUID().uuidString
        try bytes.write(toFile: path, atomically: false, encoding: .utf8)
        defer { unlink(path) }
        return try path.withCString { name in
            let log = try LogFile(Argument(name), resumes: resumes)
            let done = log.done.keys.sorted()
            _ = try log.begin()
            return (done, try String(contentsOfFile: path, encoding: .utf8))
        }
    }

    private var rows: String {
        row(1, .exited(status: 0)).text + row(2, .killed(signal: 9)).text
            + row(3, .exited(status: 0)).text
    }

    @Test func aLogIsGoneOnWithIfItIsResumed() throws {
        let log = try opened(LogRow.header + rows, resumes: true)
        #expect(log.done == [1, 3] && log.text == LogRow.header + rows)
    }

    @Test func aLogBeginsAnewIfItIsNot() throws {
        let log = try opened(LogRow.header + rows, resumes: false)
        #expect(log.done == [] && log.text == LogRow.header)
    }

    @Test(arguments: [1, 2, 30]) func aLastRowThatIsNotCompleteIsCutOff(_ length: Int) throws {
        let last = String(row(4, .exited(status: 0)).text.prefix(length))
        let log = try opened(LogRow.header + rows + last, resumes: true)
        #expect(log.done == [1, 3] && log.text == LogRow.header + rows)
    }

    @Test(arguments: [5, 20]) func aHeaderThatIsNotCompleteIsWrittenAnew(_ length: Int) throws {
        let log = try opened(String(LogRow.header.prefix(length)), resumes: true)
        #expect(log.done == [] && log.text == LogRow.header)
    }

    @Test func anEmptyFileBecomesALog() throws {
        #expect(try opened("", resumes: true).text == LogRow.header)
    }

    @Test(arguments: ["x", "chun", "precious\n", "chunk\tslut", "\n"], [true, false])
    func anotherFileIsRefusedUntouched(_ bytes: String, resumes: Bool) throws {
        #expect(throws: Failure.self) { try opened(bytes, resumes: resumes) }
    }

    @Test func aRowThatCannotBeReadIsRefused() throws {
        #expect(throws: Failure.self) {
            try opened(LogRow.header + rows + "precious\n" + rows, resumes: true)
        }
    }

    @Test func aLogOfAnOlderPmapIsReplacedButNotResumed() throws {
        let old = LogRow.oldHeader + "1\t1\t2\t3.0\t0.1\t0\t0\t1\t0\t0\t1\t2\t1\n"
        #expect(try opened(old, resumes: false).text == LogRow.header)
        #expect(throws: Failure.self) { try opened(old, resumes: true) }
    }
}
