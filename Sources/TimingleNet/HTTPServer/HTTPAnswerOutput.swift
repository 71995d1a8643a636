/// Answers of one connection that leave together, gathered in a buffer that its loop lends.
///
/// Loop-confined.
///
/// While a connection takes bytes in or answers, it has the loan; in between it holds no memory.
struct HTTPAnswerOutput {
    var bytes = HTTPOutputBuffer()
    private var hasLoan = false

    /// Takes the loop's buffer; false if it is here already, and then somebody further out gives it back.
    mutating func borrow(from shard: HTTPServerShard) -> Bool {
        guard !self.hasLoan else { return false }
        self.hasLoan = true
        self.bytes = shard.lendOutput()
        return true
    }

    /// Sends what was gathered and gives the buffer back.
    mutating func giveBack(to shard: HTTPServerShard, sendingOn stream: StreamConnection?) {
        self.hasLoan = false
        if let stream { self.send(on: stream) }
        var bytes = HTTPOutputBuffer()
        swap(&bytes, &self.bytes)
        bytes.removeAll()
        shard.takeBackOutput(bytes)
    }

    /// Hands what was gathered to the stream: before anything else is sent on it, and before it is closed.
    mutating func send(on stream: StreamConnection) {
        guard !self.bytes.isEmpty else { return }
        let verdict = self.bytes.withUnsafeBytes { stream.send(copying: $0) }
        self.bytes.removeAll()
        if verdict == .tooSlow { stream.abort() }
    }

    /// False when the peer has `limit` bytes to read already.
    ///
    /// What was gathered may be more than that, or than the buffer should hold, and yet go out at once.
    mutating func hasRoom(on stream: StreamConnection, limit: Int) -> Bool {
        if self.bytes.count > min(limit, HTTPServerShard.outputBytes) { self.send(on: stream) }
        return stream.queuedBytes <= limit
    }
}
