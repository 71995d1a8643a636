/// Where and when somebody said something.
package struct ActivityEntry: Sendable, Equatable {
    package let createdAt: Timestamp
    package let eventID: EventID
    package let messageID: MessageID

    package init(createdAt: Timestamp, eventID: EventID, messageID: MessageID) {
        self.createdAt = createdAt
        self.eventID = eventID
        self.messageID = messageID
    }
}

/// What people said over all rooms; the message store writes it with the items.
package protocol ActivityStore: Sendable {
    /// Newest first, those of one millisecond by event; entries before the given one, at most `limit` (1 to 200).
    func latest(
        of user: UserID,
        before cursor: (createdAt: Timestamp, eventID: EventID)?,
        limit: Int
    ) async throws(StoreError) -> [ActivityEntry]
}
