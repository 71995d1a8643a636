import Testing

@testable import TimingleNet

struct TLSStateMachineTests {
    private static let states: [TLSStateMachine.State] = [
        .handshaking, .open, .peerFinished, .finished(peerFinished: false), .finished(peerFinished: true), .refusing,
        .failed, .closed,
    ]

    @Test func aNewOneHandshakes() {
        let machine = TLSStateMachine()
        let facts = [machine.isHandshaking, machine.mayRead, machine.mayWrite, machine.isAtEnd]
        #expect(facts == [true, false, false, false])
    }

    /// What each state allows: read, write, at end.
    @Test func eachStateAllowsWhatItsNameSays() {
        let expected: [(Bool, Bool, Bool)] = [
            (false, false, false), (true, true, false), (false, true, true), (true, false, false),
            (false, false, true), (false, false, false), (false, false, false), (false, false, false),
        ]
        for (state, (read, write, end)) in zip(Self.states, expected) {
            let machine = TLSStateMachine(state)
            let facts = [machine.mayRead, machine.mayWrite, machine.isAtEnd]
            #expect(facts == [read, write, end], "\(state)")
            let names = [machine.isHandshaking, machine.isRefusing, machine.hasFailed]
            #expect(names == [state == .handshaking, state == .refusing, state == .failed], "\(state)")
        }
    }

    @Test func aShutdownIsToldToThePeerOnce() {
        let expected: [(TLSStateMachine.ShutdownAction, TLSStateMachine.State)] = [
            (.refuse, .refusing), (.sendCloseNotify, .finished(peerFinished: false)),
            (.sendCloseNotify, .finished(peerFinished: true)), (.nothing, .finished(peerFinished: false)),
            (.nothing, .finished(peerFinished: true)), (.nothing, .refusing), (.nothing, .failed),
        ]
        for (state, (action, next)) in zip(Self.states, expected) {
            var machine = TLSStateMachine(state)
            let got = machine.shutdownRequested()
            let after = machine.state
            #expect(got == action && after == next, "\(state)")
        }
    }

    @Test func aDeadlineEndsWhatHasNoSessionOnly() {
        for state in Self.states {
            var machine = TLSStateMachine(state)
            let action = machine.deadlineReached()
            let after = machine.state
            let ends = state == .handshaking || state == .refusing
            #expect(action == (ends ? .fail : .nothing) && after == (ends ? .failed : state), "\(state)")
        }
    }

    @Test func itBreaksOnce() {
        for state in Self.states {
            var machine = TLSStateMachine(state)
            let isFirst = machine.broke()
            let after = machine.state
            let isOver = state == .failed || state == .closed
            #expect(isFirst == !isOver && after == (state == .closed ? .closed : .failed), "\(state)")
        }
    }

    @Test func onlyALivingSessionSaysFarewellWhenItCloses() {
        for state in Self.states where state != .closed {
            var machine = TLSStateMachine(state)
            let action = machine.closed()
            let after = machine.state
            let lives = state == .open || state == .peerFinished
            #expect(action == (lives ? .sendCloseNotify : .nothing) && after == .closed, "\(state)")
        }
    }

    @Test func handshakesAndEndsMoveOnlyFromWhereTheyCanHappen() {
        var completed = TLSStateMachine()
        completed.handshakeCompleted()
        let open = completed.state
        completed.endReceived()
        var refused = TLSStateMachine()
        refused.handshakeRefused()
        var finished = TLSStateMachine(.finished(peerFinished: false))
        finished.endReceived()
        let states = [open, completed.state, refused.state, finished.state]
        #expect(states == [.open, .peerFinished, .refusing, .finished(peerFinished: true)])
    }

    /// Every other pair of those events and states is our own bug.
    @Test func impossiblePairsTrap() async {
        await #expect(processExitsWith: .failure) {
            var machine = TLSStateMachine(.open)
            machine.handshakeCompleted()
        }
        await #expect(processExitsWith: .failure) {
            var machine = TLSStateMachine(.refusing)
            machine.handshakeRefused()
        }
        await #expect(processExitsWith: .failure) {
            var machine = TLSStateMachine(.peerFinished)
            machine.endReceived()
        }
        await #expect(processExitsWith: .failure) {
            var machine = TLSStateMachine(.closed)
            _ = machine.closed()
        }
        await #expect(processExitsWith: .failure) {
            var machine = TLSStateMachine(.closed)
            _ = machine.shutdownRequested()
        }
    }
}
