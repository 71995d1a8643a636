/// A handler's wish to turn its connection into a WebSocket.
///
/// A value.
package struct WebSocketUpgrade: HTTPUpgrade {
    /// The sub-protocol to answer with; one that the client offered.
    package var subprotocol: String?
    /// Whether messages may be compressed where listener and client are for it.
    package var allowsCompression = true
    /// Called on the connection's loop after the 101 was queued.
    package var makeHandler: @Sendable () -> any WebSocketHandler

    package init(subprotocol: String? = nil, makeHandler: @escaping @Sendable () -> any WebSocketHandler) {
        self.subprotocol = subprotocol
        self.makeHandler = makeHandler
    }
}
