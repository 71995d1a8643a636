/// One publication, or several that leave together, encoded once; every member's outbox shares its bytes.
///
/// Immutable but for `append`.
package struct BroadcastFrame: Sendable {
    /// The whole frame as it goes over the wire; several stand one behind the other.
    package private(set) var bytes: [UInt8]
    /// The same for members that agreed on compression; nil where nobody needs it, or nothing gains by it.
    private(set) var compressed: CompressedBroadcast?

    package init(text: String) { self.bytes = WebSocketFrameEncoder.frame(text: text) }

    /// Takes text that is UTF-8 already.
    package init(textBytes: [UInt8]) { self.bytes = WebSocketFrameEncoder.frame(.text, textBytes) }

    /// Takes text that lies in a received message and is UTF-8 already.
    package init(text: Span<UInt8>) {
        self.bytes = text.withUnsafeBytes { WebSocketFrameEncoder.frame(.text, $0) }
    }

    /// Like `init(text:)`, in memory that was used before.
    init(text: Span<UInt8>, in memory: consuming [UInt8]) {
        var bytes = consume memory
        bytes.removeAll(keepingCapacity: true)
        bytes.reserveCapacity(WebSocketFrameEncoder.headBytes(text.count) + text.count)
        text.withUnsafeBytes { WebSocketFrameEncoder.append(.text, $0, to: &bytes) }
        self.bytes = bytes
    }

    /// Gives its memory away, and is empty afterwards.
    mutating func takeMemory() -> [UInt8] {
        var memory: [UInt8] = []
        swap(&memory, &self.bytes)
        return memory
    }

    /// Puts a later publication behind this one, so that both are one chunk for every member.
    mutating func append(_ next: BroadcastFrame) {
        if self.compressed != nil || next.compressed != nil {
            var joined = self.compressed ?? CompressedBroadcast(bytes: self.bytes, messageBytesMax: 0)
            joined.append(next.compressed ?? CompressedBroadcast(bytes: next.bytes, messageBytesMax: 0))
            self.compressed = joined
        }
        self.bytes.append(contentsOf: next.bytes)
    }

    /// Puts a text, which is UTF-8 already, behind this publication.
    mutating func append(text: Span<UInt8>) {
        guard self.compressed == nil else { return self.append(BroadcastFrame(text: text)) }
        let wanted = self.bytes.count + WebSocketFrameEncoder.headBytes(text.count) + text.count
        // In steps that soon are large: a burst is many.
        if wanted > self.bytes.capacity { self.bytes.reserveCapacity(max(wanted, 4 * 1024, 2 * self.bytes.capacity)) }
        text.withUnsafeBytes { WebSocketFrameEncoder.append(.text, $0, to: &self.bytes) }
    }

    /// Makes the compressed form, with a codec that keeps no context.
    mutating func compress(with codec: PerMessageDeflateCodec) {
        guard self.compressed == nil else { return }
        self.compressed = self.withPayload { payload in
            codec.frame(.text, payload).map { CompressedBroadcast(bytes: $0, messageBytesMax: payload.count) }
        }
    }

    /// Calls `body` with the text inside the one frame; nil when there are several.
    func withPayload<Result>(_ body: (UnsafeRawBufferPointer) -> Result?) -> Result? {
        self.bytes.withUnsafeBytes { bytes in
            // Our own encoder's: lengths are in their shortest form, nothing is masked.
            let short = bytes[1]
            let head = short < 126 ? 2 : short == 126 ? 4 : 10
            let length = head == 2 ? Int(short) : bytes[2..<head].reduce(0) { $0 << 8 | Int($1) }
            guard head + length == bytes.count else { return nil }
            return body(UnsafeRawBufferPointer(rebasing: bytes[head...]))
        }
    }
}

/// Frames of a publication, or of several, each message compressed alone so that all clients can read it.
///
/// Immutable but for `append`.
struct CompressedBroadcast: Sendable {
    private(set) var bytes: [UInt8]
    /// The longest of the messages that are compressed, inflated: its references go no farther back.
    private(set) var messageBytesMax: Int

    mutating func append(_ next: CompressedBroadcast) {
        self.bytes.append(contentsOf: next.bytes)
        self.messageBytesMax = max(self.messageBytesMax, next.messageBytesMax)
    }
}
