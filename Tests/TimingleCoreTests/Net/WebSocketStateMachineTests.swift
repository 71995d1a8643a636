import Testing

@testable import TimingleNet

/// Walks every pair of state and event that may come, and the numbers of each deadline.
struct WebSocketStateMachineTests {
    private let start = MonotonicInstant.now
    private let limits = WebSocketLimits()

    /// The states, by name, because a machine cannot be copied.
    enum State: CaseIterable {
        case open, closingByUs, finishing, closed
    }

    private func machine(_ state: State) -> WebSocketStateMachine {
        switch state {
        case .open: WebSocketStateMachine(openedAt: self.start)
        case .closingByUs: .closingByUs(.serviceRestart, deadline: self.start + .seconds(5))
        case .finishing: .finishing(deadline: self.start + .seconds(5))
        case .closed: .closed
        }
    }

    private static func name(_ machine: borrowing WebSocketStateMachine) -> State {
        switch machine {
        case .open: .open
        case .closingByUs: .closingByUs
        case .finishing: .finishing
        case .closed: .closed
        }
    }

    @Test func onlyAnOpenOneTakesMessagesAndOnlyTheFirstTwoReadFrames() {
        for state in State.allCases {
            let machine = self.machine(state)
            #expect(machine.isOpen == (state == .open))
            #expect(machine.readsFrames == (state == .open || state == .closingByUs))
        }
    }

    @Test(arguments: [State.open, .closingByUs])
    func aCloseOfThePeerFinishes(state: State) {
        var machine = self.machine(state)
        let action = machine.closeReceived(.normal, now: self.start, limits: self.limits)
        #expect(
            action == (state == .open ? .sendCloseAndFinish(report: .normal) : .finish(report: .serviceRestart))
        )
        #expect(Self.name(machine) == .finishing)
    }

    @Test(arguments: State.allCases)
    func onlyAnOpenOneCanBeAskedToClose(state: State) {
        var machine = self.machine(state)
        let action = machine.closeRequested(.signedOut, now: self.start, limits: self.limits)
        #expect(action == (state == .open ? .sendClose : .nothing))
        #expect(Self.name(machine) == (state == .open ? .closingByUs : state))
        #expect(machine.nextDeadline(limits: self.limits) == (state == .closed ? nil : self.start + .seconds(5)))
    }

    @Test(arguments: State.allCases)
    func aFailureIsToldOnceAndAwaitsNothing(state: State) {
        var machine = self.machine(state)
        let action = machine.failed(.tryAgainLater, now: self.start, limits: self.limits)
        switch state {
        case .open: #expect(action == .sendCloseAndFinish(report: .tryAgainLater))
        case .closingByUs: #expect(action == .finish(report: .serviceRestart))
        case .finishing, .closed: #expect(action == .nothing)
        }
        #expect(Self.name(machine) == (state == .closed ? .closed : .finishing))
    }

    @Test(arguments: [State.open, .closingByUs, .finishing])
    func aHalfCloseWithoutACloseIsAbnormal(state: State) {
        var machine = self.machine(state)
        let action = machine.peerHalfClosed(now: self.start, limits: self.limits)
        switch state {
        case .open: #expect(action == .finish(report: .abnormal))
        case .closingByUs: #expect(action == .finish(report: .serviceRestart))
        case .finishing, .closed: #expect(action == .nothing)
        }
        #expect(Self.name(machine) == .finishing)
    }

    @Test(arguments: [State.open, .closingByUs, .finishing])
    func theEndOfTheStreamIsReportedUnlessItWas(state: State) {
        var machine = self.machine(state)
        let action = machine.streamClosed()
        switch state {
        case .open: #expect(action == .report(.abnormal))
        case .closingByUs: #expect(action == .report(.serviceRestart))
        case .finishing, .closed: #expect(action == .nothing)
        }
        #expect(Self.name(machine) == .closed)
        #expect(machine.nextDeadline(limits: self.limits) == nil)
    }

    @Test(arguments: [State.open, .closingByUs])
    func framesKeepTheState(state: State) {
        var machine = self.machine(state)
        machine.frameReceived(now: self.start + .seconds(1))
        #expect(Self.name(machine) == state)
    }

    // MARK: Time

    @Test func aPingIsSentAfterItsIntervalAndNotBefore() {
        var machine = self.machine(.open)
        #expect(machine.nextDeadline(limits: self.limits) == self.start + .seconds(54))
        let early = self.start + .milliseconds(53_999)
        #expect(machine.deadlineReached(now: early, limits: self.limits) == .nothing)
        #expect(machine.deadlineReached(now: self.start + .seconds(54), limits: self.limits) == .sendPing)
        #expect(machine.nextDeadline(limits: self.limits) == self.start + .seconds(60))
    }

    @Test func silenceEndsItAtTheReadTimeout() {
        var machine = self.machine(.open)
        #expect(machine.deadlineReached(now: self.start + .seconds(54), limits: self.limits) == .sendPing)
        let early = self.start + .milliseconds(59_999)
        #expect(machine.deadlineReached(now: early, limits: self.limits) == .nothing)
        let action = machine.deadlineReached(now: self.start + .seconds(60), limits: self.limits)
        #expect(action == .sendCloseAndFinish(report: .abnormal))
        #expect(machine.nextDeadline(limits: self.limits) == self.start + .seconds(65))
    }

    /// Where this process stood still, the peer was not asked in time, and its silence is ours.
    @Test(arguments: [61, 3_600])
    func aPingThatLeavesLateHasItsTimeToBeAnswered(seconds: Int) {
        var machine = self.machine(.open)
        let late = self.start + .seconds(seconds)
        #expect(machine.deadlineReached(now: late, limits: self.limits) == .sendPing)
        #expect(machine.nextDeadline(limits: self.limits) == late + .seconds(6))
        let early = late + .milliseconds(5_999)
        #expect(machine.deadlineReached(now: early, limits: self.limits) == .nothing)
        machine.frameReceived(now: early)
        #expect(machine.deadlineReached(now: late + .seconds(6), limits: self.limits) == .nothing)
        let next = late + .seconds(54)
        #expect(machine.deadlineReached(now: next, limits: self.limits) == .sendPing)
        // Of its last frame, and of the ping, the later one counts.
        let end = early + .seconds(60)
        #expect(machine.nextDeadline(limits: self.limits) == end)
        #expect(
            machine.deadlineReached(now: end, limits: self.limits) == .sendCloseAndFinish(report: .abnormal)
        )
    }

    @Test func anyFrameMovesTheReadDeadlineAndPingsGoOn() {
        var machine = self.machine(.open)
        #expect(machine.deadlineReached(now: self.start + .seconds(54), limits: self.limits) == .sendPing)
        machine.frameReceived(now: self.start + .seconds(59))
        #expect(machine.deadlineReached(now: self.start + .seconds(60), limits: self.limits) == .nothing)
        #expect(machine.nextDeadline(limits: self.limits) == self.start + .seconds(108))
        #expect(machine.deadlineReached(now: self.start + .seconds(108), limits: self.limits) == .sendPing)
        #expect(machine.nextDeadline(limits: self.limits) == self.start + .seconds(119))
    }

    @Test(arguments: [(State.closingByUs, WebSocketCloseCode?.some(.serviceRestart)), (.finishing, nil)])
    func aPeerThatDoesNotFinishIsGivenUp(state: State, report: WebSocketCloseCode?) {
        var machine = self.machine(state)
        let early = self.start + .milliseconds(4_999)
        #expect(machine.deadlineReached(now: early, limits: self.limits) == .nothing)
        let action = machine.deadlineReached(now: self.start + .seconds(5), limits: self.limits)
        #expect(action == .abort(report: report))
        #expect(Self.name(machine) == .finishing)
    }

    @Test func theCloseOfThePeerDoesNotMoveOurDeadline() {
        var machine = self.machine(.closingByUs)
        let later = self.start + .seconds(4)
        _ = machine.closeReceived(.serviceRestart, now: later, limits: self.limits)
        #expect(machine.nextDeadline(limits: self.limits) == self.start + .seconds(5))
    }
}
