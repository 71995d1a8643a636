internal import TimingleNet

/// One request's way from node to node until an answer, or until its time is over.
///
/// Loop-confined.
final class CQLExecution {
    typealias Completion = (Result<CQLResponse, CQLError>) -> Void

    /// What is to be done.
    enum Work {
        case statement(CQLStatement)
        case batch(CQLBatch)
        case prepare(String)
    }

    // Shared with CQLExecution+Preparing.swift: those that are not private.
    let shard: CQLShard
    let work: Work
    private let isIdempotent: Bool
    let deadline: MonotonicInstant
    var completion: Completion?
    var request: CQLEncodedRequest?
    private var token: CQLToken?
    private var routing: RoutingPolicy.Request
    private var attempt = 0
    var repreparations = 0
    /// Where the last try went, for the error.
    private var node: String?
    private var isWaiting = false
    private var timer: TimerToken?
    private var flight: (connection: CQLConnection, ticket: CQLTicket)?
    /// Whether an earlier try may have taken effect, or may yet.
    private var hadUnknownTry = false

    init(_ work: Work, on shard: CQLShard, timeout: Duration?, _ completion: @escaping Completion) {
        self.work = work
        self.shard = shard
        self.completion = completion
        self.deadline = shard.loop.now + (timeout ?? shard.configuration.requestTimeout)
        self.routing = RoutingPolicy.Request(replicas: [], turn: shard.nextTurn())
        switch work {
        case .statement(let statement): self.isIdempotent = statement.isIdempotent
        case .batch(let batch): self.isIdempotent = batch.isIdempotent
        case .prepare: self.isIdempotent = true
        }
    }

    // MARK: Beginning

    func start() {
        switch self.work {
        case .statement(let statement) where statement.bindings.isEmpty: self.encode()
        case .statement(let statement): self.prepare([statement.text])
        case .batch(let batch): self.prepare(batch.statements.filter { !$0.bindings.isEmpty }.map(\.text))
        case .prepare: self.encode()
        }
    }

    func encode() {
        do throws(CQLCodingError) {
            let request = try CQLRequestBuilder(self.shard).request(self.work)
            guard let request else {
                // A statement fell out of the cache meanwhile.
                return self.start()
            }
            let encoded = try request.encode()
            self.request = encoded
            if let key = encoded.routingKey, let keyspace = CQLRequestBuilder.keyspace(of: request) {
                let token = Murmur3Partitioner.token(key.span.bytes)
                self.token = token
                self.routing.replicas = self.shard.replicas(of: token, keyspace: keyspace)
            }
        } catch {
            return self.finish(.failure(CQLError(.encoding, error.description)))
        }
        self.place()
    }

    // MARK: Finding a node

    /// Sends it, waits, or fails.
    private func place() {
        guard self.shard.loop.now < self.deadline else { return self.expire() }
        switch self.shard.place(self.routing, token: self.token) {
        case .connection(let connection, let pool, let node):
            self.stopTimer()
            self.take(connection, pool, node)
        case .exhausted:
            self.startOver()
        case .refuse(let error):
            self.finish(.failure(self.marked(error)))
        case .wait:
            guard self.shard.wait(self) else {
                return self.finish(.failure(self.marked(CQLError(.tooManyWaiters, "too many requests wait"))))
            }
            self.isWaiting = true
            let until = min(self.deadline, self.shard.loop.now + self.shard.configuration.acquireTimeout)
            self.armTimer(at: until) { $0.waitedTooLong() }
        }
    }

    /// Tries once more after waiting; false when it still has to wait, at its place in the queue.
    func resume() -> Bool {
        guard self.isWaiting else { return true }
        switch self.shard.place(self.routing, token: self.token) {
        case .wait:
            return false
        case .connection(let connection, let pool, let node):
            self.isWaiting = false
            self.stopTimer()
            self.take(connection, pool, node)
        case .exhausted:
            self.isWaiting = false
            self.startOver()
        case .refuse(let error):
            self.isWaiting = false
            self.finish(.failure(self.marked(error)))
        }
        return true
    }

    private func waitedTooLong() {
        self.leaveQueue()
        let message = "no connection could take the request in time"
        self.finish(.failure(self.marked(CQLError(.notConnected, message, node: self.node))))
    }

    private func leaveQueue() {
        guard self.isWaiting else { return }
        self.isWaiting = false
        self.shard.stopWaiting(self)
    }

    /// All nodes were asked; after a pause they may be asked again.
    private func startOver() {
        self.routing.tried = []
        let pause = Duration.milliseconds(20 << min(self.attempt, 5)) * Double.random(in: 0.5..<1)
        self.armTimer(at: min(self.deadline, self.shard.loop.now + pause)) { $0.place() }
    }

    /// Places are numbers of a topology that is no more.
    func topologyChanged() {
        self.routing.tried = []
        if let token = self.token, let keyspace = self.keyspace {
            self.routing.replicas = self.shard.replicas(of: token, keyspace: keyspace)
        } else {
            self.routing.replicas = []
        }
    }

    private var keyspace: String? {
        switch self.work {
        case .statement(let statement): self.shard.prepared.find(statement.text)?.markers.first?.keyspace
        case .batch(let batch):
            batch.statements.first.flatMap { self.shard.prepared.find($0.text)?.markers.first?.keyspace }
        case .prepare: nil
        }
    }

    // MARK: One try

    private func take(_ connection: CQLConnection, _ pool: NodePool, _ node: Int) {
        self.node = pool.node
        self.attempt += 1
        guard pool.needsKeyspace(connection) else { return self.send(connection, pool, node) }
        pool.useKeyspace(connection) { error in
            guard self.completion != nil else { return }
            // A keyspace that is still not there is no matter for what names its own; the server tells the others.
            if let error, error.code != .invalid {
                self.failed(.local(error), error, connection, pool, node)
            } else {
                self.send(connection, pool, node)
            }
        }
    }

    func send(_ connection: CQLConnection, _ pool: NodePool, _ node: Int) {
        guard let request = self.request else { preconditionFailure("a request is encoded before it is sent") }
        var until = self.deadline
        if self.isIdempotent {
            until = min(until, self.shard.loop.now + self.shard.configuration.attemptTimeout)
        }
        let ticket = connection.send(request, deadline: until) { result in
            self.flight = nil
            // An answer behind the end of it, or behind a cancellation.
            guard self.completion != nil else { return }
            self.answered(result, connection, pool, node)
        }
        if let ticket { self.flight = (connection, ticket) }
    }

    private func answered(
        _ result: Result<CQLResponse, CQLError>,
        _ connection: CQLConnection,
        _ pool: NodePool,
        _ node: Int
    ) {
        switch result {
        case .success(let response):
            pool.answered()
            guard case .error(let error) = response.content else { return self.finish(.success(response)) }
            if case .unprepared(let id) = error.code { return self.prepareAgain(id, connection, pool, node) }
            self.failed(.server(error.code), CQLError(error, node: pool.node), connection, pool, node)
        case .failure(let error):
            if error.code == .timeout { pool.timedOut() }
            self.failed(.local(error), error, connection, pool, node)
        }
    }

    func failed(
        _ failure: RetryPolicy.Failure,
        _ error: CQLError,
        _ connection: CQLConnection,
        _ pool: NodePool,
        _ node: Int
    ) {
        let decision = self.shard.retryPolicy.decide(failure, isIdempotent: self.isIdempotent, attempt: self.attempt)
        guard decision != .fail, self.shard.loop.now < self.deadline else {
            return self.finish(.failure(self.marked(error)))
        }
        if error.isUnknownOutcome { self.hadUnknownTry = true }
        if decision == .sameNode, connection.isReady {
            self.attempt += 1
            return self.send(connection, pool, node)
        }
        self.routing.tried.append(node)
        self.place()
    }

    // MARK: Ends

    func expire() {
        self.leaveQueue()
        self.finish(.failure(self.marked(CQLError(.timeout, "no answer within its time", node: self.node))))
    }

    /// Ends it from outside; an answer that comes later finds nobody.
    func abandon(_ code: CQLError.Code, _ message: String) {
        guard self.completion != nil else { return }
        self.leaveQueue()
        var error = CQLError(code, message, node: self.node)
        if let flight = self.flight {
            flight.connection.cancel(flight.ticket)
            self.flight = nil
            error.wasSent = true
        }
        self.finish(.failure(self.marked(error)))
    }

    /// Ends it before it began.
    func refuse(_ error: CQLError) {
        let completion = self.completion
        self.completion = nil
        completion?(.failure(error))
    }

    func finish(_ result: Result<CQLResponse, CQLError>) {
        guard let completion = self.completion else { return }
        self.completion = nil
        self.stopTimer()
        completion(result)
        self.shard.ended(self)
    }

    /// An earlier try may have had its effect, whatever the last one says.
    private func marked(_ error: CQLError) -> CQLError {
        guard self.hadUnknownTry else { return error }
        var error = error
        error.followsUnknownTry = true
        return error
    }

    func armTimer(at instant: MonotonicInstant, _ action: @escaping (CQLExecution) -> Void) {
        self.stopTimer()
        self.timer = self.shard.loop.schedule(at: instant) {
            self.timer = nil
            guard self.completion != nil else { return }
            action(self)
        }
    }

    private func stopTimer() {
        guard let timer = self.timer else { return }
        self.timer = nil
        self.shard.loop.cancel(timer)
    }
}
