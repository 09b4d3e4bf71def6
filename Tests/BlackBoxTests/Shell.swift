import Foundation
import Testing

/// What a command line did.
struct ShellResult {
    let output: Data
    let errors: String
    /// The shell's exit status: 128 + N where it died of signal N.
    let status: Int32

    var text: String { String(decoding: output, as: UTF8.self) }

    /// The lines of standard output without their newlines.
    var lines: [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
}

/// Runs a command line as a user types it, with the programs under test first on PATH.
///
///     let result = try shell("printf 'a\\na\\n' | wcreduce")
///     #expect(result.text == "2\ta\n")
///
/// - Parameters:
///   - folder: where it runs; an empty one by default.
///   - input: standard input; /dev/null by default.
///   - environment: variables beside PATH, HOME, TMPDIR and LC_ALL=C.
///   - timeout: seconds after which everything is killed and the test fails.
@discardableResult
func shell(
    _ command: String, in folder: TemporaryFolder? = nil, input: Data? = nil,
    environment: [String: String] = [:], timeout: Double = 60,
    sourceLocation: SourceLocation = #_sourceLocation
) throws -> ShellResult {
    try RunningShell(command, in: folder, input: input, environment: environment)
        .finish(timeout: timeout, sourceLocation: sourceLocation)
}

/// A folder that lasts as long as the value does.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array((NSTemporaryDirectory() + "/pmaputils.XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw CallError("mkdtemp") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(of name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path(of: name)))
    }

    func write(_ name: String, _ text: String) throws { try write(name, text.utf8) }

    func text(of name: String) throws -> String {
        try String(contentsOfFile: path(of: name), encoding: .utf8)
    }
}

/// A system call of a test's own that failed.
struct CallError: Error, CustomStringConvertible {
    let description: String

    init(_ call: String, _ code: Int32 = errno) {
        description = "\(call): \(String(cString: strerror(code)))"
    }
}

/// A signal under the name that kill(1) knows.
enum Signal: String, CaseIterable {
    case hangUp = "HUP"
    case interrupt = "INT"
    case quit = "QUIT"
    case kill = "KILL"
    case pipe = "PIPE"
    case terminate = "TERM"
    case user1 = "USR1"
    case stop = "STOP"
    case `continue` = "CONT"

    var number: Int32 {
        switch self {
        case .hangUp: SIGHUP
        case .interrupt: SIGINT
        case .quit: SIGQUIT
        case .kill: SIGKILL
        case .pipe: SIGPIPE
        case .terminate: SIGTERM
        case .user1: SIGUSR1
        case .stop: SIGSTOP
        case .continue: SIGCONT
        }
    }

    /// What a shell says of a process that died of it.
    var status: Int32 { 128 + number }
}

/// The folder of the programs under test: PMAPUTILS_BIN, else beside the tests.
let programFolder: String =
    ProcessInfo.processInfo.environment["PMAPUTILS_BIN"] ?? testFolder

/// The folder of the tests, and of the programs as they are built with them: with shared
/// libraries, which others can be put before.
let testFolder: String = URL(fileURLWithPath: CommandLine.arguments[0])
    .resolvingSymlinksInPath().deletingLastPathComponent().path

/// KiB of memory that the programs beside the tests take beyond those without shared libraries.
let memoryOfLibraries = programFolder == testFolder ? 8 << 10 : 0

/// Whether a program that some tests need is on PATH.
func isInstalled(_ tool: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)") }
}

/// The sample texts of the project.
let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/shakespeare").path
