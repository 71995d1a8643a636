/// What the connections of one loop share to compress and inflate, and the account of what they own themselves.
///
/// Loop-confined.
final class PerMessageDeflatePool {
    let settings: PerMessageDeflate
    /// One for each window that was asked for: 256 KiB of zlib's state if all eight are.
    private var deflaters: [Int: Deflater] = [:]
    private var inflater: Inflater?
    private(set) var contextBytes = 0
    /// Lent for one message at a time.
    private var output: [UInt8] = []

    /// Storage beyond this is not kept between messages.
    private static let keptBytes = 64 * 1024

    init(_ settings: PerMessageDeflate) { self.settings = settings }

    func hasRoom(for agreement: PerMessageDeflateAgreement) -> Bool {
        self.contextBytes + agreement.contextBytes(self.settings) <= self.settings.contextBytesPerLoop
    }

    func reserveContext(_ bytes: Int) { self.contextBytes += bytes }

    func releaseContext(_ bytes: Int) {
        self.contextBytes -= bytes
        precondition(self.contextBytes >= 0, "a context was released twice")
    }

    func makeDeflater(windowBits: Int) -> Deflater {
        Deflater(.raw(windowBits: windowBits), level: self.settings.level, memoryLevel: self.settings.memoryLevel)
    }

    func sharedDeflater(windowBits: Int) -> Deflater {
        let deflater = self.deflaters[windowBits] ?? self.makeDeflater(windowBits: windowBits)
        self.deflaters[windowBits] = deflater
        return deflater
    }

    /// With the largest window: it takes what was made for any.
    func sharedInflater() -> Inflater {
        let inflater = self.inflater ?? Inflater(rawWindowBits: 15)
        self.inflater = inflater
        return inflater
    }

    func lendOutput() -> [UInt8] {
        var output: [UInt8] = []
        swap(&output, &self.output)
        return output
    }

    func takeBack(_ output: inout [UInt8]) {
        guard output.capacity <= Self.keptBytes else { return }
        output.removeAll(keepingCapacity: true)
        swap(&output, &self.output)
    }
}

/// Compresses and inflates the messages of one WebSocket, or of all of a loop that keep no context.
///
/// Loop-confined.
final class PerMessageDeflateCodec {
    private let pool: PerMessageDeflatePool
    private let agreement: PerMessageDeflateAgreement
    /// Own ones, which keep a context; made when they are first needed.
    private var deflater: Deflater?
    private var inflater: Inflater?
    /// The client's window and our deflater's have parted.
    private var contextIsLost = false
    private var contextBytes: Int

    /// What a flush ends with, which is not sent (section 7.2.1).
    private static let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]

    /// Reserves what the agreed contexts may take, until `end`.
    init(_ agreement: PerMessageDeflateAgreement, _ pool: PerMessageDeflatePool) {
        self.pool = pool
        self.agreement = agreement
        self.contextBytes = agreement.contextBytes(pool.settings)
        pool.reserveContext(self.contextBytes)
    }

    /// Compresses for clients that share nothing else, each message alone.
    convenience init(alone settings: PerMessageDeflate) {
        let agreement = PerMessageDeflateAgreement(serverKeepsContext: false, clientKeepsContext: false)
        self.init(agreement, PerMessageDeflatePool(settings))
    }

    /// Gives back what was reserved; the connection has ended.
    func end() {
        self.pool.releaseContext(self.contextBytes)
        self.contextBytes = 0
        self.deflater = nil
        self.inflater = nil
    }

    // MARK: Sending

    /// A whole frame with the compressed message; nil where that gains nothing, and the message must go as it is.
    func frame(_ opcode: WebSocketOpcode, _ message: UnsafeRawBufferPointer) -> [UInt8]? {
        guard message.count >= self.pool.settings.bytesMin, !message.isEmpty else { return nil }
        let deflater = self.readyDeflater()
        var output = self.pool.lendOutput()
        defer { self.pool.takeBack(&output) }
        deflater.compress(message, .sync, into: &output)
        precondition(output.suffix(4).elementsEqual(Self.tail), "a flush ends with an empty block")
        output.removeLast(4)
        guard output.count < message.count else {
            self.contextIsLost = true
            return nil
        }
        return output.withUnsafeBytes { WebSocketFrameEncoder.frame(opcode, $0, isCompressed: true) }
    }

    /// Whether this client can read messages that were compressed for many, each alone; it must then be sent them.
    func takesOver(_ broadcast: CompressedBroadcast) -> Bool {
        // No reference goes farther back than the message is long, or than the largest window.
        let reach = min(broadcast.messageBytesMax, 1 << 15)
        guard reach <= 1 << self.agreement.serverWindowBits else { return false }
        // They move the client's window and not ours.
        self.contextIsLost = true
        return true
    }

    private func readyDeflater() -> Deflater {
        let deflater: Deflater
        if self.agreement.serverKeepsContext {
            deflater = self.deflater ?? self.pool.makeDeflater(windowBits: self.agreement.serverWindowBits)
            self.deflater = deflater
            guard self.contextIsLost else { return deflater }
            self.contextIsLost = false
        } else {
            deflater = self.pool.sharedDeflater(windowBits: self.agreement.serverWindowBits)
        }
        // What follows refers to nothing before it, which any client can read.
        deflater.reset()
        return deflater
    }

    // MARK: Receiving

    /// Calls `body` with what a whole compressed message stands for; refuses it as soon as that is more than `limit`
    /// bytes.
    func withInflated(
        _ message: UnsafeRawBufferPointer,
        limit: Int,
        _ body: (inout [UInt8]) throws(WebSocketProtocolError) -> Void
    ) throws(WebSocketProtocolError) {
        var output = self.pool.lendOutput()
        defer { self.pool.takeBack(&output) }
        do throws(InflateError) {
            try self.inflate(message, into: &output, limit: limit)
        } catch {
            switch error {
            case .corrupt: throw .compressedDataInvalid
            case .tooLarge: throw .messageTooBig
            }
        }
        try body(&output)
    }

    private func inflate(
        _ message: UnsafeRawBufferPointer,
        into output: inout [UInt8],
        limit: Int
    ) throws(InflateError) {
        // An empty message is one byte (section 7.2.3.6); none at all is understood, too: zlib does.
        guard !message.isEmpty else { return }
        let inflater: Inflater
        if self.agreement.clientKeepsContext {
            inflater = self.inflater ?? Inflater(rawWindowBits: self.agreement.clientWindowBits)
            self.inflater = inflater
        } else {
            inflater = self.pool.sharedInflater()
            inflater.reset()
        }
        try inflater.inflate(message, into: &output, limit: limit)
        try Self.tail.withUnsafeBufferPointer { tail throws(InflateError) in
            try inflater.inflate(UnsafeRawBufferPointer(tail), into: &output, limit: limit)
        }
        // A message that swallowed the tail was cut off.
        guard inflater.isBetweenBlocks else { throw .corrupt }
    }
}
