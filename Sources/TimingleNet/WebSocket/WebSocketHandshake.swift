/// Why a request does not become a WebSocket, and how it is answered.
package enum WebSocketHandshakeError: Error, Equatable, Sendable, CaseIterable {
    case methodNotGet
    case httpVersionTooLow
    case notAnUpgrade
    case unsupportedVersion
    case keyInvalid
    case bodyPresent
    case extensionsInvalid

    package var status: HTTPStatus {
        switch self {
        case .methodNotGet, .httpVersionTooLow, .notAnUpgrade, .keyInvalid, .bodyPresent, .extensionsInvalid:
            .badRequest
        case .unsupportedVersion: .upgradeRequired
        }
    }

    package var reason: String {
        switch self {
        case .methodNotGet: "a WebSocket begins with GET"
        case .httpVersionTooLow: "a WebSocket needs HTTP/1.1"
        case .notAnUpgrade: "the request does not ask for Upgrade: websocket"
        case .unsupportedVersion: "Sec-WebSocket-Version must be 13"
        case .keyInvalid: "one Sec-WebSocket-Key of 16 bytes in base64 is needed"
        case .bodyPresent: "an upgrade request must not have content"
        case .extensionsInvalid: "Sec-WebSocket-Extensions must be a list of extensions"
        }
    }

    /// Fields that belong to the answer; that Connection names Upgrade is the encoder's business.
    package var fields: HTTPFields {
        switch self {
        case .unsupportedVersion: ["Sec-WebSocket-Version": "13", "Upgrade": "websocket"]
        case .methodNotGet, .httpVersionTooLow, .notAnUpgrade, .keyInvalid, .bodyPresent, .extensionsInvalid: [:]
        }
    }
}

/// The opening handshake of RFC 6455 section 4.2.
package enum WebSocketHandshake {
    /// A request that may become a WebSocket.
    package struct Accepted: Equatable, Sendable {
        let key: WebSocketKey
        /// In the client's order of preference.
        package var offeredSubprotocols: [String]
        /// In the client's order of preference.
        package var offeredExtensions: [WebSocketExtensionOffer]
    }

    package static func validate(_ request: HTTPRequest) throws(WebSocketHandshakeError) -> Accepted {
        guard request.method == .get else { throw .methodNotGet }
        guard !request.isHTTP10 else { throw .httpVersionTooLow }
        let seen = Seen(request.fields.block)
        guard seen.asksForWebSocket, seen.asksForUpgrade else { throw .notAnUpgrade }
        guard request.body.isEmpty, !seen.hasContent else { throw .bodyPresent }
        guard seen.versionCount == 1, seen.isVersion13 else { throw .unsupportedVersion }
        guard seen.keyCount == 1, let key = seen.key else { throw .keyInvalid }
        var accepted = Accepted(key: key, offeredSubprotocols: [], offeredExtensions: [])
        if seen.hasExtensions {
            // RFC 6455 section 9.1: what is against the grammar fails the handshake; what is only unknown is declined.
            let values = request.fields.values("Sec-WebSocket-Extensions")
            guard let offers = WebSocketExtensionOffer.all(values) else { throw .extensionsInvalid }
            accepted.offeredExtensions = offers
        }
        if seen.hasSubprotocols { accepted.offeredSubprotocols = request.fields.members("Sec-WebSocket-Protocol") }
        return accepted
    }

    /// What the fields say, read where they lie and in one go: most requests for a WebSocket are good ones.
    private struct Seen {
        var asksForWebSocket = false
        var asksForUpgrade = false
        var hasContent = false
        var versionCount = 0
        var isVersion13 = false
        var keyCount = 0
        var key: WebSocketKey?
        var hasExtensions = false
        var hasSubprotocols = false

        init(_ fields: HTTPFieldBlock) {
            fields.forEachLine { name, value in
                // The length tells most fields apart without a comparison.
                switch name.count {
                case 7 where name.equals(lowercase: "upgrade"):
                    if value.hasMember(lowercase: "websocket") { self.asksForWebSocket = true }
                case 10 where name.equals(lowercase: "connection"):
                    if value.hasMember(lowercase: "upgrade") { self.asksForUpgrade = true }
                case 14 where name.equals(lowercase: "content-length"):
                    if !value.equals("0") { self.hasContent = true }
                case 17 where name.equals(lowercase: "sec-websocket-key"):
                    self.keyCount += 1
                    self.key = WebSocketKey(value)
                case 17 where name.equals(lowercase: "transfer-encoding"):
                    self.hasContent = true
                case 21 where name.equals(lowercase: "sec-websocket-version"):
                    self.versionCount += 1
                    self.isVersion13 = value.equals("13")
                case 22 where name.equals(lowercase: "sec-websocket-protocol"):
                    self.hasSubprotocols = true
                case 24 where name.equals(lowercase: "sec-websocket-extensions"):
                    self.hasExtensions = true
                default:
                    break
                }
            }
        }
    }

    /// The fields of the 101.
    struct Answer {
        private let key: WebSocketKey
        private let subprotocol: String?
        private let extensions: String?

        /// `extensions` names what was agreed on.
        ///
        /// A sub-protocol that was not offered is left out: a browser would fail the connection over it.
        init(_ accepted: Accepted, subprotocol: String?, extensions: String? = nil) {
            self.key = accepted.key
            self.subprotocol = subprotocol.flatMap { accepted.offeredSubprotocols.contains($0) ? $0 : nil }
            self.extensions = extensions
        }

        /// The names and line ends together are shorter than 192 bytes.
        var bytesMax: Int { 192 + (self.subprotocol?.utf8.count ?? 0) + (self.extensions?.utf8.count ?? 0) }

        func write(to writer: inout HTTPHeadWriter, by digest: WebSocketDigest) {
            writer.write("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ")
            writer.write(count: WebSocketKey.acceptBytes) { self.key.writeAccept(to: $0, by: digest) }
            if let subprotocol = self.subprotocol {
                writer.write("\r\nSec-WebSocket-Protocol: ")
                writer.write(text: subprotocol)
            }
            if let extensions = self.extensions {
                writer.write("\r\nSec-WebSocket-Extensions: ")
                writer.write(text: extensions)
            }
            writer.write("\r\n")
        }
    }
}
