/// How far the rooms are and what their members have read, in PostgreSQL.
///
/// Immutable. Both only move forward, in whatever order the writers come.
package struct PostgresRoomMarkRepository: RoomMarkStore, UnreadCountSource {
    private let client: PostgresClient

    package init(client: PostgresClient) {
        self.client = client
    }

    package func advanceRooms(
        _ positions: [EventID: RoomPosition],
        readBy marks: [ReadMark]
    ) async throws(StoreError) {
        guard !positions.isEmpty else { return }
        // In the order of the rooms and users: two workers wait for each other instead of deadlocking.
        let rooms = positions.sorted { $0.key < $1.key }
        let marks = Self.sorted(marks)
        try await self.client.storeQuery(
            """
            WITH marked AS (
                INSERT INTO event_member_marks AS mark (event_id, user_id, read_seq, read_ordinal, delivered_seq)
                SELECT event_id, user_id, seq, ordinal, seq
                FROM unnest(
                    \(marks.map(\.eventID)), \(marks.map(\.userID)), \(marks.map(\.seq)), \(marks.map(\.ordinal))
                ) WITH ORDINALITY AS ahead (event_id, user_id, seq, ordinal, place)
                ORDER BY place
                \(unsafe: Self.forward)
            )
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

    package func position(event: EventID) async throws(StoreError) -> RoomPosition? {
        let rows = try await self.client.storeQuery(
            "SELECT last_seq, last_ordinal, last_message_at FROM event_rooms WHERE event_id = \(event)"
        )
        guard let row = rows.first else { return nil }
        do throws(PostgresError) {
            return RoomPosition(
                seq: try row.decode("last_seq"),
                ordinal: try row.decode("last_ordinal"),
                createdAt: try row.decode("last_message_at")
            )
        } catch {
            throw error.asStoreError
        }
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
            \(unsafe: Self.forward)
            """
        )
    }

    package func markRead(_ marks: [ReadMark]) async throws(StoreError) -> [ReadMark] {
        guard !marks.isEmpty else { return [] }
        let marks = Self.sorted(marks)
        let result = try await self.client.storeQuery(
            """
            WITH ahead AS (
                SELECT wanted.event_id, wanted.user_id, wanted.seq, wanted.ordinal, wanted.place,
                    event.creator_id = wanted.user_id OR coalesce(own.status <> 'DECLINED', false) AS is_member
                FROM unnest(
                    \(marks.map(\.eventID)), \(marks.map(\.userID)), \(marks.map(\.seq)), \(marks.map(\.ordinal))
                ) WITH ORDINALITY AS wanted (event_id, user_id, seq, ordinal, place)
                JOIN events AS event ON event.id = wanted.event_id
                LEFT JOIN event_participants AS own
                    ON own.event_id = wanted.event_id AND own.user_id = wanted.user_id
            ), marked AS (
                INSERT INTO event_member_marks AS mark (event_id, user_id, read_seq, read_ordinal, delivered_seq)
                SELECT event_id, user_id, seq, ordinal, seq FROM ahead WHERE is_member ORDER BY place
                \(unsafe: Self.forward)
            )
            SELECT place FROM ahead WHERE NOT is_member
            """
        )
        do throws(PostgresError) {
            var others: [ReadMark] = []
            for row in result { others.append(marks[Int(try row.decode("place", as: Int64.self)) - 1]) }
            return others
        } catch {
            throw error.asStoreError
        }
    }

    package func unread(in events: [EventID]) async throws(StoreError) -> [UnreadCount] {
        guard !events.isEmpty else { return [] }
        let result = try await self.client.storeQuery(
            """
            SELECT member.event_id, member.user_id,
                GREATEST(COALESCE(room.last_ordinal, 0) - COALESCE(mark.read_ordinal, 0), 0) AS unread
            FROM (
                SELECT id AS event_id, creator_id AS user_id FROM events WHERE id = ANY(\(events))
                UNION
                SELECT event_id, user_id FROM event_participants
                WHERE event_id = ANY(\(events)) AND status <> 'DECLINED'
            ) AS member
            LEFT JOIN event_rooms AS room ON room.event_id = member.event_id
            LEFT JOIN event_member_marks AS mark
                ON mark.event_id = member.event_id AND mark.user_id = member.user_id
            """
        )
        do throws(PostgresError) {
            var counts: [UnreadCount] = []
            for row in result {
                counts.append(
                    UnreadCount(
                        eventID: try row.decode("event_id"),
                        userID: try row.decode("user_id"),
                        count: try row.decode("unread")
                    )
                )
            }
            return counts
        } catch {
            throw error.asStoreError
        }
    }

    private static func sorted(_ marks: [ReadMark]) -> [ReadMark] {
        marks.sorted { ($0.eventID, $0.userID) < ($1.eventID, $1.userID) }
    }

    /// The end of each INSERT of a mark: marks never go back, and one that stays is not written.
    private static let forward = """
        ON CONFLICT (event_id, user_id) DO UPDATE SET
            read_seq = GREATEST(mark.read_seq, EXCLUDED.read_seq),
            read_ordinal = GREATEST(mark.read_ordinal, EXCLUDED.read_ordinal),
            delivered_seq = GREATEST(mark.delivered_seq, EXCLUDED.delivered_seq),
            updated_at = date_trunc('milliseconds', clock_timestamp())
        WHERE mark.read_seq < EXCLUDED.read_seq OR mark.read_ordinal < EXCLUDED.read_ordinal
        """
}
