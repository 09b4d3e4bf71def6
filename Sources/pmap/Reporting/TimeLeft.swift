import Shared

/// The chunk of a running worker.
struct RunningWork {
    /// Its items, or its bytes if items are not counted.
    let work: Int
    /// Seconds since its worker was started.
    let age: Double
}

/// Estimates the time until all work is done, from the seconds that recent chunks took and the age
/// of the running ones.
///
/// Work is counted in items, or in bytes. The seconds per item are an exponential average over the chunks that are done. Its length is a
/// quarter of these chunks, but at least two for each worker: so a change of pace is followed within
/// a few chunks, and the estimate of a long run is calm.
struct TimeLeft {
    /// Weighted sums over the chunks.
    private var work = 0.0
    private var seconds = 0.0
    private var chunks = 0.0
    /// The highest slot that was used: as many workers have run at once.
    private var slots = 1

    /// Notes a chunk that is done.
    ///
    /// - Parameter slot: the slot of its worker.
    mutating func note(work: Int, seconds: Double, slot: Int) {
        chunks += 1
        slots = max(slots, slot)
        let length = max(chunks / 4, 2 * Double(slots))
        let kept = exp(-1 / length)
        self.work = self.work * kept + Double(work)
        self.seconds = self.seconds * kept + seconds
    }

    /// - Parameter waiting: work that is not started yet.
    /// - Returns: nil if no chunk is done yet, or if no worker runs.
    func estimate(waiting: Int, running: [RunningWork]) -> Double? {
        guard work > 0, !running.isEmpty else { return nil }
        let pace = seconds / work
        let rests = running.map { max(pace * Double($0.work) - $0.age, 0) }
        let total = rests.reduce(pace * Double(max(waiting, 0)), +)
        return max(total / Double(running.count), rests.max() ?? 0)
    }
}
