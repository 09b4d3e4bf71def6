import Foundation
import Testing

/// What pmap(1) says of placeholders and fields.
@Suite struct PmapPlaceholderTests {
    @Test func anArgumentWithAPlaceholderStandsOncePerItem() throws {
        #expect(try shell("seq 3 | pmap -c2 echo a {}x b").text == "a 1x 2x b\na 3x b\n")
        #expect(try shell("seq 2 | pmap echo {} and {}").text == "1 and 1\n2 and 2\n")
    }

    @Test func chunkAndSlotAreNumbers() throws {
        #expect(try shell("seq 3 | pmap -j1 -c2 echo {#}.{%}").text == "1.1 1 2\n2.1 3\n")
        #expect(try shell("seq 2 | pmap -j1 -c1 -i echo {#} {}").text == "1 {}\n2 {}\n")
    }

    @Test func theCommandItselfMayBeAnItem() throws {
        #expect(try shell("printf 'true\\necho\\n' | pmap {} hi").text == "hi\n")
    }

    @Test func aScriptIsNeverTouched() throws {
        #expect(try shell("seq 2 | pmap -s 'echo {} {#} ${#}'").text == "{} {#} 1\n{} {#} 1\n")
    }

    @Test(.enabled(if: isInstalled("parallel")), arguments: ["{}", "{/}", "{//}", "{.}", "{/.}"])
    func partsOfNamesAreThoseOfGNUParallel(placeholder: String) throws {
        let names = "a\nd/a.b\n./x.tar.gz\n/usr/lib.d/x\n.rc\nd/.rc\n../..\na b.c d\nx//y.z\n"
        let ours = try shell("pmap echo '<\(placeholder)>'", input: Data(names.utf8))
        let theirs = try shell(
            "parallel --will-cite -k -q echo '<\(placeholder)>'", input: Data(names.utf8))
        #expect(ours.text == theirs.text && ours.lines.count == 9)
    }

    @Test func hostileItemsStayOneArgument() throws {
        let items = [
            "; rm x", "$(touch bad)", "`id`", "a'b\"c", "-n", "--", "*", "", "a\nb", "{/}",
        ]
        let input = Data(items.joined(separator: "\0").utf8) + Data([0, 0xFF, 0xC3, 0x28, 0])
        let folder = try TemporaryFolder()
        let result = try shell("pmap -0 -c100 printf '%s\\0' {}", in: folder, input: input)
        #expect(result.output == input)
        #expect(try shell("ls", in: folder).text == "")
    }

    @Test func fieldsStandInTheirPlaces() throws {
        let table = "seq 1 3 >a; seq 11 13 >b; paste a b"
        #expect(
            try shell("\(table) | pmap -F '\\t' expr {1} + {2}").text == "12\n14\n16\n")
        #expect(try shell("echo a,b | pmap -F, echo {2} {1} {3}.").text == "b a .\n")
    }

    @Test func withoutAPlaceholderFieldsAreAppended() throws {
        #expect(
            try shell("printf '1+2\\n3+4\\n' | pmap -F + -s 'echo $(($1 + $2))'").text == "3\n7\n")
        #expect(try shell("printf 'a b\\n\\n' | pmap -c2 -F ' ' printf '<%s>'").text == "<a><b><>")
    }

    @Test func fieldsAndStandardInputExcludeEachOther() throws {
        let result = try shell("seq 1 | pmap -i -F, cat")
        #expect(result.errors == "pmap: -F and -i: standard input gets whole items\n")
        #expect(result.status == 1)
        #expect(try shell("seq 1 | pmap -F '' cat").status == 1)
    }

    @Test func longExpansionsAreCutAtTheKernelsLimit() throws {
        let result = try shell(
            "ulimit -s 1024; seq 100000 120000 | pmap -c20001 printf '%s\\n' {}{}{}{}{} | cksum; "
                + "seq 100000 120000 | sed 's/.*/&&&&&/' | cksum")
        #expect(result.lines.count == 2 && result.lines[0] == result.lines[1])
        let long = try shell("head -c 70000 /dev/zero | tr '\\0' x | pmap echo {}{}")
        #expect(long.errors.hasPrefix("pmap: item 1: too long for an argument (70000 bytes)"))
    }
}
