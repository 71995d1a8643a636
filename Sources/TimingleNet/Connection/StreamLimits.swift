/// What one stream may queue, keep and wait for.
///
/// Immutable.
package struct StreamLimits: Sendable {
    /// Queued bytes beyond which the verdict is `tooSlow`.
    package var outboxBytes = 1024 * 1024
    /// Received bytes that the handler left; at this many, reading pauses until it takes some.
    package var pendingBytes = 64 * 1024
    /// How long the kernel may take nothing.
    package var writeDeadline: Duration = .seconds(10)
    /// What a peer with queued bytes has to take a second, in the mean over `writeDeadline`; 0: any progress will do.
    package var writeBytesPerSecondMin = 0
    /// How long the peer may take to close after our FIN.
    package var lingerDeadline: Duration = .seconds(2)
    /// What is read and discarded after our FIN.
    package var lingerBytes = 4 * 1024 * 1024

    package init() {}
}
