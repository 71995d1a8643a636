internal import TimingleCore
internal import TimingleNet

/// The door of a room's sockets: everything is decided before the 101 (`contract.md` 2.1, 2.2).
struct ChatSocket: Sendable {
    let sessions: ChatSessions
    let lifecycle: Lifecycle
    /// Browser origins that may come in; empty for all, since a credential is always needed.
    let origins: [String]

    /// The sub-protocol pair of those who cannot set a header: `Bearer, <token>`.
    private static let bearer = "Bearer"
    /// The shipped app's sub-protocol.
    private static let chat = "chat"

    func open(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        guard !self.lifecycle.isDraining else { throw ServiceError.unavailable("draining") }
        try self.checkOrigin(request)
        let event = try Self.event(request, context)
        let since = try Self.since(request)
        let requester = try context.requester(request)
        // Membership before the handshake's form: a stranger learns nothing from a malformed attempt.
        let makeHandler = try await self.sessions.make(event: event, requester: requester, since: since)
        let accepted: WebSocketHandshake.Accepted
        do throws(WebSocketHandshakeError) {
            accepted = try WebSocketHandshake.validate(request)
        } catch {
            return Self.refusal(
                error,
                AcceptLanguage.preferred(request.fields["Accept-Language"]) ?? requester.language
            )
        }
        let subprotocol = [Self.chat, Self.bearer].first { accepted.offeredSubprotocols.contains($0) }
        return .upgrade(
            WebSocketUpgrade(
                subprotocol: subprotocol,
                home: self.sessions.home(of: event),
                makeHandler: makeHandler
            )
        )
    }

    private func checkOrigin(_ request: HTTPRequest) throws(ServiceError) {
        guard !self.origins.isEmpty, !self.origins.contains("*"), let origin = request.fields["Origin"] else { return }
        guard self.origins.contains(origin) else {
            throw ServiceError(
                .forbidden,
                code: "ORIGIN_NOT_ALLOWED",
                ko: "허용되지 않은 출처입니다.",
                en: "This origin may not open sockets here."
            )
        }
    }

    private static func event(_ request: HTTPRequest, _ context: RequestContext) throws(ServiceError) -> EventID {
        let text = context.parameters["event_id"] ?? request.query.first("event_id")
        guard let text, let id = EventID(text: text) else { throw .badID("event_id") }
        return id
    }

    private static func since(_ request: HTTPRequest) throws(ServiceError) -> MessageID? {
        guard let text = try request.queryText("since") else { return nil }
        guard let id = MessageID(text: text) else {
            throw ServiceError(
                .badRequest,
                code: "INVALID_ID",
                field: "since",
                ko: "since는 메시지 ID(UUID)여야 합니다.",
                en: "since must be a message id (a UUID)."
            )
        }
        return id
    }

    private static func refusal(_ error: WebSocketHandshakeError, _ language: Language) -> HTTPResponse {
        let isUpgrade = error.status.code == 426
        let text = LocalizedText(
            ko: isUpgrade ? "WebSocket 연결만 가능합니다." : "WebSocket 연결 요청이 올바르지 않습니다.",
            en: error.reason
        )
        var response = ErrorResponder.response(
            to: ServiceError(
                .badRequest,
                code: isUpgrade ? "UPGRADE_REQUIRED" : "BAD_HANDSHAKE",
                ko: text.korean,
                en: text.english
            ),
            language: language
        )
        response.status = error.status
        error.fields.forEach { name, value in response.fields[name] = value }
        return response
    }
}
