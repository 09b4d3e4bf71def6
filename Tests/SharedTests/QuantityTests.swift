import Shared
import Testing

@Suite struct SizeTests {
    @Test(arguments: [
        ("0", 0), ("1", 1), ("4096", 4096), ("007", 7),
        ("64K", 65_536), ("1M", 1_048_576), ("2G", 2_147_483_648),
        ("1T", 1_099_511_627_776), ("1P", 1_125_899_906_842_624), ("7E", 8_070_450_532_247_928_832),
    ])
    func unitsArePowersOf1024(_ text: String, _ bytes: Int) {
        #expect(parseSize(text) == bytes)
    }

    @Test func unitsMayBeInLowerCase() {
        #expect(parseSize("3k") == 3072)
        #expect(parseSize("1mib") == 1_048_576)
    }

    @Test func iecAndSIUnitsAreToldApart() {
        #expect(parseSize("1KiB") == 1024)
        #expect(parseSize("1KB") == 1000)
        #expect(parseSize("3MB") == 3_000_000)
    }

    @Test(arguments: [
        "", " ", "K", "-1", "+1", "1 K", " 1", "1.5M", "1KK", "1Z", "1B", "0x10", "1e3", "٣", "1Ki",
        "K1", "1iB", "²",
    ])
    func whatIsNoSizeIsRefused(_ text: String) { #expect(parseSize(text) == nil) }

    @Test func sizesPastTheLargestNumberAreRefused() {
        #expect(parseSize("9223372036854775807") == .max)
        #expect(parseSize("9223372036854775808") == nil)
        #expect(parseSize("8E") == nil)
        #expect(parseSize("9007199254740992K") == nil)
    }
}

@Suite struct DurationTests {
    @Test(arguments: [
        ("0", Duration.zero), ("30", .seconds(30)), ("1.5", .milliseconds(1500)),
        (".25s", .milliseconds(250)), ("30s", .seconds(30)), ("5m", .seconds(300)),
        ("0.5m", .seconds(30)), ("2h", .seconds(7200)), ("1d", .seconds(86400)),
    ])
    func unitsAreThoseOfSleep(_ text: String, _ time: Duration) {
        #expect(parseDuration(text) == time)
    }

    @Test(arguments: [
        "", "s", ".", "-1", "+1", "1e5", "inf", "infinity", "nan", "0x10", "1 s", "1..2", "1ms",
        "1S", "1s1", "٣", "1,5",
    ])
    func whatIsNoTimeIsRefused(_ text: String) { #expect(parseDuration(text) == nil) }

    @Test func timesTooLongToCountAreRefused() {
        #expect(parseDuration("3650000d") != nil)
        #expect(parseDuration("99999999999999999999d") == nil)
        #expect(parseDuration(String(repeating: "9", count: 400)) == nil)
    }
}

@Suite struct CountTests {
    @Test func aCountIsDecimalDigits() {
        #expect(parseCount("0") == 0)
        #expect(parseCount("42") == 42)
        #expect(parseCount("007") == 7)
        #expect(parseCount("9223372036854775807") == .max)
    }

    @Test(arguments: ["", "-1", "+1", "1K", " 1", "1 ", "1.0", "0x1", "٣", "9223372036854775808"])
    func whatIsNoCountIsRefused(_ text: String) { #expect(parseCount(text) == nil) }

    @Test func aCountBelowTheMinimumIsRefused() {
        #expect(parseCount("0", minimum: 1) == nil)
        #expect(parseCount("1", minimum: 1) == 1)
    }

    @Test func theMessageNamesOptionValueAndMinimum() {
        let option = Option<Int>(0, "m", "min-length", "N", "")
        #expect(
            throws: UsageError("-m 'x'", "takes a whole number of at least 1")
        ) { try count(option, "x", minimum: 1) }
    }
}
