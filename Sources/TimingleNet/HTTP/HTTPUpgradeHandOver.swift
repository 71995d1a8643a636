/// The one place where HTTP hands a connection over to WebSocket.
///
/// No state.
enum HTTPUpgradeHandOver {
    /// Checks the handshake and returns the accept key, or the status of the refusal.
    static func acceptKey(for request: HTTPRequest) -> Result<String, Refusal> {
        .failure(Refusal(status: .notImplemented))
    }

    /// Why there is no 101.
    struct Refusal: Error {
        var status: HTTPStatus
    }

    /// Makes the WebSocket that speaks on `connection` from here on.
    static func makeHandler(
        _ upgrade: WebSocketUpgrade,
        on connection: StreamConnection,
        configuration: HTTPServerConfiguration
    ) -> (any StreamHandler)? {
        nil
    }

    /// Tells a WebSocket that the server goes down.
    static func drain(_ connection: StreamConnection) {
        connection.closeAfterFlush()
    }
}
