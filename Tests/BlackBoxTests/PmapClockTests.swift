import Foundation
import Testing

/// What pmap(1) says of a clock that is set while it runs: by faketime(1), which stands before
/// the C library and so only before programs that are not linked statically: those beside the
/// tests. A sanitizer's, which come first themselves, are left alone.
@Suite(
    .enabled(
        if: programsAreStatic && isInstalled("faketime")
            && FileManager.default.isExecutableFile(atPath: "\(testFolder)/pmap")))
struct PmapClockTests {
    /// By a day: no chunk's time is up because of it, none lasts for ever, and what is measured
    /// is right.
    @Test(arguments: ["-1d", "+1d"])
    func aClockThatIsSetChangesNothingButTheTimeOfDay(_ change: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "run",
            """
            unset FAKETIME; exec "\(testFolder)/pmap" -a items -j1 --timeout 2 --log log --stats -s '
                if [ $1 = 2 ]; then echo \(change) >time; fi
                [ $1 != 3 ] || exec sleep 600; echo $1'
            """)
        let result = try shell(
            """
            seq 4 >items; echo +0 >time
            export FAKETIME_TIMESTAMP_FILE="$PWD/time" FAKETIME_NO_CACHE=1 \
                FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1
            faketime -f +0 sh run; echo $?; tail -n +2 log
            """, in: folder)
        #expect(Array(result.lines.prefix(4)) == ["1", "2", "4", "125"])
        let rows = result.lines.dropFirst(4).map { $0.split(separator: "\t") }
        let starts = rows.compactMap { Double($0[3]) }
        let seconds = rows.compactMap { Double($0[4]) }
        try #require(starts.count == 4 && seconds.count == 4)
        let day = change == "-1d" ? -86400.0 : 86400
        #expect(abs(starts[2] - starts[1] - day) < 60 && abs(starts[3] - starts[2]) < 60)
        #expect(seconds[2] >= 2 && seconds.allSatisfy { (0..<60).contains($0) })
        let wall = try #require(result.errors.firstMatch(of: /wall +([0-9.]+) s/)?.1)
        #expect((2..<60).contains(Double(wall) ?? -1))
    }
}
