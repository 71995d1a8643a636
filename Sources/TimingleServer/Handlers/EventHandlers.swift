internal import TimingleCore
internal import TimingleNet

/// Appointments: `contract.md` 1.4.
struct EventHandlers: Sendable {
    let events: EventService
    let history: HistoryService
    let clock: any WallClock

    func create(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let body = try request.jsonBody()
        let draft = EventDraft(
            title: try body.string("title"),
            description: try body.optionalString("description"),
            location: try body.optionalString("location"),
            startTime: try body.time("start_time"),
            endTime: try body.time("end_time"),
            participantIDs: try body.optionalIntegers("participant_ids", countMax: 1_000) ?? []
        )
        let (details, invites) = try await self.events.create(draft, by: try context.requester(request))
        return .json(.created) { writer in
            writer.eventFields(details)
            writer.field(
                "invites",
                object: { writer in
                    writer.field("sent", invites.invited.count)
                    writer.field("invited", invites.invited.map(\.rawValue))
                    writer.field("failed", invites.failed.map(\.rawValue))
                }
            )
        }
    }

    func list(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        var query = EventListQuery(
            page: try request.queryInteger("page", default: 1, clampedTo: 1...1_000_000),
            limit: try request.queryInteger("limit", default: 20, clampedTo: 1...100)
        )
        if let text = try request.queryText("status") {
            if text.lowercased() == "upcoming" {
                query.statuses = [.proposed, .confirmed]
                query.endingFrom = self.clock.now()
            } else {
                query.statuses = try Self.statuses(text)
            }
        }
        if let text = try request.queryText("range") {
            guard let period = LocalPeriod(rawValue: text.lowercased()) else {
                let names = LocalPeriod.allCases.map(\.rawValue).joined(separator: ", ")
                throw ServiceError.wrongType("range", ko: names, en: "one of \(names)")
            }
            query.overlapping = period.bounds(at: self.clock.now(), zone: try context.user.timezone)
        }
        let (events, total) = try await self.events.list(query, by: try context.requester(request))
        var bytes = JSONWriter(capacity: 512 * max(1, events.count))
        bytes.array { writer in
            for details in events { writer.object { $0.eventFields(details) } }
        }
        var response = HTTPResponse.json(.ok, bytes: bytes.bytes)
        response.fields["X-Total-Count"] = String(total)
        response.fields["X-Page"] = String(query.page)
        response.fields["X-Limit"] = String(query.limit)
        return response
    }

    func get(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let details = try await self.events.get(try context.eventID(), by: try context.requester(request))
        return .json(.ok) { $0.eventFields(details) }
    }

    func update(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let id = try context.eventID()
        let patch = try Self.patch(try request.jsonBody())
        let details = try await self.events.update(id, patch, by: try context.requester(request))
        return .json(.ok) { $0.eventFields(details) }
    }

    /// D4: the creator confirms the event, a participant the own participation; both get the whole event and more.
    func confirm(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let requester = try context.requester(request)
        let details = try await self.events.confirm(try context.eventID(), by: requester)
        return Self.confirmation(details, requester, context.language(request))
    }

    func confirmParticipation(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let requester = try context.requester(request)
        let details = try await self.events.confirmParticipation(try context.eventID(), by: requester)
        return Self.confirmation(details, requester, context.language(request))
    }

    func cancel(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let body = try request.optionalJSONBody()
        let details = try await self.events.cancel(
            try context.eventID(),
            reason: try body.optionalString("reason"),
            by: try context.requester(request)
        )
        return Self.answer(Words.eventCanceled, details, request, context)
    }

    func done(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let details = try await self.events.done(try context.eventID(), by: try context.requester(request))
        return Self.answer(Words.eventDone, details, request, context)
    }

    func addParticipant(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let body = try request.jsonBody()
        let name = body.contains("participant_id") || !body.contains("user_id") ? "participant_id" : "user_id"
        let raw = try body.integer(name)
        guard raw > 0 else { throw ServiceError.wrongType(name, ko: "양의 정수", en: "a positive integer") }
        let details = try await self.events.addParticipant(
            try context.eventID(),
            userID: UserID(rawValue: raw),
            by: try context.requester(request)
        )
        return Self.answer(Words.participantAdded, details, request, context)
    }

    func removeParticipant(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let details = try await self.events.removeParticipant(
            try context.eventID(),
            userID: try context.userID("user_id"),
            by: try context.requester(request)
        )
        return Self.answer(Words.participantRemoved, details, request, context)
    }

    func accept(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let details = try await self.events.accept(try context.eventID(), by: try context.requester(request))
        return Self.answer(Words.accepted, details, request, context)
    }

    func decline(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let requester = try context.requester(request)
        let details = try await self.events.decline(try context.eventID(), by: requester)
        let isCreator = details.event.creatorID == requester.userID
        return Self.answer(isCreator ? Words.cancelInstead : Words.declined, details, request, context)
    }

    func history(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let entries = try await self.history.page(
            event: try context.eventID(),
            before: try request.queryText("before"),
            limit: try request.queryInteger("limit", default: 100, clampedTo: 1...200),
            by: try context.requester(request)
        )
        return .json(.ok) { writer in
            writer.field(
                "history",
                array: { writer in
                    for entry in entries { writer.object { $0.historyFields(entry) } }
                }
            )
        }
    }

    private static func answer(
        _ words: LocalizedText,
        _ details: EventDetails,
        _ request: HTTPRequest,
        _ context: RequestContext
    ) -> HTTPResponse {
        .json(.ok) { writer in
            writer.field("message", words[context.language(request)])
            writer.eventFields(details)
        }
    }

    private static func confirmation(
        _ details: EventDetails,
        _ requester: Requester,
        _ language: Language
    ) -> HTTPResponse {
        let isCreator = details.event.creatorID == requester.userID
        let own = isCreator ? details.creator : details.participants.first { $0.userID == requester.userID }
        let isConfirmed = isCreator ? details.event.status == .confirmed : own?.status == .accepted
        let confirmedAt = isCreator ? details.event.updatedAt : own?.respondedAt
        return .json(.ok) { writer in
            writer.eventFields(details)
            writer.field("event_id", details.event.id.rawValue)
            writer.field("user_id", requester.userID.rawValue)
            writer.field("confirmed", isConfirmed)
            writer.field("confirmed_at", ifPresent: isConfirmed ? confirmedAt : nil)
            writer.field("message", (isCreator ? Words.eventConfirmed : Words.participationConfirmed)[language])
        }
    }

    private static func statuses(_ text: String) throws(ServiceError) -> [EventStatus] {
        var statuses: [EventStatus] = []
        for word in text.split(separator: ",").prefix(8) {
            statuses.append(try Self.status(String(word), field: "status"))
        }
        return statuses
    }

    private static func status(_ text: String, field: String) throws(ServiceError) -> EventStatus {
        guard let status = EventStatus(rawValue: text.uppercased()) else {
            let names = EventStatus.allCases.map(\.rawValue).joined(separator: ", ")
            throw .wrongType(field, ko: names, en: "one of \(names)")
        }
        return status
    }

    private static func patch(_ body: JSONFields) throws(ServiceError) -> EventPatch {
        var patch = EventPatch()
        if body.contains("title") { patch.title = try body.string("title") }
        if body.contains("description") { patch.description = .some(try body.optionalString("description")) }
        if body.contains("location") { patch.location = .some(try body.optionalString("location")) }
        if body.contains("start_time") { patch.startTime = try body.time("start_time") }
        if body.contains("end_time") { patch.endTime = try body.time("end_time") }
        if let status = try body.optionalString("status") {
            patch.status = try Self.status(status, field: "status")
        }
        return patch
    }
}
