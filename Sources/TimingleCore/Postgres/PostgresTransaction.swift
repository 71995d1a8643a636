internal import TimingleNet

/// How a transaction begins.
package enum PostgresTransactionMode: String, Sendable {
    case readCommitted = "BEGIN ISOLATION LEVEL READ COMMITTED"
    case repeatableRead = "BEGIN ISOLATION LEVEL REPEATABLE READ"
    case repeatableReadOnly = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    case serializable = "BEGIN ISOLATION LEVEL SERIALIZABLE"
}

/// One open transaction.
///
/// Any thread; statements run one after the other in the order of the calls.
package struct PostgresTransaction: Sendable {
    let lease: PostgresLease

    /// Runs one statement inside the transaction.
    ///
    /// After an error every further one fails (25P02) until it ends.
    @discardableResult
    package func query(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresResult {
        try await self.lease.run(.statement(statement))
    }
}

/// One connection lent outside of a transaction, for what belongs to a session: advisory locks, settings, scripts.
///
/// Any thread; statements run one after the other in the order of the calls.
package struct PostgresSession: Sendable {
    let lease: PostgresLease

    @discardableResult
    package func query(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresResult {
        try await self.lease.run(.statement(statement))
    }

    /// Runs SQL text of any number of statements.
    ///
    /// Never build it of values that came from outside.
    package func execute(script: String) async throws(PostgresError) {
        _ = try await self.lease.run(.script(script))
    }

    func isInTransaction() async -> Bool {
        await self.lease.isInTransaction()
    }
}

/// A connection that is out of its pool, until `end`, `rollBack` or `discard`.
///
/// Any thread; the connection itself is touched on its loop only.
struct PostgresLease: Sendable {
    enum Ending: String, Sendable {
        case commit = "COMMIT"
        case rollBack = "ROLLBACK"
    }

    /// What the lease holds.
    ///
    /// Loop-confined.
    final class Held {
        let pool: PostgresPool
        let connection: PostgresConnection
        /// BEGIN, until it has been sent with the first statement.
        private var prelude: String?
        private var hasEnded = false

        init(pool: PostgresPool, connection: PostgresConnection, prelude: String?) {
            self.pool = pool
            self.connection = connection
            self.prelude = prelude
        }

        func run(_ work: PostgresOperation.Work, _ completion: @escaping PostgresOperation.Completion) {
            guard !self.hasEnded else { return completion(.failure(PostgresError(.closed, "used after its end"))) }
            var operation = PostgresOperation(
                work: work,
                timeout: self.pool.configuration.queryTimeout,
                completion: completion
            )
            if let defect = operation.defect { return completion(.failure(defect)) }
            operation.prelude = self.prelude
            self.prelude = nil
            self.connection.execute(operation)
        }

        func end(_ ending: Ending, _ completion: @escaping (Result<Void, PostgresError>) -> Void) {
            guard !self.hasEnded else { return completion(.success(())) }
            self.hasEnded = true
            guard self.prelude == nil else {
                // Nothing was sent, so there is nothing to end.
                self.pool.release(self.connection)
                return completion(.success(()))
            }
            var operation = PostgresOperation(
                work: .statement(PostgresStatement(unsafe: ending.rawValue)),
                timeout: self.pool.configuration.queryTimeout
            ) { result in
                self.pool.release(self.connection)
                completion(result.map { _ in () })
            }
            operation.isCommit = ending == .commit
            self.connection.execute(operation)
        }

        func discard() {
            guard !self.hasEnded else { return }
            self.hasEnded = true
            self.connection.close(PostgresError(.closed, "the session has ended"))
            self.pool.release(self.connection)
        }
    }

    private let held: LoopBound<Held>

    init(_ held: LoopBound<Held>) {
        self.held = held
    }

    func run(_ work: PostgresOperation.Work) async throws(PostgresError) -> PostgresResult {
        let held = self.held
        let result: Result<PostgresResult, PostgresError> = await held.loop.answer { answer in
            held.value.run(work, answer)
        }
        return try result.get()
    }

    func end(_ ending: Ending) async throws(PostgresError) {
        let held = self.held
        let result: Result<Void, PostgresError> = await held.loop.answer { answer in held.value.end(ending, answer) }
        try result.get()
    }

    /// Rolls back unless the transaction has ended.
    ///
    /// A rollback that fails leaves a connection that the pool drops.
    func rollBack() async {
        let held = self.held
        let _: Result<Void, PostgresError> = await held.loop.answer { answer in held.value.end(.rollBack, answer) }
    }

    func discard() async {
        let held = self.held
        await held.loop.answer { answer in
            held.value.discard()
            answer(())
        }
    }

    func isInTransaction() async -> Bool {
        let held = self.held
        return await held.loop.answer { answer in answer(held.value.connection.isInTransaction) }
    }
}
