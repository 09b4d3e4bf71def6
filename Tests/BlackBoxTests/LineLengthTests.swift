import Foundation
import Testing

/// Lines of any length, any number and any bytes. Expected is what coreutils make of them.
@Suite struct LineLengthTests {
    /// About the sizes of pages, of pipes and of what is read at once.
    private static let lengths = [
        0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 131_071, 131_072, 131_073, 262_144, 1 << 20,
    ]

    /// A line of one letter, another, and the first again.
    private func lines(_ length: Int) -> Data {
        Data("bab".utf8.map { Data(repeating: $0, count: length) + [0x0A] }.joined())
    }

    private func expectNothingFrom(
        _ script: String, _ input: Data, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let folder = try TemporaryFolder()
        try folder.write("in", input)
        let result = try shell(script, in: folder)
        #expect(
            result.text.isEmpty && result.errors.isEmpty && result.status == 0,
            "\(result.text)\(result.errors)", sourceLocation: sourceLocation)
    }

    @Test(arguments: lengths) func lengthsChangeNothing(_ length: Int) throws {
        try expectNothingFrom(
            """
            pmap -a in -i cat | cmp - in
            pmap -a in -i -c1 -j2 cat | cmp - in
            sort in >sorted; pmap -a in -i -c1 -j2 -l cat | sort | cmp - sorted
            cat in | \(countedByOthers) >expected; wcreduce in | cmp - expected
            grep . in >words; wordsplit in | cmp - words; wordsplit -w in | cmp - words
            wordsplit -a in | cmp - words
            """, lines(length))
    }

    @Test func aMillionEmptyLinesAreAMillionItems() throws {
        try expectNothingFrom(
            """
            yes '' | head -n 1000000 >in
            pmap -a in -i cat | cmp - in
            pmap -a in -j2 -c70000 -s 'printf "%s\\n" "$@"' | cmp - in
            [ "$(wcreduce in)" = "$(printf '1000000\\t')" ]
            wordsplit in
            """, Data())
    }

    @Test func aHundredThousandItemsOfOneByteAreThatMany() throws {
        try expectNothingFrom(
            """
            yes x | head -n 100000 >in
            for chunk in 1000 5000 100000; do
                pmap -a in -j2 -c $chunk printf '%s\\n' | cmp - in
                pmap -a in -j2 -c $chunk -u -i cat | cmp - in
            done
            pmap -a in -j2 -b 4K -i cat | cmp - in
            """, Data())
    }

    /// NULs, bytes that are no UTF-8, carriage returns, and no newline at the end.
    @Test func bytesPassThroughAsTheyAre() throws {
        var random = SeededGenerator()
        let bytes = (0..<300_000).map { _ in
            UInt8.random(in: 0...255, using: &random) & (Bool.random(using: &random) ? 0xFF : 0x0B)
        }
        let input = Data(bytes + [0xFF])
        try expectNothingFrom(
            """
            pmap -a in -i cat | cmp - in
            pmap -a in -j2 -b 999 -i cat | cmp - in
            tr '\\000\\n' '\\n\\000' <in >swapped
            tr '\\000' x <in >noNUL; pmap -a noNUL -c 99 printf '%s\\n' >out
            { cat noNUL; echo; } | cmp - out
            pmap -0 -a swapped -b 999 -i cat | cmp - swapped
            """, input)
    }
}
