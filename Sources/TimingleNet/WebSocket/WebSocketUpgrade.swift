/// A handler's wish to turn its connection into a WebSocket.
///
/// A value.
package struct WebSocketUpgrade: HTTPUpgrade {
    /// The sub-protocol to answer with; one that the client offered.
    package var subprotocol: String?
    /// Whether messages may be compressed where listener and client are for it.
    package var allowsCompression = true
    /// The loop where the WebSocket's room is, so that what is said there need not go from loop to loop.
    ///
    /// A wish: the socket stays on the loop where its request came in when this is nil or no loop of the listener's,
    /// and when the connection cannot leave just now.
    package var home: EventLoop?
    /// Called on the WebSocket's loop after the 101 was queued.
    package var makeHandler: @Sendable () -> any WebSocketHandler

    package init(
        subprotocol: String? = nil,
        home: EventLoop? = nil,
        makeHandler: @escaping @Sendable () -> any WebSocketHandler
    ) {
        self.subprotocol = subprotocol
        self.home = home
        self.makeHandler = makeHandler
    }
}
