import Shared
import Testing

@testable import pmap

private func filled(_ word: String, _ item: String, separator: String = "") -> String {
    let template = Template(
        Array(word.utf8), takesItems: true, takesFields: !separator.isEmpty)
    let bytes = template.filled(
        item: Array(item.utf8)[...], separator: Array(separator.utf8), chunk: 7, slot: 3)
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
        #expect(filled("{}", "a,b", separator: ",") == "a,b")
    }

    @Test func withStandardInputOnlyChunkAndSlotAreReplaced() {
        let template = Template(Array("{}{#}{%}{1}".utf8), takesItems: false, takesFields: false)
        let bytes = template.filled(item: [0x78], separator: [], chunk: 12, slot: 4)
        #expect(String(decoding: bytes, as: UTF8.self) == "{}124{1}")
        #expect(!template.holdsItem)
    }
}

@Suite struct ArgumentRoomTests {
    /// 3 bytes of text and the item twice, NUL and pointer: 3 + 2 x 5 + 1 + 8.
    @Test func everyCopyOfAnItemCosts() throws {
        let command = Command(["cp", "{}", "a/b{}{}"], delivery: .arguments)
        let room = try #require(command.roomForItems)
        let cost = [UInt8](repeating: 0x78, count: 5).withUnsafeBytes { room.cost(ofItem: $0) }
        #expect(cost == (5 + 9) + (3 + 10 + 9))
        #expect(room.longestItem == (131_071 - 3) / 2)
    }

    @Test func appendedFieldsCostAPointerEach() throws {
        let command = Command(["f"], delivery: .fields(separator: [0x2C]))
        let room = try #require(command.roomForItems)
        let cost = Array("a,b,c".utf8).withUnsafeBytes { room.cost(ofItem: $0) }
        #expect(cost >= 3 * (1 + 1 + 8))
    }

    @Test func standardInputHasNoLimit() {
        #expect(Command(["cat"], delivery: .standardInput).roomForItems == nil)
    }
}
