/// One publication, or several that leave together, encoded once; every member's outbox shares its bytes.
///
/// Immutable but for `append`.
package struct BroadcastFrame: Sendable {
    /// The frames, and behind them room for more.
    private var memory: [UInt8]
    /// Bytes of the frames.
    private(set) var count: Int
    /// True once somebody was given `memory` to keep: it is not to be written into again.
    private(set) var isShared = false
    /// The same for members that agreed on compression; nil where nobody needs it, or nothing gains by it.
    private(set) var compressed: CompressedBroadcast?

    package init(text: String) { self.init(exactly: WebSocketFrameEncoder.frame(text: text)) }

    /// Takes text that is UTF-8 already.
    package init(textBytes: [UInt8]) { self.init(exactly: WebSocketFrameEncoder.frame(.text, textBytes)) }

    /// Takes text that lies in a received message and is UTF-8 already.
    package init(text: Span<UInt8>) {
        self.init(exactly: text.withUnsafeBytes { WebSocketFrameEncoder.frame(.text, $0) })
    }

    /// Nothing yet; texts are written into `memory`, which was used before.
    init(in memory: consuming [UInt8]) {
        self.memory = memory
        self.count = 0
    }

    private init(exactly frames: [UInt8]) {
        self.memory = frames
        self.count = frames.count
    }

    var isEmpty: Bool { self.count == 0 }
    /// What it has written into, and may yet.
    var memoryBytes: Int { self.memory.count }

    /// The whole frame as it goes over the wire; several stand one behind the other.
    package var bytes: [UInt8] { self.memory.count == self.count ? self.memory : Array(self.memory[..<self.count]) }

    /// Calls `body` with what goes over the wire.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        self.memory.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<self.count])) }
    }

    /// The bytes for somebody who keeps them; who asks afterwards gets the same.
    mutating func share() -> [UInt8] {
        if self.memory.count != self.count { self.memory = Array(self.memory[..<self.count]) }
        self.isShared = true
        return self.memory
    }

    /// Exchanges its memory for other, and is empty afterwards.
    ///
    /// Exchanged rather than taken or given: an empty array is counted like any other.
    @inline(__always)
    mutating func begin(in memory: inout [UInt8]) {
        swap(&self.memory, &memory)
        self.count = 0
        self.isShared = false
        self.compressed = nil
    }

    /// Puts a later publication behind this one, so that both are one chunk for every member.
    mutating func append(_ next: BroadcastFrame) {
        if self.compressed != nil || next.compressed != nil {
            var joined = self.compressed ?? CompressedBroadcast(bytes: self.bytes, messageBytesMax: 0)
            joined.append(next.compressed ?? CompressedBroadcast(bytes: next.bytes, messageBytesMax: 0))
            self.compressed = joined
        }
        self.makeRoom(for: next.count)
        let start = self.count
        self.memory.withUnsafeMutableBytes { memory in
            next.withBytes { UnsafeMutableRawBufferPointer(rebasing: memory[start...]).copyMemory(from: $0) }
        }
        self.count += next.count
    }

    /// Puts a text, which is UTF-8 already, behind this publication.
    @inline(__always)
    mutating func append(text: Span<UInt8>) {
        guard self.compressed == nil else { return self.append(BroadcastFrame(text: text)) }
        let start = self.count
        let added = WebSocketFrameEncoder.headBytes(text.count) + text.count
        self.makeRoom(for: added)
        self.memory.withUnsafeMutableBytes { memory in
            text.withUnsafeBytes {
                WebSocketFrameEncoder.write(.text, $0, to: UnsafeMutableRawBufferPointer(rebasing: memory[start...]))
            }
        }
        self.count = start + added
    }

    @inline(__always)
    private mutating func makeRoom(for count: Int) {
        if self.memory.count - self.count < count { self.grow(to: self.count + count) }
    }

    /// In steps that soon are large: a burst is many.
    @inline(never)
    private mutating func grow(to wanted: Int) {
        let size = self.isEmpty ? wanted : max(wanted, 4 * 1024, 2 * self.memory.count)
        self.memory.append(contentsOf: repeatElement(0, count: size - self.memory.count))
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
        self.withBytes { bytes in
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
