/// The hands of one HTTP connection: parses, starts requests, writes answers, keeps one deadline.
///
/// Loop-confined.
///
/// One request is in flight at a time; its handler runs as a task on this loop.
final class HTTPServerConnection: StreamHandler {
    let shard: HTTPServerShard
    /// Nil once the stream ended or belongs to a WebSocket.
    var stream: StreamConnection?
    var machine = HTTPConnectionStateMachine()
    private var parser = HTTPRequestParser()
    private var decoder: HTTPBodyDecoder?
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    /// What this request's body has taken out of the loop's budget.
    private var heldBodyBytes = 0
    private var bodyStart: MonotonicInstant
    /// True while a handler that waits has the request.
    private var isWaiting = false
    private var task: Task<Void, Never>?
    /// What sends the content of an answer that lies in a file.
    var sender: HTTPFileSender?
    var output = HTTPAnswerOutput()
    /// True inside `bytesReceived`, which goes on by itself.
    var isTaking = false
    private var deadline: MonotonicInstant?
    /// When `timer` fires; it is moved forward only when it fires too early, not at each request.
    private var armedFor: MonotonicInstant?
    private var timer: TimerToken?

    var limits: HTTPLimits { self.shard.configuration.limits }

    init(shard: HTTPServerShard) {
        self.shard = shard
        self.bodyStart = shard.loop.now
    }

    /// Takes its stream, which is open; one that is not to be served is told so at once.
    func begin(on stream: StreamConnection, refusal: HTTPParseError?) {
        self.stream = stream
        if let refusal {
            self.refuse(refusal)
        } else {
            self.setDeadline(self.shard.loop.now + self.limits.keepAliveIdle)
        }
    }

    /// The server goes down.
    func drain() {
        guard let stream = self.stream else { return }
        if self.machine.drainRequested(bytesWait: stream.pendingBytes > 0) == .close { stream.closeAfterFlush() }
    }

    // MARK: Stream events

    func bytesReceived(_ bytes: UnsafeMutableRawBufferPointer, on connection: StreamConnection) -> Int {
        let all = UnsafeBufferPointer(bytes.bindMemory(to: UInt8.self)).span
        let loan = self.output.borrow(from: self.shard)
        self.isTaking = true
        var consumed = 0
        while consumed < all.count {
            let rest = all.extracting(consumed..<all.count)
            if self.machine.wantsHead {
                // Answers that the peer does not read hold back its next requests.
                guard self.output.hasRoom(on: connection, limit: self.limits.pipelinedAnswerBytes) else { break }
                guard let taken = self.takeHead(rest, connection) else { break }
                consumed += taken
            } else if self.machine.wantsBody {
                guard let taken = self.takeBody(rest) else { break }
                consumed += taken
            } else {
                break
            }
        }
        self.isTaking = false
        if loan { self.output.giveBack(to: self.shard, sendingOn: self.stream) }
        self.endIfAbandoned(connection)
        return consumed
    }

    func peerHalfClosed(on connection: StreamConnection) {
        switch self.machine.peerClosed(bytesWait: connection.pendingBytes > 0) {
        case .close: connection.closeAfterFlush()
        case .cancelLater: self.setDeadline(self.shard.loop.now + self.limits.halfCloseGrace)
        case .nothing: break
        }
    }

    func outboxDrained(on connection: StreamConnection) {
        if self.machine.isSending { return self.sendOn(connection) }
        guard self.machine.wantsHead, connection.pendingBytes > 0 || self.machine.isAbandoned else { return }
        self.goOn(connection)
    }

    func connectionClosed(_ reason: StreamCloseReason, on connection: StreamConnection) {
        self.stream = nil
        self.clearTimer()
        self.deadline = nil
        self.sendingEnded(reason)
        switch self.machine.streamClosed() {
        // Its task holds the body until it has ended.
        case .cancelRequest: self.task?.cancel()
        case .nothing: self.releaseBody()
        }
    }

    // MARK: Requests

    private func takeHead(_ bytes: Span<UInt8>, _ connection: StreamConnection) -> Int? {
        let isFirst = !self.parser.hasBegun
        if isFirst { self.parser.use(self.shard.lendFieldBlock()) }
        do throws(HTTPParseError) {
            switch try self.parser.parse(bytes, limits: self.limits) {
            case .needMoreBytes:
                self.machine.headBegan()
                // The deadline is for the whole head, whatever the pace of its bytes.
                if isFirst { self.setDeadline(self.shard.loop.now + self.limits.headDeadline) }
                return nil
            case .head(let head, let count):
                try self.begin(consume head, bodyBytesWait: count < bytes.count)
                return count
            }
        } catch {
            self.refuse(error)
            return nil
        }
    }

    private func begin(_ head: consuming HTTPRequestHead, bodyBytesWait: Bool) throws(HTTPParseError) {
        guard head.framing != .none else {
            _ = self.machine.headCompleted(head, requestsMax: self.limits.requestsPerConnection)
            return self.startRequest(consume head)
        }
        // A refusal, too, wants to know what was asked.
        self.head = head
        self.decoder = try HTTPBodyDecoder(head.framing, limits: self.limits)
        _ = self.machine.headCompleted(head, requestsMax: self.limits.requestsPerConnection)
        self.bodyStart = self.shard.loop.now
        if head.expectsContinue, !bodyBytesWait {
            HTTPResponseEncoder.writeContinue(to: &self.output.bytes)
        }
        self.setBodyDeadline(receivedBytes: 0)
    }

    private func takeBody(_ bytes: Span<UInt8>) -> Int? {
        guard var decoder = self.decoder, let head = self.head else { return nil }
        self.decoder = nil
        do throws(HTTPParseError) {
            let count = try decoder.decode(bytes, into: &self.body, limits: self.limits)
            try self.holdBody()
            if decoder.isDone {
                self.machine.bodyCompleted()
                self.head = nil
                self.startRequest(head)
            } else {
                self.setBodyDeadline(receivedBytes: decoder.receivedBytes)
                self.decoder = decoder
            }
            return count
        } catch {
            self.refuse(error)
            return nil
        }
    }

    private func holdBody() throws(HTTPParseError) {
        let counted = max(0, self.body.count - self.limits.bodyBytesUncounted)
        guard self.shard.holdBodyBytes(counted - self.heldBodyBytes) else { throw .bodiesTooLarge }
        self.heldBodyBytes = counted
    }

    private func releaseBody() {
        self.shard.releaseBodyBytes(self.heldBodyBytes)
        self.heldBodyBytes = 0
    }

    private func startRequest(_ head: consuming HTTPRequestHead) {
        guard let stream = self.stream else { return }
        self.deadline = nil
        var request = HTTPRequest(
            method: head.method,
            target: head.target,
            fields: HTTPFields(head.fields),
            peerAddress: stream.peerAddress
        )
        if !self.body.isEmpty { swap(&request.body, &self.body) }
        // Else the block of fields has a second owner until the end, and its memory cannot be used again.
        _ = consume head
        var context = RequestContext(
            loop: self.shard.loop,
            number: self.shard.nextRequestNumber(),
            isSecure: self.shard.configuration.tls != nil,
            log: self.shard.configuration.log
        )
        self.shard.requestBegan()
        do {
            switch try self.shard.configuration.responder.begin(&request, &context) {
            case .answer(let response): self.responded(response, to: request)
            case .wait(let handler): return self.wait(for: handler, request, context)
            }
        } catch {
            self.responded(Self.failure(error, context), to: request)
        }
        self.shard.takeBackFieldBlock(request.fields.takeMemory())
    }

    /// Runs what may wait as a task, at once and as far as it comes: one that does not wait has answered on return.
    private func wait(for handler: @escaping HTTPHandler, _ request: HTTPRequest, _ context: RequestContext) {
        let loop = self.shard.loop
        let responder = self.shard.configuration.responder
        let connection = LoopBound(self, on: loop)
        self.isWaiting = true
        let task = Task.immediate(executorPreference: loop) { @Sendable () async -> Void in
            let response: HTTPResponse
            do {
                response = try await responder.finish(handler, request, context)
            } catch {
                response = Self.failure(error, context)
            }
            connection.value.responded(response, to: request)
        }
        if self.isWaiting { self.task = task }
    }

    /// The responder's middleware turns errors into answers; what escapes it is a bare 500.
    private static func failure(_ error: any Error, _ context: RequestContext) -> HTTPResponse {
        context.log.error("request failed", ["error": .text(String(describing: error))])
        return HTTPResponse(.internalServerError)
    }

    private func responded(_ response: consuming HTTPResponse, to request: HTTPRequest) {
        let loan = self.output.borrow(from: self.shard)
        defer { if loan { self.output.giveBack(to: self.shard, sendingOn: self.stream) } }
        self.isWaiting = false
        self.task = nil
        self.releaseBody()
        self.shard.requestEnded()
        self.shard.contentCoder?.encode(&response, for: request)
        if case .upgrade(let upgrade) = response.body {
            self.upgrade(upgrade, response, request)
        } else {
            self.answer(response)
        }
    }

    private func answer(_ response: HTTPResponse) {
        let wantsClose = response.fields.hasMember("Connection", "close")
        let content = response.fileContent
        let action = self.machine.responded(
            wantsUpgrade: false,
            wantsClose: wantsClose,
            contentFollows: content != nil
        )
        switch action {
        case .send(let framing):
            guard let stream = self.stream else { return }
            self.write(response, framing, on: stream)
            if let content, self.machine.isSending { return self.send(content, on: stream) }
            if framing.close {
                self.output.send(on: stream)
                stream.closeAfterFlush()
            } else {
                self.requestDone(on: stream)
            }
        case .drop:
            break
        case .upgrade, .refuseUpgrade:
            preconditionFailure("no upgrade was wished for")
        }
    }

    private func upgrade(_ upgrade: any HTTPUpgrade, _ response: HTTPResponse, _ request: HTTPRequest) {
        guard let upgrade = upgrade as? WebSocketUpgrade else { preconditionFailure("there is no other protocol") }
        let accepted: WebSocketHandshake.Accepted
        do throws(WebSocketHandshakeError) {
            accepted = try WebSocketHandshake.validate(request)
        } catch {
            return self.answer(HTTPUpgradeHandOver.refusal(error))
        }
        switch self.machine.responded(wantsUpgrade: true, wantsClose: false) {
        case .refuseUpgrade:
            // A good handshake that only came too late is told to come again, not that it was wrong.
            self.answer(
                self.shard.isDraining
                    ? self.shard.refusal(.draining, request.fields) : HTTPUpgradeHandOver.refusal(.notAnUpgrade)
            )
        case .upgrade:
            guard let stream = self.stream else { return }
            let codec = HTTPUpgradeHandOver.accept(
                accepted,
                response,
                for: upgrade,
                to: &self.output.bytes,
                of: self.shard
            )
            self.output.send(on: stream)
            self.clearTimer()
            self.deadline = nil
            self.stream = nil
            HTTPUpgradeHandOver.handOver(stream, to: upgrade, settings: self.shard.webSocketSettings, codec: codec)
        case .drop:
            break
        case .send:
            preconditionFailure("an upgrade is not sent as an answer")
        }
    }

    /// Takes the next request, if its bytes are there; ends when there can be none.
    func goOn(_ stream: StreamConnection) {
        stream.offerPending()
        self.endIfAbandoned(stream)
    }

    private func endIfAbandoned(_ stream: StreamConnection) {
        guard self.machine.isAbandoned else { return }
        guard self.output.hasRoom(on: stream, limit: self.limits.pipelinedAnswerBytes) else { return }
        self.machine.closed()
        self.output.send(on: stream)
        stream.closeAfterFlush()
    }

    private func write(_ response: HTTPResponse, _ framing: HTTPResponseEncoder.Framing, on stream: StreamConnection) {
        let content = HTTPResponseEncoder.encode(
            response,
            framing,
            date: self.shard.dateFieldLine(),
            to: &self.output.bytes
        )
        guard !content.isEmpty else { return }
        self.output.send(on: stream)
        // Half an answer cannot be left standing.
        if stream.send(content) == .tooSlow { stream.abort() }
    }

    /// Answers bytes that cannot become a request, and closes: nothing behind them can be trusted.
    private func refuse(_ error: HTTPParseError) {
        guard let stream = self.stream, self.machine.failed() == .refuse else { return }
        self.writeRefusal(error, on: stream)
    }

    private func writeRefusal(_ error: HTTPParseError, on stream: StreamConnection) {
        self.deadline = nil
        let response = self.shard.refusal(error, self.head.map { HTTPFields($0.fields) })
        var framing = HTTPResponseEncoder.Framing()
        framing.close = true
        framing.isHead = self.head?.method == .head || self.parser.isHead
        self.head = nil
        self.body = []
        self.releaseBody()
        let loan = self.output.borrow(from: self.shard)
        self.write(response, framing, on: stream)
        self.output.send(on: stream)
        stream.closeAfterFlush()
        if loan { self.output.giveBack(to: self.shard, sendingOn: nil) }
    }

    // MARK: Deadline

    /// The earlier of the whole body's deadline and the instant at which the mean rate would fall too low.
    private func setBodyDeadline(receivedBytes: Int) {
        let limits = self.limits
        let earned = Duration.milliseconds(receivedBytes * 1_000 / max(limits.bodyBytesPerSecondMin, 1))
        self.setDeadline(self.bodyStart + min(limits.bodyDeadline, limits.bodyGrace + earned))
    }

    func setDeadline(_ deadline: MonotonicInstant) {
        self.deadline = deadline
        if let armedFor = self.armedFor, armedFor <= deadline { return }
        self.clearTimer()
        self.arm(deadline)
    }

    // The timer holds the connection; its end clears it.
    private func arm(_ deadline: MonotonicInstant) {
        self.armedFor = deadline
        self.timer = self.shard.loop.schedule(at: deadline) { self.timerFired() }
    }

    private func clearTimer() {
        if let timer = self.timer { self.shard.loop.cancel(timer) }
        self.timer = nil
        self.armedFor = nil
    }

    private func timerFired() {
        self.timer = nil
        self.armedFor = nil
        guard let deadline = self.deadline, let stream = self.stream else { return }
        guard deadline <= self.shard.loop.now else { return self.arm(deadline) }
        self.deadline = nil
        switch self.machine.deadlineReached() {
        case .close: stream.closeAfterFlush()
        case .refuse(let error): self.writeRefusal(error, on: stream)
        case .cancelRequest: self.task?.cancel()
        case .nothing: break
        }
    }
}
