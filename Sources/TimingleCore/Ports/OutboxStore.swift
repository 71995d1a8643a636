/// Changes that were committed with their event and still have to reach the broker.
package protocol OutboxStore: Sendable {
    /// Hands the oldest unpublished changes (at most `limit`) to `publish` in order, and marks as published those that
    /// it reports done.
    ///
    /// One relay at a time over all processes: returns nil at once when another one is at work. Returns how many were
    /// published otherwise.
    func relay(
        limit: Int,
        _ publish: @Sendable ([EventChange]) async -> Set<ChangeID>
    ) async throws(StoreError) -> Int?

    /// How many changes wait.
    func backlog() async throws(StoreError) -> Int64
}

/// Told after each commit that wrote an outbox row, so that the relay need not wait for its next look.
///
/// Any thread.
package protocol OutboxPoke: Sendable {
    func changeCommitted()
}
