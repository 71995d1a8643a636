/// Turns an answer into bytes; Date, Content-Length and Connection are the connection's own.
///
/// No state.
enum HTTPResponseEncoder {
    /// What decides about framing and persistence.
    struct Framing: Equatable {
        /// An answer to HEAD states the length of its content and leaves it out.
        var isHead = false
        var close = false
        /// The peer speaks HTTP/1.0 and must be told that the connection stays.
        var sayKeepAlive = false
    }

    static let `continue` = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Content up to this size is copied behind the head, so that it leaves as one chunk.
    private static let inlineBodyBytes = 8 * 1024

    /// Appends the head, and small content behind it; returns large content, which follows apart and shared.
    static func encode(
        _ response: HTTPResponse,
        _ framing: Framing,
        date: [UInt8],
        to out: inout [UInt8]
    ) -> [UInt8] {
        var content: [UInt8] = []
        // RFC 9110 section 15.3.6: 205 has no content, and says so.
        if case .bytes(let bytes) = response.body, !response.status.forbidsContent, response.status != .resetContent {
            content = bytes
        }
        let inline = !framing.isHead && content.count <= Self.inlineBodyBytes
        Self.appendStart(response, date: date, to: &out)
        if !response.status.forbidsContent {
            out.append("Content-Length: ")
            out.append(decimal: content.count)
            out.append("\r\n")
        }
        if framing.close {
            out.append("Connection: close\r\n")
        } else if framing.sayKeepAlive {
            out.append("Connection: keep-alive\r\n")
        }
        out.append("\r\n")
        if inline { out.append(contentsOf: content) }
        return inline || framing.isHead ? [] : content
    }

    /// The 101 for a WebSocket: the handler's fields, then those of the handshake.
    static func encodeUpgrade(_ response: HTTPResponse, _ handshake: HTTPFields, date: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(320)
        var response = response
        response.status = .switchingProtocols
        for name in ["Upgrade", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"] {
            response.fields[name] = nil
        }
        Self.appendStart(response, date: date, to: &out)
        handshake.forEach { name, value in Self.appendField(name, value, to: &out) }
        out.append("\r\n")
        return out
    }

    private static func appendStart(_ response: HTTPResponse, date: [UInt8], to out: inout [UInt8]) {
        out.append("HTTP/1.1 ")
        out.append(decimal: response.status.code)
        out.append(UInt8(ascii: " "))
        out.appendFieldValue(response.status.reason)
        out.append("\r\n")
        out.append(contentsOf: date)
        response.fields.forEach { name, value in
            guard !Self.isOwn(name) else { return }
            Self.appendField(name, value, to: &out)
        }
    }

    private static func appendField(_ name: String, _ value: String, to out: inout [UInt8]) {
        precondition(
            !name.isEmpty && name.utf8.allSatisfy(HTTPByteClass.isToken),
            "a response field's name is no token: \(name)"
        )
        out.append(contentsOf: name.utf8)
        out.append(": ")
        out.appendFieldValue(value)
        out.append("\r\n")
    }

    /// Fields that only the connection may state.
    private static func isOwn(_ name: String) -> Bool {
        switch name.utf8.count {
        case 4: asciiEqualsIgnoringCase(name.utf8, "date".utf8)
        case 10: asciiEqualsIgnoringCase(name.utf8, "connection".utf8)
        case 14: asciiEqualsIgnoringCase(name.utf8, "content-length".utf8)
        case 17: asciiEqualsIgnoringCase(name.utf8, "transfer-encoding".utf8)
        default: false
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { self.append(contentsOf: $0) }
    }

    fileprivate mutating func append(decimal number: Int) {
        self.append(contentsOf: String(number).utf8)
    }

    /// Values may carry what a peer sent: a control character must not end the line.
    fileprivate mutating func appendFieldValue(_ value: String) {
        let start = self.count
        self.append(contentsOf: value.utf8)
        for index in start..<self.count where !HTTPByteClass.isFieldValue(self[index]) {
            self[index] = UInt8(ascii: " ")
        }
    }
}
