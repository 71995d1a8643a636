/// Bytes and files on their way to one peer: shared chunks, partial-write accounting, a limit.
///
/// Loop-confined. An outbox of one chunk, which most are, allocates nothing of its own.
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

    private enum Chunk {
        case bytes([UInt8])
        case file(FileRegion)
    }

    /// Chunks of one write; Linux allows 1,024, more than 64 gains nothing.
    static let chunksPerWrite = 64
    /// A chunk costs its own storage and a reference: for chunks that are smaller than this on the mean, the limit on
    /// bytes would bound nothing.
    private static let meanChunkBytesMin = 64
    /// Small chunks are copied behind the front up to this size: one vector for the kernel instead of many.
    private static let coalescedBytesMax = 64 * 1024
    private static let coalescedChunkBytesMax = 4 * 1024

    /// What leaves first; empty only where nothing or a file does.
    private var front: [UInt8] = []
    private var frontOffset = 0
    /// What leaves behind the front; those before `restHead` have left.
    private var rest: [Chunk] = []
    private var restHead = 0
    /// Bytes in memory; what waits in files is not counted.
    package private(set) var queuedBytes = 0
    /// What was taken so far, bytes and files, modulo 2^32: whoever sees it move knows that the peer reads.
    package private(set) var sentBytes: UInt32 = 0

    package init() {}

    package var isEmpty: Bool { self.queuedBytes == 0 && self.rest.isEmpty }

    /// True when `count` more bytes are within `limit`; an empty outbox takes any one chunk.
    ///
    /// The number of chunks has a limit too: that of bytes over the least mean size of a chunk.
    package func hasRoom(for count: Int, limit: Int) -> Bool {
        if self.queuedBytes == 0 { return true }
        return count <= limit && self.queuedBytes <= limit - count
            && self.rest.count - self.restHead + 1 < max(Self.chunksPerWrite, limit / Self.meanChunkBytesMin)
    }

    /// Queues a chunk, shared with whoever else holds it.
    package mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        self.queuedBytes += bytes.count
        if self.front.isEmpty, self.rest.isEmpty {
            self.front = bytes
        } else {
            self.rest.append(.bytes(bytes))
        }
    }

    /// Queues a chunk that leaves soon: a small one is copied behind the front, so that a burst is one chunk.
    package mutating func coalesce(_ bytes: [UInt8]) {
        guard
            !self.front.isEmpty, self.rest.isEmpty, self.frontOffset == 0,
            bytes.count <= Self.coalescedChunkBytesMax,
            self.front.count + bytes.count <= Self.coalescedBytesMax
        else { return self.append(bytes) }
        self.queuedBytes += bytes.count
        self.front.append(contentsOf: bytes)
    }

    /// Lets `write` append to what leaves last, in place, where that is the front; it must not remove anything.
    ///
    /// False, and `write` is not called, where it is not.
    package mutating func extendFront(_ write: (inout [UInt8]) -> Void) -> Bool {
        guard self.rest.isEmpty, self.frontOffset == 0, self.front.count < Self.coalescedBytesMax else { return false }
        let before = self.front.count
        write(&self.front)
        precondition(self.front.count >= before, "queued bytes were taken back")
        self.queuedBytes += self.front.count - before
        return true
    }

    /// Queues a part of a file behind the bytes that wait.
    package mutating func append(_ file: FileRegion) {
        guard file.count > 0 else { return }
        self.rest.append(.file(file))
    }

    package mutating func removeAll() {
        self.front = []
        self.frontOffset = 0
        self.rest = []
        self.restHead = 0
        self.queuedBytes = 0
    }

    /// Hands everything to `io`, up to 64 chunks at a time, and accounts for what it took.
    ///
    /// Returns true when the outbox is empty, false when `io` would block.
    package mutating func flush(to io: any SocketIO) throws(SystemError) -> Bool {
        while !self.isEmpty {
            if self.front.isEmpty {
                guard case .file(let file) = self.rest[self.restHead] else {
                    preconditionFailure("a chunk of bytes was not moved to the front")
                }
                guard case .processed(let count) = try io.send(file) else { return false }
                self.advance(file, count)
            } else {
                guard case .processed(let count) = try self.writeOnce(io) else { return false }
                self.advance(count)
            }
        }
        return true
    }

    private func writeOnce(_ io: any SocketIO) throws(SystemError) -> IOResult {
        var count = 1
        while count < Self.chunksPerWrite, self.restHead + count - 1 < self.rest.count,
            case .bytes = self.rest[self.restHead + count - 1]
        {
            count += 1
        }
        var outcome: Result<IOResult, SystemError> = .success(.wouldBlock)
        if count == 1 {
            self.front.withUnsafeBytes { bytes in
                do throws(SystemError) {
                    outcome = .success(try io.write(UnsafeRawBufferPointer(rebasing: bytes[self.frontOffset...])))
                } catch {
                    outcome = .failure(error)
                }
            }
        } else {
            withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer.self, capacity: count) { vectors in
                self.gather(0, count, vectors) {
                    do throws(SystemError) {
                        outcome = .success(try io.write(UnsafeBufferPointer(vectors)))
                    } catch {
                        outcome = .failure(error)
                    }
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
        if index == 0 {
            self.front.withUnsafeBytes { bytes in
                vectors.initializeElement(at: 0, to: UnsafeRawBufferPointer(rebasing: bytes[self.frontOffset...]))
                self.gather(1, count, vectors, body)
            }
        } else if case .bytes(let chunk) = self.rest[self.restHead + index - 1] {
            chunk.withUnsafeBytes { bytes in
                vectors.initializeElement(at: index, to: bytes)
                self.gather(index + 1, count, vectors, body)
            }
        }
    }

    /// Accounts for bytes that were written.
    package mutating func advance(_ written: Int) {
        precondition(written <= self.queuedBytes, "the kernel took more than it was given")
        self.queuedBytes -= written
        self.sentBytes &+= UInt32(truncatingIfNeeded: written)
        var rest = written
        while rest > 0 {
            let left = self.front.count - self.frontOffset
            guard rest >= left else {
                self.frontOffset += rest
                return
            }
            rest -= left
            self.nextFront()
        }
    }

    private mutating func advance(_ file: FileRegion, _ sent: Int) {
        precondition(sent <= file.count, "the kernel took more than it was given")
        self.sentBytes &+= UInt32(truncatingIfNeeded: sent)
        if sent < file.count {
            self.rest[self.restHead] = .file(file.dropFirst(sent))
        } else {
            self.restHead += 1
            self.nextFront()
        }
    }

    /// Lets go of the front, and puts the next bytes in its place unless a file comes first.
    private mutating func nextFront() {
        self.front = []
        self.frontOffset = 0
        if self.restHead < self.rest.count, case .bytes(let bytes) = self.rest[self.restHead] {
            self.front = bytes
            // Let go of the shared bytes when they are written, not when the array is compacted.
            self.rest[self.restHead] = .bytes([])
            self.restHead += 1
        }
        if self.restHead == self.rest.count {
            self.rest = []
            self.restHead = 0
        } else if self.restHead >= 64, self.restHead * 2 >= self.rest.count {
            self.rest.removeFirst(self.restHead)
            self.restHead = 0
        }
    }
}
