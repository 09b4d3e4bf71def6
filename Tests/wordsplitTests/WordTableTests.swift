import Foundation
import Testing

@testable import wordsplit

@Suite struct WordTableTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Sources/wordsplit/Unicode").standardized

    /// With REGENERATE set, as `make tables` sets it, the table is written anew.
    @Test(
        .enabled(
            if: WordTableSource.unicodeVersion == "17.0",
            "the standard library's data is of another version than the table's"))
    func theTablesAreWhatTheirScriptsMake() throws {
        for (name, text) in [
            ("WordTable", WordTableSource().text()),
            ("CompositionTable", CompositionTableSource().text()),
        ] {
            let file = Self.folder.appendingPathComponent("\(name).swift")
            if ProcessInfo.processInfo.environment["REGENERATE"] != nil {
                try text.write(to: file, atomically: true, encoding: .utf8)
            }
            #expect(try text == String(contentsOf: file, encoding: .utf8))
        }
    }

    /// Those with a slot of their own are looked up once.
    @Test func eachScalarWithALowerCaseOfItsOwnHasASlotOfItsOwn() {
        let machine = WordMachine(Rule())
        let scalars = (0...0x10FFFF as ClosedRange<UInt32>).compactMap(Unicode.Scalar.init)
            .filter { machine.facts(of: $0) & WordMachine.isRecased != 0 }
        #expect(scalars.count > 100)
        #expect(Set(scalars.map { LowerCase.slot($0.value) }).count == scalars.count)
        // U+0130 and sigma aside, it is one scalar.
        #expect(
            scalars.filter { $0.properties.lowercaseMapping.unicodeScalars.count > 1 }
                == ["\u{130}"])
    }

    /// So a word needs no composition because of them.
    @Test func noOtherLowerCaseThanThatOfDottedIIsAMark() {
        let machine = WordMachine(Rule())
        defer { machine.deallocate() }
        for value in 0...0x10FFFF as ClosedRange<UInt32> {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let facts = machine.facts(of: scalar)
            if facts & WordMachine.isRecased == 0 || scalar == "\u{130}" { continue }
            let lower = scalar.properties.lowercaseMapping.unicodeScalars
            #expect(
                facts & WordMachine.isRecomposed != 0 || lower.allSatisfy(machine.isStable),
                "U+\(String(value, radix: 16))")
        }
    }
}
