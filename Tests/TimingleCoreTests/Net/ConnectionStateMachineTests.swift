import Testing

@testable import TimingleNet

struct ConnectionStateMachineTests {
    private enum Start: CaseIterable {
        case open, halfClosed, draining, drainingPeerDone, lingering, closed
    }

    private static func machine(_ start: Start) -> ConnectionStateMachine {
        switch start {
        case .open: .open
        case .halfClosed: .halfClosed
        case .draining: .draining(peerDone: false)
        case .drainingPeerDone: .draining(peerDone: true)
        case .lingering: .lingering
        case .closed: .closed
        }
    }

    @Test func theEndOfThePeersStream() {
        var open = Self.machine(.open)
        #expect(open.peerClosed() == .tellHandler)
        #expect(open.takesBytes && !open.delivers && open.peerIsDone)
        var draining = Self.machine(.draining)
        #expect(draining.peerClosed() == .nothing)
        #expect(draining.outboxDrained() == .close)
        #expect(draining.isClosed == true)
        var lingering = Self.machine(.lingering)
        #expect(lingering.peerClosed() == .close)
        #expect(lingering.isClosed == true)
    }

    @Test(arguments: [
        (Start.open, true, ConnectionStateMachine.FinishAction.shutdownAndLinger), (.open, false, .flush),
        (.halfClosed, true, .close), (.halfClosed, false, .flush), (.draining, false, .nothing),
        (.drainingPeerDone, false, .nothing), (.lingering, true, .nothing), (.closed, true, .nothing),
    ])
    private func theWishToFinish(
        start: Start,
        outboxIsEmpty: Bool,
        expected: ConnectionStateMachine.FinishAction
    ) {
        var machine = Self.machine(start)
        #expect(machine.finish(outboxIsEmpty: outboxIsEmpty) == expected)
        #expect(machine.takesBytes == false)
    }

    @Test(arguments: [
        (Start.open, ConnectionStateMachine.FinishAction.nothing), (.halfClosed, .nothing),
        (.draining, .shutdownAndLinger), (.drainingPeerDone, .close),
    ])
    private func theOutboxDrained(start: Start, expected: ConnectionStateMachine.FinishAction) {
        var machine = Self.machine(start)
        #expect(machine.outboxDrained() == expected)
    }

    @Test(arguments: Start.allCases)
    private func anAbortEndsEveryStateOnce(start: Start) {
        var machine = Self.machine(start)
        let wasClosed = machine.isClosed
        #expect(machine.abort() == !wasClosed)
        #expect(machine.isClosed == true)
        let again = machine.abort()
        #expect(!again)
    }
}
