import Shared

/// What `-j` asks for.
enum WorkerCount: Equatable {
    case exactly(Int)
    case percentOfCPUs(Int)
    /// As many as there are CPUs and this many more, or fewer.
    case cpusAnd(Int)

    /// - Returns: nil where the text is none of `4`, `50%`, `+2`, `-1`.
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

    /// - Parameter text: of a `--jobs-file`; its first word counts.
    init?(jobsFile text: String) {
        self.init(text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? "")
    }

    /// What a text that is none would have to be.
    static let expected =
        "takes a number of workers of at least 1, +N or -N for N more or fewer than CPUs, "
        + "or N% of them"

    /// Never less than 1.
    func number(cpus: Int) -> Int {
        let (number, overflow) =
            switch self {
            case .exactly(let number): (number, false)
            case .percentOfCPUs(let share): cpus.multipliedReportingOverflow(by: share)
            case .cpusAnd(let more): cpus.addingReportingOverflow(more)
            }
        if overflow { return Int.max }
        if case .percentOfCPUs = self { return max(1, number / 100) }
        return max(1, number)
    }
}

/// Reads `--jobs-file` for the first time.
func workerCount(inFile name: Argument) throws(Failure) -> Int {
    let text: String
    do {
        text = try contents(of: name)
    } catch {
        throw Failure(name.text, error.reason)
    }
    guard let count = WorkerCount(jobsFile: text) else {
        let word = text.split(whereSeparator: \.isWhitespace).first ?? ""
        throw Failure(name.text, "'\(word)': a jobs file \(WorkerCount.expected)")
    }
    return count.number(cpus: usableCPUs())
}
