internal import TimingleCQL

/// Reactions to messages in Cassandra or ScyllaDB.
///
/// Immutable. The time of a reaction is its write timestamp, so that the latest stays, in whatever order they arrive.
package struct CQLReactionRepository: ReactionStore {
    private let client: any CQLQuerying

    init(client: any CQLQuerying) {
        self.client = client
    }

    package func react(_ reaction: MessageReaction, to message: MessageID) async throws(StoreError) {
        try await self.client.storeWrite([
            """
            INSERT INTO message_reactions (message_id, user_id, reaction, created_at)
            VALUES (\(message), \(reaction.userID), \(reaction.reaction), \(reaction.createdAt))
            USING TIMESTAMP \(reaction.createdAt.writeTime)
            """
        ])
    }

    package func withdraw(_ user: UserID, from message: MessageID, at time: Timestamp) async throws(StoreError) {
        try await self.client.storeWrite([
            """
            DELETE FROM message_reactions USING TIMESTAMP \(time.writeTime)
            WHERE message_id = \(message) AND user_id = \(user)
            """
        ])
    }

    package func reactions(to message: MessageID) async throws(StoreError) -> [MessageReaction] {
        try await self.client.storeRows(
            "SELECT user_id, reaction, created_at FROM message_reactions WHERE message_id = \(message)"
        ) { row throws(CQLCodingError) in
            MessageReaction(
                userID: try row.decode("user_id"),
                reaction: try row.decode("reaction"),
                createdAt: try row.decode("created_at")
            )
        }
    }
}
