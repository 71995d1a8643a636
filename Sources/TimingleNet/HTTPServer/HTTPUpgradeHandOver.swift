/// The one place where HTTP hands a connection over to WebSocket.
///
/// No state.
enum HTTPUpgradeHandOver {
    /// Writes the 101; returns what messages are compressed with, if that was agreed on.
    static func accept(
        _ accepted: AcceptedUpgrade,
        to out: inout HTTPOutputBuffer,
        of shard: HTTPServerShard
    ) -> PerMessageDeflateCodec? {
        let deflate = accepted.upgrade.allowsCompression ? shard.webSocketDeflate : nil
        let agreement = deflate?.agree(to: accepted.handshake.offeredExtensions)
        let answer = WebSocketHandshake.Answer(
            accepted.handshake,
            subprotocol: accepted.upgrade.subprotocol,
            extensions: agreement?.fieldValue
        )
        HTTPResponseEncoder.encodeUpgrade(
            accepted.response,
            date: shard.dateFieldLine(),
            to: &out,
            handshakeBytes: answer.bytesMax
        ) { writer in answer.write(to: &writer, by: shard.webSocketDigest) }
        return agreement.flatMap { deflate?.makeCodec($0) }
    }

    /// Makes the WebSocket that speaks on `stream` from here on, behind the 101 that is queued.
    static func handOver(
        _ stream: StreamConnection,
        to upgrade: WebSocketUpgrade,
        settings: WebSocketSettings,
        codec: PerMessageDeflateCodec?
    ) {
        let handler = upgrade.makeHandler()
        let socket = WebSocketConnection(stream: stream, handler: handler, settings: settings, codec: codec)
        socket.open()
        // What came behind the request belongs to the WebSocket.
        stream.offerPending()
    }

    /// Answers a handshake that cannot be; bytes behind it are not HTTP, so the connection ends.
    static func refusal(_ error: WebSocketHandshakeError) -> HTTPResponse {
        var response = HTTPResponse(
            error.status,
            fields: error.fields,
            body: .bytes(Array("\(error.reason)\n".utf8))
        )
        response.fields["Connection"] = "close"
        response.fields["Content-Type"] = "text/plain; charset=utf-8"
        return response
    }

    /// Tells a WebSocket that the server goes down: it is closed with 1012 and given its close timeout.
    ///
    /// The reason says after how many seconds to come back, to each client another number.
    static func drain(_ stream: StreamConnection) {
        if let socket = stream.handler as? WebSocketConnection {
            let seconds = Int.random(in: 1...max(1, socket.limits.restartRetrySecondsMax))
            socket.close(.serviceRestart, reason: "server restart; retry-after=\(seconds)")
        } else {
            stream.closeAfterFlush()
        }
    }
}
