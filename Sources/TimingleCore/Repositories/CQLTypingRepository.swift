internal import TimingleCQL

/// Who is typing where, in Cassandra or ScyllaDB; the table forgets by itself.
///
/// Immutable.
package struct CQLTypingRepository: TypingStore {
    private let client: any CQLQuerying

    init(client: any CQLQuerying) {
        self.client = client
    }

    package func started(_ person: TypingPerson, in event: EventID) async throws(StoreError) {
        try await self.client.storeWrite([
            """
            INSERT INTO typing_indicators (event_id, user_id, user_name, started_at)
            VALUES (\(event), \(person.userID), \(person.name), \(person.startedAt))
            USING TIMESTAMP \(person.startedAt.writeTime)
            """
        ])
    }

    package func stopped(_ user: UserID, in event: EventID, at time: Timestamp) async throws(StoreError) {
        try await self.client.storeWrite([
            """
            DELETE FROM typing_indicators USING TIMESTAMP \(time.writeTime)
            WHERE event_id = \(event) AND user_id = \(user)
            """
        ])
    }

    package func typing(in event: EventID) async throws(StoreError) -> [TypingPerson] {
        try await self.client.storeRows(
            "SELECT user_id, user_name, started_at FROM typing_indicators WHERE event_id = \(event)"
        ) { row throws(CQLCodingError) in
            TypingPerson(
                userID: try row.decode("user_id"),
                name: try row.decode("user_name"),
                startedAt: try row.decode("started_at")
            )
        }
    }
}
