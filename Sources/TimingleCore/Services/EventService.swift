/// What an operator may set about events.
package struct EventServiceConfiguration: Sendable, Equatable {
    /// Whether anybody may be invited by number.
    ///
    /// Otherwise only people with whom the creator has an event already: adding strangers is a way to molest them.
    package var allowsArbitraryParticipants: Bool

    package init(allowsArbitraryParticipants: Bool = true) {
        self.allowsArbitraryParticipants = allowsArbitraryParticipants
    }
}

/// Appointments: create, change, confirm, cancel, and who takes part.
///
/// Immutable. Each change commits together with its evidence; afterwards the relay is told, and who is out of the event
/// is put out of its room.
package struct EventService: Sendable {
    private let store: any EventStore
    private let clock: any WallClock
    private let outbox: any OutboxPoke
    private let rooms: any RoomEvictor
    private let configuration: EventServiceConfiguration

    package init(
        store: any EventStore,
        clock: any WallClock,
        outbox: any OutboxPoke,
        rooms: any RoomEvictor,
        configuration: EventServiceConfiguration = EventServiceConfiguration()
    ) {
        self.store = store
        self.clock = clock
        self.outbox = outbox
        self.rooms = rooms
        self.configuration = configuration
    }

    /// Creates an event in the state PROPOSED and invites people to it.
    ///
    /// Who cannot be invited does not make it fail; the creator's own number in the list is passed over.
    package func create(
        _ draft: EventDraft,
        by requester: Requester
    ) async throws(ServiceError) -> (details: EventDetails, invites: InviteOutcome) {
        var event = NewEvent(
            title: try EventInput.title(draft.title),
            description: try EventInput.description(draft.description),
            location: try EventInput.location(draft.location),
            startTime: draft.startTime,
            endTime: draft.endTime,
            creatorID: requester.userID,
            participantIDs: []
        )
        try EventInput.checkTimes(start: draft.startTime, end: draft.endTime)
        let wanted = try Self.wantedParticipants(draft.participantIDs, creator: requester.userID)
        let people = try await self.people(wanted, host: requester.userID)
        let invited = wanted.compactMap { people[$0] }
        event.participantIDs = invited.map(\.userID)

        let now = self.clock.now()
        let initial = EventValue.initial(event, invited: invited)
        let details: EventDetails
        do {
            details = try await self.store.create(event, at: now) { id in
                EventEvidence(requester: requester).change(
                    .created,
                    of: id,
                    at: now,
                    [EventEvidence.Line(field: nil, old: nil, new: initial)]
                )
            }
        } catch {
            throw error.asServiceError
        }
        self.outbox.changeCommitted()
        let failed = wanted.filter { people[$0] == nil }
        return (details, InviteOutcome(invited: event.participantIDs, failed: failed))
    }

    /// The requester's events and the number of all of them; page and limit are brought into their bounds.
    package func list(
        _ query: EventListQuery,
        by requester: Requester
    ) async throws(ServiceError) -> (events: [EventDetails], total: Int64) {
        var query = query
        query.limit = min(max(query.limit, 1), 100)
        query.page = min(max(query.page, 1), 10_000_000)
        do {
            return try await self.store.list(user: requester.userID, query: query)
        } catch {
            throw error.asServiceError
        }
    }

    package func get(_ id: EventID, by requester: Requester) async throws(ServiceError) -> EventDetails {
        let view: EventView?
        do {
            view = try await self.store.view(event: id, user: requester.userID)
        } catch {
            throw error.asServiceError
        }
        guard let view else { throw .eventNotFound }
        guard view.membership.isMember else { throw .eventAccessDenied }
        return view.details
    }

    /// What the user is to the event: throws when there is none, or when he is not a member.
    package func access(_ id: EventID, user: UserID) async throws(ServiceError) -> EventAccess {
        let access: EventAccess?
        do {
            access = try await self.store.access(event: id, user: user)
        } catch {
            throw error.asServiceError
        }
        guard let access else { throw .eventNotFound }
        guard access.membership.isMember else { throw .eventAccessDenied }
        return access
    }

    /// Changes the fields that the patch names.
    package func update(
        _ id: EventID,
        _ patch: EventPatch,
        by requester: Requester
    ) async throws(ServiceError) -> EventDetails {
        let checked = try EventInput.patch(patch)
        return try await self.change(id, by: requester) { deliberation throws(ServiceError) in
            try deliberation.update(checked)
        }
    }

    /// The creator confirms the event; a participant confirms the own participation.
    package func confirm(_ id: EventID, by requester: Requester) async throws(ServiceError) -> EventDetails {
        try await self.change(id, by: requester) { deliberation throws(ServiceError) in
            try deliberation.confirm()
        }
    }

    /// Cancels; doing it again changes nothing.
    package func cancel(
        _ id: EventID,
        reason: String?,
        by requester: Requester
    ) async throws(ServiceError) -> EventDetails {
        let reason = try EventInput.reason(reason)
        return try await self.change(id, by: requester) { deliberation throws(ServiceError) in
            try deliberation.cancel(reason: reason)
        }
    }

    package func done(_ id: EventID, by requester: Requester) async throws(ServiceError) -> EventDetails {
        try await self.change(id, by: requester) { deliberation throws(ServiceError) in
            try deliberation.finish()
        }
    }

    /// Invites one more person, or again somebody who declined.
    package func addParticipant(
        _ id: EventID,
        userID: UserID,
        by requester: Requester
    ) async throws(ServiceError) -> EventDetails {
        let invitee = try await self.people([userID], host: requester.userID)[userID]
        return try await self.change(id, by: requester) { deliberation throws(ServiceError) in
            try deliberation.add(userID, invitee: invitee)
        }
    }

    /// The creator removes anybody, a participant himself.
    package func removeParticipant(
        _ id: EventID,
        userID: UserID,
        by requester: Requester
    ) async throws(ServiceError) -> EventDetails {
        let details = try await self.change(id, by: requester) { deliberation throws(ServiceError) in
            try deliberation.remove(userID)
        }
        self.rooms.evict(event: id, user: userID)
        return details
    }

    package func accept(_ id: EventID, by requester: Requester) async throws(ServiceError) -> EventDetails {
        try await self.change(id, by: requester) { deliberation throws(ServiceError) in
            try deliberation.answer(.accepted)
        }
    }

    /// The older name of `accept`.
    package func confirmParticipation(_ id: EventID, by requester: Requester) async throws(ServiceError) -> EventDetails
    {
        try await self.accept(id, by: requester)
    }

    package func decline(_ id: EventID, by requester: Requester) async throws(ServiceError) -> EventDetails {
        let details = try await self.change(id, by: requester) { deliberation throws(ServiceError) in
            try deliberation.answer(.declined)
        }
        if details.event.creatorID != requester.userID { self.rooms.evict(event: id, user: requester.userID) }
        return details
    }

    // MARK: What all share

    private func change(
        _ id: EventID,
        by requester: Requester,
        _ deliberate: @Sendable (inout EventDeliberation) throws(ServiceError) -> Void
    ) async throws(ServiceError) -> EventDetails {
        let outcome: EventChangeOutcome
        do throws(StoreError) {
            outcome = try await self.store.change(event: id, user: requester.userID) { snapshot in
                var deliberation = EventDeliberation(snapshot, requester: requester, now: self.clock.now())
                do throws(ServiceError) {
                    try deliberate(&deliberation)
                    return .success(deliberation.outcome)
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw error.asServiceError
        }
        switch outcome {
        case .changed(let details):
            self.outbox.changeCommitted()
            return details
        case .unchanged(let details): return details
        case .refused(let error): throw error
        case .noSuchEvent: throw .eventNotFound
        }
    }

    private func people(_ ids: [UserID], host: UserID) async throws(ServiceError) -> [UserID: Participant] {
        guard !ids.isEmpty else { return [:] }
        do {
            let people = try await self.store.invitees(
                ids,
                host: host,
                acquaintedOnly: !self.configuration.allowsArbitraryParticipants
            )
            return Dictionary(people.map { ($0.userID, $0) }) { first, _ in first }
        } catch {
            throw error.asServiceError
        }
    }

    /// Each number once, in the order of the request, without the creator's own.
    private static func wantedParticipants(_ ids: [Int64], creator: UserID) throws(ServiceError) -> [UserID] {
        var seen: Set<UserID> = [creator]
        let wanted = ids.map(UserID.init(rawValue:)).filter { seen.insert($0).inserted }
        guard wanted.count <= EventDeliberation.participantsMax else {
            throw .invalid(
                "participant_ids",
                ko: "참가자는 최대 \(EventDeliberation.participantsMax)명까지 초대할 수 있습니다.",
                en: "participant_ids must name at most \(EventDeliberation.participantsMax) people."
            )
        }
        return wanted
    }
}
