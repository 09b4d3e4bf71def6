import CSystem
import Foundation
import Testing

/// A shell under a pseudo-terminal of a test's own, whose screen the test reads.
///
///     let terminal = try TerminalShell("seq 9 | pmap sleep", columns: 20)
///     try terminal.wait("a bar") { $0.text.contains("items") }
///     terminal.type("\u{3}")
///     #expect(try terminal.finish().lines == ["^C"])
///
/// Without a command it is bash, interactive, with `$ ` for a prompt.
final class TerminalShell {
    private(set) var screen: Screen
    /// The bytes as they came.
    private(set) var bytes = Data()
    private let ours: Int32
    private let processID: pid_t
    private let folder: TemporaryFolder
    private var isOpen = true

    init(
        _ command: String? = nil, in folder: TemporaryFolder? = nil, columns: Int = 80,
        rows: Int = 24, environment: [String: String] = [:]
    ) throws {
        self.folder = try folder ?? TemporaryFolder()
        screen = Screen(columns: columns, rows: rows)
        ours = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        // Several tests do this at the same time, and ptsname(3) has one buffer for them all.
        var name = [CChar](repeating: 0, count: 64)
        guard ours >= 0, grantpt(ours) == 0, unlockpt(ours) == 0,
            ptsname_r(ours, &name, name.count) == 0
        else { throw CallError("/dev/ptmx") }
        cs_set_window(ours, UInt16(columns), UInt16(rows))
        let base = ["TERM": "xterm", "LC_ALL": "C.UTF-8", "PS1": "$ ", "NO_COLOR": "1"]
        let variables = completed(
            base.merging(environment) { _, given in given }, home: self.folder.path)
        let enter = "cd '\(self.folder.path)' || exit 99\n"
        processID = try spawn(
            ["sh", "-c", enter + (command ?? "exec bash --norc --noprofile --noediting -i")],
            .terminal(String(decoding: name.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)),
            environment: variables)
    }

    deinit {
        kill(processID, SIGKILL)
        killSession(processID)
        var status: Int32 = 0
        waitpid(processID, &status, 0)
        close(ours)
    }

    /// What a person types; `\u{3}` is Ctrl-C, `\u{1A}` Ctrl-Z.
    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(ours, bytes, bytes.count)
    }

    /// Gives the window another size: SIGWINCH. A narrower one does not wrap the lines that
    /// are there, as most terminals do not.
    func resize(columns: Int) {
        screen.resize(columns: columns)
        cs_set_window(ours, UInt16(columns), UInt16(screen.rows))
    }

    /// Reads until the screen is as wanted.
    func wait(
        _ what: String, timeout: Double = 60, sourceLocation: SourceLocation = #_sourceLocation,
        until isDone: (Screen) -> Bool
    ) throws {
        let deadline = now() + timeout
        while !isDone(screen) {
            guard isOpen, now() < deadline, try read(within: deadline - now()) else {
                Issue.record(
                    "no \(what); the screen:\n\(screen.text)", sourceLocation: sourceLocation)
                throw CallError("wait", ETIMEDOUT)
            }
        }
    }

    /// Waits until a program has taken over the terminal, as less(1) does.
    func waitForRawMode(timeout: Double = 60) throws {
        let deadline = now() + timeout
        while cs_edits_lines(ours) != 0 {
            if now() > deadline { throw CallError("waitForRawMode", ETIMEDOUT) }
            _ = try read(within: 0.01)
        }
    }

    /// Reads to the end of the command; the screen as it was left.
    func finish(timeout: Double = 60) throws -> Screen {
        let deadline = now() + timeout
        while isOpen, now() < deadline { _ = try read(within: deadline - now()) }
        if isOpen { throw CallError("finish", ETIMEDOUT) }
        return screen
    }

    private func read(within seconds: Double) throws -> Bool {
        var request = pollfd(fd: ours, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, Int32(max(0, seconds) * 1000)) > 0 else { return false }
        var piece = [UInt8](repeating: 0, count: 4096)
        let count = Foundation.read(ours, &piece, piece.count)
        if count > 0 {
            bytes.append(contentsOf: piece[..<count])
            screen.show(piece[..<count])
        } else if count == 0 || errno == EIO {
            // Linux says EIO once the last process has closed the terminal.
            isOpen = false
        }
        return true
    }
}
