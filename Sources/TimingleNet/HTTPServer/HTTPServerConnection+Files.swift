/// Answers whose content lies in a file: the connection stays with them until the last piece is out.
extension HTTPServerConnection {
    /// Begins to send content behind the head that was just written.
    func send(_ content: HTTPFileContent, on stream: StreamConnection) {
        self.output.send(on: stream)
        self.sender = HTTPFileSender(content, on: stream) { [unowned self] error in
            // Its length was announced: only the end of the connection can take that back.
            stream.abort()
            self.report(error)
        }
        self.sendOn(stream)
    }

    /// The kernel took what there was.
    func sendOn(_ stream: StreamConnection) {
        guard let sender = self.sender, sender.goOn() == .finished else { return }
        self.sender = nil
        switch self.machine.contentSent() {
        case .takeNext: self.requestDone(on: stream)
        case .close: stream.closeAfterFlush()
        case .nothing: break
        }
    }

    /// The answer is out: the next request, or an idle time with an end.
    func requestDone(on stream: StreamConnection) {
        self.setDeadline(self.shard.keepAliveDeadline)
        if !self.isTaking { self.goOn(stream) }
    }

    /// The connection is gone, perhaps before all was sent.
    func sendingEnded(_ reason: StreamCloseReason) {
        guard let sender = self.sender else { return }
        sender.stop()
        self.sender = nil
        if case .failed(.fileTruncated) = reason { self.report(.fileTruncated) }
    }

    private func report(_ error: SystemError) {
        self.shard.configuration.log.warning(
            "a file changed or failed while it was sent",
            ["error": .text(error.description)]
        )
    }
}

extension HTTPResponse {
    /// Content that is sent piece by piece; none where all of it is in memory, or nothing may be sent.
    var fileContent: HTTPFileContent? {
        guard case .file(let content) = self.body, content.bytes == nil else { return nil }
        return self.status.forbidsContent || self.status == .resetContent ? nil : content
    }
}
