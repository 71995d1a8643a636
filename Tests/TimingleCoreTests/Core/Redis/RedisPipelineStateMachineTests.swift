import Testing

@testable import TimingleCore

struct RedisPipelineStateMachineTests {
    @Test func theFirstCommandConnectsAndTheNextOnesWait() {
        var machine: RedisPipelineStateMachine = .idle
        #expect(machine.commandSubmitted() == .connectAndWait)
        #expect(machine.commandSubmitted() == .wait)
        machine.connectionReady()
        #expect(machine.commandSubmitted() == .send)
    }

    @Test func afterAFailureNobodyWaits() {
        var machine: RedisPipelineStateMachine = .connecting(failures: 0)
        #expect(machine.connectionEnded() == .failWaitingAndBackOff(failures: 1))
        #expect(machine.commandSubmitted() == .failUnavailable)
        let connects = machine.pauseElapsed()
        #expect(connects)
        #expect(machine.commandSubmitted() == .failUnavailable)
        #expect(machine.connectionEnded() == .failWaitingAndBackOff(failures: 2))
    }

    @Test func aLostConnectionIsMadeAgainAtOnceAndCommandsWaitForThatOneAttempt() {
        var machine: RedisPipelineStateMachine = .ready
        #expect(machine.connectionEnded() == .connectNow)
        #expect(machine.commandSubmitted() == .wait)
        #expect(machine.connectionEnded() == .failWaitingAndBackOff(failures: 1))
    }

    @Test func afterASilentServerNobodyWaitsForTheNextAttempt() {
        var machine: RedisPipelineStateMachine = .ready
        #expect(machine.connectionEnded(wasSilent: true) == .connectNow)
        #expect(machine.commandSubmitted() == .failUnavailable)
        machine.connectionReady()
        #expect(machine.commandSubmitted() == .send)
    }

    @Test func aClosedPipelineStaysClosed() {
        var machine: RedisPipelineStateMachine = .backingOff(failures: 3)
        machine.close()
        #expect(machine.commandSubmitted() == .failClosed)
        #expect(machine.connectionEnded() == .nothing)
        let connects = machine.pauseElapsed()
        #expect(!connects)
        machine.connectionReady()
        #expect(machine.commandSubmitted() == .failClosed)
    }

    @Test(arguments: [(1, 50), (2, 100), (5, 800), (20, 5_000), (1_000, 5_000)])
    func pausesDoubleUpToTheLimit(failures: Int, milliseconds: Int) {
        let longest = RedisPipelineStateMachine.pause(
            failures: failures,
            min: .milliseconds(50),
            max: .seconds(5),
            jitter: 0
        )
        let shortest = RedisPipelineStateMachine.pause(
            failures: failures,
            min: .milliseconds(50),
            max: .seconds(5),
            jitter: 1
        )
        #expect(longest == .milliseconds(milliseconds))
        #expect(shortest == .milliseconds(milliseconds) / 2)
    }
}
