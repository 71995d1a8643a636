/// The rooms as a service of the chat needs them: what it places there, and what is remembered of them.
package protocol ChatRooms: Sendable {
    /// How long after an item one that is missing below it may still be stored.
    var unstoredAge: Duration { get }
    /// Returns once the broker holds the message; the members are shown it at the same moment.
    func place(_ draft: RoomDraft) async throws(ServiceError) -> PlacedMessage
    /// What this process remembers of the items above `low` and below `high`, oldest first, without a gap between them.
    func remembered(event: EventID, above low: Int64, below high: Int64) async -> [ChatMessage]
    /// The message, if this process remembers it.
    func message(_ id: MessageID, in event: EventID) async -> ChatMessage?
    /// What the sender called `clientID`, if this process remembers it.
    func message(event: EventID, sender: UserID, clientID: ClientMessageID) async -> ChatMessage?
    /// Takes no more drafts of people and waits, at most `deadline`, until those that were taken are answered.
    func drain(deadline: Duration) async
}
