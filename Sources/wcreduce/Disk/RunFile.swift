import Shared

/// Sorted runs of records in an unnamed temporary file. A record is its count, the length of its
/// key in bytes, and the key. Both numbers are in LEB128 (7 bits a byte, the lowest first).
struct RunFile: ~Copyable {
    /// A run: its offset in the file and its length, in bytes.
    struct Run {
        var offset: Int
        var count: Int
    }

    let folder: Argument
    private let file: OpenFile
    private var output: Output
    private var end = 0
    /// The runs, the oldest first.
    private(set) var runs: [Run] = []

    var descriptor: FileDescriptor { file.descriptor }

    init(folder: Argument) throws(Failure) {
        self.folder = folder
        do throws(Errno) {
            file = try OpenFile(unlinkedIn: folder)
        } catch {
            throw Self.failure(folder, error)
        }
        output = Output(file.descriptor)
    }

    /// Appends a run of the records that `body` writes.
    mutating func appendRun(_ body: (inout RunFile) throws -> Void) throws {
        let start = end
        try body(&self)
        do throws(WriteError) {
            try output.flush()
        } catch {
            throw Self.failure(folder, error.cause)
        }
        if end > start { runs.append(Run(offset: start, count: end - start)) }
    }

    mutating func write(_ key: UnsafeRawBufferPointer, _ count: UInt64) throws(Failure) {
        do throws(WriteError) {
            let header = try unsafe output.appendUpTo(20) { place in
                let first = unsafe writeVarint(count, at: place)
                return unsafe first + writeVarint(UInt64(key.count), at: place + first)
            }
            try unsafe output.append(key)
            end += header + key.count
        } catch {
            throw Self.failure(folder, error.cause)
        }
    }

    /// Removes the oldest `number` runs from `runs` and returns them.
    mutating func takeRuns(_ number: Int) -> [Run] {
        defer { runs.removeFirst(number) }
        return Array(runs.prefix(number))
    }

    /// The error to report if the file cannot be created, written or read.
    static func failure(_ folder: Argument, _ cause: Errno) -> Failure {
        Failure("temporary file in \(folder.text)", cause.reason)
    }
}

private func writeVarint(_ number: UInt64, at place: UnsafeMutablePointer<UInt8>) -> Int {
    var rest = number
    var count = 0
    while rest >= 0x80 {
        unsafe place[count] = UInt8(truncatingIfNeeded: rest) | 0x80
        rest >>= 7
        count += 1
    }
    unsafe place[count] = UInt8(truncatingIfNeeded: rest)
    return count + 1
}
