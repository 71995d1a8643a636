package import TimingleNet

/// One end of a pipe in memory: a socket whose reads and writes are as small, and as full, as a test wants.
///
/// Loop-confined.
package final class PipeSocket: SocketIO {
    /// The most that one read brings and one write takes; a write that comes while `room` bytes wait would block.
    package var readMax = Int.max
    package var writeMax = Int.max
    package var room = Int.max
    /// What has arrived here and was not read.
    package private(set) var inbox: [UInt8] = []
    /// All that was ever written here.
    package private(set) var written: [UInt8] = []
    package private(set) var writeSizes: [Int] = []
    package private(set) var readCount = 0
    package private(set) var interest: Interest = []
    package private(set) var isWriteShut = false
    package private(set) var isClosed = false
    package private(set) var wasReset = false
    private var hasReadEnd = false
    private var isCut = false
    private var handler: (any ReadinessHandler)?
    private weak var peer: PipeSocket?

    private init() {}

    package static func pair() -> (PipeSocket, PipeSocket) {
        let (first, second) = (PipeSocket(), PipeSocket())
        first.peer = second
        second.peer = first
        return (first, second)
    }

    /// Bytes from nowhere: what a peer that is no `PipeSocket` would have sent.
    package func arrive(_ bytes: [UInt8]) { self.inbox += bytes }
    /// What has arrived, for a peer that is no connection.
    package func takeInbox() -> [UInt8] {
        defer { self.inbox = [] }
        return self.inbox
    }

    /// Forgets what waits, as a cut would.
    package func drop(_ count: Int) { self.inbox.removeLast(min(count, self.inbox.count)) }
    package func flip(_ index: Int) { self.inbox[index] ^= 0x40 }

    /// The peer sees an end, of which this end's owner knows nothing.
    package func cut() { self.isCut = true }

    /// Reports what a loop would report; false when there is nothing.
    package func turn() -> Bool {
        var readiness: Readiness = []
        let peerEnded = self.peer?.hasEnded ?? true
        if self.interest.contains(.read), !self.inbox.isEmpty || (peerEnded && !self.hasReadEnd) {
            readiness.insert(.readable)
        }
        if self.interest.contains(.write), self.peer.map({ $0.inbox.count < self.room }) ?? true {
            readiness.insert(.writable)
        }
        guard let handler = self.handler, !readiness.isEmpty else { return false }
        handler.descriptorReady(readiness)
        return true
    }

    private var hasEnded: Bool { self.isWriteShut || self.isCut }

    package func open(
        on loop: EventLoop,
        interest: Interest,
        handler: any ReadinessHandler
    ) throws(SystemError) {
        self.interest = interest
        self.handler = handler
    }

    package func setInterest(_ interest: Interest) throws(SystemError) { self.interest = interest }

    package func leaveLoop() throws(SystemError) -> Bool {
        precondition(!self.isClosed && self.handler != nil, "a pipe left that is on no loop")
        self.handler = nil
        self.interest = []
        return true
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult {
        precondition(!self.isClosed, "read after close")
        self.readCount += 1
        let count = min(self.inbox.count, buffer.count, self.readMax)
        guard count > 0 else {
            guard self.peer?.hasEnded ?? true else { return .wouldBlock }
            self.hasReadEnd = true
            return .processed(0)
        }
        buffer.copyBytes(from: self.inbox[..<count])
        self.inbox.removeFirst(count)
        return .processed(count)
    }

    package func write(_ chunks: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws(SystemError) -> IOResult {
        precondition(!self.isClosed && !self.isWriteShut, "write after close or shutdown")
        let all = chunks.flatMap { Array($0) }
        if self.isCut { return .processed(all.count) }
        let free = self.room - (self.peer?.inbox.count ?? 0)
        let count = min(all.count, free, self.writeMax)
        guard count > 0 || all.isEmpty else { return .wouldBlock }
        self.written += all[..<count]
        self.writeSizes.append(count)
        self.peer?.inbox += all[..<count]
        return .processed(count)
    }

    package func shutdownWrite() throws(SystemError) { self.isWriteShut = true }

    package func close(reset: Bool) {
        precondition(!self.isClosed, "closed twice")
        self.isClosed = true
        self.isWriteShut = true
        self.wasReset = reset
        self.handler = nil
    }
}
