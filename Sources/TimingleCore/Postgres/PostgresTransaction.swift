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
package final class PostgresTransaction: Sendable {
    /// Runs one statement inside the transaction.
    @discardableResult
    package func query(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresResult {
        throw PostgresError(.closed, "not there yet")
    }
}
