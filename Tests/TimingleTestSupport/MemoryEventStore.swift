package import TimingleCore

/// Events in memory, by the rules of the real store; for tests of services and handlers.
package final class MemoryEventStore: EventStore, RoomMarkStore {
    private struct State {
        var people: [UserID: Participant] = [:]
        var events: [EventID: EventSnapshot] = [:]
        var rooms: [EventID: RoomPosition] = [:]
        var marks: [EventID: [UserID: (seq: Int64, ordinal: Int64)]] = [:]
        var outbox: [EventChange] = []
        var lastID: Int64 = 0
    }

    private let state = Locked(State())

    package init() {}

    /// Everything that was committed, oldest first.
    package var changes: [EventChange] { self.state.withLock { $0.outbox } }

    /// Adds an active user.
    @discardableResult
    package func addPerson(named name: String) -> UserID {
        self.state.withLock { state in
            state.lastID += 1
            let id = UserID(rawValue: state.lastID)
            state.people[id] = Participant(userID: id, name: name, status: .pending)
            return id
        }
    }

    /// Puts an event into a state that no operation leads to.
    package func force(_ id: EventID, _ body: (inout EventSnapshot) -> Void) {
        self.state.withLock { state in
            if var snapshot = state.events[id] {
                body(&snapshot)
                state.events[id] = snapshot
            }
        }
    }

    package func access(event: EventID, user: UserID) async throws(StoreError) -> EventAccess? {
        self.state.withLock { state in
            state.events[event].map {
                EventAccess(status: $0.event.status, membership: $0.membership(of: user))
            }
        }
    }

    package func create(
        _ event: NewEvent,
        at time: Timestamp,
        change: @Sendable (EventID) -> EventChange
    ) async throws(StoreError) -> EventDetails {
        let details = self.state.withLock { state -> EventDetails? in
            guard let creator = state.people[event.creatorID] else { return nil }
            state.lastID += 1
            let id = EventID(rawValue: state.lastID)
            let row = Event(
                id: id,
                title: event.title,
                description: event.description,
                location: event.location,
                startTime: event.startTime,
                endTime: event.endTime,
                status: .proposed,
                creatorID: event.creatorID,
                createdAt: time,
                updatedAt: time
            )
            let invited = event.participantIDs.compactMap { state.people[$0] }.map { person in
                var person = person
                person.invitedBy = event.creatorID
                person.invitedAt = time
                person.inviteMethod = .creator
                return person
            }
            let snapshot = EventSnapshot(event: row, creator: Self.creator(creator), participants: invited)
            state.events[id] = snapshot
            state.outbox.append(change(id))
            return snapshot.details(unreadMessages: 0)
        }
        guard let details else { throw .rejected("no such creator") }
        return details
    }

    package func view(event: EventID, user: UserID) async throws(StoreError) -> EventView? {
        self.state.withLock { state in
            state.events[event].map { snapshot in
                EventView(
                    details: snapshot.details(unreadMessages: Self.unread(event, user, state)),
                    membership: snapshot.membership(of: user)
                )
            }
        }
    }

    package func list(
        user: UserID,
        query: EventListQuery
    ) async throws(StoreError) -> (events: [EventDetails], total: Int64) {
        self.state.withLock { state in
            let found = state.events.values.filter { snapshot in
                let event = snapshot.event
                return snapshot.membership(of: user).isMember
                    && (query.statuses.isEmpty || query.statuses.contains(event.status))
                    && query.endingFrom.map { event.endTime >= $0 } ?? true
                    && query.startingFrom.map { event.startTime >= $0 } ?? true
                    && query.startingBefore.map { event.startTime < $0 } ?? true
                    && query.overlapping.map { Self.overlaps(event, $0) } ?? true
            }
            let sorted = found.sorted { left, right in
                (left.event.startTime, left.event.id) > (right.event.startTime, right.event.id)
            }
            let page = sorted.dropFirst((query.page - 1) * query.limit).prefix(query.limit)
            let details = page.map { $0.details(unreadMessages: Self.unread($0.event.id, user, state)) }
            return (details, Int64(found.count))
        }
    }

    private static func overlaps(_ event: Event, _ period: Range<Timestamp>) -> Bool {
        event.startTime < period.upperBound
            && (event.endTime > period.lowerBound || event.startTime >= period.lowerBound)
    }

    package func change(
        event: EventID,
        user: UserID,
        _ decide: @Sendable (EventSnapshot) -> Result<EventDecision, ServiceError>
    ) async throws(StoreError) -> EventChangeOutcome {
        self.state.withLock { state in
            guard let snapshot = state.events[event] else { return .noSuchEvent }
            let unread = Self.unread(event, user, state)
            switch decide(snapshot) {
            case .failure(let refusal): return .refused(refusal)
            case .success(let decision):
                guard !decision.changes.isEmpty else { return .unchanged(snapshot.details(unreadMessages: unread)) }
                let next = snapshot.applying(decision)
                state.events[event] = next
                state.outbox += decision.changes
                return .changed(next.details(unreadMessages: unread))
            }
        }
    }

    package func invitees(
        _ ids: [UserID],
        host: UserID,
        acquaintedOnly: Bool
    ) async throws(StoreError) -> [Participant] {
        self.state.withLock { state in
            let shared = state.events.values.filter { $0.membership(of: host).isMember }
            return Set(ids).compactMap { state.people[$0] }.filter { person in
                !acquaintedOnly || shared.contains { $0.membership(of: person.userID).isMember }
            }
        }
    }

    package func advanceRooms(
        _ positions: [EventID: RoomPosition],
        readBy marks: [ReadMark]
    ) async throws(StoreError) {
        self.state.withLock { state in
            for (event, position) in positions where position.seq > state.rooms[event]?.seq ?? 0 {
                state.rooms[event] = position
            }
            for mark in marks { Self.rise(mark, &state) }
        }
    }

    package func position(event: EventID) async throws(StoreError) -> RoomPosition? {
        self.state.withLock { $0.rooms[event] }
    }

    package func markRead(_ marks: [ReadMark]) async throws(StoreError) -> [ReadMark] {
        self.state.withLock { state in
            marks.filter { mark in
                guard state.events[mark.eventID]?.membership(of: mark.userID).isMember == true else { return true }
                Self.rise(mark, &state)
                return false
            }
        }
    }

    private static func rise(_ mark: ReadMark, _ state: inout State) {
        let old = state.marks[mark.eventID]?[mark.userID] ?? (0, 0)
        state.marks[mark.eventID, default: [:]][mark.userID] = (
            max(old.seq, mark.seq), max(old.ordinal, mark.ordinal)
        )
    }

    package func markRead(
        event: EventID,
        user: UserID,
        seq: Int64,
        ordinal: Int64
    ) async throws(StoreError) {
        self.state.withLock { state in
            Self.rise(ReadMark(eventID: event, userID: user, seq: seq, ordinal: ordinal), &state)
        }
    }

    private static func creator(_ person: Participant) -> Participant {
        var person = person
        person.status = .accepted
        return person
    }

    private static func unread(_ event: EventID, _ user: UserID, _ state: State) -> Int64 {
        max((state.rooms[event]?.ordinal ?? 0) - (state.marks[event]?[user]?.ordinal ?? 0), 0)
    }
}
