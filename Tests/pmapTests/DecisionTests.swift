import Shared
import Testing

@testable import pmap

@Suite struct ExitStatusTests {
    private func status(_ outcomes: [Outcome], ownError: Bool = false) -> Int32 {
        var tally = Tally()
        for outcome in outcomes { tally.note(outcome) }
        if ownError { tally.noteOwnError() }
        return tally.exitStatus
    }

    /// The statuses of xargs(1), section EXIT STATUS.
    @Test func statusesAreThoseOfXargs() {
        #expect(status([]) == 0)
        #expect(status([.exited(status: 0)]) == 0)
        #expect(status([.exited(status: 0), .exited(status: 1)]) == 123)
        #expect(status([.exited(status: 254)]) == 123)
        #expect(status([.exited(status: 255)]) == 124)
        #expect(status([.killed(signal: 9)]) == 125)
        #expect(status([.exited(status: 0)], ownError: true) == 1)
    }

    @Test func theGravestFailureDecides() {
        #expect(status([.killed(signal: 9), .exited(status: 255)]) == 124)
        #expect(status([.exited(status: 3), .killed(signal: 9)]) == 125)
        #expect(status([.exited(status: 3)], ownError: true) == 123)
        var tally = Tally()
        tally.note(.exited(status: 255))
        tally.noteNotStarted(.noEntry)
        #expect(tally.exitStatus == 127)
        tally.noteNotStarted(Errno(EACCES))
        #expect(tally.exitStatus == 127)
        tally = Tally()
        tally.note(.exited(status: 255))
        tally.noteNotStarted(Errno(EACCES))
        #expect(tally.exitStatus == 126)
    }

    /// wait(2): the low seven bits are the signal, the next byte the status.
    @Test func waitStatusesAreRead() {
        #expect(Outcome(waitStatus: 0) == .exited(status: 0))
        #expect(Outcome(waitStatus: 3 << 8) == .exited(status: 3))
        #expect(Outcome(waitStatus: 9) == .killed(signal: 9))
        #expect(Outcome(waitStatus: 11 | 0x80) == .killed(signal: 11))
    }
}

@Suite struct WorkerCountTests {
    @Test func aShareOfTheCPUsIsRoundedDownButNeverToNone() {
        #expect(WorkerCount.percentOfCPUs(50).number(cpus: 8) == 4)
        #expect(WorkerCount.percentOfCPUs(50).number(cpus: 3) == 1)
        #expect(WorkerCount.percentOfCPUs(1).number(cpus: 8) == 1)
        #expect(WorkerCount.percentOfCPUs(200).number(cpus: 8) == 16)
        #expect(WorkerCount.percentOfCPUs(.max).number(cpus: 8) == 1 << 20)
        #expect(WorkerCount.exactly(5).number(cpus: 8) == 5)
        #expect(WorkerCount.cpusAnd(2).number(cpus: 8) == 10)
        #expect(WorkerCount.cpusAnd(-2).number(cpus: 8) == 6)
        #expect(WorkerCount.cpusAnd(-9).number(cpus: 8) == 1)
        #expect(WorkerCount.cpusAnd(.max).number(cpus: 8) == 1 << 20)
    }

    /// Linux has at most 2^22 processes (kernel/pid.c, PID_MAX_LIMIT).
    @Test func moreWorkersThanAnySystemHasAreBounded() throws {
        for text in ["2305843009213693952", "9223372036854775807", "1048577", "99999999999999999%"]
        {
            #expect(try #require(WorkerCount(text)).number(cpus: 2) == 1 << 20)
        }
        #expect(WorkerCount.exactly(1 << 20).number(cpus: 2) == 1 << 20)
        #expect(WorkerCount.exactly(1_048_575).number(cpus: 2) == 1_048_575)
    }

    @Test func textsAreRead() {
        #expect(WorkerCount("4") == .exactly(4))
        #expect(WorkerCount("50%") == .percentOfCPUs(50))
        #expect(WorkerCount("+2") == .cpusAnd(2))
        #expect(WorkerCount("-1") == .cpusAnd(-1))
        for text in ["", "0", "x", "0%", "%", "+", "-", "+-1", "1.5", "4 "] {
            #expect(WorkerCount(text) == nil)
        }
    }
}

@Suite struct SlotSetTests {
    @Test func theLowestFreeSlotIsTaken() {
        var slots = SlotSet()
        var taken: [Int] = []
        for _ in 1...3 {
            taken.append(slots.lowest)
            slots.removeLowest()
        }
        #expect(taken == [1, 2, 3] && slots.lowest == 4)
        slots.insert(2)
        slots.insert(3)
        slots.insert(1)
        #expect(slots.lowest == 1)
        slots.removeLowest()
        #expect(slots.lowest == 2)
    }
}

@Suite struct CgroupQuotaTests {
    /// Documentation/admin-guide/cgroup-v2.rst: cpu.max is "$MAX $PERIOD", and a quota
    /// binds every group below.
    @Test func theSmallestQuotaOnTheWayUpCountsRoundedUp() {
        let files = [
            "/sys/fs/cgroup/cpu.max": "max 100000\n",
            "/sys/fs/cgroup/a/cpu.max": "150000 100000\n",
            "/sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
        ]
        #expect(cgroupQuota(membership: "0::/a/b\n", read: { files[$0] }) == 2)
        #expect(cgroupQuota(membership: "0::/\n", read: { files[$0] }) == nil)
        // A container often sees its own group as the root.
        let inside = ["/sys/fs/cgroup/cpu.max": "50000 100000\n"]
        #expect(cgroupQuota(membership: "0::/docker/x\n", read: { inside[$0] }) == 1)
    }

    /// Documentation/scheduler/sched-bwc.rst: -1 is no quota.
    @Test func versionOneIsRead() {
        var files = [
            "/sys/fs/cgroup/cpu/j/cpu.cfs_quota_us": "300000\n",
            "/sys/fs/cgroup/cpu/j/cpu.cfs_period_us": "100000\n",
        ]
        let membership = "3:cpuset:/\n4:cpu,cpuacct:/j\n1:name=systemd:/j\n"
        #expect(cgroupQuota(membership: membership, read: { files[$0] }) == 3)
        files["/sys/fs/cgroup/cpu/j/cpu.cfs_quota_us"] = "-1\n"
        #expect(cgroupQuota(membership: membership, read: { files[$0] }) == nil)
        #expect(cgroupQuota(membership: "", read: { files[$0] }) == nil)
    }
}
