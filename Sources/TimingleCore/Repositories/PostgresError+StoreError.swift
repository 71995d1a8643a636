extension PostgresError {
    /// What this failure means to a service.
    ///
    /// Only what the data itself is to blame for is `.rejected`: a table that is missing or a right that was not
    /// granted is put right by an operator, and the same call succeeds then.
    package var asStoreError: StoreError {
        switch self.code {
        case .decoding, .invalidStatement: return .rejected(self.description)
        case .connectionFailed, .connectionLost, .acquireTimeout, .queryTimeout, .commitUnknown, .transactionAborted,
            .cancelled, .closed:
            return .unavailable(self.description)
        case .server: break
        }
        guard let sqlState = self.sqlState else { return .unavailable(self.description) }
        switch sqlState {
        case "23505", "23P01": return .conflict(constraint: self.constraint ?? sqlState)
        // A program limit of the server: a value too large for an index, too many columns.
        case _ where sqlState.hasPrefix("54"): return .rejected(self.description)
        // Data exceptions, and values that a constraint of the schema refuses.
        case _ where sqlState.hasPrefix("22") || sqlState.hasPrefix("23"): return .rejected(self.description)
        default: return .unavailable(self.description)
        }
    }
}

/// Runs statements: a client, or one of its transactions.
protocol PostgresQuerying: Sendable {
    @discardableResult
    func query(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresResult
}

extension PostgresClient: PostgresQuerying {}
extension PostgresTransaction: PostgresQuerying {}

extension PostgresClient {
    /// `query` for repositories: a store's error, and a second try after a deadlock.
    @discardableResult
    func storeQuery(_ statement: PostgresStatement) async throws(StoreError) -> PostgresResult {
        do throws(PostgresError) {
            return try await self.query(statement)
        } catch {
            guard error.isConflict else { throw error.asStoreError }
        }
        do throws(PostgresError) {
            return try await self.query(statement)
        } catch {
            throw error.asStoreError
        }
    }

    /// `withTransaction` for repositories: a store's error, and a second try after a deadlock.
    func storeTransaction<Result: Sendable>(
        _ body: (PostgresTransaction) async throws(PostgresError) -> Result
    ) async throws(StoreError) -> Result {
        do {
            return try await self.withTransaction(attempts: 2) { transaction in try await body(transaction) }
        } catch let error as PostgresError {
            throw error.asStoreError
        } catch {
            throw .unavailable("\(error)")
        }
    }
}
