internal import TimingleCQL

/// The evidence of changes in Cassandra or ScyllaDB.
///
/// Immutable. An entry's key is the entry's own, its write timestamp the time of the change: writing it again changes
/// nothing.
package struct CQLHistoryRepository: HistoryStore {
    private let client: any CQLQuerying

    init(client: any CQLQuerying) {
        self.client = client
    }

    package func append(_ entries: [HistoryEntry]) async throws(StoreError) {
        for entry in entries {
            if let reason = entry.storageRefusal { throw .rejected("\(entry.changeID): \(reason)") }
        }
        let size = CQLMessageRepository.itemsPerWriteMax
        try await self.client.storeWrites(
            Dictionary(grouping: entries, by: \.eventID).values.flatMap { entries in
                CQLMessageRepository.chunks(entries.map(Self.statement), size)
            }
        )
    }

    package func page(
        event: EventID,
        before cursor: (changedAt: Timestamp, changeID: ChangeID)?,
        limit: Int
    ) async throws(StoreError) -> [HistoryEntry] {
        var older: CQLStatement = ""
        if let cursor { older = "AND (changed_at, change_id) < (\(cursor.changedAt), \(cursor.changeID))" }
        return try await self.client.storeRows(
            """
            SELECT change_id, event_id, actor_id, actor_name, change_type, field_name, old_value, new_value,
                changed_at, ip_address, user_agent, metadata
            FROM event_history WHERE event_id = \(event) \(older)
            ORDER BY changed_at DESC, change_id DESC LIMIT \(min(max(limit, 1), 200))
            """
        ) { row throws(CQLCodingError) in try Self.entry(row) }
    }

    // MARK: Rows

    /// Where a change came from has columns of its own.
    private static let columnsOfMetadata = ["ip_address", "user_agent"]

    private static func statement(_ entry: HistoryEntry) -> CQLStatement {
        let metadata = entry.metadata.filter { !Self.columnsOfMetadata.contains($0.key) }
        return """
            INSERT INTO event_history (
                event_id, changed_at, change_id, actor_id, actor_name, change_type, field_name, old_value, new_value,
                ip_address, user_agent, metadata
            ) VALUES (
                \(entry.eventID), \(entry.changedAt), \(entry.changeID), \(entry.actorID), \(entry.actorName),
                \(entry.changeType), \(orUnset: entry.fieldName), \(orUnset: entry.oldValue),
                \(orUnset: entry.newValue), \(orUnset: entry.metadata["ip_address"]),
                \(orUnset: entry.metadata["user_agent"]), \(CQLValue.unlessEmpty(metadata))
            )
            USING TIMESTAMP \(entry.changedAt.writeTime)
            """
    }

    private static func entry(_ row: CQLRow) throws(CQLCodingError) -> HistoryEntry {
        var metadata = try row.decode("metadata", as: [String: String].self)
        for column in Self.columnsOfMetadata { metadata[column] = try row.decode(column, as: String?.self) }
        return HistoryEntry(
            changeID: try row.decode("change_id"),
            eventID: try row.decode("event_id"),
            actorID: try row.decode("actor_id"),
            actorName: try row.decode("actor_name"),
            changeType: try row.decode("change_type"),
            fieldName: try row.decode("field_name"),
            oldValue: try row.decode("old_value"),
            newValue: try row.decode("new_value"),
            changedAt: try row.decode("changed_at"),
            metadata: metadata
        )
    }
}
