import Shared

/// The abilities of a terminal, according to the environment.
struct Terminal: Equatable {
    /// Whether the cursor can be moved and lines can be erased.
    var hasCursorControl: Bool
    /// Whether block characters are shown, each in one cell.
    var showsBlocks: Bool
    var showsColour: Bool
    /// Whether it can show progress in its tab or task bar (OSC 9;4).
    var showsTaskProgress: Bool

    /// - Parameter variable: returns the value of an environment variable; nil if it is unset.
    init(variable: (String) -> String?) {
        func given(_ name: String) -> String? {
            variable(name).flatMap { $0.isEmpty ? nil : $0 }
        }
        let type = given("TERM") ?? "dumb"
        // LC_ALL overrides LC_CTYPE, which overrides LANG (POSIX.1-2024, XBD 8.2).
        let locale = (given("LC_ALL") ?? given("LC_CTYPE") ?? given("LANG") ?? "C").lowercased()
        hasCursorControl = type != "dumb"
        showsBlocks =
            (locale.contains("utf-8") || locale.contains("utf8"))
            // The width of block characters is ambiguous (UAX #11): in these languages it is two
            // cells.
            && !["ja", "ko", "zh"].contains(where: locale.hasPrefix)
        showsColour = hasCursorControl && given("NO_COLOR") == nil
        showsTaskProgress = hasCursorControl && Self.hasTaskProgress(type, given)
    }

    /// Uses the environment of this process.
    init() { self.init { name in unsafe getenv(name).map { unsafe String(cString: $0) } } }

    /// Other terminals at best ignore the sequence; some show it as a notification. Inside screen
    /// and tmux, the variables describe the terminal around them.
    private static func hasTaskProgress(_ type: String, _ given: (String) -> String?) -> Bool {
        if ["screen", "tmux", "linux"].contains(where: type.hasPrefix) { return false }
        let ptyxis = given("PTYXIS_VERSION").flatMap { $0.split(separator: ".").first }
        return type.contains("ghostty") || type.contains("wezterm")
            || ["WezTerm", "ghostty"].contains(given("TERM_PROGRAM"))
            || given("WT_SESSION") != nil || given("ConEmuANSI") == "ON"
            || ptyxis.flatMap { Int($0) } ?? 0 >= 48
            || featureNames(given("TERM_FEATURES") ?? "").contains("P")
    }

    /// Returns the feature names in iTerm2's TERM_FEATURES. Each is a capital letter followed by
    /// small letters, and sometimes a number: https://iterm2.com/feature-reporting/
    private static func featureNames(_ text: String) -> [String] {
        text.reduce(into: []) { names, character in
            if character.isUppercase {
                names.append(String(character))
            } else if character.isLowercase, !names.isEmpty {
                names[names.count - 1].append(character)
            }
        }
    }
}

/// Returns the sequence that makes a terminal show progress in its tab or task bar. It was
/// introduced by ConEmu: https://conemu.github.io/en/AnsiEscapeCodes.html#ConEmu_specific_OSC
///
/// - Parameter progress: nil removes the display.
func taskProgress(_ progress: Progress?) -> String {
    guard let progress else { return "\u{1B}]9;4;0\u{1B}\\" }
    guard let percent = progress.share(of: 100) else { return "\u{1B}]9;4;3\u{1B}\\" }
    return "\u{1B}]9;4;\(progress.failed > 0 ? 2 : 1);\(percent)\u{1B}\\"
}
