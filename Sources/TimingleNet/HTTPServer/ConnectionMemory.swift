/// What one connection can make the process hold at most, by the limits that are configured.
///
/// A value. Heap, not the kernel's buffers, which it bounds itself (tcp_rmem, tcp_wmem, tcp_mem). Left out is what
/// connections of a loop share: bodies beyond `bodyBytesUncounted` (`bodyBytesPerLoop`), the loop's buffers, and frames
/// of a room, which are in all its members' outboxes but in memory once.
package struct ConnectionMemory: Equatable, Sendable {
    /// Connection, handler, machine, registration, timer.
    static let objectBytes = 4 * 1024
    /// Arrays grow by doubling: storage may be twice what is in it.
    private static let growth = 2
    /// The least mean chunk of an outbox has 64 bytes, and costs twice that: the head of its allocation, and its place
    /// in an array that grows by doubling.
    private static let chunkCost = 3
    /// What OpenSSL 3.0 keeps of an idle session whose buffers are released: 14.1 KiB in TLS 1.3, 13.0 KiB in TLS 1.2.
    private static let librarySessionBytes = 16 * 1024
    /// Its buffer for a record that has come in part.
    private static let libraryRecordBytes = 17 * 1024
    /// Its most in a handshake; an honest one takes 72 KiB for a moment.
    ///
    /// A hello may claim 131,396 bytes, for which room is made with a third to spare; what has come is held twice.
    private static let libraryHandshakeBytes = 256 * 1024

    /// Received, and not yet consumed.
    package var receivedBytes: Int
    /// A body, as far as it is not taken out of the loop's budget.
    package var bodyBytes: Int
    /// Answers that wait to be written.
    package var answerBytes: Int
    /// Fragments of a message that is not whole yet, compressed perhaps; it is inflated into what the loop shares.
    package var messageBytes: Int
    /// Frames that wait to be written.
    package var frameBytes: Int
    /// The windows of a WebSocket whose compressed messages may refer to those before them.
    package var contextBytes = 0
    /// A TLS session with a record that is not whole, and records that the socket did not take.
    package var sessionBytes = 0
    /// A TLS handshake, before which there is nothing else.
    package var handshakeBytes = 0

    /// By what a listener is bound with.
    package init(_ configuration: HTTPServerConfiguration) {
        self.init(configuration.limits, configuration.webSocketLimits)
        if configuration.tls != nil { self.add(configuration.tlsLimits) }
        if let deflate = configuration.webSocketDeflate { self.add(deflate) }
    }

    /// Without TLS, and without contexts of compression.
    init(_ limits: HTTPLimits, _ webSocket: WebSocketLimits) {
        // One more read may come when there is just room.
        let most = StreamLimits.pendingBytes(for: limits) + BufferPool.readBytes
        self.receivedBytes = Self.growth * most
        self.bodyBytes = Self.growth * limits.bodyBytesUncounted
        self.answerBytes = Self.chunkCost * limits.outboxBytes
        self.messageBytes = Self.growth * PerMessageDeflate.compressedBytesMax(webSocket.maxMessageBytes)
        self.frameBytes = Self.chunkCost * webSocket.outboxBytes
    }

    /// The larger of what HTTP and what a WebSocket can hold, each in its session, or of what a handshake can.
    package var bytesMax: Int {
        let http = self.receivedBytes + self.bodyBytes + self.answerBytes
        let webSocket = self.receivedBytes + self.messageBytes + self.frameBytes + self.contextBytes
        return Self.objectBytes + max(self.handshakeBytes, self.sessionBytes + max(http, webSocket))
    }

    private mutating func add(_ limits: TLSLimits) {
        // One read more may be answered when the limit is nearly reached.
        let queue = TransformBuffers.sealedBytes + limits.queuedBytes + BufferPool.readBytes
        self.sessionBytes = Self.librarySessionBytes + Self.libraryRecordBytes + Self.growth * queue
        self.handshakeBytes = Self.libraryHandshakeBytes
    }

    private mutating func add(_ deflate: PerMessageDeflate) {
        let both = PerMessageDeflateAgreement(
            serverKeepsContext: deflate.keepsContext,
            clientKeepsContext: deflate.keepsContext
        )
        self.contextBytes = min(both.contextBytes(deflate), deflate.contextBytesPerLoop)
    }
}

extension StreamLimits {
    /// What of a connection's bytes may wait: pipelined requests, and in any case a head that is within its limits.
    static func pendingBytes(for limits: HTTPLimits) -> Int {
        max(limits.pipelinedBytes, limits.requestLineBytes + limits.fieldSectionBytes + 16)
    }
}
