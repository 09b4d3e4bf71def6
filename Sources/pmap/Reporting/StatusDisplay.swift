import Shared

/// How progress is shown: `--progress`.
enum ProgressStyle: String, CaseIterable {
    /// A bar on a terminal that can show one, plain lines elsewhere.
    case auto
    /// A bar on any terminal.
    case bar
    case plain
    case json
    case none

    /// What a text that is none would have to be.
    static let expected = "takes auto, bar, plain, json or none"
}

/// Standard error: the progress of the work, and the lines of workers above it.
struct StatusDisplay<S: System> {
    private let system: S
    private let messages: Messages
    /// One of `bar`, `plain`, `json`, `none`.
    private let style: ProgressStyle
    /// nil if there is none, or none is asked for.
    private let terminal: Terminal?
    /// Whether standard output is a terminal too, as good as always the same.
    private let sharesTerminal: Bool
    private var started: Duration
    private let interval: Duration
    private var nextUpdate: Duration
    private var rate = RateEstimate()
    private var tick = 0
    private var isBarShown = false
    private var shownTaskProgress: String?

    private static var barInterval: Duration { .milliseconds(100) }
    private static var errors: FileDescriptor { .standardError }

    /// - Parameter interval: between lines.
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

    /// When `update` has something to do next, nil for never.
    var deadline: Duration? { style == .none ? nil : nextUpdate }

    /// Whether it is time to show the progress.
    var isUpdateDue: Bool { style != .none && system.now >= nextUpdate }

    /// Shows the progress.
    ///
    /// - Parameter canPaint: whether standard output stands at the start of a line.
    mutating func update(_ progress: Progress, canPaint: Bool) {
        nextUpdate = system.now + interval
        switch style {
        case .bar: if canPaint || !sharesTerminal { paint(timed(progress)) }
        case .json: print(timed(progress).json(isFinal: false) + "\n")
        default: show(progress)
        }
    }

    /// A plain status line now.
    mutating func show(_ progress: Progress) {
        erase()
        print(messages.line(timed(progress).statusLine))
    }

    /// A message of pmap's own.
    mutating func say(_ what: String, _ why: String? = nil) {
        erase()
        print(messages.line(what, why))
    }

    private func print(_ text: String) { system.writeToStandardError(Array(text.utf8)) }

    /// Text without a name before it.
    mutating func show(text: String) {
        erase()
        print(text)
    }

    /// Takes the bar away for good; the last object of JSON.
    mutating func finish(_ progress: Progress) {
        leaveTerminal()
        if style == .json { print(timed(progress).json(isFinal: true) + "\n") }
    }

    /// The bar's line. A process in the background leaves the terminal to the one in front.
    ///
    /// Without wrapping, so that it is cut, and not continued below, where
    /// the window has become narrower since it was asked; the cursor waits at its start,
    /// from where everything is erased even if the terminal wraps it later.
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

    /// Whether a terminal takes what is written: one that is stopped (Ctrl-S) must not stop
    /// the work.
    private var takesMore: Bool { system.isReady(Self.errors, for: .writing) }

    private mutating func timed(_ progress: Progress) -> Progress {
        var progress = progress
        progress.elapsed = system.now - started
        rate.note(count: progress.itemsDone - progress.itemsSkipped, at: progress.elapsed)
        progress.rate = rate.perSecond
        return progress
    }

    /// Takes the bar away, so that something else can be written where it stood.
    mutating func erase() {
        if isBarShown && system.isInForeground { print("\r\u{1B}[J") }
        isBarShown = false
    }

    /// The same where standard output is about to write on the same terminal.
    mutating func eraseForOutput() {
        if sharesTerminal { erase() }
    }

    /// The window has another size: what is shown fits no more.
    mutating func windowChanged() {
        guard style == .bar else { return }
        erase()
        nextUpdate = min(nextUpdate, system.now + Self.barInterval)
    }

    /// Before this process stops, or ends.
    mutating func leaveTerminal() {
        erase()
        if shownTaskProgress != nil { print(taskProgress(nil)) }
        shownTaskProgress = nil
    }

    /// After this process was stopped: the time meanwhile is nobody's.
    mutating func resume(after pause: Duration) { started += pause }

    /// Writes whole lines of a worker's.
    mutating func write(_ lines: some Collection<UInt8>) {
        erase()
        system.writeToStandardError(Array(lines))
    }
}
