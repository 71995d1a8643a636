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

    package init(_ limits: HTTPLimits, _ webSocket: WebSocketLimits) {
        // One more read may come when there is just room.
        let most = StreamLimits.pendingBytes(for: limits) + BufferPool.readBytes
        self.receivedBytes = Self.growth * most
        self.bodyBytes = Self.growth * limits.bodyBytesUncounted
        self.answerBytes = Self.chunkCost * limits.outboxBytes
        self.messageBytes = Self.growth * PerMessageDeflate.compressedBytesMax(webSocket.maxMessageBytes)
        self.frameBytes = Self.chunkCost * webSocket.outboxBytes
    }

    /// The larger of what HTTP and what a WebSocket can hold.
    package var bytesMax: Int {
        let http = self.receivedBytes + self.bodyBytes + self.answerBytes
        let webSocket = self.receivedBytes + self.messageBytes + self.frameBytes
        return Self.objectBytes + max(http, webSocket)
    }
}

extension StreamLimits {
    /// What of a connection's bytes may wait: pipelined requests, and in any case a head that is within its limits.
    static func pendingBytes(for limits: HTTPLimits) -> Int {
        max(limits.pipelinedBytes, limits.requestLineBytes + limits.fieldSectionBytes + 16)
    }
}
