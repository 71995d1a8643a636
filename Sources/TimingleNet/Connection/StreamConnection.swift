/// The hands of one stream: reads into the loop's buffer, delivers, gathers writes, closes in order.
///
/// Loop-confined.
///
/// The loop's registration keeps it alive; its end is `connectionClosed` at the end of a turn.
package final class StreamConnection: ReadinessHandler, TurnEndHandler {
    package let loop: EventLoop
    package let peerAddress: SocketAddress
    /// Replaceable at any time, also inside `bytesReceived`: remaining bytes go to the new one.
    package var handler: any StreamHandler
    /// Replaceable at any time; one object for all connections that have the same.
    package var limits: Shared<StreamLimits> {
        didSet { self.updateInterest() }
    }

    /// Who keeps the books on this connection; told once, before the handler learns of the end.
    package var owner: (any StreamConnectionOwner)?
    /// The owner's mark.
    package var ownerSlot = -1

    // Shared with StreamConnection+Sending.swift.
    let io: any SocketIO
    var machine: ConnectionStateMachine = .open
    var outbox = Outbox()
    /// Bytes that the handler has not consumed; usually empty and without storage.
    private var pending: [UInt8] = []
    private var interest: Interest = []
    private var closeReason: StreamCloseReason = .finished
    private var timer: TimerToken?
    /// Measures the present stall; the kernel of most peers is never full.
    private var drainMeter: DrainMeterBox?
    private var lingeredBytes = 0
    private var isOpen = false
    private var isDelivering = false
    private var deliverAgain = false
    private var readingPaused = false
    var kernelIsFull = false
    private var turnEndAsked = false
    private var closeReported = false

    package init(
        io: any SocketIO,
        loop: EventLoop,
        peerAddress: SocketAddress,
        limits: Shared<StreamLimits> = Shared(StreamLimits()),
        handler: any StreamHandler
    ) {
        loop.preconditionInLoop()
        self.io = io
        self.loop = loop
        self.peerAddress = peerAddress
        self.limits = limits
        self.handler = handler
    }

    /// Takes over a stream that has left another loop; `open` comes next, then `offerPending`.
    convenience init(
        arriving departed: DepartedStream,
        loop: EventLoop,
        limits: Shared<StreamLimits>,
        handler: any StreamHandler
    ) {
        self.init(io: departed.io, loop: loop, peerAddress: departed.peerAddress, limits: limits, handler: handler)
        self.pending = departed.pending
    }

    /// Begins to read.
    ///
    /// After an error the connection is closed and says so to nobody.
    package func open() throws(SystemError) {
        do throws(SystemError) {
            self.interest = .read
            try self.io.open(on: self.loop, interest: .read, handler: self)
            self.isOpen = true
            self.updateInterest()
        } catch {
            _ = self.machine.abort()
            self.closeReported = true
            self.handler = InertStreamHandler.shared
            self.io.close(reset: false)
            throw error
        }
    }

    // MARK: For the handler

    package var queuedBytes: Int { self.outbox.queuedBytes }
    /// Bytes that were received and not consumed.
    package var pendingBytes: Int { self.pending.count }
    package var isClosed: Bool { self.machine.isClosed }
    /// True until the end is asked for or has come: `send` takes bytes.
    package var takesBytes: Bool { self.machine.takesBytes }

    /// Takes no more bytes, flushes those that are queued, sends FIN and lets the peer finish, all within limits.
    package func closeAfterFlush() {
        self.loop.preconditionInLoop()
        self.perform(self.machine.finish(outboxIsEmpty: self.outbox.isEmpty))
        self.updateInterest()
    }

    /// Ends at once; queued bytes are dropped.
    package func abort() {
        self.loop.preconditionInLoop()
        self.end(.aborted)
    }

    /// Gives the socket up to whoever takes it over on another loop; the handler hears nothing any more.
    ///
    /// Not from inside `bytesReceived`. Nil where the stream stays: bytes wait to be written, or an end has begun.
    func depart() -> DepartedStream? {
        self.loop.preconditionInLoop()
        precondition(!self.isDelivering, "a stream was to leave while its bytes were looked at")
        guard self.isOpen, self.machine.delivers, self.outbox.isEmpty, !self.kernelIsFull else { return nil }
        do throws(SystemError) {
            guard try self.io.leaveLoop() else { return nil }
        } catch {
            self.end(.failed(error))
            return nil
        }
        if let timer = self.timer { self.loop.cancel(timer) }
        self.timer = nil
        _ = self.machine.abort()
        self.closeReported = true
        self.handler = InertStreamHandler.shared
        self.owner = nil
        var pending: [UInt8] = []
        swap(&pending, &self.pending)
        return DepartedStream(io: self.io, peerAddress: self.peerAddress, pending: pending)
    }

    package func pauseReading() {
        self.readingPaused = true
        self.updateInterest()
    }

    package func resumeReading() {
        self.readingPaused = false
        self.updateInterest()
    }

    /// Offers the bytes that were not consumed once more, because the handler can go on (or is another one).
    package func offerPending() {
        self.loop.preconditionInLoop()
        guard !self.isDelivering else {
            self.deliverAgain = true
            return
        }
        guard self.machine.takesBytes, !self.pending.isEmpty else { return }
        self.deliverPending()
        self.updateInterest()
    }

    // MARK: Readiness

    package func descriptorReady(_ readiness: Readiness) {
        if readiness.contains(.writable), self.kernelIsFull { self.flush() }
        if !self.machine.isClosed, !readiness.isDisjoint(with: [.readable, .readClosed, .failed]) {
            if self.interest.contains(.read) {
                self.readAvailable()
            } else if readiness.contains(.failed) {
                // Nothing is read, so nothing will tell why; both directions are gone.
                self.end(.failed(.connectionReset))
            }
        }
        self.updateInterest()
    }

    /// Reads one buffer; what is left makes the next turn, behind everybody else's, so that no peer owns the loop.
    ///
    /// A buffer may hold ten thousand tiny frames: it is not little.
    @inline(__always)
    private func readAvailable() {
        guard self.wantsToRead else { return }
        let buffer = self.loop.buffers.borrow()
        defer { self.loop.buffers.giveBack() }
        let count: Int
        do throws(SystemError) {
            guard case .processed(let read) = try self.io.read(into: buffer) else { return }
            count = read
        } catch {
            return self.end(.failed(error))
        }
        guard count > 0 else { return self.peerClosed() }
        self.received(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
    }

    @inline(__always)
    private func received(_ bytes: UnsafeMutableRawBufferPointer) {
        if self.machine.discards {
            self.lingeredBytes += bytes.count
            if self.lingeredBytes > self.limits.value.lingerBytes { self.end(.finished) }
            return
        }
        guard self.machine.delivers else { return }
        guard self.pending.isEmpty else {
            self.pending.append(contentsOf: bytes)
            return self.deliverPending()
        }
        // The usual case: no byte is copied, the handler sees the loop's buffer.
        let consumed = self.deliver(bytes)
        if consumed < bytes.count, !self.machine.isClosed { self.pending = Array(bytes[consumed...]) }
    }

    private func deliverPending() {
        var bytes: [UInt8] = []
        swap(&bytes, &self.pending)
        let consumed = bytes.withUnsafeMutableBytes { self.deliver($0) }
        guard consumed < bytes.count, !self.machine.isClosed else { return }
        if consumed > 0 { bytes.removeFirst(consumed) }
        self.pending = bytes
    }

    /// Offers bytes to the handler, and what it leaves to the handler that took its place, if one did.
    @inline(__always)
    private func deliver(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        self.isDelivering = true
        let (taken, goesOn) = self.deliverOnce(bytes)
        if goesOn { return self.deliverRest(bytes, from: taken) }
        self.isDelivering = false
        return taken
    }

    /// True with the count where the rest is to be offered, too.
    @inline(__always)
    private func deliverOnce(_ bytes: UnsafeMutableRawBufferPointer) -> (Int, goesOn: Bool) {
        let current = self.handler
        self.deliverAgain = false
        let taken = current.bytesReceived(bytes, on: self)
        precondition(taken >= 0 && taken <= bytes.count, "a handler consumed bytes that are not there")
        guard self.machine.takesBytes else { return (bytes.count, false) }
        return (taken, taken < bytes.count && (self.deliverAgain || current !== self.handler))
    }

    @inline(never)
    private func deliverRest(_ bytes: UnsafeMutableRawBufferPointer, from start: Int) -> Int {
        defer { self.isDelivering = false }
        var consumed = start
        while true {
            let (taken, goesOn) = self.deliverOnce(UnsafeMutableRawBufferPointer(rebasing: bytes[consumed...]))
            consumed += taken
            guard goesOn else { return consumed }
        }
    }

    private func peerClosed() {
        switch self.machine.peerClosed() {
        case .tellHandler: self.handler.peerHalfClosed(on: self)
        case .close: self.close(.finished, reset: false)
        case .nothing: break
        }
    }

    // MARK: Writing

    package func turnEnded() {
        self.turnEndAsked = false
        guard !self.machine.isClosed else { return self.reportClose() }
        if !self.kernelIsFull { self.flush() }
        self.updateInterest()
    }

    func askForTurnEnd() {
        guard !self.turnEndAsked else { return }
        self.turnEndAsked = true
        self.loop.atTurnEnd(self)
    }

    func flush(tellsHandler: Bool = true) {
        guard !self.machine.isClosed, !self.outbox.isEmpty else { return }
        let before = self.outbox.sentBytes
        let drained: Bool
        do throws(SystemError) {
            drained = try self.outbox.flush(to: self.io)
        } catch {
            return self.end(.failed(error))
        }
        if self.kernelIsFull {
            self.drainMeter?.meter.handedOver(Int(self.outbox.sentBytes &- before), now: self.loop.now)
        }
        if drained {
            self.kernelIsFull = false
            let action = self.machine.outboxDrained()
            self.perform(action)
            if action == .nothing, tellsHandler { self.handler.outboxDrained(on: self) }
        } else if !self.kernelIsFull {
            self.kernelFilled()
        }
    }

    func kernelFilled() {
        self.kernelIsFull = true
        let writeDeadline = self.limits.value.writeDeadline
        let meter = DrainMeter(stalledAt: self.loop.now, writeDeadline: writeDeadline)
        if let box = self.drainMeter { box.meter = meter } else { self.drainMeter = DrainMeterBox(meter) }
        if self.timer == nil { self.armWriteTimer(at: meter.firstLook(writeDeadline: writeDeadline)) }
        self.updateInterest()
    }

    // Timers hold the connection; `close` cancels them.
    private func armWriteTimer(at instant: MonotonicInstant) {
        self.timer = self.loop.schedule(at: instant) { self.writeTimerFired() }
    }

    /// The timer is not moved at each write, nor by a new stall; when it fires, the meter looks.
    private func writeTimerFired() {
        self.timer = nil
        guard self.kernelIsFull, !self.machine.isClosed, let box = self.drainMeter else { return }
        let now = self.loop.now
        switch box.meter.look(now: now, unacknowledged: self.io.unacknowledgedBytes, limits: self.limits.value) {
        case .lookAgain(let instant): self.armWriteTimer(at: instant)
        case .tooSlow: self.end(.writeDeadline)
        }
    }

    // MARK: Ends

    private func perform(_ action: ConnectionStateMachine.FinishAction) {
        switch action {
        case .nothing:
            break
        case .flush:
            if !self.kernelIsFull { self.askForTurnEnd() }
        case .shutdownAndLinger:
            self.linger()
        case .close:
            self.close(.finished, reset: false)
        }
    }

    private func linger() {
        self.pending = []
        do throws(SystemError) {
            try self.io.shutdownWrite()
        } catch {
            return self.end(.failed(error))
        }
        if let timer = self.timer { self.loop.cancel(timer) }
        self.timer = self.loop.schedule(after: self.limits.value.lingerDeadline) {
            self.timer = nil
            self.end(.finished)
        }
    }

    func end(_ reason: StreamCloseReason) {
        guard self.machine.abort() else { return }
        // A peer that did not read in time gets RST: the kernel must not keep its bytes.
        self.close(reason, reset: reason == .writeDeadline || reason == .aborted)
    }

    private func close(_ reason: StreamCloseReason, reset: Bool) {
        let reset = reset && !self.outbox.isEmpty
        self.closeReason = reason
        if let timer = self.timer { self.loop.cancel(timer) }
        self.timer = nil
        self.outbox.removeAll()
        self.pending = []
        self.kernelIsFull = false
        self.io.close(reset: reset)
        self.askForTurnEnd()
    }

    private func reportClose() {
        guard !self.closeReported else { return }
        self.closeReported = true
        let handler = self.handler
        self.handler = InertStreamHandler.shared
        self.owner?.connectionEnded(self)
        self.owner = nil
        handler.connectionClosed(self.closeReason, on: self)
    }

    // MARK: Interest

    private var wantsToRead: Bool {
        if self.machine.discards { return true }
        return self.machine.delivers && !self.readingPaused && self.pending.count < self.limits.value.pendingBytes
    }

    @inline(__always)
    private func updateInterest() {
        guard self.isOpen, !self.machine.isClosed else { return }
        var wanted: Interest = []
        if self.wantsToRead { wanted.insert(.read) }
        if self.kernelIsFull { wanted.insert(.write) }
        if wanted != self.interest { self.change(to: wanted) }
    }

    @inline(never)
    private func change(to wanted: Interest) {
        self.interest = wanted
        do throws(SystemError) {
            try self.io.setInterest(wanted)
        } catch {
            self.end(.failed(error))
        }
    }
}
