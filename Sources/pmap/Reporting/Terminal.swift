import Shared

/// What a terminal can show, as far as the environment tells.
struct Terminal: Equatable {
    /// Whether the cursor can be moved and lines be erased.
    var hasCursorControl: Bool
    /// Whether a block character is shown, in one cell.
    var showsBlocks: Bool
    var showsColour: Bool
    /// Whether it shows progress in its tab or task bar (OSC 9;4).
    var showsTaskProgress: Bool

    /// - Parameter variable: the value of an environment variable; nil where it is unset.
    init(variable: (String) -> String?) {
        func given(_ name: String) -> String? {
            variable(name).flatMap { $0.isEmpty ? nil : $0 }
        }
        let type = given("TERM") ?? "dumb"
        // POSIX.1-2024, XBD 8.2: LC_ALL wins over LC_CTYPE, and that over LANG.
        let locale = (given("LC_ALL") ?? given("LC_CTYPE") ?? given("LANG") ?? "C").lowercased()
        hasCursorControl = type != "dumb"
        showsBlocks =
            (locale.contains("utf-8") || locale.contains("utf8"))
            // Block characters are ambiguous in width (UAX #11): two cells in these.
            && !["ja", "ko", "zh"].contains(where: locale.hasPrefix)
        showsColour = hasCursorControl && given("NO_COLOR") == nil
        showsTaskProgress = hasCursorControl && Self.hasTaskProgress(type, given)
    }

    /// The environment of this process.
    init() { self.init { name in unsafe getenv(name).map { unsafe String(cString: $0) } } }

    /// Elsewhere the sequence is at best ignored; some show it as a notification. Inside
    /// screen and tmux the variables tell of the terminal around them.
    private static func hasTaskProgress(_ type: String, _ given: (String) -> String?) -> Bool {
        if ["screen", "tmux", "linux"].contains(where: type.hasPrefix) { return false }
        let ptyxis = given("PTYXIS_VERSION").flatMap { $0.split(separator: ".").first }
        return type.contains("ghostty") || type.contains("wezterm")
            || ["WezTerm", "ghostty"].contains(given("TERM_PROGRAM"))
            || given("WT_SESSION") != nil || given("ConEmuANSI") == "ON"
            || ptyxis.flatMap { Int($0) } ?? 0 >= 48
            || featureNames(given("TERM_FEATURES") ?? "").contains("P")
    }

    /// The names in iTerm2's TERM_FEATURES, each a capital with small letters, and a
    /// number perhaps: https://iterm2.com/feature-reporting/
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

/// The sequence that has a terminal show progress in its tab or task bar, first ConEmu's:
/// https://conemu.github.io/en/AnsiEscapeCodes.html#ConEmu_specific_OSC
///
/// - Parameter progress: nil takes it away.
func taskProgress(_ progress: Progress?) -> String {
    guard let progress else { return "\u{1B}]9;4;0\u{1B}\\" }
    guard let percent = progress.share(of: 100) else { return "\u{1B}]9;4;3\u{1B}\\" }
    return "\u{1B}]9;4;\(progress.failed > 0 ? 2 : 1);\(percent)\u{1B}\\"
}
