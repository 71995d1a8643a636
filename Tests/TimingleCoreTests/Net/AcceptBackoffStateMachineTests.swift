import Testing

@testable import TimingleNet

struct AcceptBackoffStateMachineTests {
    private let start = MonotonicInstant.now

    @Test(arguments: [(1, 10), (2, 20), (3, 40), (20, 1_000)])
    func eachFailureInARowDoublesThePauseUpToTheLimit(failures: Int, pauseMilliseconds: Int) {
        var machine: AcceptBackoffStateMachine = .accepting(failures: failures - 1)
        let until = machine.descriptorsExhausted(now: self.start, pauseMax: .seconds(1))
        #expect(until == self.start + .milliseconds(pauseMilliseconds))
        #expect(machine.isPaused == true)
    }

    @Test func thePauseEndsAtItsDeadlineAndASuccessForgetsTheFailures() {
        var machine: AcceptBackoffStateMachine = .accepting(failures: 5)
        let until = machine.descriptorsExhausted(now: self.start, pauseMax: .seconds(1))
        #expect(machine.deadlineReached(now: until - .milliseconds(1)) == .waitLonger(until: until))
        #expect(machine.deadlineReached(now: until) == .resumeAccepting)
        #expect(machine.deadlineReached(now: until) == .nothing)
        machine.accepted()
        let again = machine.descriptorsExhausted(now: self.start, pauseMax: .seconds(1))
        #expect(again == self.start + .milliseconds(10))
    }
}
