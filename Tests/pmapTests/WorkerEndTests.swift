import Testing

@testable import pmap

/// What becomes of a worker that is told to end, whether it has exited or not.
@Suite struct WorkerEndTests {
    private let success = WorkerState.Exit(waitStatus: 0, time: .zero)

    /// pmap may find that it cannot hold the output when the process has exited with status 0.
    @Test func aWorkerWhoseOutputIsLostHasFailedThoughItExited() {
        var state = WorkerState.running(deadline: .never)
        state.exited(success, now: .zero)
        state.end(.lostOutput, kill: .seconds(2), now: .zero)
        #expect(state.outcome == .killed(signal: 9))
        state.groupIsGone()
        #expect(state.outcome == .killed(signal: 9))
    }

    @Test func soHasOneWhoseGroupIsEnding() {
        var state = WorkerState.exited(success, nil)
        state.end(.endOfRun, kill: .seconds(2), now: .zero)
        #expect(state.outcome == .exited(status: 0))
        state.end(.lostOutput, kill: .seconds(2), now: .zero)
        #expect(state.outcome == .killed(signal: 9))
    }
}
