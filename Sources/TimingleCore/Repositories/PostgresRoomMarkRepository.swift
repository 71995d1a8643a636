/// How far the rooms are and what their members have read, in PostgreSQL.
///
/// Immutable. Both only move forward, in whatever order the writers come.
package struct PostgresRoomMarkRepository: RoomMarkStore {
    private let client: PostgresClient

    package init(client: PostgresClient) {
        self.client = client
    }

    package func advanceRooms(_ positions: [EventID: RoomPosition]) async throws(StoreError) {
        guard !positions.isEmpty else { return }
        // In the order of the rooms: two workers wait for each other instead of deadlocking.
        let rooms = positions.sorted { $0.key < $1.key }
        try await self.client.storeQuery(
            """
            INSERT INTO event_rooms AS room (event_id, last_seq, last_ordinal, last_message_at)
            SELECT event_id, seq, ordinal, created_at
            FROM unnest(
                \(rooms.map(\.key)), \(rooms.map(\.value.seq)), \(rooms.map(\.value.ordinal)),
                \(rooms.map(\.value.createdAt))
            ) WITH ORDINALITY AS ahead (event_id, seq, ordinal, created_at, place)
            ORDER BY place
            ON CONFLICT (event_id) DO UPDATE SET
                last_seq = EXCLUDED.last_seq,
                last_ordinal = GREATEST(room.last_ordinal, EXCLUDED.last_ordinal),
                last_message_at = GREATEST(room.last_message_at, EXCLUDED.last_message_at)
            WHERE room.last_seq < EXCLUDED.last_seq
            """
        )
    }

    package func markRead(
        event: EventID,
        user: UserID,
        seq: Int64,
        ordinal: Int64
    ) async throws(StoreError) {
        try await self.client.storeQuery(
            """
            INSERT INTO event_member_marks AS mark (event_id, user_id, read_seq, read_ordinal, delivered_seq)
            VALUES (\(event), \(user), \(seq), \(ordinal), \(seq))
            ON CONFLICT (event_id, user_id) DO UPDATE SET
                read_seq = GREATEST(mark.read_seq, EXCLUDED.read_seq),
                read_ordinal = GREATEST(mark.read_ordinal, EXCLUDED.read_ordinal),
                delivered_seq = GREATEST(mark.delivered_seq, EXCLUDED.delivered_seq),
                updated_at = date_trunc('milliseconds', clock_timestamp())
            WHERE mark.read_seq < EXCLUDED.read_seq OR mark.read_ordinal < EXCLUDED.read_ordinal
            """
        )
    }
}
