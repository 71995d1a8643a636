internal import TimingleNet

/// What a client asks for in the shipped app's dialect.
///
/// Immutable.
enum LegacyCommand: Sendable, Equatable {
    case message(
        text: String,
        replyTo: MessageID?,
        clientID: ClientMessageID?,
        type: MessageType,
        attachments: [String]
    )
    case typing
    case read(MessageID)
    case ping
}

/// The shipped app's dialect (`contract.md` 2.3, 2.4): one JSON object per text frame.
enum LegacyDialect {
    /// A frame is small; what is deeper or fuller than this is not meant for us.
    private static let limits = JSONLimits(depthMax: 8, valuesMax: 256)

    /// Reads one frame of a client in the room `event`.
    static func parse(_ text: Span<UInt8>, event: EventID) throws(ServiceError) -> LegacyCommand {
        let fields = try JSONFields(parsing: text, limits: self.limits)
        if let named = try fields.optionalInteger("event_id"), named != event.rawValue {
            throw .invalid("event_id", ko: "이 연결은 다른 약속의 채팅방입니다.", en: "This socket belongs to another event.")
        }
        switch try fields.optionalString("type") {
        case nil, "message"?, "text"?, "chat"?:
            return try self.message(fields, MessageType.text)
        case "image"?: return try self.message(fields, .image)
        case "file"?: return try self.message(fields, .file)
        case "typing"?: return .typing
        case "ping"?: return .ping
        case "read"?:
            guard let id = try self.identifier(fields, "message_id") else { throw .missingField("message_id") }
            return .read(MessageID(rawValue: id))
        case "system"?:
            throw ServiceError(
                .forbidden,
                code: "TYPE_NOT_ALLOWED",
                field: "type",
                ko: "시스템 메시지는 보낼 수 없습니다.",
                en: "Clients cannot send system messages."
            )
        case .some:
            throw ServiceError(
                .badRequest,
                code: "UNKNOWN_TYPE",
                field: "type",
                ko: "지원하지 않는 메시지 유형입니다.",
                en: "Unknown frame type."
            )
        }
    }

    private static func message(_ fields: JSONFields, _ kind: MessageType) throws(ServiceError) -> LegacyCommand {
        var text: String?
        for name in ["message", "text", "body", "content"] where text == nil {
            text = try fields.optionalString(name)
        }
        let attachments = try fields.optionalStrings("attachments", countMax: ChatLimits.attachmentsMax) ?? []
        guard let text = text ?? (attachments.isEmpty ? nil : "") else { throw .missingField("message") }
        var type = kind
        if let name = try fields.optionalString("message_type") {
            guard let named = MessageType(rawValue: name), named != .system else {
                throw .invalid(
                    "message_type",
                    ko: "message_type은 text, image, file 중 하나여야 합니다.",
                    en: "message_type must be text, image or file."
                )
            }
            type = named
        }
        var clientID = try self.identifier(fields, "client_id")
        if clientID == nil { clientID = try self.identifier(fields, "client_message_id") }
        return .message(
            text: text,
            replyTo: try self.identifier(fields, "reply_to").map { MessageID(rawValue: $0) },
            clientID: clientID.map { ClientMessageID(rawValue: $0) },
            type: type,
            attachments: attachments
        )
    }

    private static func identifier(_ fields: JSONFields, _ name: String) throws(ServiceError) -> Identifier128? {
        guard let text = try fields.optionalString(name) else { return nil }
        guard let value = Identifier128(text) else { throw .wrongType(name, ko: "UUID", en: "a UUID") }
        return value
    }

    // MARK: To the client

    /// A grey line that only this client sees and nobody stores.
    static func notice(_ text: String, event: EventID, at time: Timestamp, id: Identifier128) -> BroadcastFrame {
        let bytes = JSONWriter.object { writer in
            writer.field("event_id", event.rawValue)
            writer.field("created_at", time)
            writer.field("message_id", id)
            writer.field("sender_id", UserID.system.rawValue)
            writer.field("sender_name", ChatLimits.systemSenderName)
            writer.field("message", text)
            writer.field("message_type", MessageType.system.rawValue)
            writer.field("is_deleted", false)
        }
        return BroadcastFrame(textBytes: bytes)
    }

    /// Anything that is no chat message: lacks required fields of one, so that the app ignores it.
    static func envelope(
        _ type: String,
        event: EventID,
        _ data: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        JSONWriter.object { writer in
            writer.field("type", type)
            writer.field("event_id", event.rawValue)
            writer.field("data", object: data)
        }
    }

    static func error(_ error: ServiceError, event: EventID, language: Language) -> BroadcastFrame {
        let text = self.envelope("error", event: event) { writer in
            writer.field("code", error.code)
            writer.field("message", error.text[language])
            writer.field("field", ifPresent: error.field)
            writer.field("retryable", error.isRetryable)
            if case .rateLimited(let seconds) = error.kind { writer.field("retry_after", seconds) }
        }
        return BroadcastFrame(textBytes: text)
    }

    /// Goes to a room, where the frame is made.
    static func typing(_ user: UserID, name: String, event: EventID) -> [UInt8] {
        self.envelope("typing", event: event) { writer in
            writer.field("user_id", user.rawValue)
            writer.field("name", name)
        }
    }

    static func pong(event: EventID, at time: Timestamp) -> BroadcastFrame {
        BroadcastFrame(textBytes: self.envelope("pong", event: event) { $0.field("server_time", time) })
    }
}

extension ServiceError {
    /// Whether the same request may succeed later.
    package var isRetryable: Bool {
        switch self.kind {
        case .rateLimited, .unavailable: true
        case .badRequest, .unauthenticated, .forbidden, .notFound, .conflict, .gone, .invalid: false
        }
    }

    /// The client's position is unknown or too far back: it reads over REST.
    static let positionLost = ServiceError(
        .gone,
        code: "POSITION_LOST",
        ko: "놓친 메시지가 많습니다. 대화 목록을 새로 불러와 주세요.",
        en: "Too much was missed; read the messages over REST."
    )

    /// One client sent faster than its messages can be placed.
    static let tooManyPending = ServiceError(
        .rateLimited(retryAfterSeconds: 1),
        code: "TOO_MANY_PENDING",
        ko: "아직 보내는 중인 메시지가 많습니다. 잠시 후 다시 시도해 주세요.",
        en: "Too many messages are still being sent. Please wait a moment."
    )
}
