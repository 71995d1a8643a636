/// Where the evidence of changes is kept for good.
package protocol HistoryStore: Sendable {
    /// Stores entries idempotently by change id.
    func append(_ entries: [HistoryEntry]) async throws(StoreError)
    /// Newest first; entries before the given one, at most `limit` (1 to 200).
    func page(
        event: EventID,
        before cursor: (changedAt: Timestamp, changeID: ChangeID)?,
        limit: Int
    ) async throws(StoreError) -> [HistoryEntry]
}
