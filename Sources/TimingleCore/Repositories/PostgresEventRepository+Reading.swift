extension PostgresEventRepository {
    /// A person as the members of an event see them; never a phone or an e-mail address.
    static var personColumns: PostgresStatement {
        """
        COALESCE(u.name, u.display_name, '') AS name, u.display_name,
        NULLIF(u.profile_image_url, '') AS profile_image_url
        """
    }

    private static var eventColumns: PostgresStatement {
        """
        e.id, e.title, NULLIF(e.description, '') AS description, NULLIF(e.location, '') AS location, e.start_time,
        e.end_time, e.status, e.creator_id, e.created_at, e.updated_at
        """
    }

    /// How many messages by people the room got after the user's read mark.
    private static var unreadColumn: PostgresStatement {
        "GREATEST(COALESCE(r.last_ordinal, 0) - COALESCE(m.read_ordinal, 0), 0) AS unread"
    }

    // MARK: One event

    package func view(event: EventID, user: UserID) async throws(StoreError) -> EventView? {
        do throws(PostgresError) {
            let result = try await self.client.query(
                """
                SELECT \(Self.eventColumns), \(Self.personColumns), \(Self.unreadColumn),
                    e.creator_id = \(user) AS is_creator, p.status AS own_status
                FROM events e
                JOIN users u ON u.id = e.creator_id
                LEFT JOIN event_participants p ON p.event_id = e.id AND p.user_id = \(user)
                LEFT JOIN event_rooms r ON r.event_id = e.id
                LEFT JOIN event_member_marks m ON m.event_id = e.id AND m.user_id = \(user)
                WHERE e.id = \(event)
                """
            )
            guard let row = result.first else { return nil }
            let participants = try await Self.participants(of: [event], self.client)
            return EventView(
                details: try Self.details(row, participants[event] ?? []),
                membership: try Self.membership(row)
            )
        } catch {
            throw error.asStoreError
        }
    }

    static func membership(_ row: PostgresRow) throws(PostgresError) -> Membership {
        if try row.decode("is_creator", as: Bool.self) { return .creator }
        guard let status = try row.decode("own_status", as: ParticipantStatus?.self) else { return .stranger }
        return .participant(status)
    }

    /// The event with everybody invited; with `isLocked` nobody else changes it until the transaction ends.
    ///
    /// NO KEY: messages and outbox rows that point to the event need not wait.
    static func snapshot(
        _ event: EventID,
        _ transaction: PostgresTransaction,
        isLocked: Bool = false
    ) async throws(PostgresError) -> EventSnapshot? {
        let lock: PostgresStatement = isLocked ? "FOR NO KEY UPDATE OF e" : ""
        let result = try await transaction.query(
            """
            SELECT \(Self.eventColumns), \(Self.personColumns)
            FROM events e
            JOIN users u ON u.id = e.creator_id
            WHERE e.id = \(event) \(lock)
            """
        )
        guard let row = result.first else { return nil }
        // A statement of its own, after the lock: the first one may have waited, and then sees old participants.
        let participants = try await Self.participants(of: [event], transaction)
        return EventSnapshot(
            event: try Self.event(row),
            creator: try Self.creator(row),
            participants: participants[event] ?? []
        )
    }

    static func unread(
        _ event: EventID,
        _ user: UserID,
        _ transaction: PostgresTransaction
    ) async throws(PostgresError) -> Int64 {
        let result = try await transaction.query(
            """
            SELECT \(Self.unreadColumn)
            FROM event_rooms r
            LEFT JOIN event_member_marks m ON m.event_id = r.event_id AND m.user_id = \(user)
            WHERE r.event_id = \(event)
            """
        )
        return try result.first?.decode("unread") ?? 0
    }

    // MARK: The list

    /// Two statements, however long the page is.
    ///
    /// Own events and invitations are each read off an index in the list's order, as far as the page needs. The filters
    /// stand in the text only when they are asked for, so that each kind of list has a plan of its own.
    package func list(
        user: UserID,
        query: EventListQuery
    ) async throws(StoreError) -> (events: [EventDetails], total: Int64) {
        let limit = Int64(query.limit)
        let offset = Int64(query.page - 1) * limit
        let filters = Self.filters(query)
        // Only a filter needs the event's row; without one the index of the invitations is enough.
        let event: PostgresStatement = filters.text.isEmpty ? "" : "JOIN events e ON e.id = p.event_id"
        do throws(PostgresError) {
            let result = try await self.client.query(
                """
                WITH page AS (
                    SELECT \(Self.eventColumns), \(Self.personColumns), \(Self.unreadColumn)
                    FROM (
                        SELECT id FROM (
                            (
                                SELECT e.id, e.start_time FROM events e WHERE e.creator_id = \(user) \(filters)
                                ORDER BY e.start_time DESC, e.id DESC LIMIT \(offset + limit)
                            ) UNION (
                                SELECT p.event_id, p.event_start FROM event_participants p \(event)
                                WHERE p.user_id = \(user) AND p.status <> 'DECLINED' \(filters)
                                ORDER BY p.event_start DESC, p.event_id DESC LIMIT \(offset + limit)
                            )
                        ) halves
                        ORDER BY start_time DESC, id DESC LIMIT \(limit) OFFSET \(offset)
                    ) chosen
                    JOIN events e ON e.id = chosen.id
                    JOIN users u ON u.id = e.creator_id
                    LEFT JOIN event_rooms r ON r.event_id = e.id
                    LEFT JOIN event_member_marks m ON m.event_id = e.id AND m.user_id = \(user)
                )
                SELECT (
                    SELECT count(*) FROM events e WHERE e.creator_id = \(user) \(filters)
                ) + (
                    SELECT count(*) FROM event_participants p \(event)
                    WHERE p.user_id = \(user) AND p.status <> 'DECLINED' \(filters)
                        AND NOT EXISTS (SELECT FROM events o WHERE o.creator_id = \(user) AND o.id = p.event_id)
                ) AS total, page.*
                FROM (SELECT) one LEFT JOIN page ON true
                ORDER BY page.start_time DESC, page.id DESC
                """
            )
            return try await self.list(result)
        } catch {
            throw error.asStoreError
        }
    }

    private func list(
        _ result: PostgresResult
    ) async throws(PostgresError) -> (events: [EventDetails], total: Int64) {
        // A page beyond the end is one row of NULLs beside the total.
        let total: Int64 = try result.first?.decode("total") ?? 0
        var rows: [(id: EventID, row: PostgresRow)] = []
        for row in result {
            if let id = try row.decode("id", as: EventID?.self) { rows.append((id, row)) }
        }
        guard !rows.isEmpty else { return ([], total) }
        let participants = try await Self.participants(of: rows.map(\.id), self.client)
        var events: [EventDetails] = []
        for (id, row) in rows { events.append(try Self.details(row, participants[id] ?? [])) }
        return (events, total)
    }

    private static func filters(_ query: EventListQuery) -> PostgresStatement {
        var filters: PostgresStatement = ""
        if !query.statuses.isEmpty { filters += " AND e.status = ANY (\(query.statuses.map(\.rawValue)))" }
        if let time = query.endingFrom { filters += " AND e.end_time >= \(time)" }
        if let time = query.startingFrom { filters += " AND e.start_time >= \(time)" }
        if let time = query.startingBefore { filters += " AND e.start_time < \(time)" }
        if let period = query.overlapping {
            let (from, to) = (period.lowerBound, period.upperBound)
            filters += " AND e.start_time < \(to) AND (e.end_time > \(from) OR e.start_time >= \(from))"
        }
        return filters
    }

    // MARK: Rows

    /// Everybody invited to each of the events, in the order of invitation.
    private static func participants(
        of events: [EventID],
        _ database: some PostgresQuerying
    ) async throws(PostgresError) -> [EventID: [Participant]] {
        let result = try await database.query(
            """
            SELECT p.event_id, p.user_id, p.status, p.invited_by, p.invited_at, p.responded_at, p.invite_method,
                \(Self.personColumns)
            FROM event_participants p
            JOIN users u ON u.id = p.user_id
            JOIN events e ON e.id = p.event_id AND e.creator_id <> p.user_id
            WHERE p.event_id = ANY (\(events))
            ORDER BY p.event_id, p.invited_at, p.id
            """
        )
        var byEvent: [EventID: [Participant]] = [:]
        for row in result {
            byEvent[try row.decode("event_id"), default: []].append(try Self.participant(row))
        }
        return byEvent
    }

    static func participant(_ row: PostgresRow) throws(PostgresError) -> Participant {
        Participant(
            userID: try row.decode("user_id"),
            name: try row.decode("name"),
            displayName: try row.decode("display_name"),
            profileImageURL: try row.decode("profile_image_url"),
            status: try row.decode("status"),
            invitedBy: try row.decode("invited_by"),
            invitedAt: try row.decode("invited_at"),
            respondedAt: try row.decode("responded_at"),
            inviteMethod: try row.decode("invite_method")
        )
    }

    private static func details(
        _ row: PostgresRow,
        _ participants: [Participant]
    ) throws(PostgresError) -> EventDetails {
        let snapshot = EventSnapshot(
            event: try Self.event(row),
            creator: try Self.creator(row),
            participants: participants
        )
        return snapshot.details(unreadMessages: try row.decode("unread"))
    }

    private static func event(_ row: PostgresRow) throws(PostgresError) -> Event {
        Event(
            id: try row.decode("id"),
            title: try row.decode("title"),
            description: try row.decode("description"),
            location: try row.decode("location"),
            startTime: try row.decode("start_time"),
            endTime: try row.decode("end_time"),
            status: try row.decode("status"),
            creatorID: try row.decode("creator_id"),
            createdAt: try row.decode("created_at"),
            updatedAt: try row.decode("updated_at")
        )
    }

    private static func creator(_ row: PostgresRow) throws(PostgresError) -> Participant {
        Participant(
            userID: try row.decode("creator_id"),
            name: try row.decode("name"),
            displayName: try row.decode("display_name"),
            profileImageURL: try row.decode("profile_image_url"),
            status: .accepted
        )
    }
}
