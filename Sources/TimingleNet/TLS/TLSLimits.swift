/// What a TLS peer can push against.
///
/// Immutable.
package struct TLSLimits: Sendable {
    /// From the opened connection to the end of the handshake, whatever the pace of its bytes.
    package var handshakeDeadline: Duration = .seconds(10)
    /// How long a refused peer may take to close, so that it can read why.
    package var refusalDeadline: Duration = .seconds(1)
    /// What a refused peer may still send before it is cut off.
    package var refusalBytes = 256 * 1024
    /// Queued records of the protocol itself (answers to key updates) beyond which nothing more is read.
    ///
    /// The connection's own do not count: two peers that both wait until the other reads would wait for ever.
    package var queuedBytes = 32 * 1024

    package init() {}
}
