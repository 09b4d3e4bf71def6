import Shared

/// Standard error: the progress of the work, and the lines of workers above it.
struct StatusDisplay {
    private enum Style: Equatable { case bar, plain, none }

    private let style: Style
    /// Whether standard output is the same terminal.
    private let sharesTerminal: Bool
    private let started = monotonicTime()
    private let plainInterval: Duration
    private var nextUpdate: Duration
    private var isBarShown = false

    private static let barInterval = Duration.milliseconds(100)

    init(shows: Bool, plainInterval: Duration) {
        let errors = FileDescriptor.standardError
        self.plainInterval = plainInterval
        if !shows {
            style = .none
        } else if errors.isTerminal && Self.paintsTerminal {
            style = .bar
        } else {
            style = .plain
        }
        sharesTerminal =
            FileDescriptor.standardOutput.isTerminal
            && FileDescriptor.standardOutput.status?.st_rdev == errors.status?.st_rdev
        nextUpdate = started + (style == .bar ? Self.barInterval : plainInterval)
    }

    /// A terminal without cursor control gets plain lines.
    private static var paintsTerminal: Bool {
        let terminal = unsafe getenv("TERM").map { unsafe String(cString: $0) }
        return terminal != nil && terminal != "dumb"
    }

    /// When `update` has something to do next, nil for never.
    var deadline: Duration? { style == .none ? nil : nextUpdate }

    /// Shows the progress if it is time to.
    ///
    /// - Parameter canPaint: whether the cursor stands at the start of a line.
    mutating func update(
        _ progress: @autoclosure () -> Progress, messages: Messages, canPaint: Bool
    ) {
        let now = monotonicTime()
        guard style != .none, now >= nextUpdate else { return }
        switch style {
        case .plain: show(progress(), messages: messages)
        case .bar: if canPaint || !sharesTerminal { paint(progress()) }
        case .none: break
        }
        nextUpdate = now + (style == .bar ? Self.barInterval : plainInterval)
    }

    /// A plain status line now.
    mutating func show(_ progress: Progress, messages: Messages) {
        erase()
        messages.say(timed(progress).statusLine)
    }

    private mutating func paint(_ progress: Progress) {
        // A process in the background leaves the terminal to the one in front.
        guard tcgetpgrp(FileDescriptor.standardError.rawValue) == getpgrp() else { return }
        let columns = Int(cs_window_columns(FileDescriptor.standardError.rawValue))
        let bar = timed(progress).bar(columns: columns > 0 ? columns : 80)
        writeToStandardError("\r\(bar)\u{1B}[K")
        isBarShown = true
    }

    private func timed(_ progress: Progress) -> Progress {
        var progress = progress
        progress.elapsed = monotonicTime() - started
        return progress
    }

    /// Takes the bar away, so that something else can be written where it stood.
    mutating func erase() {
        if isBarShown { writeToStandardError("\r\u{1B}[K") }
        isBarShown = false
    }

    /// The same where standard output is about to write on the same terminal.
    mutating func eraseForOutput() {
        if sharesTerminal { erase() }
    }

    /// Writes whole lines of a worker's.
    mutating func write(_ lines: some Collection<UInt8>) {
        erase()
        let bytes = Array(lines)
        unsafe bytes.withUnsafeBytes { try? unsafe FileDescriptor.standardError.writeAll($0) }
    }
}
