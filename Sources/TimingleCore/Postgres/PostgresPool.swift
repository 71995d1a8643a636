internal import Synchronization
internal import TimingleNet

/// Names one caller who wants a connection, and remembers across threads that he gave up.
final class PostgresWaiter: Sendable {
    private static let ids = Atomic<UInt64>(0)

    let id: UInt64
    private let cancelled = Atomic<Bool>(false)

    init() {
        self.id = Self.ids.add(1, ordering: .relaxed).newValue
    }

    var isCancelled: Bool { self.cancelled.load(ordering: .acquiring) }
    func cancel() { self.cancelled.store(true, ordering: .releasing) }
}

/// The hands of the pool machine: one loop's connections.
///
/// Loop-confined, but for `isFailing`.
final class PostgresPool {
    typealias Lease = (Result<PostgresConnection, PostgresError>) -> Void

    let loop: EventLoop
    let configuration: PostgresConfiguration
    private let log: Log
    private let health: PostgresPoolHealth
    private var machine: PostgresPoolStateMachine
    private var connections: [Int: PostgresConnection] = [:]
    private var waiters: [UInt64: Lease] = [:]
    private var lastFailure = PostgresError(.connectionFailed, "not connected")
    private var timer: (token: TimerToken, deadline: MonotonicInstant)?
    private var drained: [() -> Void] = []
    private var isDrained = false

    init(
        loop: EventLoop,
        configuration: PostgresConfiguration,
        maxConnections: Int,
        health: PostgresPoolHealth,
        log: Log
    ) {
        self.loop = loop
        self.configuration = configuration
        self.health = health
        self.log = log
        self.machine = PostgresPoolStateMachine(
            limits: PostgresPoolStateMachine.Limits(
                maxConnections: maxConnections,
                maxWaiters: configuration.maxWaiters,
                acquireTimeout: configuration.acquireTimeout,
                idleTimeout: configuration.idleTimeout,
                maxLifetime: configuration.maxLifetime,
                backoffBase: configuration.reconnectBackoffBase,
                backoffMax: configuration.reconnectBackoffMax,
                failuresBeforeRefusing: configuration.failuresBeforeRefusing
            )
        )
    }

    var connectionCount: Int { self.machine.connectionCount }

    /// Hands out a connection, which must come back through `release`.
    ///
    /// `lease` is called exactly once.
    func acquire(_ waiter: PostgresWaiter, _ lease: @escaping Lease) {
        self.loop.preconditionInLoop()
        guard !waiter.isCancelled else { return lease(.failure(Self.cancelledError)) }
        self.waiters[waiter.id] = lease
        self.run(self.machine.acquire(waiter.id, now: .now))
    }

    /// Takes a caller out of the queue whose task was cancelled.
    func cancel(_ waiter: PostgresWaiter) {
        self.loop.preconditionInLoop()
        guard self.machine.waiterCancelled(waiter.id), let lease = self.waiters.removeValue(forKey: waiter.id) else {
            return
        }
        lease(.failure(Self.cancelledError))
    }

    func release(_ connection: PostgresConnection) {
        self.loop.preconditionInLoop()
        self.run(self.machine.released(connection.id, isReusable: connection.isReusable, now: .now))
    }

    /// Runs one statement on whichever connection comes first.
    func query(
        _ statement: PostgresStatement,
        timeout: Duration,
        _ waiter: PostgresWaiter,
        _ completion: @escaping PostgresOperation.Completion
    ) {
        self.acquire(waiter) { result in
            switch result {
            case .failure(let error):
                completion(.failure(error))
            case .success(let connection):
                let operation = PostgresOperation(
                    work: .statement(statement),
                    timeout: timeout
                ) { result in
                    self.release(connection)
                    completion(result)
                }
                connection.execute(operation)
            }
        }
    }

    /// Lets leased connections come back for `grace`, then closes them too; `completion` is called when all are gone.
    func close(grace: Duration, _ completion: @escaping () -> Void) {
        self.loop.preconditionInLoop()
        guard !self.isDrained else { return completion() }
        self.drained.append(completion)
        self.run(self.machine.drain())
        guard !self.isDrained else { return }
        self.loop.schedule(after: grace) {
            for connection in Array(self.connections.values) {
                connection.close(PostgresError(.closed, "the client is closing"))
            }
        }
    }

    private func run(_ actions: [PostgresPoolStateMachine.Action]) {
        for action in actions {
            switch action {
            case .connect(let id):
                self.connect(id)
            case .lease(let id, let waiter):
                self.lease(id, to: waiter)
            case .close(let id):
                self.connections.removeValue(forKey: id)?.close(PostgresError(.closed, "not needed any more"))
            case .refuse(let waiter, let refusal):
                self.waiters.removeValue(forKey: waiter)?(.failure(self.error(refusal)))
            case .drained:
                self.isDrained = true
                let completions = self.drained
                self.drained = []
                for completion in completions { completion() }
            }
        }
        self.health.isFailing = self.machine.isFailing
        self.armTimer()
    }

    private func connect(_ id: Int) {
        let connection = PostgresConnection(
            id: id,
            loop: self.loop,
            configuration: self.configuration,
            log: self.log
        ) { connection, error in
            self.stateChanged(connection, error)
        }
        self.connections[id] = connection
        connection.connect()
    }

    private func lease(_ id: Int, to waiter: UInt64) {
        guard let lease = self.waiters.removeValue(forKey: waiter), let connection = self.connections[id] else {
            preconditionFailure("the machine leased a connection or to a waiter that the pool does not have")
        }
        lease(.success(connection))
    }

    private func stateChanged(_ connection: PostgresConnection, _ error: PostgresError?) {
        let jitter = Double.random(in: 0..<1)
        guard let error else {
            if self.machine.isFailing {
                self.log.notice("postgres is back", ["server": .text(self.configuration.url.description)])
            }
            return self.run(self.machine.connectionEstablished(connection.id, now: .now, jitter: jitter))
        }
        // Those that we closed ourselves were taken out before.
        guard self.connections.removeValue(forKey: connection.id) != nil else { return }
        if error.code != .closed {
            self.lastFailure = error
            self.log.warning(
                "postgres connection ended",
                ["server": .text(self.configuration.url.description), "reason": .text(error.description)]
            )
        }
        self.run(self.machine.connectionClosed(connection.id, now: .now, jitter: jitter))
    }

    private func armTimer() {
        let deadline = self.machine.nextDeadline
        if let timer = self.timer {
            // An early timer finds nothing to do and arms itself again: cheaper than moving it at each query.
            if let deadline, deadline >= timer.deadline { return }
            self.loop.cancel(timer.token)
            self.timer = nil
        }
        guard let deadline else { return }
        let token = self.loop.schedule(at: deadline) {
            self.timer = nil
            self.run(self.machine.deadlineReached(now: .now))
        }
        self.timer = (token, deadline)
    }

    private func error(_ refusal: PostgresPoolStateMachine.Refusal) -> PostgresError {
        switch refusal {
        case .timeout where self.machine.isFailing: PostgresError(.connectionFailed, self.lastFailure.message)
        case .timeout: PostgresError(.acquireTimeout, "no connection became free in time")
        case .tooManyWaiters: PostgresError(.acquireTimeout, "too many callers wait for a connection")
        case .unreachable: PostgresError(.connectionFailed, self.lastFailure.message)
        case .closed: PostgresError(.closed, "the client is closed")
        }
    }

    private static let cancelledError = PostgresError(.cancelled, "the task was cancelled")
}

/// Whether a pool's attempts to connect fail.
///
/// Any thread (atomic).
final class PostgresPoolHealth: Sendable {
    private let failing = Atomic<Bool>(false)

    var isFailing: Bool {
        get { self.failing.load(ordering: .relaxed) }
        set { self.failing.store(newValue, ordering: .relaxed) }
    }
}
