/// What all WebSockets of one listener share.
///
/// Immutable.
package final class WebSocketSettings: Sendable {
    package let limits: WebSocketLimits
    /// The limits of the streams beneath.
    let streamLimits: Shared<StreamLimits>

    package init(_ limits: WebSocketLimits = WebSocketLimits()) {
        self.limits = limits
        var streamLimits = StreamLimits()
        streamLimits.outboxBytes = limits.outboxBytes
        streamLimits.writeDeadline = limits.writeTimeout
        streamLimits.writeBytesPerSecondMin = limits.writeBytesPerSecondMin
        self.streamLimits = Shared(streamLimits)
    }
}
