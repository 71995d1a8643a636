/// Bytes on their way to one peer: shared chunks, partial-write accounting, a limit.
///
/// Loop-confined.
package struct Outbox: ~Copyable {
    /// What became of bytes that were handed over.
    package enum Verdict: Equatable, Sendable {
        /// Taken, nothing is known to be in the way: they leave at the end of the turn.
        case sent
        /// Taken, but the kernel is full: the peer reads slowly.
        case queued
        /// Not taken: too many bytes wait already.
        case tooSlow
        /// Not taken: the connection takes no more bytes.
        case closed
    }

    /// Chunks of one write; Linux allows 1,024, more than 64 gains nothing.
    static let chunksPerWrite = 64
    /// A chunk costs its own storage and a reference: for chunks that are smaller than this on the mean, the limit on
    /// bytes would bound nothing.
    private static let meanChunkBytesMin = 64

    private var chunks: [[UInt8]] = []
    /// Chunks before `head` are written and empty.
    private var head = 0
    private var headOffset = 0
    package private(set) var queuedBytes = 0

    package init() {}

    package var isEmpty: Bool { self.queuedBytes == 0 }

    /// True when `count` more bytes are within `limit`; an empty outbox takes any one chunk.
    ///
    /// The number of chunks has a limit too: that of bytes over the least mean size of a chunk.
    package func hasRoom(for count: Int, limit: Int) -> Bool {
        if self.queuedBytes == 0 { return true }
        return count <= limit && self.queuedBytes <= limit - count
            && self.chunks.count - self.head < max(Self.chunksPerWrite, limit / Self.meanChunkBytesMin)
    }

    package mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        self.chunks.append(bytes)
        self.queuedBytes += bytes.count
    }

    package mutating func removeAll() {
        self.chunks = []
        self.head = 0
        self.headOffset = 0
        self.queuedBytes = 0
    }

    /// Hands up to 64 chunks to `write` and accounts for what it took.
    ///
    /// Returns true when the outbox is empty, false when `write` would block.
    package mutating func flush(
        _ write: (UnsafeBufferPointer<UnsafeRawBufferPointer>) throws(SystemError) -> IOResult
    ) throws(SystemError) -> Bool {
        while self.queuedBytes > 0 {
            switch try self.writeOnce(write) {
            case .wouldBlock: return false
            case .processed(let count): self.advance(count)
            }
        }
        return true
    }

    private func writeOnce(
        _ write: (UnsafeBufferPointer<UnsafeRawBufferPointer>) throws(SystemError) -> IOResult
    ) throws(SystemError) -> IOResult {
        let count = min(self.chunks.count - self.head, Self.chunksPerWrite)
        var outcome: Result<IOResult, SystemError> = .success(.wouldBlock)
        withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer.self, capacity: count) { vectors in
            self.gather(0, count, vectors) {
                do throws(SystemError) {
                    outcome = .success(try write(UnsafeBufferPointer(vectors)))
                } catch {
                    outcome = .failure(error)
                }
            }
        }
        return try outcome.get()
    }

    /// Opens chunk after chunk, so that all pointers are valid at once, then calls `body`.
    private func gather(
        _ index: Int,
        _ count: Int,
        _ vectors: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>,
        _ body: () -> Void
    ) {
        guard index < count else { return body() }
        self.chunks[self.head + index].withUnsafeBytes { bytes in
            let rest = index == 0 ? UnsafeRawBufferPointer(rebasing: bytes[self.headOffset...]) : bytes
            vectors.initializeElement(at: index, to: rest)
            self.gather(index + 1, count, vectors, body)
        }
    }

    private mutating func advance(_ written: Int) {
        precondition(written <= self.queuedBytes, "the kernel took more than it was given")
        self.queuedBytes -= written
        var rest = written
        while rest > 0 {
            let left = self.chunks[self.head].count - self.headOffset
            guard rest >= left else {
                self.headOffset += rest
                break
            }
            rest -= left
            // Let go of the shared bytes now, not when the array is compacted.
            self.chunks[self.head] = []
            self.head += 1
            self.headOffset = 0
        }
        self.compact()
    }

    private mutating func compact() {
        if self.head == self.chunks.count {
            // Room for a few chunks is kept: it is small, and most flushes are.
            self.chunks.removeAll(keepingCapacity: self.chunks.capacity <= 8)
            self.head = 0
        } else if self.head >= 64, self.head * 2 >= self.chunks.count {
            self.chunks.removeFirst(self.head)
            self.head = 0
        }
    }
}
