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

    var usesTerminal: Bool { self == .auto || self == .bar }

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
    private let bar: BarLine<S>
    /// The bar as it was last drawn, and when it must be drawn again.
    private var drawing: [UInt8] = []
    private var nextTry = Duration.zero
    /// Whether a person may be typing the items on the terminal.
    private let inputIsTyped: Bool
    private var started: Duration
    private let interval: Duration
    private var nextUpdate: Duration
    /// Whether progress has been shown, or was due.
    private var hasTicked = false
    private var rate = RateEstimate()
    private var byteRate = RateEstimate()
    private var tick = 0
    private var shownTaskProgress: String?

    private static var barInterval: Duration { .milliseconds(100) }
    /// The time between attempts to show the bar again after it made way for output.
    private static var retryInterval: Duration { .milliseconds(5) }

    /// - Parameters:
    ///   - terminal: the one on standard error; nil if there is none.
    ///   - interval: the time between lines.
    init(
        _ system: S, style: ProgressStyle, terminal: Terminal?, bar: BarLine<S>,
        inputIsTyped: Bool, interval: Duration, messages: Messages
    ) {
        self.system = system
        self.messages = messages
        self.terminal = terminal
        self.bar = bar
        self.inputIsTyped = inputIsTyped
        switch style {
        case .auto: self.style = terminal?.hasCursorControl ?? false ? .bar : .plain
        case .bar: self.style = terminal == nil ? .plain : .bar
        case let other: self.style = other
        }
        self.interval = self.style == .bar ? Self.barInterval : interval
        started = system.now
        nextUpdate = started + self.interval
    }

    /// When `update` or `restoreBar` must be called next; nil for never.
    var deadline: Duration? {
        if style == .none { return nil }
        return isBarMissing ? min(nextUpdate, nextTry) : nextUpdate
    }

    /// Whether the progress must be updated now.
    var isUpdateDue: Bool { style != .none && system.now >= nextUpdate }

    /// Whether the bar has made way for other text.
    private var isBarMissing: Bool { !drawing.isEmpty && !bar.isShown }

    /// Shows the progress.
    ///
    /// - Parameter outputEndsLine: whether standard output is at the start of a line.
    mutating func update(_ progress: Progress, outputEndsLine: Bool) {
        nextUpdate = system.now + interval
        hasTicked = true
        // Nothing is drawn over what a person types.
        if inputIsTyped && progress.itemsTotal == nil { return }
        switch style {
        case .bar: draw(timed(progress), outputEndsLine: outputEndsLine)
        case .json: print(timed(progress).json(isFinal: false) + "\n")
        default: show(progress)
        }
    }

    /// Shows the bar again as it was, if it has made way for other text.
    mutating func restoreBar(outputEndsLine: Bool) {
        guard isBarMissing, system.now >= nextTry else { return }
        if bar.canShow(outputEndsLine: outputEndsLine) {
            bar.show(drawing)
        } else {
            nextTry = system.now + Self.retryInterval
        }
    }

    /// Draws the bar.
    ///
    /// Wrapping is off: if the window has become narrower since its size was read, the line is cut
    /// and does not continue on the next row. The cursor stays at the start of the line, so
    /// everything can be erased from there even if the terminal wraps the line later.
    private mutating func draw(_ progress: Progress, outputEndsLine: Bool) {
        guard let terminal, bar.canShow(outputEndsLine: outputEndsLine) else { return }
        let columns = system.windowColumns
        let form = ProgressBar(usesBlocks: terminal.showsBlocks, usesColour: terminal.showsColour)
        let line = form.line(progress, columns: columns > 0 ? columns : 80, tick: tick)
        tick += 1
        drawing = Array("\u{1B}[?7l\r\(line)\u{1B}[K\r\u{1B}[?7h".utf8)
        var shown = drawing
        if terminal.showsTaskProgress {
            let sequence = taskProgress(progress)
            if sequence != shownTaskProgress { shown += Array(sequence.utf8) }
            shownTaskProgress = sequence
        }
        bar.show(shown)
    }

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

    /// Prints a plain status line now.
    mutating func show(_ progress: Progress) { print(messages.line(timed(progress).statusLine)) }

    /// Prints a message of pmap's own.
    func say(_ what: String, _ why: String? = nil) { print(messages.line(what, why)) }

    /// Prints text without the program's name before it.
    func print(_ text: String) { bar.write(Array(text.utf8), bar: drawing) }

    /// Prints what a worker wrote.
    func write(_ lines: some Collection<UInt8>) { bar.write(Array(lines), bar: drawing) }

    /// Removes the bar for good, and prints the last line or JSON object.
    ///
    /// - Parameters:
    ///   - saysMore: whether to print the last line even if no progress was shown.
    ///   - isInterrupted: whether the run was ended early by a signal or an error.
    mutating func finish(_ progress: Progress, saysMore: Bool, isInterrupted: Bool) {
        leaveTerminal()
        if style == .json { return print(timed(progress).json(isFinal: true) + "\n") }
        let showedProgress = hasTicked && style != .none && (style != .bar || system.mayDraw)
        if saysMore || showedProgress && !isInterrupted {
            print(messages.line(timed(progress).summary))
        }
    }

    /// Call this when the size of the window has changed: the bar may not fit any more.
    mutating func windowChanged() {
        guard style == .bar else { return }
        bar.erase()
        drawing = []
        nextUpdate = min(nextUpdate, system.now + Self.barInterval)
    }

    /// Call this before the process stops or ends.
    mutating func leaveTerminal() {
        bar.release()
        drawing = []
        if shownTaskProgress != nil { system.writeToStandardError(Array(taskProgress(nil).utf8)) }
        shownTaskProgress = nil
    }

    /// Call this after the process was stopped. The time in between does not count.
    mutating func resume(after pause: Duration) { started += pause }
}
