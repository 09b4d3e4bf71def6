import Foundation
import Testing

@testable import wordsplit

@Suite struct WordTableTests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Sources/wordsplit/Unicode/WordTable.swift").standardized

    /// With REGENERATE set, as `make tables` sets it, the table is written anew.
    @Test(
        .enabled(
            if: WordTableSource.unicodeVersion == "17.0",
            "the standard library's data is of another version than the table's"))
    func theTableIsWhatItsScriptMakes() throws {
        let text = WordTableSource().text()
        if ProcessInfo.processInfo.environment["REGENERATE"] != nil {
            try text.write(to: Self.file, atomically: true, encoding: .utf8)
        }
        #expect(try text == String(contentsOf: Self.file, encoding: .utf8))
    }
}
