/// Why a request does not become a WebSocket, and how it is answered.
package enum WebSocketHandshakeError: Error, Equatable, Sendable, CaseIterable {
    case methodNotGet
    case notAnUpgrade
    case unsupportedVersion
    case keyInvalid
    case bodyPresent
    case extensionsInvalid

    package var status: HTTPStatus {
        switch self {
        case .methodNotGet, .notAnUpgrade, .keyInvalid, .bodyPresent, .extensionsInvalid: .badRequest
        case .unsupportedVersion: .upgradeRequired
        }
    }

    package var reason: String {
        switch self {
        case .methodNotGet: "a WebSocket begins with GET"
        case .notAnUpgrade: "the request does not ask for Upgrade: websocket"
        case .unsupportedVersion: "Sec-WebSocket-Version must be 13"
        case .keyInvalid: "one Sec-WebSocket-Key of 16 bytes in base64 is needed"
        case .bodyPresent: "an upgrade request must not have content"
        case .extensionsInvalid: "Sec-WebSocket-Extensions must be a list of extensions"
        }
    }

    /// Fields that belong to the answer.
    package var fields: HTTPFields {
        switch self {
        case .unsupportedVersion: ["Sec-WebSocket-Version": "13", "Upgrade": "websocket", "Connection": "Upgrade"]
        case .methodNotGet, .notAnUpgrade, .keyInvalid, .bodyPresent, .extensionsInvalid: [:]
        }
    }
}

/// The opening handshake of RFC 6455 section 4.2.
///
/// The HTTP version is the connection's business: an HTTP/1.0 request must not come here.
package enum WebSocketHandshake {
    /// A request that may become a WebSocket.
    package struct Accepted: Equatable, Sendable {
        /// The value of Sec-WebSocket-Accept.
        package var acceptKey: String
        /// In the client's order of preference.
        package var offeredSubprotocols: [String]
        /// In the client's order of preference.
        package var offeredExtensions: [WebSocketExtensionOffer]
    }

    package static func validate(_ request: HTTPRequest) throws(WebSocketHandshakeError) -> Accepted {
        guard request.method == .get else { throw .methodNotGet }
        guard
            request.fields.hasMember("Upgrade", "websocket"),
            request.fields.hasMember("Connection", "Upgrade")
        else { throw .notAnUpgrade }
        guard
            request.body.isEmpty,
            !request.fields.contains("Transfer-Encoding"),
            request.fields.values("Content-Length").allSatisfy({ $0 == "0" })
        else { throw .bodyPresent }
        guard request.fields.values("Sec-WebSocket-Version") == ["13"] else { throw .unsupportedVersion }
        let keys = request.fields.values("Sec-WebSocket-Key")
        guard keys.count == 1, let key = keys.first, Self.isKey(key) else { throw .keyInvalid }
        // RFC 6455 section 9.1: what is against the grammar fails the handshake; what is only unknown is declined.
        guard let extensions = WebSocketExtensionOffer.all(request.fields.values("Sec-WebSocket-Extensions")) else {
            throw .extensionsInvalid
        }
        return Accepted(
            acceptKey: WebSocketAcceptKey.make(for: key),
            offeredSubprotocols: request.fields.members("Sec-WebSocket-Protocol"),
            offeredExtensions: extensions
        )
    }

    /// The fields of the 101; `extensions` names what was agreed on.
    ///
    /// A sub-protocol that was not offered is left out: a browser would fail the connection over it.
    package static func responseFields(
        _ accepted: Accepted,
        subprotocol: String?,
        extensions: String? = nil
    ) -> HTTPFields {
        var fields: HTTPFields = ["Upgrade": "websocket", "Connection": "Upgrade"]
        fields.append("Sec-WebSocket-Accept", accepted.acceptKey)
        if let subprotocol, accepted.offeredSubprotocols.contains(subprotocol) {
            fields.append("Sec-WebSocket-Protocol", subprotocol)
        }
        if let extensions { fields.append("Sec-WebSocket-Extensions", extensions) }
        return fields
    }

    /// 16 bytes in base64 are 22 characters and two of padding.
    private static func isKey(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 24 && bytes[22] == UInt8(ascii: "=") && bytes[23] == UInt8(ascii: "=")
            && bytes[..<22].allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }
}
