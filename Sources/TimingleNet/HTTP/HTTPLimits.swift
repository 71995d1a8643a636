/// Every number of the HTTP side that a peer can push against.
///
/// Immutable.
package struct HTTPLimits: Sendable {
    /// Longest request line, without its CRLF; beyond it 414.
    package var requestLineBytes = 8 * 1024
    /// Longest field section, framing included; beyond it 431.
    package var fieldSectionBytes = 16 * 1024
    /// Most fields, the Host that only an absolute target gives included; beyond it 431.
    package var fieldCount = 100
    /// Longest request body after decoding; beyond it 413.
    package var bodyBytes = 1024 * 1024
    /// Content of all bodies on one loop, from their first bytes until their answers; beyond it 503.
    ///
    /// One whole body always fits.
    package var bodyBytesPerLoop = 128 * 1024 * 1024
    /// What each body may hold outside of that budget: while large ones have spent it, small requests still pass.
    package var bodyBytesUncounted = 8 * 1024
    /// Longest chunk extension of one chunk; beyond it 400.
    package var chunkExtensionBytes = 256
    /// Longest trailer section; beyond it 431.
    package var trailerBytes = 4 * 1024
    /// All chunk framing of one body; a body of one-byte chunks must not cost more than its content may.
    package var chunkFramingBytes = 256 * 1024
    /// From the first byte of a request to the end of its field section; beyond it 408.
    package var headDeadline: Duration = .seconds(10)
    /// From the end of the field section to the end of the body, whatever the rate.
    package var bodyDeadline: Duration = .seconds(60)
    /// Least mean rate of a body once `bodyGrace` has passed; below it 408.
    package var bodyBytesPerSecondMin = 512
    package var bodyGrace: Duration = .seconds(5)
    /// How long a connection may wait for its next request.
    package var keepAliveIdle: Duration = .seconds(75)
    /// Requests on one connection before it is closed.
    package var requestsPerConnection = 10_000
    /// Bytes of later requests that wait while one is answered; beyond it reading pauses.
    package var pipelinedBytes = 64 * 1024
    /// Queued bytes of answers beyond which the next pipelined request has to wait.
    package var pipelinedAnswerBytes = 64 * 1024
    /// How long a request may still run once its peer sent its end of stream; then its task is cancelled.
    package var halfCloseGrace: Duration = .seconds(2)
    /// Connections of one listener over all loops; beyond it 503, and a little further on accepting pauses.
    package var connections = 100_000
    /// Connections of one IPv4 address or one IPv6 /64; beyond it 429, and a little further on no answer at all;
    /// over TLS none from the first, and no handshake.
    package var connectionsPerNetwork = Int.max
    /// How long a trusted proxy may take for its PROXY header, and how much may follow its prefix.
    package var proxyHeaderDeadline: Duration = .seconds(5)
    package var proxyHeaderBytes = 4 * 1024
    /// Queued bytes beyond which a peer that does not read is cut off.
    package var outboxBytes = 8 * 1024 * 1024
    /// How long queued bytes may make no progress.
    package var writeDeadline: Duration = .seconds(30)
    /// What a peer with queued bytes has to take a second, in the mean over `writeDeadline`; 0: any progress will do.
    package var writeBytesPerSecondMin = 1024

    package init() {}
}

/// The limits of a request's head.
///
/// Immutable. Few enough to be handed to a parser in registers.
struct HTTPHeadLimits: Sendable {
    let requestLineBytes: Int
    let fieldSectionBytes: Int
    let fieldCount: Int

    init(_ limits: HTTPLimits) {
        self.requestLineBytes = limits.requestLineBytes
        self.fieldSectionBytes = limits.fieldSectionBytes
        self.fieldCount = limits.fieldCount
    }
}
