import Shared

/// The last line of a run, if chunks failed.
struct FailureSummary {
    private var failed = 0
    private var done = 0
    private var first: Failed?

    private struct Failed {
        let chunk: Int
        /// For example `exited with status 1; item: a`.
        let story: String
    }

    /// Notes a chunk that was done, now or by an earlier run.
    mutating func noteDone() { done += 1 }

    /// Whether no earlier chunk has failed.
    func isFirst(_ chunk: Int) -> Bool { chunk < first?.chunk ?? .max }

    /// Notes a chunk that failed for good.
    ///
    /// - Parameter story: how it failed, and its items; used only for the first chunk.
    mutating func noteFailed(_ chunk: Int, _ story: String) {
        failed += 1
        if isFirst(chunk) { first = Failed(chunk: chunk, story: story) }
    }

    /// Returns the two parts of the message; nil if no chunk failed.
    ///
    /// - Parameters:
    ///   - total: the number of chunks in the input, if all of it was read.
    ///   - place: where the user can find more.
    func message(total: Int?, place: String) -> (what: String, why: String)? {
        guard let first else { return nil }
        var what = "\(failed)" + (total.map { " of \($0)" } ?? "")
        what += (total ?? failed) == 1 ? " chunk failed" : " chunks failed"
        let left = total.map { $0 - done - failed }
        switch left {
        case nil: what += ", no more were started"
        case 1: what += ", 1 was not done"
        case let left? where left > 1: what += ", \(left) were not done"
        default: break
        }
        let which = failed == 1 ? "chunk \(first.chunk) " : "the first, chunk \(first.chunk), "
        return (what, which + first.story + (failed == 1 && left == 0 ? "" : "; \(place)"))
    }
}
