/// The evidence of changes in PostgreSQL: the history store that needs nothing more installed.
///
/// Immutable.
package struct PostgresHistoryRepository: HistoryStore {
    private let client: PostgresClient

    package init(client: PostgresClient) {
        self.client = client
    }

    /// One statement for all entries, so that all of them are stored or none.
    package func append(_ entries: [HistoryEntry]) async throws(StoreError) {
        guard !entries.isEmpty else { return }
        var writer = JSONWriter(capacity: entries.count * 512)
        writer.array { writer in
            for entry in entries { Self.write(entry, to: &writer) }
        }
        let document = PostgresJSON(String(decoding: writer.bytes, as: UTF8.self))
        try await self.client.storeQuery(
            """
            INSERT INTO event_history (
                change_id, event_id, actor_id, actor_name, change_type, field_name, old_value, new_value, changed_at,
                metadata
            )
            SELECT change_id, event_id, actor_id, actor_name, change_type, field_name, old_value, new_value,
                changed_at, metadata
            FROM jsonb_to_recordset(\(document)) AS entry (
                change_id uuid, event_id bigint, actor_id bigint, actor_name text, change_type text, field_name text,
                old_value text, new_value text, changed_at timestamptz, metadata jsonb
            )
            ORDER BY change_id
            ON CONFLICT (change_id) DO NOTHING
            """
        )
    }

    package func page(
        event: EventID,
        before cursor: (changedAt: Timestamp, changeID: ChangeID)?,
        limit: Int
    ) async throws(StoreError) -> [HistoryEntry] {
        var older: PostgresStatement = ""
        if let cursor { older = "AND (changed_at, change_id) < (\(cursor.changedAt), \(cursor.changeID))" }
        let limit = min(max(limit, 1), 200)
        let result = try await self.client.storeQuery(
            """
            SELECT change_id, event_id, actor_id, actor_name, change_type, field_name, old_value, new_value,
                changed_at, metadata
            FROM event_history
            WHERE event_id = \(event) \(older)
            ORDER BY changed_at DESC, change_id DESC LIMIT \(Int64(limit))
            """
        )
        do throws(PostgresError) {
            var entries: [HistoryEntry] = []
            entries.reserveCapacity(result.count)
            for row in result { entries.append(try Self.entry(row)) }
            return entries
        } catch {
            throw error.asStoreError
        }
    }

    // MARK: Rows

    private static func entry(_ row: PostgresRow) throws(PostgresError) -> HistoryEntry {
        let metadata = try row.decode("metadata", as: PostgresJSON.self)
        return HistoryEntry(
            changeID: try row.decode("change_id"),
            eventID: try row.decode("event_id"),
            actorID: try row.decode("actor_id", as: UserID?.self) ?? .system,
            actorName: try row.decode("actor_name"),
            changeType: try row.decode("change_type"),
            fieldName: try row.decode("field_name"),
            oldValue: try row.decode("old_value"),
            newValue: try row.decode("new_value"),
            changedAt: try row.decode("changed_at"),
            metadata: try metadata.strings()
        )
    }

    private static func write(_ entry: HistoryEntry, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("change_id", entry.changeID.rawValue)
            writer.field("event_id", entry.eventID.rawValue)
            writer.field("actor_id", entry.actorID == .system ? nil : entry.actorID.rawValue)
            writer.field("actor_name", entry.actorName)
            writer.field("change_type", entry.changeType.rawValue)
            writer.field("field_name", entry.fieldName)
            writer.field("old_value", entry.oldValue)
            writer.field("new_value", entry.newValue)
            writer.field("changed_at", entry.changedAt)
            writer.field("metadata", entry.metadata)
        }
    }
}
