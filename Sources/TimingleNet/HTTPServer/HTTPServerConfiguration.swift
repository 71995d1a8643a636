/// What a listener needs to know.
///
/// Immutable once bound.
package struct HTTPServerConfiguration: Sendable {
    /// A literal: `0.0.0.0`, `127.0.0.1`, `::1`, or a unix socket's path.
    package var address: String
    /// 0 lets the kernel choose; `Listener.port` tells.
    package var port: UInt16
    /// With it, the listener speaks HTTPS and WSS, and nothing else.
    package var tls: TLSContext?
    package var tlsLimits = TLSLimits()
    package var limits = HTTPLimits()
    package var webSocketLimits = WebSocketLimits()
    /// Nil compresses no WebSocket's messages, whatever clients offer.
    package var webSocketDeflate: PerMessageDeflate?
    /// Proxies whose connections begin with a PROXY header (version 2) that says whose they are; nobody else's is read.
    package var proxyProtocolPeers: [AddressBlock] = []
    /// Addresses that `connectionsPerNetwork` does not count: proxies, through which everybody comes.
    package var uncountedPeers: [AddressBlock] = []
    /// Nil sends all answers as their handlers made them.
    package var contentCoding: HTTPContentCoding? = HTTPContentCoding()
    /// Answers every request; `Router.frozen` makes one.
    package var responder: HTTPResponder
    /// Answers what was refused before the responder; the fields are nil where the head itself was broken.
    package var errorResponse: @Sendable (HTTPParseError, HTTPFields?) -> HTTPResponse
    package var log: Log

    package init(
        address: String = "127.0.0.1",
        port: UInt16 = 0,
        log: Log = .silent,
        errorResponse: @escaping @Sendable (HTTPParseError, HTTPFields?) -> HTTPResponse = Self.plainErrorResponse,
        responder: HTTPResponder
    ) {
        self.address = address
        self.port = port
        self.log = log
        self.errorResponse = errorResponse
        self.responder = responder
    }

    /// Lets one handler answer every request.
    package init(
        address: String = "127.0.0.1",
        port: UInt16 = 0,
        log: Log = .silent,
        errorResponse: @escaping @Sendable (HTTPParseError, HTTPFields?) -> HTTPResponse = Self.plainErrorResponse,
        responder: @escaping HTTPHandler
    ) {
        self.init(
            address: address,
            port: port,
            log: log,
            errorResponse: errorResponse,
            responder: HTTPResponder(responder)
        )
    }

    /// The reason as plain text.
    package static func plainErrorResponse(_ error: HTTPParseError, _ fields: HTTPFields?) -> HTTPResponse {
        HTTPResponse(
            error.status,
            fields: ["Content-Type": "text/plain; charset=utf-8"],
            body: .bytes(Array("\(error.reason)\n".utf8))
        )
    }
}
