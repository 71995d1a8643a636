/// What a handler sends: queued and gathered, or handed to the kernel at once.
extension StreamConnection {
    /// Queues bytes; they leave in one write at the end of the turn.
    ///
    /// The array is shared, or copied where it is small and others wait to leave with it.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Outbox.Verdict {
        guard let refusal = self.refusal(of: bytes.count) else {
            guard !bytes.isEmpty else { return self.kernelIsFull ? .queued : .sent }
            // What the peer may not read for long stays shared.
            if self.kernelIsFull {
                self.outbox.append(bytes)
                return .queued
            }
            self.outbox.coalesce(bytes)
            self.askForTurnEnd()
            return .sent
        }
        return refusal
    }

    /// Lets `write` append its bytes, about `count` of them, straight behind those that wait.
    @discardableResult
    package func send(about count: Int, _ write: (inout [UInt8]) -> Void) -> Outbox.Verdict {
        if let refusal = self.refusal(of: count) { return refusal }
        if !self.outbox.extendFront(write) {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(count)
            write(&bytes)
            self.outbox.append(bytes)
        }
        guard !self.kernelIsFull else { return .queued }
        self.askForTurnEnd()
        return .sent
    }

    /// Sends a few bytes that must go out whatever else waits, such as a farewell.
    package func sendWithoutLimit(_ bytes: [UInt8]) {
        self.loop.preconditionInLoop()
        guard self.machine.takesBytes else { return }
        self.outbox.append(bytes)
        if !self.kernelIsFull { self.askForTurnEnd() }
    }

    /// True where a part of a file is best sent as such, else as bytes that somebody read.
    package var sendsFiles: Bool { self.io.sendsFiles }

    /// Sends a part of a file behind the bytes that wait; where the socket can, its pages are not copied on the way.
    ///
    /// A file that has become too short ends the connection: its length was announced.
    @discardableResult
    package func send(_ file: FileRegion) -> Outbox.Verdict {
        if let refusal = self.refusal(of: 0) { return refusal }
        self.outbox.append(file)
        guard !self.kernelIsFull else { return .queued }
        self.askForTurnEnd()
        return .sent
    }

    /// Hands bytes to the kernel in this call where nothing else waits, else queues them.
    ///
    /// For a fan-out at the end of a turn, when nothing more is to come that could leave with them.
    package func sendNow(_ bytes: [UInt8]) -> Outbox.Verdict {
        let written = bytes.withUnsafeBytes { self.offerNow($0) }
        return written == bytes.count ? .sent : self.keep(bytes, behind: written)
    }

    /// The first step of `sendNow`: hands bytes to the kernel where nothing else waits, and says how many it took.
    ///
    /// Nil where nothing was tried, or the connection has ended over it. Where some are left, `keep` comes next.
    @inline(__always)
    func offerNow(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard self.canSendNow, !bytes.isEmpty else { return nil }
        return self.writeNow(bytes)
    }

    /// Queues what the kernel did not take of bytes that it was offered.
    func keep(_ bytes: [UInt8], behind written: Int?) -> Outbox.Verdict {
        guard let written else { return self.send(bytes) }
        self.outbox.append(bytes)
        self.outbox.advance(written)
        self.kernelFilled()
        return .queued
    }

    /// Like `sendNow` with bytes that stay the caller's: what the kernel does not take is copied.
    @discardableResult
    package func send(copying bytes: UnsafeRawBufferPointer) -> Outbox.Verdict {
        self.loop.preconditionInLoop()
        guard self.canSendNow, !bytes.isEmpty else { return self.send(Array(bytes)) }
        guard let written = self.writeNow(bytes) else { return .closed }
        guard written < bytes.count else { return .sent }
        self.outbox.append(Array(bytes[written...]))
        self.kernelFilled()
        return .queued
    }

    private var canSendNow: Bool { self.outbox.isEmpty && self.machine.takesBytes && !self.kernelIsFull }

    /// Nil when the connection has ended over it.
    @inline(__always)
    private func writeNow(_ bytes: UnsafeRawBufferPointer) -> Int? {
        do throws(SystemError) {
            guard case .processed(let count) = try self.io.write(bytes) else { return 0 }
            return count
        } catch {
            self.end(.failed(error))
            return nil
        }
    }

    /// Nil when `count` more bytes may be queued.
    private func refusal(of count: Int) -> Outbox.Verdict? {
        self.loop.preconditionInLoop()
        guard self.machine.takesBytes else { return .closed }
        let limit = self.limits.value.outboxBytes
        if self.outbox.hasRoom(for: count, limit: limit) { return nil }
        // What was queued in this very turn has not been offered to the kernel yet: that is not the peer's fault.
        // The handler is in the middle of sending, perhaps between a head and its content: it hears of the drained
        // outbox when these bytes are out.
        if !self.kernelIsFull { self.flush(tellsHandler: false) }
        guard self.machine.takesBytes else { return .closed }
        return self.outbox.hasRoom(for: count, limit: limit) ? nil : .tooSlow
    }
}
