extension WebSocketConnection {
    /// Sends one text message; a verdict of `tooSlow` means that it was not sent and the WebSocket closes with 1013.
    @discardableResult
    package func send(text: String) -> Outbox.Verdict {
        guard self.machine.isOpen else { return .closed }
        var text = text
        return self.send(encoded: text.withUTF8 { self.frame(.text, UnsafeRawBufferPointer($0)) })
    }

    /// Sends one text message that is UTF-8 already.
    @discardableResult
    package func send(textBytes: [UInt8]) -> Outbox.Verdict {
        guard self.machine.isOpen else { return .closed }
        return self.send(encoded: textBytes.withUnsafeBytes { self.frame(.text, $0) })
    }

    @discardableResult
    package func send(binary: [UInt8]) -> Outbox.Verdict {
        guard self.machine.isOpen else { return .closed }
        return self.send(encoded: binary.withUnsafeBytes { self.frame(.binary, $0) })
    }

    /// Sends a message that is encoded already, without copying it unless it is compressed for this peer alone.
    @discardableResult
    package func send(_ frame: BroadcastFrame) -> Outbox.Verdict {
        guard self.machine.isOpen else { return .closed }
        guard let codec = self.codec else { return self.send(encoded: frame.bytes) }
        if frame.compressed == nil, let own = frame.withPayload({ codec.frame(.text, $0) }) {
            return self.send(encoded: own)
        }
        return self.send(encoded: self.encoded(frame))
    }

    /// Sends a broadcast at the end of a turn: at once where nothing else waits.
    func sendNow(_ frame: inout BroadcastFrame) {
        guard self.machine.isOpen else { return }
        let verdict: Outbox.Verdict
        if self.codec == nil {
            let written = frame.withBytes { self.stream.offerNow($0) }
            if written == frame.count { return }
            verdict = self.stream.keep(frame.share(), behind: written)
        } else {
            verdict = self.stream.sendNow(self.encoded(frame))
        }
        if verdict == .tooSlow { self.tooSlow() }
    }

    /// Closes with 1013 because something meant for this peer was lost on its way here.
    func partAsTooSlow() {
        guard self.machine.isOpen else { return }
        self.tooSlow()
    }

    /// True when a room may send compressed messages to this member.
    var takesCompressed: Bool { self.codec != nil }

    // MARK: Encoding

    /// One message as it goes to this peer alone.
    private func frame(_ opcode: WebSocketOpcode, _ message: UnsafeRawBufferPointer) -> [UInt8] {
        self.codec?.frame(opcode, message) ?? WebSocketFrameEncoder.frame(opcode, message)
    }

    /// Which form of a shared frame this peer can read.
    private func encoded(_ frame: BroadcastFrame) -> [UInt8] {
        guard let codec = self.codec, let compressed = frame.compressed, codec.takesOver(compressed) else {
            return frame.bytes
        }
        return compressed.bytes
    }

    func send(encoded frame: [UInt8]) -> Outbox.Verdict {
        let verdict = self.stream.send(frame)
        if verdict == .tooSlow { self.tooSlow() }
        return verdict
    }

    /// A Close must fit even where nothing else does; it is small and comes at most once.
    func queueControl(_ frame: [UInt8]) { self.stream.sendWithoutLimit(frame) }

    /// May be called inside a fan-out: the handler hears of it later, from the loop.
    private func tooSlow() {
        let code = WebSocketCloseCode.tryAgainLater
        switch self.machine.failed(code, now: self.loop.now, limits: self.limits) {
        case .sendCloseAndFinish(let report):
            self.queueControl(WebSocketFrameEncoder.close(code, reason: "too slow"))
            self.finish()
            let deferred = LoopBound(self, on: self.loop)
            self.loop.execute { deferred.value.report(report) }
        case .finish, .nothing:
            preconditionFailure("a send was tried on a WebSocket that is not open")
        }
    }
}
