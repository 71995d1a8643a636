/// How many messages of a room somebody has not read.
package struct UnreadCount: Sendable, Equatable {
    package let eventID: EventID
    package let userID: UserID
    package let count: Int64

    package init(eventID: EventID, userID: UserID, count: Int64) {
        self.eventID = eventID
        self.userID = userID
        self.count = count
    }
}

/// The truth about unread messages: the room's last ordinal minus the member's read mark.
package protocol UnreadCountSource: Sendable {
    /// For every member of these rooms.
    func unread(in events: [EventID]) async throws(StoreError) -> [UnreadCount]
}

/// A copy of the truth where others can read it; made of counters, which are moved, not set.
package protocol UnreadCountView: Sendable {
    /// Moves the counters that differ, and returns how many did.
    ///
    /// A counter whose movement is in doubt is looked at again the next time. Two who do this at once may move one
    /// counter twice: the next one puts that right.
    func reconcile(_ counts: [UnreadCount]) async throws(StoreError) -> Int
    /// Zero where nothing was ever counted.
    func count(event: EventID, user: UserID) async throws(StoreError) -> Int64
}
