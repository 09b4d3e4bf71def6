import Shared

/// The two ways to serve slots.
enum JobserverForm: String {
    /// A named pipe. GNU make supports it since 4.4; it is the only form that ninja supports.
    case fifo
    /// A pipe inherited by all processes below. Older versions of make support only this form, and
    /// stop with an error if they are given a named pipe.
    case pipe

    /// Returns the form in the last `--jobserver-style` option of GNU make in MAKEFLAGS; else the
    /// form that the make on PATH supports.
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

/// Whether the make that printed this `--version` text accepts a named pipe. Versions of
/// make other than GNU make ignore the jobserver, so any form suits them.
func knowsFifo(makeVersion text: String) -> Bool {
    let name = "GNU Make "
    guard text.hasPrefix(name) else { return true }
    let version = text.dropFirst(name.count).prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let numbers = version.split(separator: ".").map { Int($0) ?? 0 }
    guard let major = numbers.first else { return true }
    return (major, numbers.count > 1 ? numbers[1] : 0) >= (4, 4)
}

/// Returns the first line that a command prints, including standard error; empty if the command
/// cannot be run. The command is then killed, since it may print more than a pipe holds, or run for
/// ever.
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

/// - Parameter output: closed after the command has inherited it.
/// - Returns: nil if the command cannot be run.
private func start(_ words: [[UInt8]], printingTo output: consuming OpenFile) -> pid_t? {
    let spawner = try? Spawner(leadsGroup: false)
    return try? spawner?.start(
        ArgumentVector(words), input: nil, output: output.descriptor, errors: output.descriptor)
}
