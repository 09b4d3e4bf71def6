import Foundation
import Testing

/// What pmap(1) says of the bar, read from the screen of a pseudo-terminal.
@Suite struct PmapTerminalTests {
    /// Waits in a worker until the test lets its chunk go.
    private static let wait = "until [ -e go$PMAP_CHUNK ]; do sleep 0.01; done"
    /// The last line of a run of `gated`, in a window of any width.
    private static var summary: some RegexComponent {
        /pmap: 12 items \(6 chunks\) in ([0-9.]+ s|[0-9]+m[0-9]+s), [0-9.]+ items\/s/
    }
    private static let gated = "seq 12 | pmap -j2 -c2 -s '\(wait)'"

    private func letGo(_ chunks: ClosedRange<Int>, in folder: TemporaryFolder) throws {
        for chunk in chunks { try folder.write("go\(chunk)", "") }
    }

    @Test(arguments: [20, 80, 200])
    func theBarIsOneLineWithinTheWindow(columns: Int) throws {
        let folder = try TemporaryFolder()
        let terminal = try TerminalShell(
            "\(Self.gated)", in: folder, columns: columns)
        try terminal.wait("start") { $0.text.contains("0/12 items") }
        #expect(terminal.screen.shown.count == 1)
        try letGo(1...3, in: folder)
        // The bar may be drawn before the next worker is started.
        try terminal.wait("half") {
            $0.text.contains("6/12 items") && (columns < 80 || $0.text.contains("2 running"))
        }
        let line = terminal.screen.currentLine
        let bar = line.prefix { $0 != "▏" || line.hasPrefix("▏") }
        // Half of the bar is full: by area, in eighths of a cell.
        let inside = try #require(line.split(separator: "▕").first).prefix { $0 != "▏" }
        #expect(inside.filter { $0 == "█" }.count == inside.count / 2, "\(bar)")
        if columns >= 80 {
            for field in ["3/6 chunks", "2 running", "/s", " left"] {
                #expect(line.contains(field), "\(line)")
            }
        }
        if columns == 200 { #expect(line.contains("0 failed") && line.contains("s elapsed")) }
        if columns >= 80 { #expect(inside.count >= 20 && line.contains(" 50%, "), "\(line)") }
        #expect(!terminal.screen.overflowed && terminal.screen.unknown == [])
        try letGo(4...6, in: folder)
        let screen = try terminal.finish()
        #expect(screen.shown.joined().wholeMatch(of: Self.summary) != nil, "\(screen.text)")
    }

    @Test func asMuchAsFitsIsShownWhereTheWindowGetsAnotherSize() throws {
        let folder = try TemporaryFolder()
        let terminal = try TerminalShell("\(Self.gated)", in: folder, columns: 200)
        try terminal.wait("all") { $0.text.contains(" elapsed") }
        for columns in [40, 20, 10, 2, 80] {
            terminal.resize(columns: columns)
            let wanted = [40: "0/12 items", 20: "0/12 items", 80: "2 running"][columns]
            try terminal.wait("\(columns) columns") {
                wanted.map($0.currentLine.contains) ?? ($0.currentLine == "")
            }
            #expect(terminal.screen.shown.count <= 1)
        }
        try letGo(1...6, in: folder)
        let screen = try terminal.finish()
        #expect(screen.text.wholeMatch(of: Self.summary) != nil && screen.unknown == [])
    }

    @Test func workersLinesScrollAboveTheBar() throws {
        let folder = try TemporaryFolder()
        let terminal = try TerminalShell(
            """
            seq 3 | pmap -j1 -s '
                echo out $1; echo begin >&2; \(Self.wait); printf "err " >&2; echo $1 >&2'
            """, in: folder)
        for chunk in 1...3 {
            try terminal.wait("bar \(chunk)") { $0.currentLine.contains("\(chunk - 1)/3 items") }
            #expect(!terminal.screen.shown.dropLast().contains { $0.contains("items") })
            try letGo(chunk...chunk, in: folder)
        }
        let screen = try terminal.finish()
        // Either of a worker's two streams may be read first; each line is whole.
        #expect(
            screen.printed.sorted()
                == [
                    "begin", "begin", "begin", "err 1", "err 2", "err 3", "out 1", "out 2", "out 3",
                ])
        #expect(!screen.overflowed && screen.unknown == [])
    }

    /// Some drawings of the bar among 400 lines of output and errors.
    @Test func noLineIsLostOrMixedWithABar() throws {
        let terminal = try TerminalShell(
            "seq 200 | pmap -j4 -s 'echo line $1; echo err $1 >&2; sleep 0.02'")
        let screen = try terminal.finish()
        let expected = (1...200).flatMap { ["line \($0)", "err \($0)"] }
        #expect(screen.printed.sorted() == expected.sorted())
        #expect(screen.erased.contains { $0.contains("/200 items") } && !screen.overflowed)
    }

    /// While a line of output is unfinished, there is no bar on it.
    @Test func anUnfinishedLineOfOutputIsLeftAlone() throws {
        let folder = try TemporaryFolder()
        let terminal = try TerminalShell(
            "seq 2 | pmap -j1 -s 'printf half; \(Self.wait); echo way $1; "
                + "until [ -e end$1 ]; do sleep 0.01; done'", in: folder)
        try terminal.wait("half") { $0.text.contains("half") }
        try letGo(1...2, in: folder)
        try terminal.wait("bar") { $0.currentLine.contains("items") }
        #expect(terminal.screen.shown.dropLast() == ["halfway 1"])
        for name in ["end1", "end2"] { try folder.write(name, "") }
        #expect(try terminal.finish().printed == ["halfway 1", "halfway 2"])
    }

    @Test func nothingIsLeftAtControlC() throws {
        let terminal = try TerminalShell("seq 3 | pmap sleep 1; echo after $?")
        try terminal.wait("bar") { $0.text.contains("0/3 items") }
        terminal.type("\u{3}")
        let screen = try terminal.finish()
        // The terminal itself shows what is typed, where the cursor is: on the bar.
        #expect(!screen.text.contains("items") && !screen.text.contains("▏"), "\(screen.text)")
    }

    @Test(.enabled(if: isInstalled("bash")))
    func nothingIsLeftAtControlZAndTheBarComesBackWithFg() throws {
        let folder = try TemporaryFolder()
        let terminal = try TerminalShell(in: folder)
        try terminal.wait("prompt") { $0.text.hasSuffix("$") }
        terminal.type("\(Self.gated)\n")
        try terminal.wait("bar") { $0.currentLine.contains("0/12 items") }
        terminal.type("\u{1A}")
        try terminal.wait("prompt") { $0.text.contains("Stopped") && $0.currentLine == "$" }
        #expect(!terminal.screen.text.contains("items"))
        terminal.type("fg\n")
        try terminal.wait("bar") { $0.currentLine.contains("0/12 items") }
        try letGo(1...6, in: folder)
        try terminal.wait("prompt") { $0.currentLine == "$" }
        #expect(!terminal.screen.text.contains("/12 items"))
    }

    @Test(.enabled(if: isInstalled("bash")))
    func inTheBackgroundNoBarIsDrawn() throws {
        let terminal = try TerminalShell()
        try terminal.wait("prompt") { $0.text.hasSuffix("$") }
        terminal.type("echo 1 | pmap -s 'sleep 0.5; echo end >flag' &\n")
        terminal.type("until [ -e flag ]; do sleep 0.1; done; wait; echo do''ne\n")
        try terminal.wait("end") { $0.text.contains("done") }
        #expect(!terminal.screen.text.contains("items") && terminal.screen.erased == [])
    }

    @Test func withoutATotalAPieceMovesBeforeTheCounts() throws {
        let folder = try TemporaryFolder()
        let terminal = try TerminalShell(
            "{ echo 1; echo 2; \(Self.wait); } | pmap -j2 -s :", in: folder)
        var bars: Set<String> = []
        try terminal.wait("movement") { screen in
            if screen.currentLine.contains(" 2 items") {
                bars.insert(String(screen.currentLine.prefix { $0 != "2" }))
            }
            return bars.count >= 3
        }
        let pieces = Set(bars.map { $0.filter { $0 == "█" }.count })
        #expect(pieces.count == 1 && !pieces.contains(0))
        #expect(!terminal.screen.text.contains("left"))
        try folder.write("go", "")
        #expect(try terminal.finish().printed == [])
    }

    @Test(arguments: ["C", "POSIX", "en_US.ISO-8859-1", "ja_JP.UTF-8"])
    func theBarIsASCIIWhereTheLocaleHasNoBlocksOfOneCell(locale: String) throws {
        let folder = try TemporaryFolder()
        let terminal = try TerminalShell(
            "seq 2 | pmap -j1 -s '\(Self.wait)'", in: folder, environment: ["LC_ALL": locale])
        try letGo(1...1, in: folder)
        try terminal.wait("half") { $0.currentLine.contains("1/2 items") }
        #expect(terminal.bytes.allSatisfy { $0 < 0x80 })
        #expect(terminal.screen.currentLine.hasPrefix("[==="))
        try letGo(2...2, in: folder)
        _ = try terminal.finish()
    }

    @Test func coloursAreShownUnlessNO_COLORIsSet() throws {
        for (value, colours) in [("", true), ("1", false)] {
            let folder = try TemporaryFolder()
            let terminal = try TerminalShell(
                "seq 2 | pmap -j1 -s '\(Self.wait); exit $1'", in: folder,
                environment: ["NO_COLOR": value])
            try letGo(1...1, in: folder)
            let bytes = { terminal.bytes.range(of: Data("\u{1B}[31m1 failed".utf8)) != nil }
            try terminal.wait("half") { $0.currentLine.contains("1/2 items") }
            #expect(bytes() == colours)
            try letGo(2...2, in: folder)
            _ = try terminal.finish()
        }
    }

    @Test(arguments: ["auto", "bar", "plain", "json", "none"])
    func progressChoosesWhatIsShown(style: String) throws {
        func errors(_ terminal: String) throws -> String {
            try TerminalShell(
                "seq 2 | pmap --progress \(style) --progress-interval 0.1 -j1 -s 'sleep 0.25'",
                environment: ["TERM": terminal]
            ).finish().erased.joined(separator: "\n")
        }
        #expect(try errors("xterm").contains("items") == ["auto", "bar"].contains(style))
        #expect(try errors("dumb").contains("items") == (style == "bar"))
    }

    @Test func aTabOrTaskBarGetsProgressWhereTheTerminalShowsIt() throws {
        let folder = try TemporaryFolder()
        let ghostty = try TerminalShell(
            "seq 2 | pmap -j1 -s '\(Self.wait); exit $1'", in: folder,
            environment: ["TERM": "xterm-ghostty"])
        try ghostty.wait("start") { $0.commands == ["9;4;1;0"] }
        try letGo(1...1, in: folder)
        try ghostty.wait("half") { $0.commands == ["9;4;1;0", "9;4;2;50"] }
        try letGo(2...2, in: folder)
        // The whole may be drawn before it is erased.
        let commands = try ghostty.finish().commands.filter { $0 != "9;4;2;100" }
        #expect(commands == ["9;4;1;0", "9;4;2;50", "9;4;0"])
        #expect(try TerminalShell("seq 2 | pmap -j1 -s 'sleep 0.3'").finish().commands == [])
    }

    // MARK: The bar and other text

    /// Each time the bar is erased, it comes back after the text for which it made way, before it
    /// is erased again: in the stream of bytes, so however fast or slow the machine is.
    @Test(arguments: ["echo line $1", "echo line $1 >&2", ":"])
    func theBarIsErasedOnlyForTextAndComesBackAtOnce(script: String) throws {
        let terminal = try TerminalShell("seq 90 | pmap -j2 -s 'sleep 0.06; \(script)'")
        let screen = try terminal.finish()
        let stream = String(decoding: terminal.bytes, as: UTF8.self)
        let pieces = stream.components(separatedBy: "\r\u{1B}[J")
        // Before the first: the first drawings. After the last: the sums.
        let between = pieces.dropFirst().dropLast()
        let restored = between.filter { $0.contains("\u{1B}[?7l") && $0.contains("/90 items") }
        #expect(Double(restored.count) >= 0.95 * Double(between.count))
        #expect(between.allSatisfy { $0.hasPrefix("line ") }, "\(between)")
        #expect(between.count == (script == ":" ? 0 : screen.printed.count) || between.count > 50)
        #expect(screen.printed.count == (script == ":" ? 0 : 90) && screen.unknown == [])
    }

    /// Programs that print what they read, on the terminal on which the bar is.
    @Test(arguments: [
        ("tee copy", Array(1...60)), ("grep 7", [7, 17, 27, 37, 47, 57]),
        ("head -n 5", Array(1...5)), ("while read x; do sleep 0.02; echo $x; done", Array(1...60)),
    ])
    func whatReadersPrintIsNotMixedWithTheBar(reader: String, lines: [Int]) throws {
        let terminal = try TerminalShell(
            "seq 60 | pmap -j2 -s 'sleep 0.05; echo $1' | \(reader); sleep 0.1")
        let screen = try terminal.finish()
        #expect(screen.printed == lines.map(String.init), "\(screen.text)")
        #expect(screen.unknown == [] && !screen.overflowed)
    }

    /// A reader that only takes, such as wcreduce, leaves the bar alone.
    @Test func theBarIsShownWhileAReaderCounts() throws {
        let terminal = try TerminalShell(
            "seq 60 | pmap -j2 -s 'sleep 0.05; echo $1; sleep 0.05' | wcreduce -n 1")
        let screen = try terminal.finish()
        #expect(screen.printed == ["1       1"], "\(screen.text)")
        let drawings = terminal.bytes.split(separator: 0x1B).count {
            $0.starts(with: Array("[?7l".utf8))
        }
        #expect(drawings >= 10)
    }

    /// less(1) takes over the screen: nothing is drawn on it.
    @Test(.enabled(if: isInstalled("less"))) func nothingIsDrawnWhileLessHasTheScreen() throws {
        let folder = try TemporaryFolder()
        let terminal = try TerminalShell(
            "{ until [ -e less ]; do sleep 0.01; done; seq 3; } | { until [ -e less ]; do sleep 0.01; done; "
                + "exec pmap -j1 -s '\(Self.wait); echo line $1'; } | less; echo left", in: folder)
        try terminal.waitForRawMode()
        try folder.write("less", "")
        try letGo(1...2, in: folder)
        try terminal.wait("less") { $0.text.contains("line 2") }
        // Some times at which a bar would be drawn.
        Thread.sleep(forTimeInterval: 0.5)
        try letGo(3...3, in: folder)
        try terminal.wait("the last line") { $0.text.contains("line 3") }
        terminal.type("q")
        #expect(try terminal.finish().text.contains("left"))
        let stream = String(decoding: terminal.bytes, as: UTF8.self)
        #expect(!stream.contains("items"), "\(stream.debugDescription)")
    }

    /// One map shows its bar, until it ends; then the other does.
    @Test func twoMapsInAPoolDoNotDrawOverEachOther() throws {
        let folder = try TemporaryFolder()
        let map = { (name: String, gate: String) in
            "seq 20 | pmap -s 'until [ -e \(gate) ]; do sleep 0.01; done; echo \(name) $1 >&2'"
        }
        let terminal = try TerminalShell(
            "pmap --pool -j40 -- sh -c \"\(map("one", "g1").replacing("$", with: "\\$")) & "
                + "seq 7 | pmap -s 'until [ -e g2 ]; do sleep 0.01; done; echo two \\$1 >&2' & wait\"",
            in: folder)
        try terminal.wait("bar") { $0.currentLine.contains("items") }
        let first =
            terminal.screen.currentLine.contains("/20 items")
            ? ("g1", "/20", "/7")
            : ("g2", "/7", "/20")
        Thread.sleep(forTimeInterval: 0.5)
        #expect(!String(decoding: terminal.bytes, as: UTF8.self).contains("\(first.2) items"))
        try folder.write(first.0, "")
        try terminal.wait("the other bar") { $0.currentLine.contains("\(first.2) items") }
        try folder.write(first.0 == "g1" ? "g2" : "g1", "")
        let screen = try terminal.finish()
        let expected = (1...20).map { "one \($0)" } + (1...7).map { "two \($0)" }
        #expect(screen.printed.sorted() == expected.sorted(), "\(screen.text)")
        #expect(screen.shown.count { $0.hasPrefix("pmap: ") } == 2)
    }

    @Test func itemsThatAreTypedAreNotDrawnOver() throws {
        let folder = try TemporaryFolder()
        let terminal = try TerminalShell("pmap -j1 -s '\(Self.wait); echo got $1'", in: folder)
        try terminal.wait("message") {
            $0.text == "pmap: reading items from the terminal; end with Ctrl-D"
        }
        terminal.type("a\n")
        Thread.sleep(forTimeInterval: 0.5)
        #expect(!String(decoding: terminal.bytes, as: UTF8.self).contains("\u{1B}"))
        terminal.type("b\n\u{4}")
        try terminal.wait("bar") { $0.currentLine.contains("0/2 items") }
        try letGo(1...2, in: folder)
        let screen = try terminal.finish()
        #expect(screen.printed == ["a", "b", "got a", "got b"], "\(screen.text)")
    }

    /// Without a bar there are no last line and no message about typing.
    @Test(arguments: ["-q", "--progress=none"]) func quietIsQuiet(option: String) throws {
        let terminal = try TerminalShell("pmap \(option) -s 'sleep 0.3'")
        terminal.type("1\n\u{4}")
        #expect(try terminal.finish().text == "1")
    }

    /// What pmap prints of items cannot control a terminal; elsewhere the bytes are the items'.
    @Test func itemsOnATerminalAreSpelledOut() throws {
        let folder = try TemporaryFolder()
        try folder.write("items", "a\u{1B}[31mb\u{202E}c\n")
        let tag = try TerminalShell("pmap -q -a items --tag -s 'echo o; echo e >&2'", in: folder)
        let shown = try tag.finish()
        #expect(
            shown.shown.sorted() == [
                #"a\x1b[31mb\xe2\x80\xaec e"#, #"a\x1b[31mb\xe2\x80\xaec o"#,
            ], "\(tag.bytes.map { $0 })")
        for options in ["echo", "-i cat", "-0 echo"] {
            let dry = try TerminalShell("pmap -q -a items -n \(options); :", in: folder)
            _ = try dry.finish()
            #expect(!dry.bytes.contains(0x1B) && dry.bytes.allSatisfy { $0 < 0x80 })
            let text = String(decoding: dry.bytes, as: UTF8.self).replacing("\r\n", with: "\n")
            try folder.write("script", text)
            let piped = try shell("pmap -a items -n \(options) | bash", in: folder)
            #expect(try shell("bash script", in: folder).output == piped.output, "\(text)")
            #expect(piped.output.contains(0x1B))
        }
        let piped = try shell("pmap -a items --tag echo x", in: folder).output
        #expect(piped.starts(with: Array("a\u{1B}[31mb\u{202E}c\u{9}".utf8)))
    }
}

extension Screen {
    /// The lines without pmap's own.
    fileprivate var printed: [String] { shown.filter { !$0.hasPrefix("pmap: ") } }
}
