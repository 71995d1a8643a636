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

    /// Where the sockets of a room are best: with its order, so that a message does not go from loop to loop.
    package func home(of event: EventID) -> EventLoop { self.hub.home(of: event) }

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
