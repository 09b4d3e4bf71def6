import Foundation
import Testing

/// One of the three, with what a test of all three must know of each.
enum Program: String, CaseIterable {
    case pmap, wordsplit, wcreduce

    /// The program so called that lines of single words go through it; options come behind
    /// the name: `pmap -0 echo`.
    func command(_ options: String = "") -> String {
        self == .pmap ? "pmap \(options) echo" : "\(self) \(options)"
    }

    /// What `command` prints for lines that are different words in the order of their bytes.
    func output(_ words: [String], terminator: String = "\n") -> String {
        words.map { (self == .wcreduce ? "1\t" : "") + $0 + terminator }.joined()
    }

    /// A command that prints words in the order of their bytes as they come, wcreduce each
    /// behind `1<TAB>`, and does so in large pieces.
    var transparent: String {
        switch self {
        case .pmap: "pmap -i cat"
        case .wordsplit: "wordsplit"
        case .wcreduce: "wcreduce"
        }
    }

    /// The exit status after an error that lets nothing be done.
    var failure: Int32 { self == .pmap ? 1 : 2 }

    var manual: String? {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../man/\(self).1")
        return try? String(contentsOf: page, encoding: .utf8)
    }

    /// The two that read the files that their operands name.
    static let readers: [Program] = [.wordsplit, .wcreduce]
}

/// Whether the programs are linked as in a release, with nothing to load at their start: what
/// limits memory or has system calls fail would hit the loader otherwise.
let programsAreStatic =
    (try? shell("ldd \"$(which wordsplit)\" | grep -q 'libc\\.so'").status) == 1

/// A command that prints so many different words in the order of their bytes, 6 bytes each
/// with the newline: at most 456,976. The default is more than the programs buffer.
func words(_ count: Int = 60_000) -> String {
    """
    awk 'BEGIN { for (i = 0; i < \(count); i++) printf "w%c%c%c%c\\n", 97 + int(i / 17576), \
        97 + int(i / 676) % 26, 97 + int(i / 26) % 26, 97 + i % 26 }'
    """
}
