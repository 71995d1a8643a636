internal import Synchronization

/// Sends one answer's content out of its file: a piece, and when the peer has taken it the next.
///
/// Loop-confined.
///
/// So an answer never owns its loop, holds one piece in memory at most, and knows when it is done. Where the socket
/// takes files, pieces go by sendfile(2); one that is not in memory is read ahead elsewhere first. Where it does not
/// (TLS), pieces are read elsewhere, and small.
final class HTTPFileSender {
    enum Progress: Equatable {
        case waiting
        /// All of it was taken by the kernel.
        case finished
    }

    /// A piece for sendfile: costs no memory, so it is as long as a loop may take for one peer.
    static let sentBytes = 1024 * 1024
    /// A piece in memory.
    static let readBytes = 64 * 1024

    private let stream: StreamConnection
    private let reader: FileReader
    private var parts: ArraySlice<HTTPFileContent.Part>
    private var isReading = false
    private var isStopped = false
    /// Called when a piece cannot be had: the file is not what it was.
    private let failed: (SystemError) -> Void

    init(_ content: HTTPFileContent, on stream: StreamConnection, failed: @escaping (SystemError) -> Void) {
        self.stream = stream
        self.reader = content.reader
        self.parts = content.parts[...]
        self.failed = failed
    }

    /// Forgets the file; a piece that is being read is dropped.
    func stop() {
        self.isStopped = true
        self.parts = []
    }

    /// The outbox is empty: sends the next piece.
    func goOn() -> Progress {
        guard !self.isReading else { return .waiting }
        guard !self.parts.isEmpty else { return .finished }
        while let part = self.parts.first {
            switch part {
            case .bytes(let bytes):
                self.parts.removeFirst()
                self.send(bytes)
            case .region(let region):
                self.send(region)
                return .waiting
            }
        }
        return .waiting
    }

    private func send(_ region: FileRegion) {
        let sendsFiles = self.stream.sendsFiles
        let piece = region.prefix(sendsFiles ? Self.sentBytes : Self.readBytes)
        if piece.count < region.count {
            self.parts[self.parts.startIndex] = .region(region.dropFirst(piece.count))
        } else {
            self.parts.removeFirst()
        }
        guard sendsFiles else { return self.read(piece) }
        guard piece.isInMemory else { return self.readAhead(piece) }
        self.handOver(piece)
    }

    private func handOver(_ piece: FileRegion) {
        self.reader.counters.sent.add(1, ordering: .relaxed)
        self.stream.send(piece)
    }

    private func send(_ bytes: [UInt8]) {
        // Half an answer cannot be left standing.
        if self.stream.send(bytes) == .tooSlow { self.stream.abort() }
    }

    private func readAhead(_ piece: FileRegion) {
        self.reader.counters.readAhead.add(1, ordering: .relaxed)
        self.elsewhere { () throws(SystemError) in
            try piece.readAhead()
        } then: { sender, _ in
            sender.handOver(piece)
        }
    }

    private func read(_ piece: FileRegion) {
        self.reader.counters.read.add(1, ordering: .relaxed)
        self.elsewhere { () throws(SystemError) in
            try piece.read()
        } then: { sender, bytes in
            sender.send(bytes)
        }
    }

    private func elsewhere<Value: Sendable>(
        _ body: @escaping @Sendable () throws(SystemError) -> Value,
        then use: @escaping @Sendable (HTTPFileSender, Value) -> Void
    ) {
        self.isReading = true
        let sender = LoopBound(self, on: self.stream.loop)
        let isTaken = self.reader.submit {
            let outcome: Result<Value, SystemError>
            do throws(SystemError) {
                outcome = .success(try body())
            } catch {
                outcome = .failure(error)
            }
            sender.loop.execute { sender.value.finished(outcome, use) }
        }
        // Thousands wait for the disk: a bit later there may be room. Nobody is told, so the loop looks again.
        if !isTaken {
            self.stream.loop.schedule(after: .milliseconds(50)) {
                guard !self.isStopped else { return }
                self.elsewhere(body, then: use)
            }
        }
    }

    private func finished<Value>(_ outcome: Result<Value, SystemError>, _ use: (HTTPFileSender, Value) -> Void) {
        self.isReading = false
        guard !self.isStopped else { return }
        switch outcome {
        case .success(let value): use(self, value)
        case .failure(let error): self.failed(error)
        }
    }
}
