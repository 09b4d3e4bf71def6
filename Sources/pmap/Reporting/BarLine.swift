import Shared

/// The bar's line on the terminal. Standard output and standard error share it: whatever is
/// written to the terminal must erase the bar first.
final class BarLine<S: System> {
    private let system: S
    /// What standard output shares with the terminal of the bar.
    let output: OutputPlace
    private(set) var isShown = false
    /// Whether this process may show a bar; another one may be showing its own.
    private var isClaimed = false
    /// When standard output was last written.
    private var lastOutput = Duration.zero
    /// What is known of the readers of standard output.
    private var readers = OutputReaders.State.unknown
    private var nextLook = Duration.zero

    private static var erasing: [UInt8] { Array("\r\u{1B}[J".utf8) }

    /// - Parameter output: nil if there is no terminal, and so never a bar.
    init(_ system: S, output: OutputPlace?) {
        self.system = system
        self.output = output ?? .elsewhere
    }

    /// Call this before each write to standard output.
    func makeWayForOutput() {
        if output == .elsewhere { return }
        if output == .pipe {
            if readers == .none { return }
            lastOutput = system.now
        }
        erase()
        if output == .terminal, mustEraseOther { system.writeToStandardError(Self.erasing) }
    }

    /// Erases the bar, so that other text can be written in its place.
    func erase() {
        if isShown && system.mayDraw { system.writeToStandardError(Self.erasing) }
        markHidden()
    }

    /// Shows the bar.
    func show(_ bar: [UInt8]) {
        system.writeToStandardError(bar)
        if !isShown { system.markBar(shown: true) }
        isShown = true
    }

    /// Writes text on standard error, in the place of the bar. If it is whole lines, the bar
    /// follows in the same write, so that it is never missing from the screen.
    func write(_ text: [UInt8], bar: [UInt8]) {
        if isShown, system.mayDraw {
            let keepsBar = text.last == UInt8(ascii: "\n")
            system.writeToStandardError(Self.erasing + text + (keepsBar ? bar : []))
            if !keepsBar { markHidden() }
        } else {
            markHidden()
            system.writeToStandardError(mustEraseOther ? Self.erasing + text : text)
        }
    }

    /// Whether the bar can be shown now without mixing with other text.
    ///
    /// - Parameter outputEndsLine: whether the last byte of standard output was a newline.
    func canShow(outputEndsLine: Bool) -> Bool {
        // A terminal stopped with Ctrl-S must not stop the work.
        guard system.mayDraw, system.isReady(.standardError, for: .writing) else { return false }
        switch output {
        case .elsewhere: break
        case .terminal: if !outputEndsLine { return false }
        case .pipe: if !readersAreQuiet { return false }
        }
        if !isClaimed { isClaimed = system.claimBar() }
        return isClaimed
    }

    /// Gives up the right to show a bar, so that another process may.
    func release() {
        erase()
        if isClaimed { system.releaseBar() }
        isClaimed = false
    }

    private func markHidden() {
        if isShown { system.markBar(shown: false) }
        isShown = false
    }

    /// Whether another process shows its bar where this one is about to write.
    private var mustEraseOther: Bool { !isClaimed && system.otherBarIsShown && system.mayDraw }

    /// Whether no reader of standard output is about to print on the terminal. Without knowledge of
    /// the readers, they are taken to be quiet after a time of silence.
    private var readersAreQuiet: Bool {
        let now = system.now
        if now >= nextLook || readers != .busy {
            readers = system.outputReaders()
            nextLook = now + .milliseconds(5)
        }
        return switch readers {
        case .none, .waiting: true
        case .busy: false
        case .unknown: now - lastOutput >= .milliseconds(200)
        }
    }
}

/// Where standard output goes, if standard error is a terminal.
enum OutputPlace {
    /// The same terminal.
    case terminal
    /// A pipe, whose readers may print on the terminal.
    case pipe
    case elsewhere
}
