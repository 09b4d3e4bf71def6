import Shared

/// The two forms in which slots can be served.
enum JobserverForm: String {
    /// A named pipe. GNU make knows it from 4.4 on; ninja knows no other.
    case fifo
    /// A pipe that all below inherit: the only form that an older make knows, which stops
    /// where it is told of a named one.
    case pipe

    /// What the `--jobserver-style` of GNU make asks for in MAKEFLAGS, the last one counts;
    /// else the form that the make on PATH knows.
    static func preferred() throws(Errno) -> JobserverForm {
        let flags = unsafe getenv("MAKEFLAGS").map { unsafe String(cString: $0) } ?? ""
        let option = "--jobserver-style="
        let styles = flags.split(separator: " ").filter { $0.hasPrefix(option) }
        if let style = styles.last.flatMap({ Self(rawValue: String($0.dropFirst(option.count))) }) {
            return style
        }
        return knowsFifo(makeVersion: try firstLine(of: ["make", "--version"])) ? .fifo : .pipe
    }
}

/// Whether a make of which this is the `--version` can be told of a named pipe. One that is
/// not GNU make takes no part in any case.
func knowsFifo(makeVersion text: String) -> Bool {
    let name = "GNU Make "
    guard text.hasPrefix(name) else { return true }
    let version = text.dropFirst(name.count).prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let numbers = version.split(separator: ".").map { Int($0) ?? 0 }
    guard let major = numbers.first else { return true }
    return (major, numbers.count > 1 ? numbers[1] : 0) >= (4, 4)
}

/// The first line that a command prints, on standard error too; empty if it cannot be run. It
/// is ended then: it may print more than a pipe holds, or do something else for ever.
private func firstLine(of words: [String]) throws(Errno) -> String {
    let pipe = try Pipe()
    let output = pipe.reading
    guard let process = start(words.map { Array($0.utf8) }, printingTo: pipe.writing)
    else { return "" }
    var bytes = [UInt8](repeating: 0, count: 4096)
    var count = 0
    while count < bytes.count, !bytes[..<count].contains(UInt8(ascii: "\n")) {
        let added = unsafe bytes.withUnsafeMutableBytes { buffer in
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            return (try? unsafe output.descriptor.read(into: room)) ?? 0
        }
        if added == 0 { break }
        count += added
    }
    kill(process, SIGKILL)
    _ = try? retrying { waitpid(process, nil, 0) }
    return readable(bytes[..<count])
}

/// - Parameter output: closed when the command has it.
/// - Returns: nil where the command cannot be run.
private func start(_ words: [[UInt8]], printingTo output: consuming OpenFile) -> pid_t? {
    let spawner = try? Spawner(leadsGroup: false)
    return try? spawner?.start(
        ArgumentVector(words), input: nil, output: output.descriptor, errors: output.descriptor)
}
