/// What somebody thinks of a message, in one sign.
package struct MessageReaction: Sendable, Equatable {
    package let userID: UserID
    package let reaction: String
    package let createdAt: Timestamp

    package init(userID: UserID, reaction: String, createdAt: Timestamp) {
        self.userID = userID
        self.reaction = reaction
        self.createdAt = createdAt
    }
}

/// One reaction per person and message.
///
/// Of several by one person the latest counts, by `createdAt`, in whatever order they arrive.
package protocol ReactionStore: Sendable {
    func react(_ reaction: MessageReaction, to message: MessageID) async throws(StoreError)
    /// Takes back what the person said up to `time`.
    func withdraw(_ user: UserID, from message: MessageID, at time: Timestamp) async throws(StoreError)
    /// In the order of the people's numbers.
    func reactions(to message: MessageID) async throws(StoreError) -> [MessageReaction]
}
