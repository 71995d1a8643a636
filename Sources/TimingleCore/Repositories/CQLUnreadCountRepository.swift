internal import Synchronization
internal import TimingleCQL

/// The counter table of unread messages in Cassandra or ScyllaDB: a derived view.
///
/// Immutable. A counter cannot be set, and adding to it is not idempotent: so it is read, and moved by what is missing,
/// never twice on one reading.
package struct CQLUnreadCountRepository: UnreadCountView {
    private let client: any CQLQuerying

    init(client: any CQLQuerying) {
        self.client = client
    }

    package func reconcile(_ counts: [UnreadCount]) async throws(StoreError) -> Int {
        let moved = Atomic<Int>(0)
        try await concurrently(counts) { wanted throws(StoreError) in
            let difference = wanted.count - (try await self.count(event: wanted.eventID, user: wanted.userID))
            guard difference != 0 else { return }
            moved.add(1, ordering: .relaxed)
            do throws(CQLError) {
                try await self.client.execute(
                    """
                    UPDATE unread_message_counts SET count = count + \(difference)
                    WHERE event_id = \(wanted.eventID) AND user_id = \(wanted.userID)
                    """
                )
            } catch {
                // Whether it moved is unknown, or known to be not: the next reading tells.
                throw error.asStoreError
            }
        }
        return moved.load(ordering: .relaxed)
    }

    package func count(event: EventID, user: UserID) async throws(StoreError) -> Int64 {
        try await self.client.storeRows(
            "SELECT count FROM unread_message_counts WHERE event_id = \(event) AND user_id = \(user)"
        ) { row throws(CQLCodingError) in try row.decode("count", as: Int64?.self) ?? 0 }.first ?? 0
    }
}
