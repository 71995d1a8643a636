/// Events and their participants in PostgreSQL.
///
/// Immutable. Every change locks the event's row first, so that changes of one event, their outbox rows and their times
/// are in one order over all processes.
package struct PostgresEventRepository: EventStore {
    let client: PostgresClient

    package init(client: PostgresClient) {
        self.client = client
    }

    package func access(event: EventID, user: UserID) async throws(StoreError) -> EventAccess? {
        let result = try await self.client.storeQuery(
            """
            SELECT e.status, e.creator_id = \(user) AS is_creator, p.status AS own_status
            FROM events e
            LEFT JOIN event_participants p ON p.event_id = e.id AND p.user_id = \(user)
            WHERE e.id = \(event)
            """
        )
        guard let row = result.first else { return nil }
        do throws(PostgresError) {
            return EventAccess(status: try row.decode("status"), membership: try Self.membership(row))
        } catch {
            throw error.asStoreError
        }
    }

    package func create(
        _ event: NewEvent,
        at time: Timestamp,
        change: @Sendable (EventID) -> EventChange
    ) async throws(StoreError) -> EventDetails {
        try await self.client.storeTransaction { transaction throws(PostgresError) in
            let inserted = try await transaction.query(
                """
                INSERT INTO events
                    (title, description, location, start_time, end_time, creator_id, status, created_at, updated_at)
                VALUES (
                    \(event.title), \(event.description), \(event.location), \(event.startTime), \(event.endTime),
                    \(event.creatorID), \(EventStatus.proposed), \(time), \(time)
                )
                RETURNING id
                """
            )
            guard let id = try inserted.first?.decode(at: 0, as: EventID.self) else {
                throw PostgresError(.decoding, "an insert returned no id")
            }
            if !event.participantIDs.isEmpty {
                try await transaction.query(
                    """
                    INSERT INTO event_participants (event_id, user_id, status, invited_by, invited_at, invite_method)
                    SELECT \(id), user_id, \(ParticipantStatus.pending), \(event.creatorID), \(time),
                        \(InviteMethod.creator)
                    FROM unnest(\(event.participantIDs)) WITH ORDINALITY AS invited (user_id, place)
                    ORDER BY place
                    """
                )
            }
            try await Self.record([change(id)], transaction)
            guard let snapshot = try await Self.snapshot(id, transaction) else {
                throw PostgresError(.decoding, "a new event is gone")
            }
            return snapshot.details(unreadMessages: 0)
        }
    }

    package func change(
        event: EventID,
        user: UserID,
        _ decide: @Sendable (EventSnapshot) -> Result<EventDecision, ServiceError>
    ) async throws(StoreError) -> EventChangeOutcome {
        try await self.client.storeTransaction { transaction throws(PostgresError) in
            guard let snapshot = try await Self.snapshot(event, transaction, isLocked: true) else {
                return .noSuchEvent
            }
            let decision: EventDecision
            switch decide(snapshot) {
            case .failure(let refusal): return .refused(refusal)
            case .success(let decided): decision = decided
            }
            let unread = try await Self.unread(event, user, transaction)
            guard !decision.changes.isEmpty else {
                return .unchanged(snapshot.details(unreadMessages: unread))
            }
            if let next = decision.event { try await Self.write(next, over: snapshot.event, transaction) }
            for change in decision.participants { try await Self.write(change, event, transaction) }
            try await Self.record(decision.changes, transaction)
            return .changed(snapshot.applying(decision).details(unreadMessages: unread))
        }
    }

    package func invitees(
        _ ids: [UserID],
        host: UserID,
        acquaintedOnly: Bool
    ) async throws(StoreError) -> [Participant] {
        // CASE is evaluated in order: nobody's acquaintances are looked up when anybody will do.
        let result = try await self.client.storeQuery(
            """
            WITH shared AS (
                SELECT id AS event_id FROM events WHERE creator_id = \(host)
                UNION ALL
                SELECT event_id FROM event_participants
                WHERE user_id = \(host) AND status <> 'DECLINED'
            )
            SELECT u.id AS user_id, \(Self.personColumns), 'PENDING' AS status,
                NULL::bigint AS invited_by, NULL::timestamptz AS invited_at, NULL::timestamptz AS responded_at,
                NULL::text AS invite_method
            FROM users u
            WHERE u.id = ANY (\(ids)) AND u.status = 'ACTIVE' AND CASE
                WHEN NOT \(acquaintedOnly) THEN true
                WHEN EXISTS (
                    SELECT FROM event_participants p JOIN shared USING (event_id)
                    WHERE p.user_id = u.id AND p.status <> 'DECLINED'
                ) THEN true
                ELSE EXISTS (SELECT FROM events e JOIN shared ON shared.event_id = e.id WHERE e.creator_id = u.id)
            END
            """
        )
        do throws(PostgresError) {
            var people: [Participant] = []
            for row in result { people.append(try Self.participant(row)) }
            return people
        } catch {
            throw error.asStoreError
        }
    }

    // MARK: Writing

    /// The condition on the old status is the last word, even if somebody went around the lock.
    private static func write(
        _ event: Event,
        over old: Event,
        _ transaction: PostgresTransaction
    ) async throws(PostgresError) {
        let result = try await transaction.query(
            """
            UPDATE events SET title = \(event.title), description = \(event.description),
                location = \(event.location), start_time = \(event.startTime), end_time = \(event.endTime),
                status = \(event.status), updated_at = \(event.updatedAt)
            WHERE id = \(event.id) AND status = \(old.status)
            """
        )
        guard result.affectedRows == 1 else {
            // Told as a serialization failure, so that the whole transaction runs again on what is there now.
            throw PostgresError(.server, "the event changed under its lock", sqlState: "40001")
        }
    }

    private static func write(
        _ change: ParticipantChange,
        _ event: EventID,
        _ transaction: PostgresTransaction
    ) async throws(PostgresError) {
        switch change {
        case .set(let participant):
            let joinedAt = participant.status == .accepted ? participant.respondedAt : nil
            try await transaction.query(
                """
                INSERT INTO event_participants AS p
                    (event_id, user_id, status, invited_by, invited_at, responded_at, invite_method, joined_at)
                VALUES (
                    \(event), \(participant.userID), \(participant.status), \(participant.invitedBy),
                    COALESCE(\(participant.invitedAt), date_trunc('milliseconds', clock_timestamp())),
                    \(participant.respondedAt), \(participant.inviteMethod), \(joinedAt)
                )
                ON CONFLICT (event_id, user_id) DO UPDATE SET
                    status = EXCLUDED.status, invited_by = EXCLUDED.invited_by, invited_at = EXCLUDED.invited_at,
                    responded_at = EXCLUDED.responded_at, invite_method = EXCLUDED.invite_method,
                    joined_at = COALESCE(p.joined_at, EXCLUDED.joined_at)
                """
            )
        case .remove(let user):
            try await transaction.query(
                "DELETE FROM event_participants WHERE event_id = \(event) AND user_id = \(user)"
            )
        }
    }

    private static func record(
        _ changes: [EventChange],
        _ transaction: PostgresTransaction
    ) async throws(PostgresError) {
        for change in changes {
            let payload = PostgresJSON(String(decoding: change.json(), as: UTF8.self))
            try await transaction.query(
                """
                INSERT INTO event_outbox (change_id, event_id, subject, payload, created_at)
                VALUES (
                    \(change.id), \(change.eventID), \(change.subject),
                    \(payload), \(change.changedAt)
                )
                """
            )
        }
    }
}
