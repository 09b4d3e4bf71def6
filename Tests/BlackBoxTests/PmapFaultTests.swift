import Foundation
import Testing

/// A few cases of the scripts in Tests/Faults, which `make check-faults` runs in full.
@Suite(.enabled(if: isInstalled("python3"))) struct PmapFaultTests {
    @Test func readersGetEveryByteOrAreTold() throws {
        let script = samples + "/../../Faults/readers"
        let result = try shell("'\(script)' 8", timeout: 300)
        #expect(result.status == 0 && result.text == "", Comment(rawValue: result.errors))
    }
}
