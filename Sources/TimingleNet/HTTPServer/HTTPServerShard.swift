internal import Synchronization

/// How many connections one loop has.
///
/// Any thread (Atomic).
final class ShardLoad: Sendable {
    private let count = Atomic<Int>(0)

    // In one order with the flag of `AcceptorDoor`: an end and a wait for room must not miss each other.
    var connections: Int { self.count.load(ordering: .sequentiallyConsistent) }
    func add() { self.count.add(1, ordering: .relaxed) }
    func remove() { self.count.subtract(1, ordering: .sequentiallyConsistent) }
}

/// One loop's part of a listener: its connections, running requests, date, request identifiers.
///
/// Loop-confined.
final class HTTPServerShard: StreamConnectionOwner {
    let loop: EventLoop
    let configuration: HTTPServerConfiguration
    let load: ShardLoad
    let contentCoder: HTTPContentCoder?
    /// Content from this size on is shown to the coder.
    let contentCodingBytesMin: Int
    private let census: ConnectionCensus?
    private let gate: ProxyProtocolGate
    /// Told each time a connection ended: the acceptor may be waiting for room.
    private let connectionEnded: @Sendable () -> Void
    private let streamLimits: Shared<StreamLimits>
    let webSocketSettings: WebSocketSettings
    let webSocketDeflate: PerMessageDeflateShard?
    let webSocketDigest = WebSocketDigest()
    private var slots: [StreamConnection?] = []
    private var freeSlots: [Int] = []
    /// Connections that are only told that their address has too many.
    private var refusedSlots: Set<Int> = []
    private var runningRequests = 0
    private var heldBodyBytes = 0
    private(set) var isDraining = false
    private var dates = HTTPDateCache()
    /// When `dates` was last asked: the second is looked at once a turn.
    private var datesAskedAt: MonotonicInstant
    private var output = HTTPOutputBuffer()
    /// Where requests are read that lie in one delivery as a whole, one at a time.
    let slot: HTTPRequestSlot
    var slotIsLent = false
    private let keepAliveNanoseconds: Int64
    /// Those of the limits that each head is measured with.
    let headLimits: HTTPHeadLimits
    private var requestNumber = RequestNumber()
    private var idleWaiters: [IdleWaiter] = []
    private var isAborted = false
    /// Where else connections of this listener can be.
    let directory: ShardDirectory

    /// Someone who waits until nothing is left, or until a deadline.
    private final class IdleWaiter {
        var resume: (@Sendable (Bool) -> Void)?
        init(_ resume: @escaping @Sendable (Bool) -> Void) { self.resume = resume }

        func finish(_ isIdle: Bool) {
            let resume = self.resume
            self.resume = nil
            resume?(isIdle)
        }
    }

    init(
        loop: EventLoop,
        configuration: HTTPServerConfiguration,
        load: ShardLoad,
        census: ConnectionCensus? = nil,
        directory: ShardDirectory = ShardDirectory(),
        connectionEnded: @escaping @Sendable () -> Void
    ) {
        self.loop = loop
        self.datesAskedAt = loop.now - .seconds(1)
        self.configuration = configuration
        self.load = load
        self.directory = directory
        self.slot = Self.slot(loop, configuration)
        self.headLimits = HTTPHeadLimits(configuration.limits)
        self.keepAliveNanoseconds = configuration.limits.keepAliveIdle.wholeNanoseconds
        self.contentCodingBytesMin = configuration.contentCoding?.bytesMin ?? .max
        self.contentCoder = configuration.contentCoding.map { HTTPContentCoder($0) }
        self.census = census
        self.gate = ProxyProtocolGate(loop: loop, limits: configuration.limits, log: configuration.log)
        self.connectionEnded = connectionEnded
        let limits = configuration.limits
        var streamLimits = StreamLimits()
        streamLimits.outboxBytes = limits.outboxBytes
        streamLimits.writeDeadline = limits.writeDeadline
        streamLimits.writeBytesPerSecondMin = limits.writeBytesPerSecondMin
        streamLimits.pendingBytes = StreamLimits.pendingBytes(for: limits)
        self.streamLimits = Shared(streamLimits)
        self.webSocketSettings = WebSocketSettings(configuration.webSocketLimits)
        self.webSocketDeflate = configuration.webSocketDeflate.map { PerMessageDeflateShard($0) }
    }

    /// Takes over an accepted descriptor, already counted in `load`, and in the census unless it is proxied.
    func adopt(_ socket: consuming Socket, peer: SocketAddress, _ admission: ConnectionAdmission) {
        switch admission {
        case .served:
            self.serve(socket, peer: peer, refusal: nil)
        case .refused(let error):
            self.serve(socket, peer: peer, refusal: error)
        case .proxied(let overloaded):
            self.gate.enter(socket, peer: peer) { socket, client in
                let admission = ConnectionAdmission(of: client, overloaded: overloaded, self.census)
                guard let admission else { return self.uncount() }
                self.adopt(socket, peer: client, admission)
            } lost: {
                self.uncount()
            }
        }
    }

    private func serve(_ socket: consuming Socket, peer: SocketAddress, refusal: HTTPParseError?) {
        if refusal == .tooManyConnections, self.configuration.tls != nil {
            // Whoever comes too often does not get a handshake out of us only to be told so.
            self.census?.leave(peer, wasRefused: true)
            return self.uncount()
        }
        let handler = HTTPServerConnection(shard: self)
        let stream = StreamConnection(
            io: self.transport(socket),
            loop: self.loop,
            peerAddress: peer,
            limits: self.streamLimits,
            handler: handler
        )
        guard self.begin(stream, wasRefused: refusal == .tooManyConnections) else { return }
        handler.begin(on: stream, refusal: refusal)
        if self.isDraining { handler.drain() }
    }

    /// Reads from the stream, and keeps it; false when it could not be, and is gone.
    private func begin(_ stream: StreamConnection, wasRefused: Bool) -> Bool {
        do throws(SystemError) {
            try stream.open()
        } catch {
            self.configuration.log.warning("connection not opened", ["error": .text(error.description)])
            self.census?.leave(stream.peerAddress, wasRefused: wasRefused)
            self.uncount()
            return false
        }
        self.insert(stream)
        if wasRefused { self.refusedSlots.insert(stream.ownerSlot) }
        return true
    }

    private func transport(_ socket: consuming Socket) -> any SocketIO {
        let plain = SocketStream(socket)
        guard let tls = self.configuration.tls else { return plain }
        return TLSStream(plain, context: tls, limits: self.configuration.tlsLimits, log: self.configuration.log)
    }

    private func insert(_ stream: StreamConnection) {
        stream.owner = self
        if let slot = self.freeSlots.popLast() {
            self.slots[slot] = stream
            stream.ownerSlot = slot
        } else {
            stream.ownerSlot = self.slots.count
            self.slots.append(stream)
        }
    }

    private func remove(_ stream: StreamConnection) {
        self.slots[stream.ownerSlot] = nil
        self.freeSlots.append(stream.ownerSlot)
    }

    func connectionEnded(_ connection: StreamConnection) {
        self.remove(connection)
        self.census?.leave(
            connection.peerAddress,
            wasRefused: !self.refusedSlots.isEmpty && self.refusedSlots.remove(connection.ownerSlot) != nil
        )
        self.uncount()
    }

    private func uncount() {
        self.load.remove()
        self.connectionEnded()
        self.checkIdle()
    }

    // MARK: WebSockets

    /// Answers the handshake with nothing before it, and makes the WebSocket.
    func open(_ accepted: AcceptedUpgrade, on stream: StreamConnection) {
        var output = HTTPAnswerOutput()
        _ = output.borrow(from: self)
        self.open(accepted, on: stream, behind: &output)
        output.giveBack(to: self, sendingOn: nil)
    }

    /// Answers the handshake behind what was gathered, and makes the WebSocket, on this loop.
    func open(_ accepted: AcceptedUpgrade, on stream: StreamConnection, behind output: inout HTTPAnswerOutput) {
        let codec = HTTPUpgradeHandOver.accept(accepted, to: &output.bytes, of: self)
        output.send(on: stream)
        HTTPUpgradeHandOver.handOver(stream, to: accepted.upgrade, settings: self.webSocketSettings, codec: codec)
        if self.isDraining { HTTPUpgradeHandOver.drain(stream) }
    }

    /// Lets a connection go to another loop, where it counts from now on; nil when it has to stay.
    func release(_ stream: StreamConnection, to target: ShardReference) -> DepartedStream? {
        guard !self.isDraining, let departed = stream.depart() else { return nil }
        self.remove(stream)
        target.load.add()
        self.load.remove()
        return departed
    }

    /// Takes over a connection that comes from another loop, counted already, and makes it a WebSocket.
    func arrive(_ departed: DepartedStream, _ accepted: AcceptedUpgrade) {
        let stream = StreamConnection(
            arriving: departed,
            loop: self.loop,
            limits: self.streamLimits,
            handler: InertStreamHandler.shared
        )
        guard self.begin(stream, wasRefused: false) else { return }
        guard !self.isAborted else { return stream.abort() }
        self.open(accepted, on: stream)
    }

    // MARK: Requests

    /// Takes a request to its handler, and unless that waits, its answer back.
    func begin(_ slot: HTTPRequestSlot) throws -> HTTPResponder.Step {
        try self.configuration.responder.begin(&slot.request, &slot.context)
    }

    func requestBegan() { self.runningRequests += 1 }

    func requestEnded() {
        self.runningRequests -= 1
        if self.runningRequests == 0, !self.idleWaiters.isEmpty { self.checkIdle() }
    }

    /// The answer to bytes that did not become a request, or to a request that comes too late; it ends its connection.
    func refusal(_ error: HTTPParseError, _ fields: HTTPFields?) -> HTTPResponse {
        var response = self.configuration.errorResponse(error, fields)
        response.fields["Connection"] = "close"
        switch error.status {
        case .serviceUnavailable, .tooManyRequests: response.fields["Retry-After"] = "2"
        default: break
        }
        return response
    }

    /// Takes `count` more bytes out of the budget for bodies; false, and nothing is taken, when it is spent.
    func holdBodyBytes(_ count: Int) -> Bool {
        let limits = self.configuration.limits
        guard self.heldBodyBytes + count <= max(limits.bodyBytesPerLoop, limits.bodyBytes) else { return false }
        self.heldBodyBytes += count
        return true
    }

    func releaseBodyBytes(_ count: Int) {
        self.heldBodyBytes -= count
        precondition(self.heldBodyBytes >= 0, "a body was released twice")
    }

    /// The Date field line of this turn.
    func dateFieldLine() -> [UInt8] {
        if self.datesAskedAt != self.loop.now {
            self.datesAskedAt = self.loop.now
            self.dates.turn(unixSeconds: SystemClock.unixSeconds())
        }
        return self.dates.line
    }

    /// Gathered answers beyond this are sent before the next one is made.
    static let outputBytes = 16 * 1024

    /// Lends the buffer in which one connection at a time gathers its answers; a second borrower gets a new one.
    func lendOutput() -> HTTPOutputBuffer {
        var output = HTTPOutputBuffer()
        swap(&output, &self.output)
        return output
    }

    /// Takes a buffer back, which is empty; one that grew large is let go.
    func takeBackOutput(_ output: HTTPOutputBuffer) {
        if output.capacity <= 4 * Self.outputBytes { self.output = output }
    }

    /// Makes the place for a request that cannot be read in the loop's own.
    func makeSlot() -> HTTPRequestSlot { Self.slot(self.loop, self.configuration) }

    private static func slot(_ loop: EventLoop, _ configuration: HTTPServerConfiguration) -> HTTPRequestSlot {
        HTTPRequestSlot(
            context: RequestContext(loop: loop, isSecure: configuration.tls != nil, log: configuration.log)
        )
    }

    /// Forgets the request that has its answer; memory that grew large is let go.
    func clear(_ slot: HTTPRequestSlot) { slot.clear(keepingAtMost: Self.outputBytes) }

    /// When a connection that answered in this turn will have been idle for too long.
    var keepAliveDeadline: MonotonicInstant { self.loop.now.later(byNanoseconds: self.keepAliveNanoseconds) }

    func nextRequestNumber() -> RequestNumber {
        self.requestNumber.advance()
        return self.requestNumber
    }

    // MARK: Ends

    /// Each connection has the request that runs, or one more; those that are idle after `grace` close; WebSockets are
    /// told over a while.
    ///
    /// The grace is for requests that are in the kernel already, or were sent before the peer could know.
    func drain(closingOver window: Duration, grace: Duration) {
        self.isDraining = true
        self.gate.abortAll()
        var sockets: [StreamConnection] = []
        for case let stream? in self.slots {
            switch stream.handler {
            case let connection as HTTPServerConnection: connection.announceDrain()
            // It becomes a WebSocket in this turn, and is told then.
            case is UpgradeMove: break
            default: sockets.append(stream)
            }
        }
        WebSocketDrain(sockets, over: window, loop: self.loop).run()
        self.loop.schedule(after: grace) {
            for case let stream? in self.slots { (stream.handler as? HTTPServerConnection)?.drain() }
        }
    }

    func abortAll() {
        self.isDraining = true
        self.isAborted = true
        self.gate.abortAll()
        for case let stream? in self.slots { stream.abort() }
    }

    /// Calls `resume` with true once no connection and no request is left, with false at the deadline.
    func whenIdle(deadline: Duration, _ resume: @escaping @Sendable (Bool) -> Void) {
        let waiter = IdleWaiter(resume)
        self.idleWaiters.append(waiter)
        self.loop.schedule(after: deadline) { waiter.finish(false) }
        self.checkIdle()
    }

    private func checkIdle() {
        // The load counts also those that are on their way from another loop, or wait for their PROXY header.
        guard self.load.connections == 0, self.runningRequests == 0, !self.idleWaiters.isEmpty else { return }
        let waiters = self.idleWaiters
        self.idleWaiters = []
        for waiter in waiters { waiter.finish(true) }
    }
}
