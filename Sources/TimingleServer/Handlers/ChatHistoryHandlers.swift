internal import TimingleCore
internal import TimingleNet

/// A room's messages over REST: `contract.md` 1.5.
struct ChatHistoryHandlers: Sendable {
    let chat: ChatService

    /// A bare array, newest first.
    func page(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let limit = try request.queryInteger("limit", default: 50, clampedTo: 1...200)
        let messages = try await self.chat.page(
            event: try context.eventID(),
            before: try Self.cursor(request, "before"),
            after: try Self.cursor(request, "after"),
            limit: limit,
            by: try context.requester(request)
        )
        var writer = JSONWriter(capacity: 384 * max(1, messages.count))
        writer.value(messages)
        var response = HTTPResponse.json(.ok, bytes: writer.bytes)
        response.fields["X-Limit"] = String(limit)
        return response
    }

    func post(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let body = try request.jsonBody()
        let placed = try await self.chat.send(
            try Self.draft(body, event: try context.eventID()),
            by: try context.requester(request)
        )
        return .json(placed.isRepeat ? .ok : .created, value: placed.message)
    }

    func markRead(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let body = try request.optionalJSONBody()
        let requester = try context.requester(request)
        let event = try context.eventID()
        if let message = try Self.identifier(body, "message_id", MessageID.self) {
            try await self.chat.markRead(event: event, message: message, by: requester)
        } else {
            // Reading the newest page is what moves the mark to the end.
            _ = try await self.chat.page(event: event, before: nil, after: nil, limit: 1, by: requester)
        }
        return .json(.ok) { $0.field("message", Words.read[context.language(request)]) }
    }

    private static func draft(_ body: JSONFields, event: EventID) throws(ServiceError) -> MessageDraft {
        // Clients say `content`, `message` or `text`; whoever says none is told the name of the documents.
        var text = try body.optionalString("content")
        if text == nil { text = try body.optionalString("message") }
        if text == nil { text = try body.optionalString("text") }
        guard let text else { throw .missingField("content") }
        var clientID = try Self.identifier(body, "client_id", ClientMessageID.self)
        if clientID == nil { clientID = try Self.identifier(body, "client_message_id", ClientMessageID.self) }
        return MessageDraft(
            eventID: event,
            text: text,
            clientID: clientID,
            replyTo: try Self.identifier(body, "reply_to", MessageID.self),
            type: try Self.type(body),
            attachments: try body.optionalStrings("attachments", countMax: 10) ?? []
        )
    }

    /// What people may send; system lines are the server's.
    private static func type(_ body: JSONFields) throws(ServiceError) -> MessageType {
        guard let text = try body.optionalString("message_type") else { return .text }
        guard let type = MessageType(rawValue: text), type != .system else {
            throw .wrongType("message_type", ko: "text, image, file", en: "one of text, image, file")
        }
        return type
    }

    private static func identifier<ID: UUIDIdentifier>(
        _ body: JSONFields,
        _ name: String,
        _ type: ID.Type
    ) throws(ServiceError) -> ID? {
        guard let text = try body.optionalString(name) else { return nil }
        guard let id = ID(text: text) else { throw .wrongType(name, ko: "UUID", en: "a UUID") }
        return id
    }

    private static func cursor(_ request: HTTPRequest, _ name: String) throws(ServiceError) -> MessageCursor? {
        guard let text = try request.queryText(name) else { return nil }
        guard let cursor = MessageCursor(text: text) else {
            throw .wrongType(name, ko: "메시지 ID, 시각 또는 seq", en: "a message id, a time or a seq")
        }
        return cursor
    }
}
