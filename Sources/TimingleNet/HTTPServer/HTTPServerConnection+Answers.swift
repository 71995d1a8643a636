/// Answers on their way out: compressed where that pays, framed by the state machine, gathered in the loop's buffer.
extension HTTPServerConnection {
    // By reference: a request in a slot would be copied, and its references counted.
    // The stream is the connection's own, as long as that has one: handed on, it is not counted.
    func responded(
        _ response: consuming HTTPResponse,
        to request: inout HTTPRequest,
        on stream: StreamConnection?
    ) {
        let loan = self.output.borrow(from: self.shard)
        defer { if loan { self.output.giveBack(to: self.shard, sendingOn: self.stream) } }
        self.releaseBody()
        self.shard.requestEnded()
        if response.body.byteCount >= self.shard.contentCodingBytesMin {
            self.shard.contentCoder?.encode(&response, for: request)
        }
        if case .upgrade(let upgrade) = response.body {
            self.upgrade(upgrade, response, request)
        } else {
            self.answer(response, on: stream)
        }
    }

    private func answer(_ response: HTTPResponse, on stream: StreamConnection?) {
        let wantsClose = response.fields.hasMember("Connection", "close")
        let content = response.fileContent
        let action = self.machine.responded(
            wantsUpgrade: false,
            wantsClose: wantsClose,
            contentFollows: content != nil
        )
        switch action {
        case .send(let framing):
            guard let stream, self.stream != nil else { return }
            self.write(response, framing, on: stream)
            if let content, self.machine.isSending { return self.send(content, on: stream) }
            if framing.close {
                self.output.send(on: stream)
                stream.closeAfterFlush()
            } else {
                self.requestDone(on: stream)
            }
        case .drop:
            break
        case .upgrade, .refuseUpgrade:
            preconditionFailure("no upgrade was wished for")
        }
    }

    private func upgrade(_ upgrade: any HTTPUpgrade, _ response: HTTPResponse, _ request: HTTPRequest) {
        guard let upgrade = upgrade as? WebSocketUpgrade else { preconditionFailure("there is no other protocol") }
        let accepted: WebSocketHandshake.Accepted
        do throws(WebSocketHandshakeError) {
            accepted = try WebSocketHandshake.validate(request)
        } catch {
            return self.answer(HTTPUpgradeHandOver.refusal(error), on: self.stream)
        }
        switch self.machine.responded(wantsUpgrade: true, wantsClose: false) {
        case .refuseUpgrade:
            // A good handshake that only came too late is told to come again, not that it was wrong.
            self.answer(
                self.shard.isDraining
                    ? self.shard.refusal(.draining, request.fields) : HTTPUpgradeHandOver.refusal(.notAnUpgrade),
                on: self.stream
            )
        case .upgrade:
            guard let stream = self.stream else { return }
            self.become(AcceptedUpgrade(upgrade: upgrade, handshake: accepted, response: response), stream)
        case .drop:
            break
        case .send:
            preconditionFailure("an upgrade is not sent as an answer")
        }
    }

    /// The end of HTTP here, behind the answers that were gathered.
    private func become(_ accepted: AcceptedUpgrade, _ stream: StreamConnection) {
        let shard = self.shard
        self.clearTimer()
        self.deadline = nil
        self.stream = nil
        if let target = UpgradeMove.target(of: accepted.upgrade, from: shard) {
            self.output.send(on: stream)
            return UpgradeMove.begin(accepted, stream, from: shard, to: target)
        }
        shard.open(accepted, on: stream, behind: &self.output)
    }

    func write(_ response: HTTPResponse, _ framing: HTTPResponseEncoder.Framing, on stream: StreamConnection) {
        let rest = HTTPResponseEncoder.encode(
            response,
            framing,
            date: self.shard.dateFieldLine(),
            to: &self.output.bytes
        )
        guard rest == .content else { return }
        self.output.send(on: stream)
        // Half an answer cannot be left standing.
        if stream.send(response.body.memory) == .tooSlow { stream.abort() }
    }
}
