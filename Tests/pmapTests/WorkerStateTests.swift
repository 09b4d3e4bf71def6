import Testing

@testable import pmap

/// The table of a worker's states: which of them follows which, and when something is due.
@Suite struct WorkerStateTests {
    private let killAfter = Duration.seconds(2)
    private let pause = Duration.milliseconds(5)

    private func exit(_ waitStatus: Int32, at time: Duration = .seconds(1)) -> WorkerState.Exit {
        WorkerState.Exit(waitStatus: waitStatus, time: time)
    }

    @Test func aWorkerThatExitsByItselfHasNothingLeftToDo() {
        var state = WorkerState.running(deadline: .seconds(9))
        #expect(state.nextTime == .seconds(9) && state.exit == nil && state.outcome == nil)
        state.exited(exit(3 << 8), now: .seconds(1))
        #expect(state == .exited(exit(3 << 8), nil))
        #expect(state.nextTime == .never && state.outcome == .exited(status: 3))
        #expect(state.act(now: .seconds(99), killAfter: killAfter) == nil)
    }

    @Test func aDeadlineBringsTheFirstSignalAndTheNextOneLater() {
        var state = WorkerState.running(deadline: .seconds(9))
        #expect(state.act(now: .seconds(9) - pause, killAfter: killAfter) == nil)
        #expect(state.act(now: .seconds(9), killAfter: killAfter) == .terminate)
        #expect(state == .ending(.timeout, kill: .seconds(11)) && state.nextTime == .seconds(11))
        #expect(state.act(now: .seconds(11) - pause, killAfter: killAfter) == nil)
        #expect(state.act(now: .seconds(11), killAfter: killAfter) == .kill)
        #expect(state == .ending(.timeout, kill: .never))
        #expect(state.act(now: .seconds(99), killAfter: killAfter) == nil)
    }

    /// No process of a group survives SIGKILL.
    @Test func afterTheSecondSignalTheGroupIsNotWaitedFor() {
        var state = WorkerState.ending(.halt, kill: .never)
        state.exited(exit(9), now: .seconds(3))
        #expect(state == .exited(exit(9), .halt))
    }

    @Test func aGroupIsWaitedForAfterItsLeaderUntilItIsGone() {
        var state = WorkerState.ending(.halt, kill: .seconds(4))
        state.exited(exit(15), now: .seconds(3))
        #expect(state.exit == exit(15) && state.reason == .halt)
        #expect(state.nextTime == .seconds(3) && state.wantsLook(now: .seconds(3)))
        var now = Duration.seconds(3)
        for expected in [5, 10, 20, 40, 80, 100, 100] {
            state.lookAgain(now: now)
            now += .milliseconds(expected)
            #expect(state.nextTime == now)
            #expect(state.wantsLook(now: now) && !state.wantsLook(now: now - pause))
        }
        state.groupIsGone()
        #expect(state == .exited(exit(15), .halt) && !state.wantsLook(now: .seconds(99)))
    }

    @Test func aGroupThatStaysIsKilledInTime() {
        var state = WorkerState.ending(.halt, kill: .seconds(4))
        state.exited(exit(15), now: .seconds(4) - pause)
        state.lookAgain(now: .seconds(4) - .milliseconds(2))
        #expect(state.nextTime == .seconds(4))
        #expect(state.act(now: .seconds(4), killAfter: killAfter) == .kill)
        #expect(state == .exited(exit(15), .halt))
    }

    @Test func theFirstReasonAndTheEarliestKillCount() {
        var state = WorkerState.running(deadline: .seconds(9))
        state.end(.halt, kill: .seconds(5), now: .seconds(3))
        #expect(state == .ending(.halt, kill: .seconds(5)))
        state.end(.endOfRun, kill: .seconds(6), now: .seconds(4))
        #expect(state == .ending(.halt, kill: .seconds(5)))
        state.end(.endOfRun, kill: .seconds(4), now: .seconds(4))
        #expect(state == .ending(.halt, kill: .seconds(4)))
    }

    @Test func ofAWorkerThatHasExitedOnlyTheGroupIsTold() {
        for reason in [WorkerState.EndReason.timeout, .halt, .endOfRun] {
            var state = WorkerState.exited(exit(0), nil)
            state.end(reason, kill: .seconds(5), now: .seconds(3))
            #expect(state.reason == nil && state.outcome == .exited(status: 0))
            #expect(state.nextTime == .seconds(3))
            state.lookAgain(now: .seconds(3))
            state.end(reason, kill: .seconds(4), now: .seconds(3) + .milliseconds(1))
            #expect(state.nextTime == .seconds(3) + .milliseconds(1))
            #expect(state.act(now: .seconds(4), killAfter: killAfter) == .kill)
            #expect(state == .exited(exit(0), nil))
        }
    }

    /// What a worker prints or returns when it is told to end is no success.
    @Test(
        arguments: [
            (.timeout, 0, .timedOut), (.timeout, 3 << 8, .timedOut), (.timeout, 9, .timedOut),
            (.halt, 0, .killed(signal: 15)), (.halt, 3 << 8, .exited(status: 3)),
            (.endOfRun, 0, .killed(signal: 15)), (.endOfRun, 9, .killed(signal: 9)),
            (.lostOutput, 0, .killed(signal: 9)), (.lostOutput, 3 << 8, .exited(status: 3)),
        ] as [(WorkerState.EndReason, Int32, Outcome)])
    func aWorkerThatWasToldToEndHasNotDoneItsWork(
        reason: WorkerState.EndReason, waitStatus: Int32, outcome: Outcome
    ) {
        for kill in [Duration.seconds(4), .never] {
            var state = WorkerState.ending(reason, kill: kill)
            state.exited(exit(waitStatus), now: .seconds(3))
            #expect(state.outcome == outcome)
            state.groupIsGone()
            #expect(state.outcome == outcome)
        }
    }
}

@Suite struct ActiveClockTests {
    @Test func timeOfAPmapThatDidNotRunDoesNotCount() {
        var clock = ActiveClock(now: .seconds(10))
        let steps: [(Int, Int)] = [(0, 0), (5, 5), (100, 100), (200, 200), (201, 0), (5000, 0)]
        var now = Duration.seconds(10)
        var time = Duration.zero
        for (step, counted) in steps {
            now += .milliseconds(step)
            time += .milliseconds(counted)
            #expect(clock.advance(to: now) == .milliseconds(counted))
            #expect(clock.time == time)
            // A start between two turns is later than the turn before it.
            #expect(clock.time(at: now + .milliseconds(50)) == time + .milliseconds(50))
        }
    }
}

@Suite struct LingerTests {
    private func listens(_ linger: inout Linger, _ milliseconds: Int, hears: Bool) -> Int {
        for turn in 1...1000 {
            if hears { linger.heard() }
            if linger.listened(for: .milliseconds(milliseconds)) { return turn }
        }
        return .max
    }

    @Test func aSilentPipeIsClosedAfterASecond() {
        var linger = Linger()
        #expect(listens(&linger, 100, hears: false) == 10)
    }

    @Test func aPipeThatGoesOnTalkingIsClosedAfterFive() {
        var linger = Linger()
        #expect(listens(&linger, 100, hears: true) == 50)
    }

    @Test func silenceBeginsAnewWhenSomethingIsHeard() {
        var linger = Linger()
        for _ in 0..<9 {
            let isOver = linger.listened(for: .milliseconds(100))
            #expect(!isOver)
        }
        linger.heard()
        #expect(listens(&linger, 100, hears: false) == 10)
    }
}
