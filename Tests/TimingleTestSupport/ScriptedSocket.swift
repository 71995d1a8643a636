package import TimingleNet

/// A socket that plays a script: what each read brings, how much each write takes.
///
/// Loop-confined.
package final class ScriptedSocket: SocketIO {
    /// What one read brings.
    package enum Read {
        case bytes([UInt8])
        case wouldBlock
        case endOfStream
        case failure(CInt)
    }

    /// What one write does.
    package enum Write {
        /// Takes at most so many bytes.
        case take(Int)
        case wouldBlock
        case failure(CInt)
    }

    package var reads: [Read] = []
    /// Played in order; when they are used up, writes take everything.
    package var writes: [Write] = []
    package private(set) var written: [UInt8] = []
    package private(set) var writeSizes: [Int] = []
    package private(set) var interest: Interest = []
    package private(set) var isWriteShut = false
    package private(set) var isClosed = false
    package private(set) var wasReset = false
    package private(set) var handler: (any ReadinessHandler)?
    /// What `leaveLoop` answers.
    package var leaving: Result<Bool, SystemError> = .success(true)

    package init(reads: [Read] = [], writes: [Write] = []) {
        self.reads = reads
        self.writes = writes
    }

    package func open(
        on loop: EventLoop,
        interest: Interest,
        handler: any ReadinessHandler
    ) throws(SystemError) {
        self.interest = interest
        self.handler = handler
    }

    package func setInterest(_ interest: Interest) throws(SystemError) { self.interest = interest }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult {
        precondition(!self.isClosed, "read after close")
        guard !self.reads.isEmpty else { return .wouldBlock }
        switch self.reads.removeFirst() {
        case .wouldBlock: return .wouldBlock
        case .endOfStream: return .processed(0)
        case .failure(let code): throw SystemError(operation: "read", code: code)
        case .bytes(let bytes):
            let count = min(bytes.count, buffer.count)
            buffer.copyBytes(from: bytes.prefix(count))
            if count < bytes.count { self.reads.insert(.bytes(Array(bytes.dropFirst(count))), at: 0) }
            return .processed(count)
        }
    }

    package func write(_ chunks: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws(SystemError) -> IOResult {
        precondition(!self.isClosed && !self.isWriteShut, "write after close or shutdown")
        let all = chunks.flatMap { Array($0) }
        var count = all.count
        if !self.writes.isEmpty {
            switch self.writes.removeFirst() {
            case .take(let most): count = min(most, count)
            case .wouldBlock: return .wouldBlock
            case .failure(let code): throw SystemError(operation: "sendmsg", code: code)
            }
        }
        self.written += all.prefix(count)
        self.writeSizes.append(count)
        return .processed(count)
    }

    package func leaveLoop() throws(SystemError) -> Bool {
        precondition(!self.isClosed && self.handler != nil, "a socket left that is on no loop")
        guard try self.leaving.get() else { return false }
        self.handler = nil
        self.interest = []
        return true
    }

    package func shutdownWrite() throws(SystemError) { self.isWriteShut = true }

    package func close(reset: Bool) {
        precondition(!self.isClosed, "closed twice")
        self.isClosed = true
        self.wasReset = reset
        self.handler = nil
    }

    /// Reports readiness as a loop would, as far as the interest goes.
    package func ready(_ readiness: Readiness) { self.handler?.descriptorReady(readiness) }
}
