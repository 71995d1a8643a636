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
    /// Where the request is that comes in; from its first byte until it is handed over.
    private var slot: HTTPRequestSlot?
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
    var deadline: MonotonicInstant?
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
            self.setDeadline(self.shard.keepAliveDeadline)
        }
    }

    /// The server goes down: the request that runs, or else the next one, is the last.
    func announceDrain() { _ = self.machine.drainRequested(bytesWait: true) }

    /// The server goes down, and nothing is awaited of who is idle.
    func drain() {
        guard let stream = self.stream else { return }
        if self.machine.drainRequested(bytesWait: self.bytesWait(on: stream)) == .close { stream.closeAfterFlush() }
    }

    /// True where bytes have come that nobody has looked at; the parser has seen that empty lines are no request.
    private func bytesWait(on stream: StreamConnection) -> Bool { stream.pendingBytes > self.parser.scanned }

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
                guard let taken = self.takeBody(rest, connection) else { break }
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
        switch self.machine.peerClosed(bytesWait: self.bytesWait(on: connection)) {
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
        if let slot = self.slot { return self.takeHead(bytes, into: slot, connection) }
        let shard = self.shard
        // A request inside of another one's answer has a place of its own.
        guard !shard.slotIsLent else { return self.takeHead(bytes, into: shard.makeSlot(), connection) }
        shard.slotIsLent = true
        defer { shard.slotIsLent = false }
        return self.takeHead(bytes, into: shard.slot, connection)
    }

    private func takeHead(
        _ bytes: Span<UInt8>,
        into slot: HTTPRequestSlot,
        _ connection: StreamConnection
    ) -> Int? {
        let isFirst = !self.parser.hasBegun
        do throws(HTTPParseError) {
            switch try self.parser.parse(bytes, into: &slot.request, limits: self.shard.headLimits) {
            case .needMoreBytes:
                // Empty lines before a request are none of it (RFC 9112 section 2.2): the connection is still idle.
                guard self.parser.hasBegun else { return nil }
                self.machine.headBegan()
                self.keep(slot)
                // The deadline is for the whole head, whatever the pace of its bytes.
                if isFirst { self.setDeadline(self.shard.loop.now + self.limits.headDeadline) }
                return nil
            case .head(let head, let count):
                try self.begin(head, slot, connection, bodyBytesWait: count < bytes.count)
                return count
            }
        } catch {
            if self.head == nil { slot.request = HTTPRequest() }
            self.refuse(error)
            return nil
        }
    }

    /// Takes a request that is not complete out of the loop's slot.
    private func keep(_ slot: HTTPRequestSlot) {
        guard slot === self.shard.slot else {
            self.slot = slot
            return
        }
        let own = self.shard.makeSlot()
        swap(&own.request, &slot.request)
        self.slot = own
    }

    private func begin(
        _ head: HTTPRequestHead,
        _ slot: HTTPRequestSlot,
        _ connection: StreamConnection,
        bodyBytesWait: Bool
    ) throws(HTTPParseError) {
        guard head.framing != .none else {
            _ = self.machine.headCompleted(head, requestsMax: self.limits.requestsPerConnection)
            if self.slot != nil { self.slot = nil }
            return self.startRequest(slot, on: connection)
        }
        // A refusal, too, wants to know what was asked.
        self.head = head
        self.keep(slot)
        self.decoder = try HTTPBodyDecoder(head.framing, limits: self.limits)
        _ = self.machine.headCompleted(head, requestsMax: self.limits.requestsPerConnection)
        self.bodyStart = self.shard.loop.now
        if head.expectsContinue, !bodyBytesWait {
            HTTPResponseEncoder.writeContinue(to: &self.output.bytes)
        }
        self.setBodyDeadline(receivedBytes: 0)
    }

    private func takeBody(_ bytes: Span<UInt8>, _ connection: StreamConnection) -> Int? {
        guard var decoder = self.decoder, let slot = self.slot else { return nil }
        self.decoder = nil
        do throws(HTTPParseError) {
            let count = try decoder.decode(bytes, into: &self.body, limits: self.limits)
            try self.holdBody()
            if decoder.isDone {
                self.machine.bodyCompleted()
                self.head = nil
                self.slot = nil
                self.startRequest(slot, on: connection)
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

    func releaseBody() {
        self.shard.releaseBodyBytes(self.heldBodyBytes)
        self.heldBodyBytes = 0
    }

    private func startRequest(_ slot: HTTPRequestSlot, on stream: StreamConnection) {
        self.deadline = nil
        slot.request.peerAddress = stream.peerAddress
        if !self.body.isEmpty { swap(&slot.request.body, &self.body) }
        slot.context.begin(self.shard.nextRequestNumber())
        self.shard.requestBegan()
        do {
            switch try self.shard.begin(slot) {
            case .answer(let response):
                self.responded(response, to: &slot.request, on: stream)
            case .wait(let handler):
                self.wait(for: handler, slot.request, slot.context)
                // Its memory belongs to whoever waits.
                slot.request = HTTPRequest()
            }
        } catch {
            self.responded(Self.failure(error, slot.context), to: &slot.request, on: stream)
        }
        self.shard.clear(slot)
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
            connection.value.waited(response, request)
        }
        if self.isWaiting { self.task = task }
    }

    private func waited(_ response: consuming HTTPResponse, _ request: HTTPRequest) {
        var request = request
        self.isWaiting = false
        self.task = nil
        self.responded(response, to: &request, on: self.stream)
    }

    /// The responder's middleware turns errors into answers; what escapes it is a bare 500.
    private static func failure(_ error: any Error, _ context: RequestContext) -> HTTPResponse {
        context.log.error("request failed", ["error": .text(String(describing: error))])
        return HTTPResponse(.internalServerError)
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

    /// Answers bytes that cannot become a request, and closes: nothing behind them can be trusted.
    private func refuse(_ error: HTTPParseError) {
        guard let stream = self.stream, self.machine.failed() == .refuse else { return }
        self.writeRefusal(error, on: stream)
    }

    private func writeRefusal(_ error: HTTPParseError, on stream: StreamConnection) {
        self.deadline = nil
        // The fields of a head that was good.
        let response = self.shard.refusal(error, self.head == nil ? nil : self.slot?.request.fields)
        var framing = HTTPResponseEncoder.Framing()
        framing.close = true
        framing.isHead = self.head?.kind == .head || self.parser.isHead
        self.head = nil
        self.slot = nil
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

    func clearTimer() {
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
