/// One publication, or several that leave together, encoded once; every member's outbox shares its bytes.
///
/// Immutable but for `append`.
package struct BroadcastFrame: Sendable {
    /// The whole frame as it goes over the wire; several stand one behind the other.
    package private(set) var bytes: [UInt8]

    package init(text: String) { self.bytes = WebSocketFrameEncoder.frame(text: text) }

    /// Takes text that is UTF-8 already.
    package init(textBytes: [UInt8]) { self.bytes = WebSocketFrameEncoder.frame(.text, textBytes) }

    /// Takes text that lies in a received message and is UTF-8 already.
    package init(text: Span<UInt8>) {
        self.bytes = text.withUnsafeBytes { WebSocketFrameEncoder.frame(.text, $0) }
    }

    /// Puts a later publication behind this one, so that both are one chunk for every member.
    mutating func append(_ next: BroadcastFrame) { self.bytes.append(contentsOf: next.bytes) }
}
