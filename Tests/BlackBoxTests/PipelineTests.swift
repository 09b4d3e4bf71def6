import Foundation
import Testing

/// The programs together, on real texts, against the same by other programs.
@Suite struct PipelineTests {
    /// McIlroy's words (CACM 29:6, 1986), counted.
    private static let asciiByOthers = """
        cat "$SAMPLES"/* | tr -cs A-Za-z '\\n' | tr A-Z a-z | grep . | \(countedByOthers) >expected
        """

    private func differences(_ pipeline: String, expected: String = asciiByOthers) throws -> String
    {
        let result = try shell(
            "\(expected); { \(pipeline); } >actual; cmp actual expected; wc -l <expected",
            environment: ["SAMPLES": samples])
        // An independent count that found nothing would agree with anything.
        #expect((Int(result.lines.last ?? "") ?? 0) > 1000)
        return result.errors + result.lines.dropLast().joined(separator: "\n")
    }

    @Test func wordsAreCountedAsTrSortAndUniqDo() throws {
        #expect(try differences("wordsplit -a \"$SAMPLES\"/* | wcreduce") == "")
        #expect(try differences("cat \"$SAMPLES\"/* | wordsplit -a | wcreduce") == "")
    }

    @Test(arguments: ["-j1", "-j4", "-j2 -c5", "-j8 -c100", "-j3 -b 200"])
    func workersDoNotChangeTheCount(_ options: String) throws {
        let pipeline = "ls \"$SAMPLES\"/* | pmap \(options) wordsplit -a | wcreduce"
        #expect(try differences(pipeline) == "")
    }

    @Test func persistentWorkersCountTheSame() throws {
        let result = try shell(
            """
            ls "$SAMPLES"/* | pmap -j4 -c5 wordsplit | wcreduce >expected
            ls "$SAMPLES"/* | pmap --persistent -j4 -c5 --answer-end= wordsplit --serve | wcreduce |
                cmp - expected
            wc -l <expected
            """, environment: ["SAMPLES": samples])
        #expect(result.errors.isEmpty && result.lines.count == 1)
        #expect((Int(result.lines[0]) ?? 0) > 500)
    }

    @Test func workersMayCountAndTheirCountsAreMerged() throws {
        let counting = "pmap -j2 -c5 -s 'wordsplit -a \"$@\" | wcreduce'"
        #expect(try differences("ls \"$SAMPLES\"/* | \(counting) | wcreduce -m") == "")
    }

    @Test func textMayBeSplitOverStandardInput() throws {
        let pipeline = "cat \"$SAMPLES\"/* | pmap -j3 -i -b 1K wordsplit -a | wcreduce"
        #expect(try differences(pipeline) == "")
    }

    @Test func namesMayEndWithNULAllTheWay() throws {
        let pipeline = """
            find "$SAMPLES" -name '*.txt' -print0 | pmap -0 -c3 wordsplit -0 -a | wcreduce -0 | tr '\\0' '\\n'
            """
        #expect(try differences(pipeline) == "")
    }

    /// The default rule, by perl's own implementation of Unicode Standard Annex #29.
    @Test(.enabled(if: isInstalled("perl"))) func wordsAreThoseOfPerl() throws {
        let script = #"""
            perl -CS -ne 's/\x{2019}/'"'"'/g; print map { lc . "\n" } grep { /[\pL\pN]/ } split /\b{wb}/' \#
            "$SAMPLES"/*
            """#
        let expected = "\(script) | \(countedByOthers) >expected"
        #expect(try differences("wordsplit \"$SAMPLES\"/* | wcreduce", expected: expected) == "")
        let parallel = "ls \"$SAMPLES\"/* | pmap -j4 -c5 wordsplit | wcreduce"
        #expect(try differences(parallel, expected: expected) == "")
    }

    /// The pipeline of the programs against the chain of others, and against itself: bytes.
    @Test func theOutputIsTheSameEachTime() throws {
        let result = try shell(
            """
            for run in 1 2 3 4 5; do
                ls "$SAMPLES"/* | pmap -j8 wordsplit | wcreduce | cksum
            done | sort -u | wc -l
            """, environment: ["SAMPLES": samples])
        #expect(result.text.trimmingCharacters(in: .whitespacesAndNewlines) == "1")
    }
}
