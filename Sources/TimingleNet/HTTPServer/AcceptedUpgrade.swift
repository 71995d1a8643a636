/// A handshake that was accepted, with all that is needed to answer it on whichever loop the WebSocket will live.
///
/// A value.
struct AcceptedUpgrade: Sendable {
    let upgrade: WebSocketUpgrade
    let handshake: WebSocketHandshake.Accepted
    let response: HTTPResponse
}
