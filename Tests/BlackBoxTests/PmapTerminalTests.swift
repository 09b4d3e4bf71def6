import Foundation
import Testing

/// What pmap(1) says of the bar, read from the screen of a pseudo-terminal.
@Suite struct PmapTerminalTests {
    /// Waits in a worker until the test lets its chunk go.
    private static let wait = "until [ -e go$PMAP_CHUNK ]; do sleep 0.01; done"
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
        try terminal.wait("half") { $0.text.contains("6/12 items") }
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
        try letGo(4...6, in: folder)
        let screen = try terminal.finish()
        #expect(screen.text == "" && !screen.overflowed && screen.unknown == [])
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
        #expect(screen.text == "" && screen.unknown == [])
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
            screen.shown.sorted()
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
        #expect(screen.shown.sorted() == expected.sorted())
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
        #expect(try terminal.finish().shown == ["halfway 1", "halfway 2"])
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
        #expect(!terminal.screen.text.contains("items"))
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
            if screen.currentLine.contains("2 chunks, 2 items") {
                bars.insert(String(screen.currentLine.prefix { $0 != "2" }))
            }
            return bars.count >= 3
        }
        let pieces = Set(bars.map { $0.filter { $0 == "█" }.count })
        #expect(pieces.count == 1 && !pieces.contains(0))
        #expect(!terminal.screen.text.contains("left"))
        try folder.write("go", "")
        #expect(try terminal.finish().text == "")
    }

    @Test(arguments: ["C", "POSIX", "en_US.ISO-8859-1", "ja_JP.UTF-8"])
    func theBarIsASCIIWhereTheLocaleHasNoBlocksOfOneCell(locale: String) throws {
        let terminal = try TerminalShell(
            "seq 2 | pmap -j1 sleep 0.2", environment: ["LC_ALL": locale])
        try terminal.wait("half") { $0.currentLine.contains("1/2 items") }
        #expect(terminal.bytes.allSatisfy { $0 < 0x80 })
        #expect(terminal.screen.currentLine.hasPrefix("[==="))
        _ = try terminal.finish()
    }

    @Test func coloursAreShownUnlessNO_COLORIsSet() throws {
        for (value, colours) in [("", true), ("1", false)] {
            let terminal = try TerminalShell(
                "seq 2 | pmap -j1 -s 'sleep 0.2; exit $1'", environment: ["NO_COLOR": value])
            let bytes = { terminal.bytes.range(of: Data("\u{1B}[31m1 failed".utf8)) != nil }
            try terminal.wait("half") { $0.currentLine.contains("1/2 items") }
            #expect(bytes() == colours)
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
        let command = "seq 2 | pmap -j1 -s 'sleep 0.3; exit $1'"
        let ghostty = try TerminalShell(command, environment: ["TERM": "xterm-ghostty"]).finish()
        #expect(ghostty.commands == ["9;4;1;0", "9;4;2;50", "9;4;0"])
        #expect(try TerminalShell(command).finish().commands == [])
    }
}
