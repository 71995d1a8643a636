/// Somebody who is typing in a room.
package struct TypingPerson: Sendable, Equatable {
    package let userID: UserID
    package let name: String
    package let startedAt: Timestamp

    package init(userID: UserID, name: String, startedAt: Timestamp) {
        self.userID = userID
        self.name = name
        self.startedAt = startedAt
    }
}

/// Who is typing where; what is not said again is forgotten after ten seconds.
package protocol TypingStore: Sendable {
    func started(_ person: TypingPerson, in event: EventID) async throws(StoreError)
    /// Forgets what the user started up to `time`.
    func stopped(_ user: UserID, in event: EventID, at time: Timestamp) async throws(StoreError)
    /// In the order of their numbers.
    func typing(in event: EventID) async throws(StoreError) -> [TypingPerson]
}
