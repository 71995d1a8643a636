package import TimingleNet

/// PostgreSQL for services: pools of connections on the loops behind one face.
///
/// Any thread. Connects when first used, and again with a growing pause after failures. `close` it before its loops
/// end.
package final class PostgresClient: Sendable {
    package let configuration: PostgresConfiguration
    private let group: EventLoopGroup
    private let pools: [PostgresPoolHandle]

    package init(configuration: PostgresConfiguration, group: EventLoopGroup, log: Log) {
        self.configuration = configuration
        self.group = group
        let log = log.labelled("postgres")
        self.pools = zip(group.loops, configuration.shares(loops: group.loops.count)).map { loop, share in
            PostgresPoolHandle(loop: loop, configuration: configuration, maxConnections: share, log: log)
        }
    }

    /// Runs one statement on a connection of the caller's loop.
    ///
    /// A cancelled task leaves the queue for a connection; a statement that was sent runs to its end or deadline.
    @discardableResult
    package func query(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresResult {
        try await self.pool.query(statement, timeout: self.configuration.queryTimeout)
    }

    /// Runs `body` inside BEGIN and COMMIT; rolls back when it throws.
    ///
    /// BEGIN travels with the first statement. With `attempts` above 1, a serialization failure or deadlock that
    /// `body` throws as `PostgresError` runs the whole body again. The transaction must not be used after `body`.
    package func withTransaction<Result: Sendable>(
        _ mode: PostgresTransactionMode = .readCommitted,
        attempts: Int = 1,
        _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        var attempt = 1
        while true {
            let lease = try await self.pool.lease(prelude: mode.rawValue)
            do {
                let result = try await body(PostgresTransaction(lease: lease))
                try await lease.end(.commit)
                return result
            } catch {
                await lease.rollBack()
                guard attempt < attempts, let failure = error as? PostgresError, failure.isConflict else { throw error }
                attempt += 1
            }
        }
    }

    /// Lends one connection to `body` and closes it afterwards, whatever state `body` left it in.
    package func withSession<Result: Sendable>(
        _ body: (PostgresSession) async throws -> Result
    ) async throws -> Result {
        let lease = try await self.pool.lease(prelude: nil)
        do {
            let result = try await body(PostgresSession(lease: lease))
            await lease.discard()
            return result
        } catch {
            await lease.discard()
            throw error
        }
    }

    /// Asks the server for a sign of life.
    package func ping() async throws(PostgresError) {
        _ = try await self.pool.query("SELECT 1", timeout: self.configuration.pingTimeout)
    }

    /// False from a failure to connect to the next success.
    ///
    /// A pool that nobody uses does not find out: see `ping`.
    package var isHealthy: Bool { !self.pools.contains { $0.health.isFailing } }

    /// Refuses new work, waits for what runs, closes all connections.
    package func close() async {
        await withTaskGroup(of: Void.self) { tasks in
            for pool in self.pools { tasks.addTask { await pool.close(grace: self.configuration.closeTimeout) } }
        }
    }

    private var pool: PostgresPoolHandle {
        self.pools[self.group.anyLoop().index % self.pools.count]
    }
}

/// The Sendable face of one loop's pool.
struct PostgresPoolHandle: Sendable {
    let loop: EventLoop
    let health = PostgresPoolHealth()
    private let pool: LoopBound<PostgresPool>

    init(loop: EventLoop, configuration: PostgresConfiguration, maxConnections: Int, log: Log) {
        self.loop = loop
        let pool = PostgresPool(
            loop: loop,
            configuration: configuration,
            maxConnections: maxConnections,
            health: self.health,
            log: log
        )
        self.pool = LoopBound(pool, on: loop)
    }

    func query(
        _ statement: PostgresStatement,
        timeout: Duration
    ) async throws(PostgresError) -> PostgresResult {
        let waiter = PostgresWaiter()
        let pool = self.pool
        let result: Result<PostgresResult, PostgresError> = await withTaskCancellationHandler {
            await self.loop.answer { answer in pool.value.query(statement, timeout: timeout, waiter, answer) }
        } onCancel: {
            self.cancel(waiter)
        }
        return try result.get()
    }

    func lease(prelude: String?) async throws(PostgresError) -> PostgresLease {
        let waiter = PostgresWaiter()
        let pool = self.pool
        let loop = self.loop
        let result: Result<PostgresLease, PostgresError> = await withTaskCancellationHandler {
            await self.loop.answer { answer in
                pool.value.acquire(waiter) { result in
                    answer(
                        result.map { connection in
                            let held = PostgresLease.Held(pool: pool.value, connection: connection, prelude: prelude)
                            return PostgresLease(LoopBound(held, on: loop))
                        }
                    )
                }
            }
        } onCancel: {
            self.cancel(waiter)
        }
        return try result.get()
    }

    func close(grace: Duration) async {
        let pool = self.pool
        await self.loop.answer { answer in pool.value.close(grace: grace) { answer(()) } }
    }

    private func cancel(_ waiter: PostgresWaiter) {
        waiter.cancel()
        let pool = self.pool
        self.loop.execute { pool.value.cancel(waiter) }
    }
}

extension EventLoop {
    /// Runs `body` on the loop, at once if it is the current one, and returns what `body` passes to its argument.
    func answer<Value: Sendable>(_ body: @escaping @Sendable (@escaping @Sendable (Value) -> Void) -> Void) async
        -> Value
    {
        await withCheckedContinuation { continuation in
            if self.inLoop {
                body { continuation.resume(returning: $0) }
            } else {
                self.execute { body { continuation.resume(returning: $0) } }
            }
        }
    }
}
