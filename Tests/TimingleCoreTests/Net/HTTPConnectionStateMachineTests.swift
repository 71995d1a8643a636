import Testing

@testable import TimingleNet

struct HTTPConnectionStateMachineTests {
    private typealias Machine = HTTPConnectionStateMachine

    private enum Start: CaseIterable {
        case idle, readingHead, readingBody, handling, sending, upgraded, closing
    }

    private static let exchange = Machine.Exchange(keepAlive: true, isHead: false, isHTTP10: false, mayUpgrade: true)

    private static func machine(_ start: Start, _ session: Machine.Session = .init()) -> HTTPConnectionStateMachine {
        switch start {
        case .idle: .idle(session)
        case .readingHead: .readingHead(session)
        case .readingBody: .readingBody(session, Self.exchange)
        case .handling: .handling(session, Self.exchange)
        case .sending: .sending(session, closes: false)
        case .upgraded: .upgraded
        case .closing: .closing
        }
    }

    private static func head(
        _ method: HTTPMethod = .get,
        minor: Int = 1,
        framing: HTTPRequestHead.Framing = .none,
        keepAlive: Bool = true
    ) -> HTTPRequestHead {
        HTTPRequestHead(
            kind: HTTPRequestHead.Kind(method),
            minorVersion: minor,
            framing: framing,
            keepAlive: keepAlive,
            expectsContinue: false
        )
    }

    private static func send(close: Bool, isHead: Bool = false, sayKeepAlive: Bool = false) -> Machine.ResponseAction {
        .send(HTTPResponseEncoder.Framing(isHead: isHead, close: close, sayKeepAlive: sayKeepAlive))
    }

    @Test func requestsFollowEachOther() {
        var machine = Machine()
        for _ in 0..<3 {
            #expect(machine.wantsHead && machine.isIdle)
            machine.headBegan()
            #expect(machine.headCompleted(Self.head(.post, framing: .length(3)), requestsMax: 100) == .readBody)
            #expect(machine.wantsBody && !machine.wantsHead)
            machine.bodyCompleted()
            #expect(!machine.wantsBody && !machine.wantsHead)
            #expect(machine.responded(wantsUpgrade: false, wantsClose: false) == Self.send(close: false))
        }
        #expect(machine.headCompleted(Self.head(), requestsMax: 100) == .handle)
    }

    @Test func whatEndsPersistence() {
        var asked = Machine()
        _ = asked.headCompleted(Self.head(keepAlive: false), requestsMax: 100)
        #expect(asked.responded(wantsUpgrade: false, wantsClose: false) == Self.send(close: true))
        var handler = Machine()
        _ = handler.headCompleted(Self.head(), requestsMax: 100)
        #expect(handler.responded(wantsUpgrade: false, wantsClose: true) == Self.send(close: true))
        var last = Machine()
        _ = last.headCompleted(Self.head(.head), requestsMax: 1)
        #expect(last.responded(wantsUpgrade: false, wantsClose: false) == Self.send(close: true, isHead: true))
        #expect(last.wantsHead == false)
        var old = Machine()
        _ = old.headCompleted(Self.head(minor: 0), requestsMax: 100)
        #expect(old.responded(wantsUpgrade: false, wantsClose: false) == Self.send(close: false, sayKeepAlive: true))
    }

    @Test func onlyABodilessGetOfHTTP11BecomesAWebSocket() {
        for (head, expected) in [
            (Self.head(), Machine.ResponseAction.upgrade), (Self.head(.post), .refuseUpgrade),
            (Self.head(.head), .refuseUpgrade), (Self.head(minor: 0), .refuseUpgrade),
        ] {
            var machine = Machine()
            _ = machine.headCompleted(head, requestsMax: 100)
            #expect(machine.responded(wantsUpgrade: true, wantsClose: false) == expected)
        }
        var body = Machine()
        _ = body.headCompleted(Self.head(framing: .chunked), requestsMax: 100)
        body.bodyCompleted()
        #expect(body.responded(wantsUpgrade: true, wantsClose: false) == .refuseUpgrade)
        #expect(body.responded(wantsUpgrade: false, wantsClose: true) == Self.send(close: true))
        var draining = Self.machine(.handling, .init(isLast: true))
        #expect(draining.responded(wantsUpgrade: true, wantsClose: false) == .refuseUpgrade)
    }

    @Test(arguments: [
        (Start.idle, Machine.FailureAction.refuse), (.readingHead, .refuse), (.readingBody, .refuse),
        (.closing, .nothing),
    ])
    private func badBytesAreRefusedOnce(start: Start, expected: Machine.FailureAction) {
        var machine = Self.machine(start)
        #expect(machine.failed() == expected)
        #expect(machine.failed() == .nothing)
    }

    @Test(arguments: [
        (Start.idle, Machine.DeadlineAction.close), (.readingHead, .refuse(.headTimeout)),
        (.readingBody, .refuse(.bodyTimeout)), (.handling, .nothing), (.sending, .nothing), (.upgraded, .nothing),
        (.closing, .nothing),
    ])
    private func theDeadlineMeansWhatTheStateWaitsFor(start: Start, expected: Machine.DeadlineAction) {
        var machine = Self.machine(start)
        #expect(machine.deadlineReached() == expected)
    }

    @Test(arguments: [
        (Start.idle, Machine.PeerClosedAction.close), (.readingHead, .close), (.readingBody, .close),
        (.handling, .cancelLater), (.sending, .nothing), (.upgraded, .nothing), (.closing, .nothing),
    ])
    private func theEndOfThePeersStream(start: Start, expected: Machine.PeerClosedAction) {
        var machine = Self.machine(start)
        #expect(machine.peerClosed(bytesWait: false) == expected)
        if start == .handling {
            #expect(machine.deadlineReached() == .cancelRequest)
            #expect(machine.responded(wantsUpgrade: false, wantsClose: false) == Self.send(close: false))
            #expect(machine.isAbandoned == true)
            machine.closed()
            #expect(machine.isAbandoned == false)
        }
    }

    @Test func waitingBytesAreServedBeforeAnAbandonedConnectionEnds() {
        var machine = Self.machine(.idle)
        #expect(machine.peerClosed(bytesWait: true) == .nothing)
        #expect(machine.headCompleted(Self.head(), requestsMax: 9) == .handle)
        #expect(machine.responded(wantsUpgrade: false, wantsClose: false) == Self.send(close: false))
        #expect(machine.isAbandoned == true)
    }

    @Test(arguments: [
        (Start.idle, Machine.DrainAction.close), (.readingHead, .nothing), (.readingBody, .nothing),
        (.handling, .nothing), (.sending, .nothing), (.upgraded, .nothing), (.closing, .nothing),
    ])
    private func drainingEndsIdleConnectionsOnly(start: Start, expected: Machine.DrainAction) {
        var machine = Self.machine(start)
        #expect(machine.drainRequested(bytesWait: false) == expected)
        if start == .handling {
            #expect(machine.responded(wantsUpgrade: false, wantsClose: false) == Self.send(close: true))
        }
    }

    @Test(arguments: Start.allCases)
    private func theStreamsEndCancelsARunningRequest(start: Start) {
        var machine = Self.machine(start)
        #expect(machine.streamClosed() == (start == .handling ? .cancelRequest : .nothing))
        #expect(machine.responded(wantsUpgrade: false, wantsClose: false) == .drop)
    }

    // MARK: Content in pieces

    @Test func theNextRequestWaitsForTheEndOfTheContent() {
        var machine = Self.machine(.handling)
        let action = machine.responded(wantsUpgrade: false, wantsClose: false, contentFollows: true)
        #expect(action == Self.send(close: false))
        #expect(machine.isSending && !machine.wantsHead && !machine.wantsBody && !machine.isIdle)
        #expect(machine.contentSent() == .takeNext)
        #expect(machine.wantsHead && machine.isIdle && !machine.isSending)
    }

    @Test func aConnectionThatIsToCloseDoesSoBehindTheContent() {
        var machine = Self.machine(.handling)
        let action = machine.responded(wantsUpgrade: false, wantsClose: true, contentFollows: true)
        #expect(action == Self.send(close: true))
        #expect(machine.isSending == true)
        #expect(machine.contentSent() == .close)
        #expect(machine.contentSent() == .nothing)
    }

    @Test func aHeadHasNoContentToWaitFor() {
        for close in [false, true] {
            var machine = Machine()
            _ = machine.headCompleted(Self.head(.head), requestsMax: 100)
            let action = machine.responded(wantsUpgrade: false, wantsClose: close, contentFollows: true)
            #expect(action == Self.send(close: close, isHead: true))
            #expect(!machine.isSending && machine.wantsHead == !close)
        }
    }

    @Test func contentThatMeetsTheDrainIsTheLast() {
        var machine = Self.machine(.sending)
        #expect(machine.drainRequested(bytesWait: true) == .nothing)
        #expect(machine.contentSent() == .close)
    }

    @Test func aPeerThatClosedItsHalfGetsAllOfTheContent() {
        var machine = Self.machine(.sending)
        #expect(machine.peerClosed(bytesWait: true) == .nothing)
        #expect(!machine.isAbandoned && machine.isSending)
        #expect(machine.contentSent() == .takeNext)
        #expect(machine.isAbandoned == true)
    }

    @Test func contentThatNobodyWantsIsForgotten() {
        var machine = Self.machine(.sending)
        #expect(machine.streamClosed() == .nothing)
        #expect(machine.contentSent() == .nothing)
    }
}
