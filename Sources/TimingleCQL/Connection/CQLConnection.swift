package import TimingleNet

/// One connection to one node: the handshake, then many requests at once, each on a stream of its own.
///
/// Loop-confined. The decisions are in `CQLConnectionStateMachine` and `InFlightRequests`. Requests of a turn leave in
/// one write at its end; one timer stands for all deadlines.
package final class CQLConnection: StreamHandler {
    package let loop: EventLoop
    package let address: SocketAddress
    /// What the server can do, from `open` on.
    package private(set) var supported: [String: [String]] = [:]
    /// Hears of events, after a REGISTER.
    package var onEvent: ((CQLServerEvent) -> Void)?
    /// Called once, at the end of a turn, when the connection has ended after `open` succeeded and everybody who
    /// waited knows.
    package var onClose: ((CQLError) -> Void)?

    let settings: CQLConnectionSettings
    private let sourcePort: UInt16?
    private let log: Log
    private var machine: CQLConnectionStateMachine = .options
    private var decoder: CQLFrameDecoder
    private var stream: StreamConnection?
    private var tls: TLSStream?
    private var opened: ((Result<Void, CQLError>) -> Void)?
    private var hasOpened = false
    private var hasAnswered = false
    /// Why it ended.
    private var ending: CQLError?
    // Shared with CQLConnection+Deadlines.swift.
    var inFlight: InFlightRequests
    var lastReadAt: MonotonicInstant = .now
    var connectTimer: TimerToken?
    var deadlineTimer: TimerToken?
    /// When that timer fires.
    var deadlineTimerAt: MonotonicInstant = .now
    var heartbeatTimer: TimerToken?
    var isProbing = false

    /// Makes a connection that does nothing before `open`; a server that counts on it sees `sourcePort`.
    package init(
        loop: EventLoop,
        address: SocketAddress,
        sourcePort: UInt16? = nil,
        settings: CQLConnectionSettings,
        log: Log
    ) {
        self.loop = loop
        self.address = address
        self.sourcePort = sourcePort
        self.settings = settings
        self.log = log
        self.decoder = CQLFrameDecoder(bodyBytesMax: settings.bodyBytesMax)
        self.inFlight = InFlightRequests(limit: settings.streamsMax)
    }

    /// Requests that somebody waits for.
    package var inFlightCount: Int { self.inFlight.waiterCount }
    package var orphanCount: Int { self.inFlight.orphanCount }
    package var hasFreeStream: Bool { !self.inFlight.isFull }
    package var isReady: Bool { self.machine.takesRequests }
    package var isClosed: Bool { self.machine.isClosed }

    // MARK: Opening

    /// Connects and shakes hands; `completion` is called exactly once, and never inside this call.
    package func open(_ completion: @escaping (Result<Void, CQLError>) -> Void) {
        guard !self.machine.isClosed else {
            let failure = CQLError(.closed, "the connection was closed", node: self.node)
            self.loop.schedule(after: .zero) { completion(.failure(failure)) }
            return
        }
        do throws(SystemError) {
            let socket = try Socket.connecting(to: self.address, fromPort: self.sourcePort)
            try socket.disableNagle()
            self.open(on: SocketStream(socket), completion)
        } catch {
            _ = self.machine.close()
            let failure = CQLError(.notConnected, "no connection", node: self.node, underlying: error.description)
            self.loop.schedule(after: .zero) { completion(.failure(failure)) }
        }
    }

    /// Shakes hands over a socket that is connected, or about to be.
    ///
    /// Until it is, the kernel takes nothing, and what is written waits in the outbox.
    func open(on socket: any SocketIO, _ completion: @escaping (Result<Void, CQLError>) -> Void) {
        precondition(self.stream == nil, "a connection is opened once")
        var io = socket
        if let tls = self.settings.tls {
            let encrypted = TLSStream(socket, context: tls, serverName: self.settings.serverName, log: self.log)
            self.tls = encrypted
            io = encrypted
        }
        var limits = StreamLimits()
        limits.outboxBytes = self.settings.outboxBytesMax
        let stream = StreamConnection(
            io: io,
            loop: self.loop,
            peerAddress: self.address,
            limits: Shared(limits),
            handler: self
        )
        self.opened = completion
        self.stream = stream
        do throws(SystemError) {
            try stream.open()
        } catch {
            self.stream = nil
            self.ending = CQLError(.notConnected, "no connection", node: self.node, underlying: error.description)
            _ = self.machine.close()
            self.loop.schedule(after: .zero) { self.reportEnd() }
            return
        }
        self.connectTimer = self.loop.schedule(after: self.settings.connectTimeout) { self.connectDeadlineReached() }
        self.sendInHandshake(.options)
    }

    private func connectDeadlineReached() {
        self.connectTimer = nil
        guard self.machine.connectDeadlineReached() else { return }
        self.finish(CQLError(.notConnected, "not ready within \(self.settings.connectTimeout)", node: self.node))
    }

    private func sendInHandshake(_ request: CQLRequest) {
        do throws(CQLCodingError) {
            let encoded = try request.encode()
            self.stream?.send(about: encoded.bytes.count) { encoded.append(to: &$0, stream: 0) }
        } catch {
            self.end(CQLError(.encoding, error.description, node: self.node))
        }
    }

    private func answeredInHandshake(_ response: CQLResponse) {
        switch self.machine.answered(Self.answer(response.content)) {
        case .sendStartup:
            if case .supported(let supported) = response.content { self.supported = supported }
            self.sendInHandshake(.startup(StartupRequest(options: self.settings.startupOptions)))
        case .sendCredentials:
            guard let credentials = self.settings.credentials else {
                let message = "the server wants credentials, and there are none"
                return self.end(CQLError(.authentication, message, node: self.node))
            }
            let request = AuthResponseRequest(username: credentials.username, password: credentials.password)
            self.sendInHandshake(.authResponse(request))
        case .becomeReady:
            self.becomeReady()
        case .refused:
            guard case .error(let error) = response.content else { return }
            let code: CQLError.Code = error.code == .authentication ? .authentication : .notConnected
            self.end(CQLError(code, error.message, node: self.node))
        case .failUnknownMechanism:
            self.end(CQLError(.authentication, "a challenge that PLAIN has no answer to", node: self.node))
        case .failUnexpected:
            self.end(CQLError(.decoding, "an unexpected answer in the handshake", node: self.node))
        case .route, .ignore:
            preconditionFailure("an answer of the handshake behind its end")
        }
    }

    private static func answer(_ content: CQLResponse.Content) -> CQLConnectionStateMachine.Answer {
        switch content {
        case .supported: .supported
        case .ready: .ready
        case .authenticate: .authenticate
        case .authChallenge: .authChallenge
        case .authSuccess: .authSuccess
        case .error: .error
        case .void, .rows, .setKeyspace, .prepared, .schemaChange, .event: .other
        }
    }

    private func becomeReady() {
        if let timer = self.connectTimer { self.loop.cancel(timer) }
        self.connectTimer = nil
        self.hasOpened = true
        self.armHeartbeat()
        let opened = self.opened
        self.opened = nil
        opened?(.success(()))
    }

    // MARK: Requests

    /// Sends a request at the end of the turn; `completion` is called exactly once, and never inside this call.
    ///
    /// An error of the server is a response. The ticket gives the request up.
    @discardableResult
    package func send(
        _ request: CQLEncodedRequest,
        deadline: MonotonicInstant,
        _ completion: @escaping (Result<CQLResponse, CQLError>) -> Void
    ) -> CQLTicket? {
        guard let stream = self.stream, self.machine.takesRequests else {
            let code: CQLError.Code = self.machine.isClosed ? .closed : .notConnected
            return self.refuse(CQLError(code, "the connection takes no requests", node: self.node), completion)
        }
        let waiter = InFlightRequests.Waiter(
            deadline: deadline,
            sentAt: self.loop.now,
            known: request.known,
            completion: completion
        )
        guard let ticket = self.inFlight.add(waiter) else {
            return self.refuse(CQLError(.tooManyWaiters, "no stream is free", node: self.node), completion)
        }
        let verdict = stream.send(about: request.bytes.count) { request.append(to: &$0, stream: ticket.stream) }
        switch verdict {
        case .sent, .queued:
            self.armDeadline(deadline)
            return ticket
        case .tooSlow, .closed:
            self.inFlight.withdraw(ticket)
            return self.refuse(CQLError(.tooManyWaiters, "the node takes no bytes", node: self.node), completion)
        }
    }

    private func refuse(
        _ error: CQLError,
        _ completion: @escaping (Result<CQLResponse, CQLError>) -> Void
    ) -> CQLTicket? {
        self.loop.schedule(after: .zero) { completion(.failure(error)) }
        return nil
    }

    /// Gives a request up: its completion is not called, and its stream stays taken until the answer comes.
    package func cancel(_ ticket: CQLTicket) {
        guard self.inFlight.orphan(ticket, now: self.loop.now) != nil else { return }
        self.checkOrphans()
        self.checkDrained()
    }

    // MARK: Answers

    package func bytesReceived(_ bytes: UnsafeMutableRawBufferPointer, on connection: StreamConnection) -> Int {
        self.lastReadAt = self.loop.now
        self.hasAnswered = true
        do throws(WireError) {
            try self.decoder.decode(UnsafeRawBufferPointer(bytes).bytes) { header, body in
                self.received(header, body)
                return !self.machine.isClosed
            }
        } catch {
            self.violated(error)
        }
        return bytes.count
    }

    private func received(_ header: CQLHeader, _ body: RawSpan) {
        do throws(WireError) {
            let known = self.inFlight.known(header.stream)
            let response = try CQLResponse.decode(header, body: body, known: known)
            if header.stream == CQLHeader.eventStream {
                guard case .event(let event) = response.content else { throw .malformed("event") }
                self.onEvent?(event)
            } else if self.machine.isHandshaking {
                guard header.stream == 0 else { throw .malformed("stream of an answer") }
                self.answeredInHandshake(response)
            } else {
                try self.route(response, header.stream)
            }
        } catch {
            self.violated(error)
        }
    }

    private func route(_ response: CQLResponse, _ stream: Int16) throws(WireError) {
        switch self.inFlight.answered(stream) {
        case .waiter(let waiter): waiter.completion(.success(response))
        case .orphan: break
        case .nobody: throw .malformed("stream of an answer")
        }
        self.checkDrained()
    }

    /// After this nothing that comes can be trusted, not even where a frame begins.
    private func violated(_ error: WireError) {
        self.end(CQLError(.decoding, "not the native protocol v4", node: self.node, underlying: "\(error)"))
    }

    // MARK: Ends

    /// Takes no more requests, and ends when those under way are answered.
    package func drain() {
        switch self.machine.drain(inFlightIsEmpty: self.inFlight.waiterCount == 0) {
        case .close: self.finish(CQLError(.closed, "the connection was drained", node: self.node))
        case .wait, .nothing: break
        }
    }

    func checkDrained() {
        guard self.inFlight.waiterCount == 0, self.machine.lastAnswered() == .close else { return }
        self.finish(CQLError(.closed, "the connection was drained", node: self.node))
    }

    /// Ends at once; what is under way fails within this call.
    package func close() { self.end(CQLError(.closed, "the connection was closed", node: self.node)) }

    func end(_ error: CQLError) {
        guard self.machine.close() else { return }
        self.finish(error)
    }

    /// The machine is closed; the stream follows, and reports at the end of the turn.
    private func finish(_ error: CQLError) {
        self.ending = error
        for timer in [self.connectTimer, self.deadlineTimer, self.heartbeatTimer].compactMap({ $0 }) {
            self.loop.cancel(timer)
        }
        self.connectTimer = nil
        self.deadlineTimer = nil
        self.heartbeatTimer = nil
        self.failWaiters(error)
        self.stream?.abort()
    }

    private func failWaiters(_ error: CQLError) {
        var failure = error
        failure.wasSent = true
        for waiter in self.inFlight.removeAll() { waiter.completion(.failure(failure)) }
    }

    package func peerHalfClosed(on connection: StreamConnection) {
        self.end(CQLError(.connectionLost, "the node closed the connection\(self.beforeAnAnswer)", node: self.node))
    }

    /// A node that was not even greeted back may speak another protocol, such as TLS.
    private var beforeAnAnswer: String { self.hasAnswered ? "" : " before it answered" }

    package func outboxDrained(on connection: StreamConnection) {}

    package func connectionClosed(_ reason: StreamCloseReason, on connection: StreamConnection) {
        if self.opened != nil, let why = self.tls?.failureReason {
            self.end(CQLError(.tls, "no encrypted connection", node: self.node, underlying: why))
        }
        var message = "the connection failed"
        if case .failed(let failure) = reason, failure.isReset { message += self.beforeAnAnswer }
        self.end(CQLError(.connectionLost, message, node: self.node, underlying: "\(reason)"))
        self.stream = nil
        self.tls = nil
        self.reportEnd()
    }

    private func reportEnd() {
        let error = self.ending ?? CQLError(.connectionLost, "the connection ended", node: self.node)
        let (opened, onClose) = (self.opened, self.onClose)
        self.opened = nil
        self.onClose = nil
        self.onEvent = nil
        if let opened {
            // Before it was ready nothing of anybody's was sent: whatever was lost, there is no connection.
            opened(.failure(error.code == .connectionLost ? error.with(.notConnected) : error))
        } else if self.hasOpened {
            onClose?(error)
        }
    }

    var node: String { self.address.description }
}

extension CQLError {
    fileprivate func with(_ code: Code) -> CQLError {
        CQLError(code, self.message, node: self.node, wasSent: false, underlying: self.underlying)
    }
}
