import Shared

extension Pool {
    /// Bytes of a line of stderr that are kept together.
    private static let longestErrorLine = 1 << 20

    func readItems() {
        do {
            try source.read()
        } catch {
            let file = settings.argumentFile.map { $0 == "-" ? nil : $0.text } ?? nil
            say(file ?? "standard input", error.reason)
            tally.noteOwnError()
        }
    }

    func feed(_ worker: Worker) {
        if let failure = worker.feed() {
            say("chunk \(worker.chunk.number)", "its standard input: \(failure.reason)")
        }
    }

    func readOutput(_ worker: Worker) throws(WriteError) {
        guard let descriptor = worker.output?.descriptor else { return }
        if ending != nil {
            if discard(descriptor) { worker.output = nil }
            return
        }
        // The event may be older than what the one before it did.
        guard output.takes(worker.chunk.number) else { return pause(worker) }
        display.eraseForOutput()
        let receipt = try output.receive(
            chunk: worker.chunk.number, from: descriptor, through: &scratch,
            lines: &worker.lines)
        switch receipt {
        case .more(let count):
            if count >= Self.usualPipeSize, !worker.hasLargePipe {
                enlargePipe(descriptor, to: Self.pipeSize)
                worker.hasLargePipe = true
            }
            worker.bytesOut += count
            worker.closingTime = .never
        case .nothingYet: break
        case .failed(let error):
            say("chunk \(worker.chunk.number)", "its output: \(error.reason)")
            worker.loseOutput()
        case .end:
            worker.output = nil
            restErrors(of: worker)
        }
    }

    /// Reads what nobody will see, so that a worker that is being ended does not wait.
    ///
    /// - Returns: whether that was all.
    private func discard(_ descriptor: FileDescriptor) -> Bool {
        defer { scratch.consume(scratch.count) }
        do throws(Errno) {
            return try scratch.fill(from: descriptor) == 0
        } catch {
            return error != .wouldBlock
        }
    }

    func readErrors(_ worker: Worker) {
        guard let descriptor = worker.errors?.descriptor else { return }
        defer { scratch.consume(scratch.count) }
        do throws(Errno) {
            if try scratch.fill(from: descriptor) == 0 {
                worker.errors = nil
                look(at: monotonicTime() + Self.silence)
                return endErrorLine(worker)
            }
        } catch {
            if error != .wouldBlock { worker.errors = nil }
            return
        }
        worker.closingTime = .never
        let fresh = unsafe Array(scratch.bytes)
        if let newline = fresh.lastIndex(of: UInt8(ascii: "\n")) {
            display.write(worker.unfinishedLine + fresh[...newline])
            worker.unfinishedLine = Array(fresh[(newline + 1)...])
        } else {
            worker.unfinishedLine += fresh
            if worker.unfinishedLine.count > Self.longestErrorLine { endErrorLine(worker) }
        }
    }

    func endErrorLine(_ worker: Worker) {
        if worker.unfinishedLine.isEmpty { return }
        display.write(worker.unfinishedLine + [UInt8(ascii: "\n")])
        worker.unfinishedLine = []
    }
}
