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

    package var query: HTTPQuery { HTTPQuery(behindMarkOf: self.target) }

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
    /// The query, or the target in which it lies.
    private let whole: String
    private let offset: Int

    package init(_ text: String) {
        self.whole = text
        self.offset = 0
    }

    /// The query of a target; empty for a target without one.
    init(behindMarkOf target: String) {
        var bytes = target
        self.whole = target
        self.offset = bytes.withUTF8 { bytes in
            bytes.firstIndex(of: UInt8(ascii: "?")).map { $0 + 1 } ?? bytes.count
        }
    }

    package var text: String { self.withBytes { String(decoding: $0, as: UTF8.self) } }

    /// The decoded value of the first pair of that name; "" for a name without `=`; nil where the encoding is broken.
    package func first(_ name: String) -> String? {
        var result: String?
        self.forEachPair(named: name) { value in
            result = percentDecoded(value, plusIsSpace: true)
            return false
        }
        return result
    }

    /// The decoded values of all pairs of that name, in order; those whose encoding is broken are left out.
    package func all(_ name: String) -> [String] {
        var result: [String] = []
        self.forEachPair(named: name) { value in
            if let decoded = percentDecoded(value, plusIsSpace: true) { result.append(decoded) }
            return true
        }
        return result
    }

    private func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        var whole = self.whole
        return whole.withUTF8 { body(UnsafeBufferPointer(rebasing: $0[self.offset...])) }
    }

    /// Calls `body` with the values of the pairs of that name until it returns false.
    private func forEachPair(named name: String, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) {
        var name = name
        name.withUTF8 { name in
            self.withBytes { bytes in
                var start = 0
                while start < bytes.count {
                    var mark: Int?
                    var end = start
                    while end < bytes.count, bytes[end] != UInt8(ascii: "&") {
                        if mark == nil, bytes[end] == UInt8(ascii: "=") { mark = end }
                        end += 1
                    }
                    let pairName = UnsafeBufferPointer(rebasing: bytes[start..<(mark ?? end)])
                    let value = UnsafeBufferPointer(rebasing: bytes[min((mark ?? end) + 1, end)..<end])
                    // An empty pair has no name, not even an empty one.
                    if start < end, Self.name(pairName, is: name), !body(value) { return }
                    start = end + 1
                }
            }
        }
    }

    /// Compares a name as it came with a plain one, decoding only where there is something to decode.
    private static func name(_ name: UnsafeBufferPointer<UInt8>, is plain: UnsafeBufferPointer<UInt8>) -> Bool {
        let isEncoded = name.contains { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }
        guard isEncoded else { return name.elementsEqual(plain) }
        return percentDecoded(name, plusIsSpace: true).map { $0.utf8.elementsEqual(plain) } ?? false
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
        /// Answer 101 and hand the connection over; status and body are the connection's business.
        indirect case upgrade(any HTTPUpgrade)
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
    package static func upgrade(_ upgrade: any HTTPUpgrade, fields: HTTPFields = HTTPFields()) -> HTTPResponse {
        HTTPResponse(.switchingProtocols, fields: fields, body: .upgrade(upgrade))
    }
}

/// Resolves `%41` and, for queries, `+`; nil for a broken escape, a NUL, or bytes that are not UTF-8.
func percentDecoded(_ bytes: some Collection<UInt8>, plusIsSpace: Bool) -> String? {
    let isEncoded = bytes.contains { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }
    guard isEncoded else { return String(validating: bytes, as: UTF8.self) }
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
