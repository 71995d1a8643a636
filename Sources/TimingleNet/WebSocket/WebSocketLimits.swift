/// What a peer can push against on a WebSocket.
///
/// Immutable.
package struct WebSocketLimits: Sendable {
    package var pingInterval: Duration = .seconds(54)
    /// Without any frame for so long the peer counts as gone.
    package var readTimeout: Duration = .seconds(60)
    /// How long the kernel may take nothing of what is queued.
    package var writeTimeout: Duration = .seconds(10)
    /// What a peer with queued bytes has to take a second, in the mean over `writeTimeout`; 0: any progress will do.
    package var writeBytesPerSecondMin = 1024
    /// From the first Close frame until the connection is given up.
    package var closeTimeout: Duration = .seconds(5)
    /// The longest delay that clients are asked for before they come back to a server that goes down.
    package var restartRetrySecondsMax = 10
    package var maxFrameBytes = 64 * 1024
    /// Bytes of all fragments of a message; the number of fragments has no limit (Autobahn 9.3 sends 65,536).
    package var maxMessageBytes = 64 * 1024
    /// Queued bytes beyond which a peer is too slow.
    package var outboxBytes = 1024 * 1024

    package init() {}
}
