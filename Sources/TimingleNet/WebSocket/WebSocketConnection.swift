/// The hands of one WebSocket: decodes what a stream brings, answers control frames, sends, closes in order.
///
/// Loop-confined. The stream keeps it alive until its end.
package final class WebSocketConnection: StreamHandler {
    package let loop: EventLoop
    package var limits: WebSocketLimits { self.settings.limits }

    private let settings: WebSocketSettings
    let stream: StreamConnection
    /// Let go when the end was reported.
    private var handler: (any WebSocketHandler)?
    var machine: WebSocketStateMachine
    private var decoder = WebSocketFrameDecoder()
    private var assembler = WebSocketMessageAssembler()
    /// Nil where nothing is compressed.
    var codec: PerMessageDeflateCodec?
    private var timer: TimerToken?
    private var timerDeadline: MonotonicInstant?
    private var readingPaused = false
    /// What this delivery has cost so far.
    private var deliveryCost = 0
    /// The rest of a delivery waits for the next turn, and what follows it for the rest.
    private var goesOnLater = false

    /// Where one delivery ends, in bytes of messages: a buffer may hold ten thousand tiny ones, or some that a
    /// thousandfold of it was packed into, and everybody else on the loop waits for them.
    private static let deliveryCostMax = 256 * 1024
    /// What a message costs at least.
    private static let messageCostMin = 256

    /// Takes over a stream on which the 101 is queued; `open` begins.
    init(
        stream: StreamConnection,
        handler: any WebSocketHandler,
        settings: WebSocketSettings,
        codec: PerMessageDeflateCodec? = nil
    ) {
        self.loop = stream.loop
        self.stream = stream
        self.handler = handler
        self.settings = settings
        self.codec = codec
        self.machine = WebSocketStateMachine(openedAt: stream.loop.now)
    }

    /// Becomes the stream's handler; bytes behind the request that the stream has kept are offered by whoever calls.
    package func open() {
        self.loop.preconditionInLoop()
        self.stream.limits = self.settings.streamLimits
        self.stream.handler = self
        self.armTimer()
        self.handler?.opened(self)
    }

    // MARK: For the application

    package var peerAddress: SocketAddress { self.stream.peerAddress }
    package var queuedBytes: Int { self.stream.queuedBytes }
    /// True until either side begins to close.
    package var isOpen: Bool { self.machine.isOpen }

    /// Sends a Close and waits for the peer's, within the limits; later sends are refused.
    package func close(_ code: WebSocketCloseCode, reason: String = "") {
        self.loop.preconditionInLoop()
        switch self.machine.closeRequested(code, now: self.loop.now, limits: self.limits) {
        case .sendClose:
            self.queueControl(WebSocketFrameEncoder.close(code, reason: reason))
            // A handler that had paused reading must not keep the peer's Close from us.
            self.resumeReading()
            self.armTimer()
        case .nothing:
            break
        }
    }

    /// Takes no more messages until `resumeReading`; those that have come wait, within the stream's limits.
    package func pauseReading() {
        guard self.machine.isOpen, !self.readingPaused else { return }
        self.readingPaused = true
        self.stream.pauseReading()
    }

    package func resumeReading() {
        guard self.readingPaused else { return }
        self.readingPaused = false
        // Silence while nobody listened is not the peer's.
        if self.machine.isOpen { self.machine.frameReceived(now: self.loop.now) }
        guard !self.goesOnLater else { return }
        self.stream.resumeReading()
        self.stream.offerPending()
    }

    // MARK: From the stream

    package func bytesReceived(_ bytes: UnsafeMutableRawBufferPointer, on connection: StreamConnection) -> Int {
        var offset = 0
        var cost = 0
        // The short way for what most deliveries are; whatever else comes is left to `framesReceived`.
        while self.machine.isOpen, !self.readingPaused, self.assembler.isBetweenMessages {
            // Once a delivery is enough: they all came at the same time.
            let isFirst = offset == 0
            let bytesMax = self.settings.wholeMessageBytesMax
            guard let message = self.decoder.wholeMessage(bytes, from: &offset, bytesMax: bytesMax) else { break }
            if isFirst { self.machine.frameReceived(now: self.loop.now) }
            let content = UnsafeRawBufferPointer(rebasing: bytes[message.range])
            guard !message.isText || message.isASCII || UTF8Validator.isValid(content) else {
                self.fail(WebSocketProtocolError.invalidUTF8)
                return bytes.count
            }
            self.deliver(content, isText: message.isText)
            if offset == bytes.count { return offset }
            cost += Self.messageCostMin
            guard cost < Self.deliveryCostMax else { return self.goOnLater(from: offset) }
        }
        self.deliveryCost = cost
        return self.framesReceived(bytes, from: offset)
    }

    /// Leaves the bytes from `offset` on for the next turn; what the peer sends behind them, its end included, waits.
    @inline(never)
    private func goOnLater(from offset: Int) -> Int {
        guard self.machine.readsFrames, !self.readingPaused, !self.goesOnLater else { return offset }
        self.goesOnLater = true
        self.stream.pauseReading()
        // A letter to the loop itself would be read in this turn.
        self.loop.schedule(after: .zero) { self.goOn() }
        return offset
    }

    private func goOn() {
        self.goesOnLater = false
        guard !self.stream.isClosed, !self.readingPaused else { return }
        self.stream.resumeReading()
        self.stream.offerPending()
    }

    /// Reads whatever frames there are from `start` on, behind messages of this delivery.
    @inline(never)
    private func framesReceived(_ bytes: UnsafeMutableRawBufferPointer, from start: Int) -> Int {
        var offset = start
        var sawFrame = start > 0
        do throws(WebSocketProtocolError) {
            while self.machine.readsFrames, !self.readingPaused {
                guard
                    let part = try self.decoder.next(
                        bytes,
                        from: &offset,
                        maxFrameBytes: self.limits.maxFrameBytes,
                        takesCompressed: self.codec != nil
                    )
                else { return offset }
                if part.isLast, !sawFrame {
                    sawFrame = true
                    self.machine.frameReceived(now: self.loop.now)
                }
                try self.partReceived(part, UnsafeMutableRawBufferPointer(rebasing: bytes[part.range]))
                self.deliveryCost += Self.messageCostMin
                if self.deliveryCost >= Self.deliveryCostMax, offset < bytes.count, self.machine.readsFrames {
                    return self.goOnLater(from: offset)
                }
            }
        } catch {
            self.fail(error)
        }
        return self.readingPaused ? offset : bytes.count
    }

    package func peerHalfClosed(on connection: StreamConnection) {
        self.perform(self.machine.peerHalfClosed(now: self.loop.now, limits: self.limits), close: nil)
    }

    package func outboxDrained(on connection: StreamConnection) {}

    package func connectionClosed(_ reason: StreamCloseReason, on connection: StreamConnection) {
        if let timer = self.timer { self.loop.cancel(timer) }
        self.timer = nil
        self.codec?.end()
        self.codec = nil
        switch self.machine.streamClosed() {
        case .report(let code): self.report(code)
        case .nothing: break
        }
    }

    // MARK: Frames

    private func partReceived(
        _ part: WebSocketFrameDecoder.Part,
        _ bytes: UnsafeMutableRawBufferPointer
    ) throws(WebSocketProtocolError) {
        // After our Close only the peer's counts; its messages have nobody to go to.
        guard self.machine.isOpen || part.header.opcode.isControl else { return }
        let bytes = UnsafeRawBufferPointer(bytes)
        switch try self.assembler.partReceived(part, bytes, maxMessageBytes: self.limits.maxMessageBytes) {
        case .nothing:
            break
        case .wholeMessage(let isText):
            self.deliver(bytes, isText: isText)
        case .assembledMessage(let isText):
            let message = self.assembler.takeMessage()
            self.deliver(message.span, isText: isText)
        case .wholeCompressed(let isText):
            try self.deliverInflated(bytes, isText: isText)
        case .assembledCompressed(let isText):
            let message = self.assembler.takeMessage()
            try message.withUnsafeBufferPointer { message throws(WebSocketProtocolError) in
                try self.deliverInflated(UnsafeRawBufferPointer(message), isText: isText)
            }
        case .control(let opcode):
            try self.controlReceived(opcode, self.assembler.takeControlPayload())
        }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer, isText: Bool) {
        // SAFETY: bytes are bytes; they live until this delivery returns, and a Span cannot outlive the call.
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        self.deliver(UnsafeBufferPointer(start: start, count: bytes.count).span, isText: isText)
    }

    private func deliver(_ message: Span<UInt8>, isText: Bool) {
        // Taken out and put back, not copied: no reference is counted. An end is never told inside of a message.
        guard let handler = self.handler.take() else { return }
        if isText {
            handler.textReceived(message, on: self)
        } else {
            handler.binaryReceived(message, on: self)
        }
        self.handler = consume handler
    }

    private func deliverInflated(
        _ compressed: UnsafeRawBufferPointer,
        isText: Bool
    ) throws(WebSocketProtocolError) {
        guard let codec = self.codec else { preconditionFailure("a compressed message came without an agreement") }
        try codec.withInflated(
            compressed,
            limit: self.limits.maxMessageBytes
        ) { message throws(WebSocketProtocolError) in
            self.deliveryCost += message.count
            if isText, !message.withUnsafeBytes({ UTF8Validator.isValid($0) }) { throw .invalidUTF8 }
            self.deliver(message.span, isText: isText)
        }
    }

    private func controlReceived(_ opcode: WebSocketOpcode, _ payload: [UInt8]) throws(WebSocketProtocolError) {
        switch opcode {
        case .ping:
            // One Close is the last thing that we send.
            guard self.machine.isOpen else { return }
            _ = self.send(encoded: WebSocketFrameEncoder.frame(.pong, payload))
        case .pong:
            // `frameReceived` has seen it; its payload proves nothing more.
            break
        case .close:
            let code = try WebSocketClosePayload.code(payload)
            let action = self.machine.closeReceived(code, now: self.loop.now, limits: self.limits)
            self.perform(action, close: WebSocketFrameEncoder.close(code))
        case .continuation, .text, .binary:
            preconditionFailure("a data frame came as a control frame")
        }
    }

    // MARK: Ending

    private func fail(_ error: WebSocketProtocolError) {
        let action = self.machine.failed(error.closeCode, now: self.loop.now, limits: self.limits)
        self.perform(action, close: WebSocketFrameEncoder.close(error.closeCode, reason: error.reason))
    }

    private func perform(_ action: WebSocketStateMachine.EndAction, close: [UInt8]?) {
        switch action {
        case .sendCloseAndFinish(let code):
            if let close { self.queueControl(close) }
            self.finish()
            self.report(code)
        case .finish(let code):
            self.finish()
            self.report(code)
        case .nothing:
            break
        }
    }

    func finish() {
        self.resumeReading()
        self.stream.closeAfterFlush()
        self.armTimer()
    }

    func report(_ code: WebSocketCloseCode) {
        guard let handler = self.handler.take() else {
            preconditionFailure("the end of a WebSocket was told twice, or inside of a message")
        }
        handler.closed(code, on: self)
    }

    // MARK: The one timer

    /// Arms the timer for the next deadline unless it fires early enough anyway: frames do not move it.
    private func armTimer() {
        guard let deadline = self.machine.nextDeadline(limits: self.limits) else { return }
        if let timer = self.timer {
            if let armed = self.timerDeadline, armed <= deadline { return }
            self.loop.cancel(timer)
        }
        self.timerDeadline = deadline
        self.timer = self.loop.schedule(at: deadline) { self.timerFired() }
    }

    private func timerFired() {
        self.timer = nil
        if self.readingPaused, self.machine.isOpen { self.machine.frameReceived(now: self.loop.now) }
        switch self.machine.deadlineReached(now: self.loop.now, limits: self.limits) {
        case .sendPing:
            _ = self.send(encoded: WebSocketFrameEncoder.frame(.ping, []))
        case .sendCloseAndFinish(let code):
            // Perhaps only one direction is dead: it may still learn that it should come again.
            self.queueControl(WebSocketFrameEncoder.close(.goingAway, reason: "silent"))
            self.finish()
            self.report(code)
        case .abort(let code):
            self.stream.abort()
            if let code { self.report(code) }
            return
        case .nothing:
            break
        }
        self.armTimer()
    }
}
