/// A socket with TLS on it, to its connection a socket like any other.
///
/// Loop-confined. Over 400 lines because the ways in and out share the queue of records and its accounts.
///
/// Bytes come in one read of the socket, which always fits, decrypted, into the connection's buffer: nothing that was
/// decrypted stays behind, so that readiness of the socket tells all. The handshake alone reads record by record: what
/// follows it stays in the socket. Bytes go out as records in one write of the socket; what it does not take is queued
/// here, and the bytes inside count as not written until it has.
package final class TLSStream: SocketIO, ReadinessHandler, TLSTransport {
    private static let recordBytes = 16 * 1024
    /// The most that a record adds to its content, header included (RFC 8446 5.2, RFC 5246 6.2.3).
    private static let recordOverheadMax = 512

    private let socket: any SocketIO
    private let context: TLSContext
    private let serverName: String?
    private let limits: TLSLimits
    private let log: Log
    private var engine: TLSEngine?
    private var machine = TLSStateMachine()
    private var loop: EventLoop?
    /// The loop's scratch; from `open` on.
    private var areas: TransformBuffers?
    /// The connection; from `open` to `close`.
    private var handler: (any ReadinessHandler)?
    /// What the connection asked for, and what the socket was.
    private var wanted: Interest = []
    private var actual: Interest = []
    private var timer: TimerToken?
    private var redelivery: TimerToken?
    private var error = SystemError.tlsFailure
    /// Why TLS did not come about or could not go on, in words; nil while it is well, and where the socket failed.
    package private(set) var failureReason: String?
    private var refusedBytes = 0
    /// Our FIN follows the last queued record.
    private var finWaits = false

    // Records on their way out: `sealedCount` bytes in the loop's area during a call, `queue` from call to call.
    private var sealedCount = 0
    private var queue: [UInt8] = []
    private var queueHead = 0
    /// The most of the queue that answers the peer's own records, such as key updates, and is none of the connection's.
    private var answerBytes = 0
    /// Bytes of the connection that are in the queue; it will offer them again, until they are reported as written.
    private var owedBytes = 0
    /// Bytes of the connection that have left the queue and are not reported yet.
    private var settledBytes = 0

    // What `pull` reads from: the rest of one read of the socket, or the socket itself.
    private var received = UnsafeRawBufferPointer(start: nil, count: 0)
    private var pullsFromSocket = false
    private var socketEnded = false
    private var socketError: SystemError?

    /// Puts TLS on `socket`; a client names the server that it means to reach.
    package init(
        _ socket: any SocketIO,
        context: TLSContext,
        serverName: String? = nil,
        limits: TLSLimits = TLSLimits(),
        log: Log = .silent
    ) {
        self.socket = socket
        self.context = context
        self.serverName = serverName
        self.limits = limits
        self.log = log
    }

    /// What the handshake agreed on; nil until it is done.
    package var session: TLSEngine? { self.machine.isHandshaking || self.machine.isRefusing ? nil : self.engine }
    private var queuedBytes: Int { self.queue.count - self.queueHead }

    // MARK: For the connection

    package func open(
        on loop: EventLoop,
        interest: Interest,
        handler: any ReadinessHandler
    ) throws(SystemError) {
        // A session that comes from another loop goes on.
        let isNew = self.engine == nil
        if isNew { self.engine = TLSEngine(self.context, serverName: self.serverName, transport: self) }
        guard self.engine != nil else { throw .tlsFailure }
        self.loop = loop
        self.areas = loop.buffers.transform
        self.wanted = interest
        self.actual = .read
        try self.socket.open(on: loop, interest: .read, handler: self)
        self.handler = handler
        if isNew {
            self.arm(self.limits.handshakeDeadline)
            // A client speaks first.
            if !self.context.isServer { self.handshake() }
        }
        self.updateInterest()
    }

    package func leaveLoop() throws(SystemError) -> Bool {
        let isQuiet = self.queuedBytes == 0 && self.sealedCount == 0 && self.owedBytes == 0 && self.settledBytes == 0
        // A timer runs in a handshake and in a refusal, a redelivery before an end.
        guard self.machine.state == .open, isQuiet, self.timer == nil, self.redelivery == nil else { return false }
        guard try self.socket.leaveLoop() else { return false }
        self.handler = nil
        self.areas = nil
        self.loop = nil
        return true
    }

    package func setInterest(_ interest: Interest) throws(SystemError) {
        let resumes = interest.contains(.read) && !self.wanted.contains(.read)
        self.wanted = interest
        // An end or a failure was met behind the bytes of an earlier read: no readiness will tell of it again.
        if resumes, self.machine.isAtEnd || self.machine.hasFailed { self.redeliver() }
        self.updateInterest()
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult {
        if self.machine.hasFailed { throw self.error }
        if self.machine.isAtEnd { return .processed(0) }
        guard self.machine.mayRead, let engine = self.engine, let areas = self.areas else { return .wouldBlock }
        // Besides what comes now, OpenSSL may hold the greater part of one record.
        let most = buffer.count - Self.recordBytes - Self.recordOverheadMax
        precondition(most > 0, "a buffer in which what is decrypted might not fit")
        let area = UnsafeMutableRawBufferPointer(rebasing: areas.received.prefix(most))
        let count: Int
        do throws(SystemError) {
            guard case .processed(let read) = try self.socket.read(into: area) else { return .wouldBlock }
            count = read
        } catch {
            self.broke(error, "the socket failed")
            throw error
        }
        self.socketEnded = count == 0
        // SAFETY: points into the loop's area, which nobody else uses until this call ends, and then no more.
        self.received = UnsafeRawBufferPointer(rebasing: area[..<count])
        defer { self.received = UnsafeRawBufferPointer(start: nil, count: 0) }
        let before = self.queuedBytes + self.sealedCount
        let filled = self.decrypt(with: engine, into: buffer)
        self.answerBytes += self.queuedBytes + self.sealedCount - before
        try self.flush()
        self.updateInterest()
        if filled > 0 {
            if self.machine.isAtEnd || self.machine.hasFailed { self.redeliver() }
            return .processed(filled)
        }
        if self.machine.hasFailed { throw self.error }
        return self.machine.isAtEnd ? .processed(0) : .wouldBlock
    }

    private func decrypt(with engine: TLSEngine, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var filled = 0
        while true {
            precondition(filled < buffer.count, "what was decrypted does not fit")
            switch engine.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])) {
            case .bytes(let count):
                filled += count
            case .wantsRead:
                return filled
            case .finished:
                self.machine.endReceived()
                return filled
            case .failed(let failure) where failure.kind == .transport && self.socketEnded:
                self.endedUnannounced()
                return filled
            case .failed(let failure):
                self.broke(.tlsFailure, failure.reason)
                return filled
            }
        }
    }

    /// An end without close_notify, which anyone on the way may have made (RFC 8446 6.1).
    ///
    /// To a client it is a failure: an answer may be cut. Requests and frames say how long they are, so a server gains
    /// nothing by distrust, and clients that only send FIN still wait for their answers.
    private func endedUnannounced() {
        guard self.context.isServer else { return self.broke(.tlsTruncated, "the peer ended without close_notify") }
        self.machine.endReceived()
        self.log.debug("tls peer ended without close_notify", [:])
    }

    /// One record's content with nothing before it, which most writes are, goes straight through.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> IOResult {
        let waits = self.queuedBytes > 0 || self.sealedCount > 0 || self.owedBytes > 0 || self.settledBytes > 0
        guard
            !waits, !bytes.isEmpty, bytes.count <= Self.recordBytes,
            !self.machine.hasFailed, self.machine.mayWrite, let engine = self.engine
        else {
            return try withUnsafePointer(to: bytes) { chunk throws(SystemError) in
                try self.write(UnsafeBufferPointer(start: chunk, count: 1))
            }
        }
        if let failure = engine.write(bytes) {
            self.broke(.tlsFailure, failure.reason)
            self.sealedCount = 0
            throw self.error
        }
        self.owedBytes = bytes.count
        try self.flush()
        let written = self.settledBytes
        self.settledBytes = 0
        if self.queuedBytes > 0 { self.updateInterest() }
        return written > 0 ? .processed(written) : .wouldBlock
    }

    package func write(_ chunks: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws(SystemError) -> IOResult {
        if self.machine.hasFailed { throw self.error }
        guard self.machine.mayWrite, let engine = self.engine, let areas = self.areas else { return .wouldBlock }
        try self.flush()
        var written = self.settledBytes
        self.settledBytes = 0
        guard self.queuedBytes == 0 else {
            self.updateInterest()
            return written > 0 ? .processed(written) : .wouldBlock
        }
        var content = TLSContentReader(chunks, skipping: written, gathering: areas.gathered)
        // One round for each area full of records, until there is no more or the socket is full.
        while self.queuedBytes == 0, try self.sealSome(&content, with: engine, areas) {
            try self.flush()
            written += self.settledBytes
            self.settledBytes = 0
        }
        self.updateInterest()
        return written > 0 ? .processed(written) : .wouldBlock
    }

    /// Seals as many records as the loop's area holds; false when there was nothing to seal.
    private func sealSome(
        _ content: inout TLSContentReader,
        with engine: TLSEngine,
        _ areas: TransformBuffers
    ) throws(SystemError) -> Bool {
        let before = content.takenBytes
        let room = areas.sealed.count - Self.recordBytes - Self.recordOverheadMax
        while self.sealedCount <= room, let record = content.next(atMost: Self.recordBytes) {
            guard let failure = engine.write(record) else { continue }
            self.broke(.tlsFailure, failure.reason)
            self.sealedCount = 0
            throw self.error
        }
        self.owedBytes = content.takenBytes - before
        return self.owedBytes > 0
    }

    /// In records' bytes, of which the connection's own are the greater part.
    package var unacknowledgedBytes: Int? { self.socket.unacknowledgedBytes }

    package func shutdownWrite() throws(SystemError) {
        switch self.machine.shutdownRequested() {
        case .sendCloseNotify:
            self.engine?.closeNotify()
        case .refuse:
            self.arm(self.limits.refusalDeadline)
        case .nothing:
            return
        }
        self.finWaits = true
        try self.flush()
        self.updateInterest()
    }

    package func close(reset: Bool) {
        if self.machine.closed() == .sendCloseNotify, !reset, self.queuedBytes == 0 {
            self.engine?.closeNotify()
            // The connection goes in any case; a peer that is gone needs no farewell.
            try? self.flush()
        }
        self.disarm()
        if let redelivery = self.redelivery { self.loop?.cancel(redelivery) }
        self.redelivery = nil
        self.handler = nil
        self.socket.close(reset: reset)
        self.engine = nil
        self.queue = []
    }

    // MARK: Readiness

    package func descriptorReady(_ readiness: Readiness) {
        if readiness.contains(.writable), !self.flushOrBreak() { return self.tellFailure() }
        let isReadable = !readiness.isDisjoint(with: [.readable, .readClosed, .failed])
        if self.machine.isHandshaking {
            if isReadable { self.handshake() }
        } else if self.machine.isRefusing {
            if isReadable { self.discard() }
        } else {
            self.handler?.descriptorReady(self.actual.contains(.read) ? readiness : readiness.subtracting(.readable))
        }
        self.updateInterest()
    }

    private func handshake() {
        self.pullsFromSocket = true
        let step = self.engine?.handshake() ?? .wantsRead
        self.pullsFromSocket = false
        switch step {
        case .done:
            self.machine.handshakeCompleted()
            self.disarm()
        case .wantsRead:
            break
        case .failed(let failure) where failure.kind == .transport:
            self.broke(self.socketError ?? .tlsTruncated, failure.reason)
        case .failed(let failure):
            self.refuse(failure)
        }
        // Also after a failure: the alert that says why.
        guard self.flushOrBreak(), !self.machine.hasFailed else { return self.tellFailure() }
        // Who waited for the handshake to write can; who waits to read hears from the socket.
        if step == .done, self.wanted.contains(.write) { self.redeliver() }
    }

    private func refuse(_ failure: TLSFailure) {
        self.machine.handshakeRefused()
        self.failureReason = failure.reason
        self.log.debug("tls handshake refused", ["reason": .text(failure.reason)])
        self.arm(self.limits.refusalDeadline)
        if failure.kind == .plainHTTP {
            // Whoever speaks plain HTTP cannot read an alert.
            self.sealedCount = 0
            self.plainAnswer.withUnsafeBytes { self.push($0) }
        }
        self.finWaits = true
    }

    private var plainAnswer: [UInt8] {
        let text = "this port speaks HTTPS\n"
        let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        return Array("\(head)Content-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n\(text)".utf8)
    }

    /// Throws away what a refused peer still sends, until its end: closing with bytes unread would be a reset, which
    /// takes our last words from it.
    private func discard() {
        guard let areas = self.areas else { return }
        do throws(SystemError) {
            let result = try self.socket.read(into: areas.received)
            guard case .processed(let count) = result else { return }
            self.refusedBytes += count
            guard count == 0 || self.refusedBytes > self.limits.refusalBytes else { return }
        } catch {
            self.error = error
        }
        _ = self.machine.broke()
        self.tellFailure()
    }

    // MARK: Ends

    private func broke(_ error: SystemError, _ reason: String) {
        guard self.machine.broke() else { return }
        self.error = error
        if error == .tlsFailure { self.failureReason = reason }
        self.disarm()
        self.log.debug("tls connection broken", ["reason": .text(reason), "error": .text(error.description)])
    }

    /// The connection reads, and learns the error.
    private func tellFailure() {
        self.disarm()
        self.updateInterest()
        self.handler?.descriptorReady([.readable, .failed])
    }

    /// Makes the connection look once more, outside of whatever it does now.
    private func redeliver() {
        guard self.redelivery == nil, let loop = self.loop else { return }
        self.redelivery = loop.schedule(after: .zero) {
            self.redelivery = nil
            guard !self.machine.hasFailed else { return self.tellFailure() }
            var readiness: Readiness = self.wanted.contains(.write) ? .writable : []
            if self.machine.isAtEnd, self.wanted.contains(.read) { readiness.insert(.readable) }
            if !readiness.isEmpty { self.handler?.descriptorReady(readiness) }
        }
    }

    private func arm(_ delay: Duration) {
        self.disarm()
        self.timer = self.loop?.schedule(after: delay) {
            self.timer = nil
            guard self.machine.deadlineReached() == .fail else { return }
            self.error = .tlsDeadline
            self.log.debug("tls handshake took too long", [:])
            self.tellFailure()
        }
    }

    private func disarm() {
        if let timer = self.timer { self.loop?.cancel(timer) }
        self.timer = nil
    }

    // MARK: Records out

    package func push(_ bytes: UnsafeRawBufferPointer) {
        guard let area = self.areas?.sealed else { return }
        if self.queuedBytes == 0, self.sealedCount + bytes.count <= area.count {
            UnsafeMutableRawBufferPointer(rebasing: area[self.sealedCount...]).copyMemory(from: bytes)
            self.sealedCount += bytes.count
        } else {
            self.enqueue(UnsafeRawBufferPointer(rebasing: area[..<self.sealedCount]))
            self.sealedCount = 0
            self.enqueue(bytes)
        }
    }

    private func enqueue(_ bytes: UnsafeRawBufferPointer) {
        if self.queueHead == self.queue.count {
            self.queue.removeAll(keepingCapacity: true)
            self.queueHead = 0
        }
        self.queue.append(contentsOf: bytes)
    }

    /// Offers all records to the socket; keeps what it does not take.
    private func flush() throws(SystemError) {
        if self.queuedBytes > 0 {
            let before = self.queuedBytes
            let taken = try self.queue.withUnsafeBytes { bytes in
                self.offer(UnsafeRawBufferPointer(rebasing: bytes[self.queueHead...]))
            }.get()
            self.queueHead += taken
            self.settle(taken, of: before)
            guard self.queuedBytes == 0 else { return }
            self.queue = []
            self.queueHead = 0
            self.answerBytes = 0
        } else if self.sealedCount > 0, let area = self.areas?.sealed {
            let sealed = UnsafeRawBufferPointer(rebasing: area[..<self.sealedCount])
            self.sealedCount = 0
            let taken = try self.offer(sealed).get()
            if taken < sealed.count { self.enqueue(UnsafeRawBufferPointer(rebasing: sealed[taken...])) }
            self.settle(taken, of: sealed.count)
            guard taken == sealed.count else { return }
            self.answerBytes = 0
        }
        guard self.finWaits else { return }
        self.finWaits = false
        try self.socket.shutdownWrite()
    }

    /// How many of `bytes` the socket takes; a failure breaks the stream.
    private func offer(_ bytes: UnsafeRawBufferPointer) -> Result<Int, SystemError> {
        do throws(SystemError) {
            guard case .processed(let count) = try self.socket.write(bytes) else { return .success(0) }
            return .success(count)
        } catch {
            self.broke(error, "the socket failed")
            return .failure(error)
        }
    }

    /// Counts the connection's bytes as written, in proportion to the records' bytes that went, all with the last one.
    private func settle(_ taken: Int, of offered: Int) {
        let settled = taken == offered ? self.owedBytes : self.owedBytes * taken / offered
        self.owedBytes -= settled
        self.settledBytes += settled
    }

    /// False when the socket failed: then so has the stream.
    private func flushOrBreak() -> Bool {
        do throws(SystemError) {
            try self.flush()
            return true
        } catch {
            self.broke(error, "the socket failed")
            return false
        }
    }

    // MARK: Records in

    package func pull(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        if self.pullsFromSocket { return self.pullFromSocket(buffer) }
        guard !self.received.isEmpty else { return self.socketEnded ? 0 : nil }
        let count = min(buffer.count, self.received.count)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: self.received[..<count]))
        self.received = UnsafeRawBufferPointer(rebasing: self.received[count...])
        return count
    }

    private func pullFromSocket(_ buffer: UnsafeMutableRawBufferPointer) -> Int? {
        do throws(SystemError) {
            guard case .processed(let count) = try self.socket.read(into: buffer) else { return nil }
            return count
        } catch {
            self.socketError = error
            return 0
        }
    }

    // MARK: Interest

    private func updateInterest() {
        guard self.handler != nil else { return }
        var interest: Interest = []
        let mayGoOn = self.machine.mayWrite && self.wanted.contains(.write)
        if self.queuedBytes > 0 || mayGoOn { interest.insert(.write) }
        if self.machine.isHandshaking || self.machine.isRefusing {
            interest.insert(.read)
        } else if self.machine.mayRead, self.wanted.contains(.read), self.answerBytes <= self.limits.queuedBytes {
            interest.insert(.read)
        }
        guard interest != self.actual else { return }
        self.actual = interest
        do throws(SystemError) {
            try self.socket.setInterest(interest)
        } catch {
            self.broke(error, "the socket failed")
            self.redeliver()
        }
    }
}
