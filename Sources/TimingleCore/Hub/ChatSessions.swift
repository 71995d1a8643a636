package import TimingleNet

/// Lets people into rooms by socket.
///
/// Immutable.
package struct ChatSessions: Sendable {
    private let service: ChatService
    private let hub: Hub

    package init(service: ChatService, hub: Hub) {
        self.service = service
        self.hub = hub
    }

    /// Admits the user to the room and returns what makes the socket's handler; called before the 101.
    package func make(
        event: EventID,
        requester: Requester,
        since: MessageID?
    ) async throws(ServiceError) -> (@Sendable () -> any WebSocketHandler) {
        _ = try await self.service.member(event, requester)
        await self.hub.prepare(event: event)
        return {
            ChatSession(event: event, requester: requester, since: since, service: self.service, hub: self.hub)
        }
    }
}
