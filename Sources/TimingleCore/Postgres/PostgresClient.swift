package import TimingleNet

/// PostgreSQL for services: pools of connections on the loops behind one face.
///
/// Any thread. Connects when first used, and again with a growing pause after failures.
package final class PostgresClient: Sendable {
    package let configuration: PostgresConfiguration

    package init(configuration: PostgresConfiguration, group: EventLoopGroup, log: Log) {
        self.configuration = configuration
    }

    /// Runs one statement on a connection of the caller's loop.
    @discardableResult
    package func query(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresResult {
        throw PostgresError(.closed, "not there yet")
    }

    /// Runs `body` inside BEGIN and COMMIT; rolls back when it throws.
    ///
    /// With `attempts` above 1 a serialization failure or deadlock runs the whole body again.
    package func withTransaction<Result: Sendable>(
        _ mode: PostgresTransactionMode = .readCommitted,
        attempts: Int = 1,
        _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        throw PostgresError(.closed, "not there yet")
    }

    /// Asks the server for a sign of life.
    package func ping() async throws(PostgresError) {
        try await self.query("SELECT 1")
    }

    /// False while connecting fails.
    package var isHealthy: Bool { true }

    /// Refuses new work, waits for what runs, closes all connections.
    package func close() async {}
}
