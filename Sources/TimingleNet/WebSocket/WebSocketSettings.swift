/// What all WebSockets of one listener share.
///
/// Immutable.
package final class WebSocketSettings: Sendable {
    package let limits: WebSocketLimits
    /// The longest message that may come in one frame.
    let wholeMessageBytesMax: Int
    /// The limits of the streams beneath.
    let streamLimits: Shared<StreamLimits>

    package init(_ limits: WebSocketLimits = WebSocketLimits()) {
        self.limits = limits
        self.wholeMessageBytesMax = min(limits.maxFrameBytes, limits.maxMessageBytes)
        var streamLimits = StreamLimits()
        streamLimits.outboxBytes = limits.outboxBytes
        streamLimits.writeDeadline = limits.writeTimeout
        streamLimits.writeBytesPerSecondMin = limits.writeBytesPerSecondMin
        self.streamLimits = Shared(streamLimits)
    }
}
