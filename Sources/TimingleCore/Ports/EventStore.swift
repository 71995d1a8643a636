/// An event about to be created.
package struct NewEvent: Sendable, Equatable {
    package var title: String
    package var description: String?
    package var location: String?
    package var startTime: Timestamp
    package var endTime: Timestamp
    package var creatorID: UserID
    package var participantIDs: [UserID]

    package init(
        title: String,
        description: String?,
        location: String?,
        startTime: Timestamp,
        endTime: Timestamp,
        creatorID: UserID,
        participantIDs: [UserID]
    ) {
        self.title = title
        self.description = description
        self.location = location
        self.startTime = startTime
        self.endTime = endTime
        self.creatorID = creatorID
        self.participantIDs = participantIDs
    }
}

/// A change of some of an event's fields; the inner optional of a doubly optional field clears it.
package struct EventPatch: Sendable, Equatable {
    package var title: String?
    package var description: String??
    package var location: String??
    package var startTime: Timestamp?
    package var endTime: Timestamp?
    package var status: EventStatus?

    package init() {}
}

/// Which of a user's events to list.
package struct EventListQuery: Sendable, Equatable {
    package var statuses: [EventStatus]
    /// Only events that end at or after this time.
    package var endingFrom: Timestamp?
    package var startingFrom: Timestamp?
    package var startingBefore: Timestamp?
    /// Only events of which a part lies in here; one without length counts where it stands.
    package var overlapping: Range<Timestamp>?
    /// From 1.
    package var page: Int
    /// 1 to 100.
    package var limit: Int

    package init(
        statuses: [EventStatus] = [],
        endingFrom: Timestamp? = nil,
        startingFrom: Timestamp? = nil,
        startingBefore: Timestamp? = nil,
        overlapping: Range<Timestamp>? = nil,
        page: Int = 1,
        limit: Int = 20
    ) {
        self.statuses = statuses
        self.endingFrom = endingFrom
        self.startingFrom = startingFrom
        self.startingBefore = startingBefore
        self.overlapping = overlapping
        self.page = page
        self.limit = limit
    }
}

/// Events, their participants and the evidence of each change, which commits together with it.
package protocol EventStore: EventAccessStore {
    /// Creates the event and invites `event.participantIDs`, who exist and are not the creator.
    ///
    /// `change` makes the evidence once the event's number is known.
    func create(
        _ event: NewEvent,
        at time: Timestamp,
        change: @Sendable (EventID) -> EventChange
    ) async throws(StoreError) -> EventDetails

    /// Nil when there is no such event.
    func view(event: EventID, user: UserID) async throws(StoreError) -> EventView?

    /// Events that the user created or is invited to and has not declined: newest start first, then greatest id.
    ///
    /// `total` counts all pages.
    func list(user: UserID, query: EventListQuery) async throws(StoreError) -> (events: [EventDetails], total: Int64)

    /// Locks the event, lets `decide` look at it, and writes what it decided in one transaction.
    ///
    /// Decisions about one event come one after the other, over all processes. A decision without changes writes
    /// nothing. `user` is for whom the unread count of the answer is. `decide` may run again after a conflict.
    func change(
        event: EventID,
        user: UserID,
        _ decide: @Sendable (EventSnapshot) -> Result<EventDecision, ServiceError>
    ) async throws(StoreError) -> EventChangeOutcome

    /// Those of `ids` (at most 200) who can be invited: they exist, are active, and with `acquaintedOnly` share an
    /// event with the host already.
    ///
    /// In no order.
    func invitees(_ ids: [UserID], host: UserID, acquaintedOnly: Bool) async throws(StoreError) -> [Participant]
}

/// Answers who may enter a room; small, because each socket and each message asks.
package protocol EventAccessStore: Sendable {
    /// Nil when there is no such event.
    func access(event: EventID, user: UserID) async throws(StoreError) -> EventAccess?
}

/// How far somebody has read a room.
package struct ReadMark: Sendable, Hashable {
    package var eventID: EventID
    package var userID: UserID
    package var seq: Int64
    package var ordinal: Int64

    package init(eventID: EventID, userID: UserID, seq: Int64, ordinal: Int64) {
        self.eventID = eventID
        self.userID = userID
        self.seq = seq
        self.ordinal = ordinal
    }
}

/// The latest that the room's members have read, and how far the rooms are.
package protocol RoomMarkStore: Sendable {
    /// Moves the rooms forward (never back) after their items were stored, and in the same step the read marks of
    /// those who wrote them.
    ///
    /// At most one mark for each event and user.
    func advanceRooms(
        _ positions: [EventID: RoomPosition],
        readBy marks: [ReadMark]
    ) async throws(StoreError)
    /// Moves the read marks of members in one step, never back, and returns the others: marks of those who are
    /// members no more, which stay as they are.
    ///
    /// At most one mark for each event and user.
    func markRead(_ marks: [ReadMark]) async throws(StoreError) -> [ReadMark]
    /// Moves the member's read mark to `ordinal` (and `seq`), never back.
    func markRead(event: EventID, user: UserID, seq: Int64, ordinal: Int64) async throws(StoreError)
    /// How far the room was moved; nil when nothing of it was ever stored.
    func position(event: EventID) async throws(StoreError) -> RoomPosition?
}

extension RoomMarkStore {
    package func advanceRooms(_ positions: [EventID: RoomPosition]) async throws(StoreError) {
        try await self.advanceRooms(positions, readBy: [])
    }
}
