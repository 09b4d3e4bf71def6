import Testing

@testable import pmap

/// What MAKEFLAGS says of a jobserver: GNU make's manual, "POSIX Jobserver Interaction".
@Suite struct JobserverTests {
    @Test(
        arguments: [
            (" -j4 --jobserver-auth=3,4", .pipe(reading: 3, writing: 4), 4),
            ("k -j12 --jobserver-auth=fifo:/tmp/GMfifo7 -- A=1", .fifo(path: "/tmp/GMfifo7"), 12),
            ("-j --jobserver-fds=5,6 --jobserver-auth=5,6", .pipe(reading: 5, writing: 6), nil),
            ("-j2 --jobserver-auth=3,4 --jobserver-auth=fifo:a", .fifo(path: "a"), 2),
            ("-j2 --jobserver-auth=-2,-2", .pipe(reading: -2, writing: -2), 2),
            ("--jobserver-auth=3", .pipe(reading: -1, writing: -1), nil),
        ] as [(String, JobserverAddress, Int?)])
    func flagsOfMake(text: String, address: JobserverAddress, slots: Int?) throws {
        let flags = try #require(JobserverFlags(makeFlags: text))
        #expect(flags.address == address && flags.slots == slots)
    }

    @Test(arguments: ["", "k", " -j4", "-- --jobserver-auth=3,4"])
    func flagsWithoutAJobserver(text: String) {
        #expect(JobserverFlags(makeFlags: text) == nil)
    }
}
