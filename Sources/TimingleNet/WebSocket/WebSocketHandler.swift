/// What an application does with one WebSocket.
///
/// Loop-confined.
package protocol WebSocketHandler: AnyObject {
    func opened(_ socket: WebSocketConnection)
    /// A text message; the bytes are valid UTF-8 and live during the call only.
    func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection)
    /// A binary message; the bytes live during the call only.
    func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection)
    /// The WebSocket has ended, also abnormally (1006).
    ///
    /// Exactly once, last, never inside a call of `send` or `close`.
    func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection)
}
