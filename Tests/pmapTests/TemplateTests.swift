import Foundation
import Shared
import Testing

@testable import pmap

private func filled(_ word: String, _ item: String, separator: String = "") -> String {
    let template = Template(
        Array(word.utf8), takesItems: true, takesFields: !separator.isEmpty)
    let item = Array(item.utf8)[...]
    var bytes: [UInt8] = []
    template.fill(
        into: &bytes, item: item, fields: fields(item, separator: Array(separator.utf8)), chunk: 7,
        slot: 3)
    return String(decoding: bytes, as: UTF8.self)
}

@Suite struct TemplateTests {
    /// What GNU parallel 20221122 prints for the same items.
    @Test(arguments: [
        ("a", "a", ".", "a", "a"), ("a.b", "a.b", ".", "a", "a"),
        ("a.tar.gz", "a.tar.gz", ".", "a.tar", "a.tar"), ("d/a.b", "a.b", "d", "d/a", "a"),
        ("d.x/a", "a", "d.x", "d.x/a", "a"), (".bashrc", ".bashrc", ".", "", ""),
        ("d/.bashrc", ".bashrc", "d", "d/", ""), ("a.", "a.", ".", "a", "a"),
        ("/", "", "/", "/", ""), ("/a", "a", "/", "/a", "a"), ("a/", "", ".", "a/", ""),
        ("a/b/", "", "a", "a/b/", ""), ("//", "", "/", "//", ""), ("a//b", "b", "a", "a//b", "b"),
        (".", ".", ".", "", ""), ("..", "..", ".", ".", "."), ("", "", ".", "", ""),
        ("../x", "x", "..", "../x", "x"), ("x.y/", "", ".", "x.y/", ""),
    ])
    func partsOfANameAreThoseOfGNUParallel(
        item: String, base: String, directory: String, root: String, baseRoot: String
    ) {
        #expect(filled("{}", item) == item)
        #expect(filled("{/}", item) == base)
        #expect(filled("{//}", item) == directory)
        #expect(filled("{.}", item) == root)
        #expect(filled("{/.}", item) == baseRoot)
    }

    @Test func severalPlaceholdersAndTextStandInOneWord() {
        #expect(filled("{//}/out-{#}.{%}/{/.}.txt", "d/a.b") == "d/out-7.3/a.txt")
        #expect(filled("{{}}", "x") == "{x}")
        #expect(filled("{}{}", "x") == "xx")
    }

    @Test func whatIsNoPlaceholderStays() {
        for word in ["{", "}", "{a}", "{1}", "{ }", "{print $1}", "${x}", "{?}", ""] {
            #expect(filled(word, "x") == word)
        }
    }

    @Test func fieldsAreCutAtTheSeparator() {
        #expect(filled("{2}-{1}", "a,b,c", separator: ",") == "b-a")
        #expect(filled("<{3}>", "a,b", separator: ",") == "<>")
        #expect(filled("<{1}|{2}|{3}>", ",,", separator: ",") == "<||>")
        #expect(filled("{2}", "a::b::c", separator: "::") == "b")
        #expect(filled("{1}", "a:b", separator: "::") == "a:b")
        #expect(filled("{0}{01}", "a,b", separator: ",") == "{0}a")
        #expect(filled("<{999999999}>{0000000001}", "a", separator: ",") == "<>{0000000001}")
        #expect(filled("{}", "a,b", separator: ",") == "a,b")
    }

    @Test func withStandardInputOnlyChunkAndSlotAreReplaced() {
        let template = Template(Array("{}{#}{%}{1}".utf8), takesItems: false, takesFields: false)
        var bytes: [UInt8] = []
        template.fill(into: &bytes, item: [0x78], fields: [], chunk: 12, slot: 4)
        #expect(String(decoding: bytes, as: UTF8.self) == "{}124{1}")
        #expect(!template.holdsItem)
    }
}

@Suite struct ReplacementTextTests {
    private func filled(_ word: String, _ placeholder: String) -> String {
        let template = Template(Array(word.utf8), placeholder: Array(placeholder.utf8))
        var bytes: [UInt8] = []
        template.fill(
            into: &bytes, item: Array("x".utf8)[...], fields: [], chunk: 7, slot: 3)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// As with `xargs -I`, which replaces its text and nothing else.
    @Test func onlyTheTextIsReplaced() {
        #expect(filled("%-{}-{#}-%%", "%") == "x-{}-{#}-xx")
        #expect(filled("{}{", "{}") == "x{")
        #expect(filled("aaa", "aa") == "xa")
        #expect(filled("ITE", "ITEM") == "ITE")
        #expect(filled("", "ITEM") == "")
    }
}

@Suite struct ArgumentRoomTests {
    private func size(_ command: Command, _ item: String) throws -> (cost: Int, longest: Int) {
        let room = try #require(try command.roomForItems())
        return Array(item.utf8).withUnsafeBytes { room.size(ofItem: $0) }
    }

    /// 3 bytes of text and the item twice, NUL and pointer: 3 + 2 x 5 + 1 + 8.
    @Test func everyCopyOfAnItemCosts() throws {
        let found = try size(Command(["cp", "{}", "a/b{}{}"], delivery: .arguments), "xxxxx")
        #expect(found.cost == (5 + 9) + (3 + 10 + 9) && found.longest == 13)
    }

    @Test func appendedFieldsCostAPointerEach() throws {
        let found = try size(Command(["f"], delivery: .fields(separator: [0x2C])), "a,bb,c")
        #expect(found.cost == 3 * 9 + 4 && found.longest == 2)
    }

    @Test func onlyThePartOfAnItemThatIsPutInPlaceCosts() throws {
        let long = String(repeating: "x", count: 200_000)
        let cut = Command(["f", "{1}"], delivery: .fields(separator: [0x2C]))
        let field = try size(cut, "a,\(long)")
        #expect(field.cost == 10 && field.longest == 1)
        let name = try size(Command(["f", "{/}.x"], delivery: .arguments), "\(long)/name")
        #expect(name.cost == 6 + 9 && name.longest == 6)
    }

    /// What is left of the kernel's limit by the environment, PMAP_SLOT and PMAP_CHUNK (32 bytes each),
    /// and the words that stand for themselves. Each string costs 9 bytes more.
    @Test func theEnvironmentAndTheOtherWordsTakeRoom() throws {
        let environment = ProcessInfo.processInfo.environment
            .filter { $0.key != "PMAP_SLOT" && $0.key != "PMAP_CHUNK" }
            .reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 1 + 9 }
        let command = Command(["f", "0123456789", "{}", "{#}"], delivery: .arguments)
        let room = try #require(try command.roomForItems())
        let words = 1 + 10 + 19 + 3 * 9
        #expect(room.total == ArgumentLimit.total - environment - 2 * (32 + 9) - words)
    }

    /// Against the arguments themselves, whatever the template: each its bytes and 9.
    @Test func theSizeIsThatOfTheArgumentsThatAreBuilt() throws {
        var random = SeededGenerator()
        let words: [Argument] = [
            "{}", "{/}", "a{//}b", "{.}", "{/.}{}", "{1}", "{2}-{1}", "{3}", "plain", "{}{}",
            "{#}", "{}-{%}",
        ]
        for _ in 0..<500 {
            let chosen = (0..<3).map { _ in words.randomElement(using: &random)! }
            let isCut = Bool.random(using: &random)
            let command = Command(
                ["f"] + chosen, delivery: isCut ? .fields(separator: [0x2C]) : .arguments)
            let item = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                Array("ab,/.".utf8).randomElement(using: &random)!
            }
            // Numbers count with the greatest length that they can have.
            let arguments = command.arguments(
                for: Chunk(number: .max, itemCount: 1, bytes: item + [0x0A]), slot: .max,
                delimiter: 0x0A)
            let without = command.words.filter { !$0.holdsItem }.reduce(0) {
                $0 + $1.fixedLength + 9
            }
            let found = try size(command, String(decoding: item, as: UTF8.self))
            #expect(
                found.cost == arguments.words.reduce(0) { $0 + $1.count + 9 } - without,
                "\(random) \(chosen.map(\.text))")
        }
    }

    @Test func standardInputHasNoLimit() throws {
        #expect(try Command(["cat"], delivery: .standardInput).roomForItems() == nil)
    }
}
