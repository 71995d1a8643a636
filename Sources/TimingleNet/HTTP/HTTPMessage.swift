/// A whole request, as a handler sees it: its body is complete and within the limit.
///
/// A value.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    /// The request target as it came, origin form or `*`.
    package var target: String
    package var fields: HTTPFields
    package var body: [UInt8]
    package var peerAddress: SocketAddress

    package init(
        method: HTTPMethod,
        target: String,
        fields: HTTPFields = HTTPFields(),
        body: [UInt8] = [],
        peerAddress: SocketAddress = .unspecified
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
        self.peerAddress = peerAddress
    }

    /// The target up to its `?`, still percent-encoded; the router decodes segments.
    package var path: String {
        guard let mark = self.queryMark else { return self.target }
        return String(self.target[..<mark])
    }

    package var query: HTTPQuery {
        guard let mark = self.queryMark else { return HTTPQuery("") }
        return HTTPQuery(String(self.target[self.target.utf8.index(after: mark)...]))
    }

    private var queryMark: String.Index? {
        var target = self.target
        // In the bytes themselves: the view of a string looks at each index.
        let offset = target.withUTF8 { $0.firstIndex(of: UInt8(ascii: "?")) }
        return offset.map { self.target.utf8.index(self.target.startIndex, offsetBy: $0) }
    }
}

/// The part of a target after `?`: `name=value` pairs, decoded where they are asked for.
///
/// Immutable.
package struct HTTPQuery: Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    /// The decoded value of the first pair of that name; "" for a name without `=`; nil where the encoding is broken.
    package func first(_ name: String) -> String? {
        self.pair(name)
    }

    /// The decoded values of all pairs of that name, in order; those whose encoding is broken are left out.
    package func all(_ name: String) -> [String] {
        var result: [String] = []
        self.forEachPair { pairName, value in
            if percentDecoded(pairName, plusIsSpace: true) == name,
                let decoded = percentDecoded(value, plusIsSpace: true)
            {
                result.append(decoded)
            }
            return true
        }
        return result
    }

    private func pair(_ name: String) -> String? {
        var result: String?
        self.forEachPair { pairName, value in
            guard percentDecoded(pairName, plusIsSpace: true) == name else { return true }
            result = percentDecoded(value, plusIsSpace: true)
            return false
        }
        return result
    }

    private func forEachPair(_ body: (Substring.UTF8View, Substring.UTF8View) -> Bool) {
        if self.text.isEmpty { return }
        for pair in self.text.utf8.split(separator: UInt8(ascii: "&")) {
            let mark = pair.firstIndex(of: UInt8(ascii: "="))
            let name = pair[..<(mark ?? pair.endIndex)]
            let value = mark.map { pair[pair.index(after: $0)...] } ?? pair[pair.endIndex...]
            guard body(name, value) else { return }
        }
    }
}

/// An answer.
///
/// A value; the connection adds Date, Content-Length and Connection.
package struct HTTPResponse: Sendable {
    /// What follows the head.
    package enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Sent out of a file, and never compressed on the way.
        indirect case file(HTTPFileContent)
        /// Answer 101 and hand the connection to a WebSocket; status and body are the connection's business.
        indirect case upgrade(WebSocketUpgrade)
    }

    package var status: HTTPStatus
    package var fields: HTTPFields
    package var body: Body

    package init(_ status: HTTPStatus, fields: HTTPFields = HTTPFields(), body: Body = .none) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// An upgrade; `fields` may add to the 101.
    package static func upgrade(_ upgrade: WebSocketUpgrade, fields: HTTPFields = HTTPFields()) -> HTTPResponse {
        HTTPResponse(.switchingProtocols, fields: fields, body: .upgrade(upgrade))
    }
}

/// Resolves `%41` and, for queries, `+`; nil for a broken escape, a NUL, or bytes that are not UTF-8.
func percentDecoded(_ bytes: some Collection<UInt8>, plusIsSpace: Bool) -> String? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var iterator = bytes.makeIterator()
    while let byte = iterator.next() {
        if byte == UInt8(ascii: "%") {
            guard
                let high = iterator.next().flatMap(hexDigitValue),
                let low = iterator.next().flatMap(hexDigitValue),
                high | low != 0
            else { return nil }
            decoded.append(high << 4 | low)
        } else if byte == UInt8(ascii: "+"), plusIsSpace {
            decoded.append(UInt8(ascii: " "))
        } else {
            decoded.append(byte)
        }
    }
    return String(validating: decoded, as: UTF8.self)
}

@inline(__always)
func hexDigitValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
