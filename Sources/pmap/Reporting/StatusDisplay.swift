import Shared

/// The form in which progress is shown (`--progress`).
enum ProgressStyle: String, CaseIterable {
    /// A bar if the terminal can show one, else plain lines.
    case auto
    /// A bar on any terminal.
    case bar
    case plain
    case json
    case none

    /// The error message for an unknown style.
    static let expected = "takes auto, bar, plain, json or none"
}

/// Standard error: shows the progress of the work, and the workers' lines above it.
struct StatusDisplay<S: System> {
    private let system: S
    private let messages: Messages
    /// One of `bar`, `plain`, `json` and `none`.
    private let style: ProgressStyle
    /// nil if there is no terminal, or if the style needs none.
    private let terminal: Terminal?
    /// Whether standard output is a terminal too, which is almost always the same one.
    private let sharesTerminal: Bool
    private var started: Duration
    private let interval: Duration
    private var nextUpdate: Duration
    private var rate = RateEstimate()
    private var byteRate = RateEstimate()
    private var tick = 0
    private var isBarShown = false
    private var shownTaskProgress: String?

    private static var barInterval: Duration { .milliseconds(100) }
    private static var errors: FileDescriptor { .standardError }

    /// - Parameter interval: the time between lines.
    init(_ system: S, style: ProgressStyle, interval: Duration, messages: Messages) {
        self.system = system
        self.messages = messages
        let terminal = style == .auto || style == .bar ? system.terminal : nil
        self.terminal = terminal?.type
        sharesTerminal = terminal?.isShared ?? false
        switch style {
        case .auto: self.style = terminal?.type.hasCursorControl ?? false ? .bar : .plain
        case .bar: self.style = terminal == nil ? .plain : .bar
        case let other: self.style = other
        }
        self.interval = self.style == .bar ? Self.barInterval : interval
        started = system.now
        nextUpdate = started + self.interval
    }

    /// When `update` must be called next; nil for never.
    var deadline: Duration? { style == .none ? nil : nextUpdate }

    /// Whether the progress must be updated now.
    var isUpdateDue: Bool { style != .none && system.now >= nextUpdate }

    /// Shows the progress.
    ///
    /// - Parameter canPaint: whether standard output is at the start of a line.
    mutating func update(_ progress: Progress, canPaint: Bool) {
        nextUpdate = system.now + interval
        switch style {
        case .bar: if canPaint || !sharesTerminal { paint(timed(progress)) }
        case .json: print(timed(progress).json(isFinal: false) + "\n")
        default: show(progress)
        }
    }

    /// Prints a plain status line now.
    mutating func show(_ progress: Progress) {
        erase()
        print(messages.line(timed(progress).statusLine))
    }

    /// Prints a message of pmap's own.
    mutating func say(_ what: String, _ why: String? = nil) {
        erase()
        print(messages.line(what, why))
    }

    private func print(_ text: String) { system.writeToStandardError(Array(text.utf8)) }

    /// Prints text without the program's name before it.
    mutating func show(text: String) {
        erase()
        print(text)
    }

    /// Removes the bar for good, or prints the last JSON object.
    mutating func finish(_ progress: Progress) {
        leaveTerminal()
        if style == .json { print(timed(progress).json(isFinal: true) + "\n") }
    }

    /// Draws the bar. A process in the background does not write to the terminal.
    ///
    /// Wrapping is off: if the window has become narrower since its size was read, the line is cut
    /// and does not continue on the next row. The cursor stays at the start of the line, so
    /// everything can be erased from there even if the terminal wraps the line later.
    private mutating func paint(_ progress: Progress) {
        guard let terminal, system.isInForeground, takesMore else { return }
        let columns = system.windowColumns
        let bar = ProgressBar(usesBlocks: terminal.showsBlocks, usesColour: terminal.showsColour)
        let line = bar.line(progress, columns: columns > 0 ? columns : 80, tick: tick)
        tick += 1
        var text = "\u{1B}[?7l\r\(line)\u{1B}[K\r\u{1B}[?7h"
        if terminal.showsTaskProgress {
            let sequence = taskProgress(progress)
            if sequence != shownTaskProgress { text += sequence }
            shownTaskProgress = sequence
        }
        print(text)
        isBarShown = true
    }

    /// Whether the terminal accepts output now. A terminal stopped with Ctrl-S must not stop the
    /// work.
    private var takesMore: Bool { system.isReady(Self.errors, for: .writing) }

    private mutating func timed(_ progress: Progress) -> Progress {
        var progress = progress
        progress.elapsed = system.now - started
        if let items = progress.itemsDone {
            rate.note(count: items - progress.itemsSkipped, at: progress.elapsed)
            progress.rate = rate.perSecond
        }
        byteRate.note(count: progress.bytesDone - progress.bytesSkipped, at: progress.elapsed)
        progress.byteRate = byteRate.perSecond
        return progress
    }

    /// Erases the bar, so that other text can be written in its place.
    mutating func erase() {
        if isBarShown && system.isInForeground { print("\r\u{1B}[J") }
        isBarShown = false
    }

    /// Erases the bar if standard output is about to write to the same terminal.
    mutating func eraseForOutput() {
        if sharesTerminal { erase() }
    }

    /// Call this when the size of the window has changed: the bar may not fit any more.
    mutating func windowChanged() {
        guard style == .bar else { return }
        erase()
        nextUpdate = min(nextUpdate, system.now + Self.barInterval)
    }

    /// Call this before the process stops or ends.
    mutating func leaveTerminal() {
        erase()
        if shownTaskProgress != nil { print(taskProgress(nil)) }
        shownTaskProgress = nil
    }

    /// Call this after the process was stopped. The time in between does not count.
    mutating func resume(after pause: Duration) { started += pause }

    /// Prints whole lines from a worker.
    mutating func write(_ lines: some Collection<UInt8>) {
        erase()
        system.writeToStandardError(Array(lines))
    }
}
