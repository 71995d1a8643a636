package import TimingleNet

/// A socket in memory: a test feeds what the peer sends and reads what it would get.
///
/// Loop-confined. Behind TLS, too, it is fed and read in plain bytes; only `room` counts those of records then.
package final class MemorySocket: SocketIO {
    /// Bytes that the peer has been sent.
    package private(set) var written: [UInt8] = []
    /// Bytes of room in the kernel; nil for no limit.
    package var room: Int?
    package private(set) var isWriteShut = false
    package private(set) var isClosed = false
    package private(set) var wasReset = false
    package private(set) var interest: Interest = []
    /// How often bytes were written.
    package private(set) var writeCount = 0
    /// False keeps only the count of what was written, for tests with very many sockets.
    package var keepsBytes = true
    package private(set) var writtenCount = 0

    private var incoming: [UInt8] = []
    private var endOfStream = false
    private var handler: (any ReadinessHandler)?
    private var peer: TLSPeer?

    package init(room: Int? = nil) { self.room = room }

    /// What a connection is given: this socket, or TLS on it where the run asks for that.
    package func io(over transport: TestTransport = .current) throws -> any SocketIO {
        guard transport == .tls else { return self }
        self.peer = TLSPeer()
        return TLSStream(self, context: try TestTransport.serverContext.get())
    }

    /// Sends `bytes` as the peer would.
    package func feed(_ bytes: [UInt8]) {
        self.shakeHands()
        self.peer?.write(bytes)
        self.incoming += self.peer?.takeOutgoing() ?? bytes
        self.readable()
    }

    /// Ends the peer's side.
    package func feedEnd() {
        self.shakeHands()
        self.peer?.closeNotify()
        self.incoming += self.peer?.takeOutgoing() ?? []
        self.endOfStream = true
        self.readable()
    }

    /// Makes room in the kernel and says so.
    package func makeRoom(_ count: Int) {
        self.room = (self.room ?? 0) + count
        if self.interest.contains(.write) { self.handler?.descriptorReady(.writable) }
    }

    /// Takes what was written so far.
    package func takeWritten() -> [UInt8] {
        defer { self.written = [] }
        return self.written
    }

    private func readable() {
        while self.interest.contains(.read) {
            let before = self.incoming.count
            self.handler?.descriptorReady(.readable)
            // Records are read in smaller portions than bytes.
            guard self.peer != nil, !self.incoming.isEmpty, self.incoming.count < before else { break }
        }
    }

    /// All of it at once; `room` is for what comes afterwards.
    private func shakeHands() {
        guard let peer = self.peer, !peer.isDone, !self.isClosed else { return }
        let room = self.room
        self.room = nil
        peer.goOn()
        while case let flight = peer.takeOutgoing(), !flight.isEmpty {
            self.incoming += flight
            self.readable()
        }
        self.room = room
        self.writeCount = 0
    }

    package func open(
        on loop: EventLoop,
        interest: Interest,
        handler: any ReadinessHandler
    ) throws(SystemError) {
        self.interest = interest
        self.handler = handler
        guard self.peer != nil else { return }
        let socket = LoopBound(self, on: loop)
        loop.execute { socket.value.shakeHands() }
    }

    package func setInterest(_ interest: Interest) throws(SystemError) {
        let gained = interest.contains(.read) && !self.interest.contains(.read)
        self.interest = interest
        // epoll is level-triggered: what waited is reported once somebody listens.
        if gained, !self.incoming.isEmpty || self.endOfStream, let loop = EventLoop.current {
            let again = LoopBound(self, on: loop)
            loop.execute { again.value.readable() }
        }
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult {
        precondition(!self.isClosed, "read after close")
        guard !self.incoming.isEmpty else { return self.endOfStream ? .processed(0) : .wouldBlock }
        let count = min(buffer.count, self.incoming.count)
        buffer.copyBytes(from: self.incoming.prefix(count))
        self.incoming.removeFirst(count)
        return .processed(count)
    }

    package func write(_ chunks: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws(SystemError) -> IOResult {
        precondition(!self.isClosed && !self.isWriteShut, "write after close or shutdown")
        self.writeCount += 1
        var total = 0
        for chunk in chunks {
            let count = min(chunk.count, self.room ?? chunk.count)
            if let room = self.room { self.room = room - count }
            self.take(UnsafeRawBufferPointer(rebasing: chunk.prefix(count)))
            total += count
            guard count == chunk.count else { break }
        }
        return total == 0 ? .wouldBlock : .processed(total)
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        guard let peer = self.peer else {
            if self.keepsBytes { self.written.append(contentsOf: bytes) }
            self.writtenCount += bytes.count
            return
        }
        peer.feed(Array(bytes))
        let plain = peer.takeReceived()
        if self.keepsBytes { self.written += plain }
        self.writtenCount += plain.count
    }

    package func shutdownWrite() throws(SystemError) { self.isWriteShut = true }

    package func close(reset: Bool) {
        precondition(!self.isClosed, "closed twice")
        self.isClosed = true
        self.wasReset = reset
        self.handler = nil
        self.interest = []
    }
}
