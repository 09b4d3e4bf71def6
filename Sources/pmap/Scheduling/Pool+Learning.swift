import Shared

/// What a worker that has ended teaches: `-c auto` and `--stats`.
extension Pool {
    func learn(from worker: Worker) {
        let seconds = (worker.ended - worker.begun) / .seconds(1)
        let spawning = (worker.started - worker.begun) / .seconds(1)
        let usage = worker.usage
        statistics?.note(
            Statistics.Sample(
                number: worker.chunk.number, items: worker.chunk.itemCount,
                bytes: worker.chunk.bytes.count, slot: worker.slot, seconds: seconds,
                spawning: spawning, end: (worker.ended - began) / .seconds(1),
                cpuSeconds: (usage.ru_utime.duration + usage.ru_stime.duration) / .seconds(1),
                bytesOut: worker.bytesOut),
            text: settings.command.shortItems(worker.chunk, delimiter: settings.delimiter))
        // One that was ended early says nothing of what its items take.
        if worker.isTimedOut || worker.isHalted { return }
        sizer?.note(items: worker.chunk.itemCount, seconds: seconds, spawning: spawning)
    }

    /// Decides the size of the next chunk, as far as it is for us to decide.
    func sizeNextChunk() {
        guard let sizer else { return }
        // What is there already tells how much is left; what is still to come does not
        // delay a start.
        let (wanted, overflow) = sizer.size.multipliedReportingOverflow(
            by: 2 * min(workerLimit, 1 << 20))
        while source.itemsWaiting < (overflow ? .max : wanted), source.wantsMore, source.isReadable
        {
            readItems()
        }
        source.chunkItems = sizer.size(left: source.itemsWaiting, workers: workerLimit)
    }

    /// Prints what `--stats` asks for.
    func printStatistics() {
        guard let statistics else { return }
        let wall = (monotonicTime() - began) / .seconds(1)
        writeToStandardError(
            statistics.table(
                progress: currentProgress, wall: wall,
                advice: advice(statistics, wall: wall).sentence))
    }

    private func advice(_ statistics: Statistics, wall: Double) -> Advice {
        let limits = settings.chunkLimits
        let limit: Advice.Limit =
            if sizer != nil {
                .automatic(statistics.typicalItems)
            } else if limits.items == .max {
                .bytes(limits.bytes)
            } else {
                .items(limits.items)
            }
        return Advice(
            limit: limit, workers: workerLimit, cpus: usableCPUs(), chunks: statistics.chunks,
            items: statistics.items, bytes: statistics.bytes, start: statistics.cost.knownStart,
            busy: statistics.busy.reduce(0, +),
            cpusUsed: wall > 0 ? statistics.cpuSeconds / wall : 0,
            utilisation: statistics.utilisation(wall: wall),
            startShare: statistics.startShare(wall: wall),
            endShare: statistics.endShare(wall: wall))
    }
}
