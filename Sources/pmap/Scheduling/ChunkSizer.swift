/// Finds how large a chunk should be: how many items it should have, for `-c auto`, or how many bytes,
/// for `-i` without `-b` and `-c`.
///
/// While much work is left, chunks are so large that starting the worker takes a small part of a
/// chunk's time (`startShare`). Toward the end chunks shrink with the number of items left, as in
/// guided self-scheduling: C. D. Polychronopoulos and D. J. Kuck, "Guided Self-Scheduling: A
/// Practical Scheduling Scheme for Parallel Supercomputers", IEEE Transactions on Computers
/// C-36(12), 1987.
/// They give each of P processors 1/P of the items left. Here a worker gets half of that, because
/// the costs of items may differ a thousandfold, as in S. F. Hummel, E. Schonberg and L. E. Flynn,
/// "Factoring", Communications of the ACM 35(8), 1992.
struct ChunkSizer {
    /// What the size of a chunk is measured in.
    enum Unit {
        case items, bytes

        /// The share of a chunk's time that starting its worker may take. A worker that counts a
        /// block also fills a new table and prints it, and another program adds up what it printed.
        /// That takes two or three times as long as the start, and cannot be told from the rest.
        var startShare: Double { self == .items ? 0.05 : 0.02 }
    }

    let unit: Unit
    private var cost = ChunkCost(memory: 0.9)
    /// The largest chunk allowed so far. It rises only after smaller chunks have finished.
    private var ceiling: Int
    /// Bytes of output for each unit, as an average of the last chunks.
    private var output = 0.0

    /// A block is never smaller, unless less is left.
    private static let leastBlock = 4 << 10
    /// The size of the first blocks, if it is not known how much is left.
    private static let firstBlock = 64 << 10
    /// If it is known, they have one of so many parts of a worker's share, up to this size: little,
    /// because how long they take is not known yet.
    private static let partsOfShare = 64
    private static let largestFirstBlock = 8 << 20

    init(_ unit: Unit = .items) {
        self.unit = unit
        ceiling = unit == .items ? 1 : Self.firstBlock
    }

    /// Learns from a finished chunk.
    ///
    /// - Parameter output: the bytes that it printed.
    mutating func note(size: Int, seconds: Double, spawning: Double, output: Int = 0) {
        cost.note(items: size, seconds: seconds, spawning: spawning)
        self.output = (self.output + Double(output) / Double(max(size, 1))) / 2
        // If chunks take only milliseconds, a mistake costs little, so grow faster.
        let factor = seconds < 0.005 ? 16 : seconds < 0.05 ? 4 : 2
        ceiling = max(ceiling, min(size, 1 << 40) * factor)
    }

    /// The size of a chunk while much is left.
    var size: Int { size(slowest: 0) }

    private func size(slowest: Double) -> Int {
        // Before the first chunk has finished, nothing is known.
        if cost.start == 0 { return ceiling }
        let perUnit = max(cost.perItem, slowest)
        let wanted = cost.start / perUnit * (1 / unit.startShare - 1)
        let size = wanted < Double(ceiling) ? Int(wanted.rounded(.up)) : ceiling
        return max(size, unit == .items ? 1 : Self.leastBlock)
    }

    /// The largest chunk whose output does not take more than some memory.
    func size(outputWithin memory: Int) -> Int {
        let size = Double(memory) / max(output, 0.001)
        return size < 0x1p60 ? Int(size) : .max
    }

    /// The size of a chunk before the first one has finished.
    private func firstSize(left: Int, workers: Int) -> Int {
        guard unit == .bytes, left < .max else { return ceiling }
        return max(ceiling, min(left / workers / Self.partsOfShare, Self.largestFirstBlock))
    }

    /// Returns the size of the next chunk.
    ///
    /// No chunk takes more than its share of what is known to be left, however cheap it seems: its
    /// items may be the slow ones. But no block is much smaller than those in the middle: near the
    /// end, small ones would cost more for starts than they save in waiting for the last worker.
    /// Nor is one so small that starting its worker takes most of its time, even if then some
    /// workers get none.
    ///
    /// - Parameters:
    ///   - left: what is known to be left.
    ///   - workers: the number of workers that share it.
    ///   - slowest: the least seconds for each unit of a running chunk. It lets a slow chunk count
    ///     before it has finished.
    func size(left: Int, workers: Int, slowest: Double = 0) -> Int {
        let share = (Double(left) / (2 * Double(workers))).rounded(.up)
        let size =
            cost.start == 0 ? firstSize(left: left, workers: workers) : size(slowest: slowest)
        let least =
            unit == .items ? 1 : max(min(size / 4, left / workers), size / 16, Self.leastBlock)
        return max(share < Double(size) ? Int(share) : size, least)
    }
}

extension Chunk {
    /// Its size as `ChunkSizer` measures it.
    func size(in unit: ChunkSizer.Unit) -> Int {
        switch unit {
        case .items: itemCount ?? 0
        case .bytes: byteCount
        }
    }
}
