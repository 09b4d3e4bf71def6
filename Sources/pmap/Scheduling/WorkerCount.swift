import Shared

/// The argument of `-j`.
enum WorkerCount: Equatable {
    case exactly(Int)
    case percentOfCPUs(Int)
    /// The number of CPUs plus this number, which may be negative.
    case cpusAnd(Int)

    /// - Returns: nil if the text has none of the forms `4`, `50%`, `+2` and `-1`.
    init?(_ text: String) {
        let sign = text.first
        if text.hasSuffix("%"), let share = parseCount(String(text.dropLast()), minimum: 1) {
            self = .percentOfCPUs(share)
        } else if sign == "+" || sign == "-", let number = parseCount(String(text.dropFirst())) {
            self = .cpusAnd(sign == "-" ? -number : number)
        } else if let number = parseCount(text, minimum: 1) {
            self = .exactly(number)
        } else {
            return nil
        }
    }

    /// - Parameter text: the contents of a `--jobs-file`; only the first word counts.
    init?(jobsFile text: String) {
        self.init(text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? "")
    }

    /// The error message for an invalid count.
    static let expected =
        "takes a number of workers of at least 1, +N or -N for N more or fewer than CPUs, "
        + "or N% of them"

    /// Linux has at most 2^22 processes. This bound keeps products with other numbers of workers
    /// from overflowing.
    static let most = 1 << 20

    /// Returns the number of workers: at least 1, at most `most`.
    func number(cpus: Int) -> Int {
        let (number, overflow) =
            switch self {
            case .exactly(let number): (number, false)
            case .percentOfCPUs(let share): cpus.multipliedReportingOverflow(by: share)
            case .cpusAnd(let more): cpus.addingReportingOverflow(more)
            }
        if overflow { return Self.most }
        if case .percentOfCPUs = self { return min(max(1, number / 100), Self.most) }
        return min(max(1, number), Self.most)
    }
}

/// Reads `--jobs-file` when pmap starts.
func workerCount(inFile name: Argument) throws(Failure) -> Int {
    let text: String
    do {
        text = try textOfRegularFile(name)
    } catch {
        let isSpecial = error == .invalid
        throw Failure(name.text, isSpecial ? "a jobs file is a regular file" : error.reason)
    }
    guard let count = WorkerCount(jobsFile: text) else {
        let word = text.split(whereSeparator: \.isWhitespace).first ?? ""
        throw Failure(name.text, "'\(word)': a jobs file \(WorkerCount.expected)")
    }
    return count.number(cpus: usableCPUs())
}
