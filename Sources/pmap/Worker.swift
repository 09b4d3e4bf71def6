import Shared

/// A running command, or one that has ended and whose output is not all read yet.
final class Worker {
    let process: pid_t
    let slot: Int
    let chunk: Chunk
    /// Ends of pipes, nil once closed; all non-blocking.
    var input: OpenFile?
    var output: OpenFile?
    var errors: OpenFile?
    /// Bytes of the chunk that its standard input took.
    private var bytesFed = 0
    /// Its stderr behind the last newline.
    var unfinishedLine: [UInt8] = []
    /// Set when it was waited for.
    var outcome: Outcome?
    /// When its pipes are closed though a process that it left behind holds them open.
    var closingTime: Duration?

    init(
        process: pid_t, slot: Int, chunk: Chunk, input: consuming OpenFile?,
        output: consuming OpenFile, errors: consuming OpenFile
    ) {
        self.process = process
        self.slot = slot
        self.chunk = chunk
        self.input = consume input
        self.output = consume output
        self.errors = consume errors
    }

    var isDone: Bool { outcome != nil && output == nil && errors == nil }

    /// Writes what its standard input has room for; closes it behind the last byte. A
    /// worker that reads no further than it wants is no error.
    func feed() {
        guard let descriptor = input?.descriptor else { return }
        let isOver = unsafe chunk.bytes.withUnsafeBytes { bytes in
            while bytesFed < bytes.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[bytesFed...])
                do throws(Errno) {
                    bytesFed += try unsafe descriptor.write(rest)
                } catch {
                    return error != .wouldBlock
                }
            }
            return true
        }
        if isOver { input = nil }
    }

    /// Sends a signal to it and to what it started.
    func signal(_ number: Int32) {
        if kill(-process, number) != 0 { _ = kill(process, number) }
    }
}
