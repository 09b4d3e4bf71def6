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

    /// As GNU make 4.3 and 4.4.1 write it; what they are told of an older one is gone.
    @Test(
        arguments: [
            ("", " -j4 --jobserver-auth=3,4"),
            ("k", "k -j4 --jobserver-auth=3,4"),
            ("-k", "-k -j4 --jobserver-auth=3,4"),
            ("ks -j8 --jobserver-auth=5,6", "ks -j4 --jobserver-auth=3,4"),
            (" --jobs=2 --jobserver-fds=5,6 -l3", " -l3 -j4 --jobserver-auth=3,4"),
            (
                "w -- A=b\\ -j9 B=--jobserver-auth=1,2",
                "w -j4 --jobserver-auth=3,4 -- A=b\\ -j9 B=--jobserver-auth=1,2"
            ),
        ])
    func flagsAreWrittenAsMakeDoes(old: String, new: String) {
        let address = JobserverAddress.pipe(reading: 3, writing: 4)
        let flags = makeFlags(Array(old.utf8), naming: address, slots: 4)
        #expect(String(decoding: flags, as: UTF8.self) == new)
        #expect(JobserverFlags(makeFlags: new)?.address == address)
        #expect(JobserverFlags(makeFlags: new)?.slots == 4)
    }

    @Test(arguments: [JobserverAddress.pipe(reading: 3, writing: 4), .fifo(path: "/tmp/a,b:c")])
    func anAddressIsReadAsItIsWritten(address: JobserverAddress) {
        #expect(JobserverAddress(address.text) == address)
    }

    /// `--jobserver-auth=fifo:` came with GNU make 4.4 (its NEWS).
    @Test(arguments: [
        ("GNU Make 4.3\nBuilt for", false), ("GNU Make 4.4\n", true), ("GNU Make 4.4.1\n", true),
        ("GNU Make 4.2.90\n", false), ("GNU Make 3.81\n", false), ("GNU Make 5.0\n", true),
        ("GNU Make 10\n", true), ("GNU Make 4\n", false), ("make: unknown option\n", true),
        ("", true),
    ])
    func anOldMakeDoesNotKnowTheNamedPipe(version: String, knows: Bool) {
        #expect(knowsFifo(makeVersion: version) == knows)
    }
}
