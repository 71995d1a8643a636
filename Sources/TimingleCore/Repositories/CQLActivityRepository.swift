internal import TimingleCQL

/// What people said over all rooms, in Cassandra or ScyllaDB.
///
/// Immutable.
package struct CQLActivityRepository: ActivityStore {
    private let client: any CQLQuerying

    init(client: any CQLQuerying) {
        self.client = client
    }

    /// The key's two columns run in opposite directions, and CQL compares pairs in one direction only: so the rest of
    /// the cursor's millisecond is read first, then what is older.
    package func latest(
        of user: UserID,
        before cursor: (createdAt: Timestamp, eventID: EventID)?,
        limit: Int
    ) async throws(StoreError) -> [ActivityEntry] {
        let limit = min(max(limit, 1), 200)
        guard let cursor else { return try await self.entries(user, "", limit) }
        let same = try await self.entries(
            user,
            "AND created_at = \(cursor.createdAt) AND event_id > \(cursor.eventID)",
            limit
        )
        guard same.count < limit else { return same }
        return same + (try await self.entries(user, "AND created_at < \(cursor.createdAt)", limit - same.count))
    }

    private func entries(
        _ user: UserID,
        _ condition: CQLStatement,
        _ limit: Int
    ) async throws(StoreError) -> [ActivityEntry] {
        try await self.client.storeRows(
            """
            SELECT created_at, event_id, message_id FROM chat_messages_by_user
            WHERE user_id = \(user) \(condition) LIMIT \(limit)
            """
        ) { row throws(CQLCodingError) in
            ActivityEntry(
                createdAt: try row.decode("created_at"),
                eventID: try row.decode("event_id"),
                messageID: try row.decode("message_id")
            )
        }
    }
}
