import Testing

@testable import Shared

@Suite struct MemoryLimitTests {
    /// Documentation/admin-guide/cgroup-v2.rst: memory.max and memory.high are bytes or `max`,
    /// and a limit binds every group below.
    @Test func theSmallestLimitOnTheWayUpCounts() {
        let files = [
            "/sys/fs/cgroup/a/memory.max": "1073741824\n",
            "/sys/fs/cgroup/a/b/memory.max": "max\n",
            "/sys/fs/cgroup/a/b/c/memory.max": "2147483648\n",
        ]
        #expect(controlGroupMemory(membership: "0::/a/b/c\n", read: { files[$0] }) == 1 << 30)
        #expect(controlGroupMemory(membership: "0::/a/b\n", read: { files[$0] }) == 1 << 30)
        #expect(controlGroupMemory(membership: "0::/\n", read: { files[$0] }) == nil)
    }

    @Test func beingSlowedDownIsALimitToo() {
        var files = [
            "/sys/fs/cgroup/a/memory.max": "4000000\n", "/sys/fs/cgroup/a/memory.high": "3000000\n",
        ]
        #expect(controlGroupMemory(membership: "0::/a\n", read: { files[$0] }) == 3_000_000)
        files["/sys/fs/cgroup/a/memory.high"] = "max\n"
        #expect(controlGroupMemory(membership: "0::/a\n", read: { files[$0] }) == 4_000_000)
    }

    @Test func whatIsInUseIsNotUsable() {
        #expect(rest(of: (all: 900, data: .max), (all: 500, data: 300)) == 400)
        #expect(rest(of: (all: .max, data: 900), (all: 500, data: 300)) == 600)
        #expect(rest(of: (all: 900, data: 301), (all: 500, data: 300)) == 1)
        #expect(rest(of: (all: 400, data: 900), (all: 500, data: 300)) == 0)
        #expect(rest(of: (all: 900, data: 200), (all: 500, data: 300)) == 0)
    }

    /// cgroups(7): the path is the third field, and the last one.
    @Test func theNameOfAGroupMayHaveAColon() {
        let files = ["/sys/fs/cgroup/app:1.service/memory.max": "500000\n"]
        let membership = "0::/app:1.service\n"
        #expect(controlGroupMemory(membership: membership, read: { files[$0] }) == 500_000)
    }

    /// A container is often shown its own group as the root, and the path as the host has it.
    @Test func aPathThatIsNotShownIsPassedBy() {
        let files = ["/sys/fs/cgroup/memory.max": "500000\n"]
        #expect(controlGroupMemory(membership: "0::/docker/x\n", read: { files[$0] }) == 500_000)
    }

    /// cgroup-v1/memory.rst. No limit is shown there as the largest number of whole pages.
    @Test func versionOneIsRead() {
        let membership = "11:cpu,cpuacct:/j\n9:memory:/j\n1:name=systemd:/j\n0::/\n"
        var files = [
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "/sys/fs/cgroup/memory/j/memory.limit_in_bytes": "7340032\n",
            "/sys/fs/cgroup/cpu/j/memory.limit_in_bytes": "1\n",
        ]
        #expect(controlGroupMemory(membership: membership, read: { files[$0] }) == 7_340_032)
        files["/sys/fs/cgroup/memory/j/memory.limit_in_bytes"] = nil
        let unlimited = controlGroupMemory(membership: membership, read: { files[$0] })
        #expect(unlimited == 9_223_372_036_854_771_712)
    }

    @Test(arguments: ["", "\n", "9:memory\n", "memory", "9:cpuset:/j\n", "::\n"])
    func aMembershipThatSaysNothingIsNoLimit(_ membership: String) {
        #expect(controlGroupMemory(membership: membership, read: { _ in nil }) == nil)
    }

    @Test(arguments: ["", "\n", "-1\n", "max", "1e9\n", "99999999999999999999\n", " 5\n"])
    func aFileThatSaysNothingIsNoLimit(_ text: String) {
        #expect(controlGroupMemory(membership: "0::/a\n", read: { _ in text }) == nil)
    }

    /// proc_pid_statm(5): size resident shared text lib data dt, in pages.
    @Test func whatIsMappedAlreadyIsReadInPages() {
        #expect(
            mappedMemory("2300 500 300 1500 0 700 0\n", page: 4096) == (2300 * 4096, 700 * 4096))
        #expect(mappedMemory("1 1 1 1 0 99999999999999 0\n", page: 4096).data == 4096 << 40)
    }

    @Test(arguments: ["", "\n", "1 2 3", "a b c d e f g", "-1 0 0 0 0 -1 0\n"])
    func aTextThatSaysNothingOfMappedMemoryIsNone(_ text: String) {
        #expect(mappedMemory(text, page: 4096) == (0, 0))
    }

    /// proc(5): MemTotal comes first in meminfo, in units of 1024 bytes.
    @Test(.enabled(if: textOfFile("/proc/meminfo") != nil, "the kernel tells nothing here"))
    func itIsNoMoreThanTheMachineHas() throws {
        let memory = usableMemory()
        #expect(memory > 1 << 20)
        let line = textOfFile("/proc/meminfo")?.split(separator: "\n").first
        let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        #expect(memory <= (try #require(kilobytes)) * 1024)
    }
}
