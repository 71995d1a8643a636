import Testing

@testable import TimingleCQL

/// Every state and every event, with what must follow.
struct CQLConnectionStateMachineTests {
    /// The states without what makes them uncopyable.
    enum State: CaseIterable {
        case options, startup, authenticating, ready, draining, closed

        var machine: CQLConnectionStateMachine {
            switch self {
            case .options: .options
            case .startup: .startup
            case .authenticating: .authenticating
            case .ready: .ready
            case .draining: .draining
            case .closed: .closed
            }
        }
    }

    private static func state(_ machine: borrowing CQLConnectionStateMachine) -> State {
        switch machine {
        case .options: .options
        case .startup: .startup
        case .authenticating: .authenticating
        case .ready: .ready
        case .draining: .draining
        case .closed: .closed
        }
    }

    typealias Answer = CQLConnectionStateMachine.Answer
    typealias Action = CQLConnectionStateMachine.AnsweredAction

    /// What moves the handshake on; everything else leaves the state as it is.
    private static func expected(_ state: State, _ answer: Answer) -> (Action, State) {
        switch (state, answer) {
        case (.options, .supported): (.sendStartup, .startup)
        case (.startup, .ready): (.becomeReady, .ready)
        case (.startup, .authenticate): (.sendCredentials, .authenticating)
        case (.authenticating, .authSuccess): (.becomeReady, .ready)
        case (.authenticating, .authChallenge): (.failUnknownMechanism, .authenticating)
        case (.options, .error), (.startup, .error), (.authenticating, .error): (.refused, state)
        case (.options, _), (.startup, _), (.authenticating, _): (.failUnexpected, state)
        case (.ready, _), (.draining, _): (.route, state)
        case (.closed, _): (.ignore, .closed)
        }
    }

    @Test(arguments: State.allCases, Answer.allCases)
    func anAnswerMovesTheHandshakeOn(state: State, answer: Answer) {
        var machine = state.machine
        let (action, next) = Self.expected(state, answer)
        #expect(machine.answered(answer) == action)
        #expect(Self.state(machine) == next)
    }

    @Test(arguments: State.allCases)
    func drainingWaitsForThoseUnderWay(state: State) {
        for isEmpty in [true, false] {
            var machine = state.machine
            let action = machine.drain(inFlightIsEmpty: isEmpty)
            switch (state, isEmpty) {
            case (.options, _), (.startup, _), (.authenticating, _), (.ready, true):
                #expect(action == .close)
                #expect(Self.state(machine) == .closed)
            case (.ready, false):
                #expect(action == .wait)
                #expect(Self.state(machine) == .draining)
            case (.draining, _), (.closed, _):
                #expect(action == .nothing)
                #expect(Self.state(machine) == state)
            }
        }
    }

    @Test(arguments: State.allCases)
    func theLastAnswerEndsADrainAlone(state: State) {
        var machine = state.machine
        #expect(machine.lastAnswered() == (state == .draining ? .close : .nothing))
        #expect(Self.state(machine) == (state == .draining ? .closed : state))
    }

    @Test(arguments: State.allCases)
    func theConnectDeadlineEndsAHandshakeAlone(state: State) {
        var machine = state.machine
        let ends = state == .options || state == .startup || state == .authenticating
        #expect(machine.connectDeadlineReached() == ends)
        #expect(Self.state(machine) == (ends ? .closed : state))
    }

    @Test(arguments: State.allCases)
    func closingHappensOnce(state: State) {
        var machine = state.machine
        #expect(machine.close() == (state != .closed))
        #expect(Self.state(machine) == .closed)
        let again = machine.close()
        #expect(!again)
    }

    @Test(arguments: State.allCases)
    func statesSayWhatTheyAre(state: State) {
        let machine = state.machine
        #expect(machine.takesRequests == (state == .ready))
        #expect(machine.isHandshaking == [.options, .startup, .authenticating].contains(state))
        #expect(machine.isClosed == (state == .closed))
    }
}
