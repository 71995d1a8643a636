internal import Synchronization
internal import TimingleNet

/// The transactional outbox in PostgreSQL.
///
/// Any thread (Mutex around the time of the next purge).
package final class PostgresOutboxRepository: OutboxStore {
    /// Names the relay's lock among the database's advisory locks: "outbox" in ASCII.
    private static let lockKey: Int64 = 0x6f75_7462_6f78
    /// How many published rows one purge removes.
    private static let purgeBatch: Int64 = 1_000
    private static let purgeInterval: Duration = .seconds(60)

    private let client: PostgresClient
    private let retentionDays: Int64
    private let nextPurge = Mutex(MonotonicInstant.now)

    package init(client: PostgresClient, retentionDays: Int64 = 7) {
        self.client = client
        self.retentionDays = retentionDays
    }

    /// Holds one transaction, and in it the relay's lock, for as long as `publish` takes: keep that well below the
    /// server's limit for idle transactions.
    package func relay(
        limit: Int,
        _ publish: @Sendable ([EventChange]) async -> Set<ChangeID>
    ) async throws(StoreError) -> Int? {
        let limit = Int64(min(max(limit, 1), 1_000))
        return try await self.client.storeTransaction { transaction throws(PostgresError) in
            let lock = try await transaction.query("SELECT pg_try_advisory_xact_lock(\(Self.lockKey))")
            guard try lock.first?.decode(at: 0, as: Bool.self) == true else { return nil }
            let waiting = try await transaction.query(
                """
                SELECT id, payload FROM event_outbox WHERE published_at IS NULL AND error IS NULL
                ORDER BY id LIMIT \(limit)
                """
            )
            var changes: [EventChange] = []
            for row in waiting {
                let payload = try row.decode("payload", as: PostgresJSON.self)
                do throws(StoreError) {
                    changes.append(try EventChange(json: [UInt8](payload.text.utf8)))
                } catch {
                    try await Self.park(row, "\(error)", transaction)
                }
            }
            let published = changes.isEmpty ? [] : await publish(changes)
            if !published.isEmpty {
                try await transaction.query(
                    """
                    UPDATE event_outbox SET published_at = clock_timestamp()
                    WHERE change_id = ANY (\(Array(published))) AND published_at IS NULL
                    """
                )
            }
            if waiting.rowCount < limit { try await self.purge(transaction) }
            return published.count
        }
    }

    package func backlog() async throws(StoreError) -> Int64 {
        let result = try await self.client.storeQuery(
            "SELECT count(*) FROM event_outbox WHERE published_at IS NULL AND error IS NULL"
        )
        do throws(PostgresError) {
            return try result.first?.decode(at: 0) ?? 0
        } catch {
            throw error.asStoreError
        }
    }

    /// A row that nobody can read must not hold up those behind it, nor be lost.
    private static func park(
        _ row: PostgresRow,
        _ reason: String,
        _ transaction: PostgresTransaction
    ) async throws(PostgresError) {
        let id = try row.decode("id", as: Int64.self)
        try await transaction.query("UPDATE event_outbox SET error = \(reason) WHERE id = \(id)")
    }

    /// Removes what was published long ago, a batch at a time, when there is nothing better to do.
    ///
    /// The oldest rows are the first of the primary key, so no index on the time is needed.
    private func purge(_ transaction: PostgresTransaction) async throws(PostgresError) {
        let isDue = self.nextPurge.withLock { next in
            guard MonotonicInstant.now >= next else { return false }
            next = MonotonicInstant.now + Self.purgeInterval
            return true
        }
        guard isDue else { return }
        let result = try await transaction.query(
            """
            DELETE FROM event_outbox WHERE id IN (
                SELECT id FROM (SELECT id, published_at FROM event_outbox ORDER BY id LIMIT \(Self.purgeBatch)) oldest
                WHERE published_at < clock_timestamp() - \(self.retentionDays) * interval '1 day'
            )
            """
        )
        // More is waiting, it seems: go on at the next look.
        if result.affectedRows == Int(Self.purgeBatch) { self.nextPurge.withLock { $0 = MonotonicInstant.now } }
    }
}
