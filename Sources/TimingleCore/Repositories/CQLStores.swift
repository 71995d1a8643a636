internal import TimingleCQL
package import TimingleNet

/// Everything that is kept in Cassandra or ScyllaDB, over one client.
///
/// Immutable.
package struct CQLStores: Sendable {
    package let messages: CQLMessageRepository
    package let history: CQLHistoryRepository
    package let activity: CQLActivityRepository
    package let typing: CQLTypingRepository
    package let reactions: CQLReactionRepository
    package let unreadCounts: CQLUnreadCountRepository
    private let client: CQLClient

    /// Connects in the background, and again after each loss.
    package init(settings: CQLStoreSettings, group: EventLoopGroup, log: Log) throws {
        let client = CQLClient(
            configuration: try settings.configuration(keyspace: settings.keyspace, loops: group.loops.count),
            group: group,
            log: log
        )
        self.client = client
        self.messages = CQLMessageRepository(client: client)
        self.history = CQLHistoryRepository(client: client)
        self.activity = CQLActivityRepository(client: client)
        self.typing = CQLTypingRepository(client: client)
        self.reactions = CQLReactionRepository(client: client)
        self.unreadCounts = CQLUnreadCountRepository(client: client)
    }

    /// Why nothing can be stored or read now, for operators; nil when it can.
    ///
    /// Asks the keyspace: one that was never migrated is no store.
    package func failure() async -> String? {
        do throws(CQLError) {
            try await self.client.execute("SELECT version FROM schema_migrations LIMIT 1")
            return nil
        } catch {
            if error.code == .invalid { return "the keyspace is not migrated: timingle migrate up" }
            return error.code.rawValue + (CQLStoreSettings.advice(error).map { ": see \($0)" } ?? "")
        }
    }

    package func close() async { await self.client.close() }
}
