import Shared
import Testing

/// What an option takes, and what its message says.
@Suite struct OptionValueTests {
    private let option = Option<Int>(0, "S", "size", "SIZE", "")

    private func message(_ body: () throws -> Void) -> String {
        do { try body() } catch { return (error as? UsageError)?.why ?? "\(error)" }
        return ""
    }

    @Test(
        arguments: [("1", 1), ("64K", 65536), ("1P", 1 << 50), ("7E", 1 << 50)] as [(Argument, Int)]
    )
    func aSizeIsBounded(text: Argument, bytes: Int) throws {
        #expect(try size(option, text) == bytes)
    }

    @Test(arguments: ["0", "0K", "", "x", "-1", "8E"] as [Argument])
    func aSizeOfNothingIsRefused(text: Argument) {
        #expect(throws: UsageError.self) { try size(option, text) }
    }

    @Test(arguments: [("1", 1), ("9223372036854775807", .max)] as [(Argument, Int)])
    func aCountIsTakenUpToTheLargestNumber(text: Argument, number: Int) throws {
        #expect(try count(option, text, minimum: 1) == number)
    }

    /// A number that is too large is told so, and the largest is named.
    @Test(
        arguments: [
            "9223372036854775808", "18446744073709551616", "999999999999999999999999999999",
        ] as [Argument])
    func aCountThatIsTooLargeIsToldSo(text: Argument) {
        #expect(
            message { _ = try count(option, text, minimum: 1) }
                == "passes the largest number that it takes, 9223372036854775807")
    }

    @Test(arguments: ["0", "", "x", "-1", "1.5", "99999999999999999999x"] as [Argument])
    func aCountThatIsNoneIsToldTheSmallest(text: Argument) {
        #expect(
            message { _ = try count(option, text, minimum: 1) }
                == "takes a whole number of at least 1")
        #expect(
            message { _ = try count(option, text, minimum: 1, or: "auto") }
                == "takes a whole number of at least 1, or auto")
    }
}
