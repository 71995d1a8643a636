/// A whole request, as a handler sees it: its body is complete and within the limit.
///
/// A value.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    package var body: [UInt8]
    package var peerAddress: SocketAddress
    /// True where the client speaks HTTP/1.0, in which Upgrade means nothing (RFC 9110 section 7.8).
    package var isHTTP10 = false
    private var readFields: HTTPFields
    /// Where the target lies in the head that the fields were read from, unless it is `ownTarget`.
    private var targetRange: Range<UInt32>
    private var ownTarget: String?

    package init(
        method: HTTPMethod,
        target: String,
        fields: HTTPFields = HTTPFields(),
        body: [UInt8] = [],
        peerAddress: SocketAddress = .unspecified
    ) {
        self.method = method
        self.body = body
        self.peerAddress = peerAddress
        self.readFields = fields
        self.targetRange = 0..<0
        self.ownTarget = target
    }

    /// Nothing yet: a parser reads a head into it.
    init() {
        self.init(method: .get, target: "")
        self.ownTarget = nil
    }

    /// The request target as it came, origin form or `*`; a string is made of it when it is asked for.
    package var target: String {
        get { self.ownTarget ?? self.withTarget { String(decoding: $0, as: UTF8.self) } }
        set { self.ownTarget = newValue }
    }

    package var fields: HTTPFields {
        _read { yield self.readFields }
        _modify {
            // The bytes in which the target lies may go.
            if self.ownTarget == nil { self.ownTarget = self.target }
            yield &self.readFields
        }
    }

    /// The target up to its `?`, still percent-encoded; the router decodes segments.
    package var path: String {
        self.withTarget { bytes in
            let end = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[..<end]), as: UTF8.self)
        }
    }

    package var query: HTTPQuery { HTTPQuery(behindMarkOf: self.targetBytes) }

    // MARK: Where it lies

    /// Lends the target's bytes.
    @inline(__always)
    func withTarget<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        if var target = self.ownTarget { return target.withUTF8(body) }
        return self.readFields.block.bytes.withUnsafeBufferPointer { bytes in
            body(
                UnsafeBufferPointer(
                    rebasing: bytes[Int(self.targetRange.lowerBound)..<Int(self.targetRange.upperBound)]
                )
            )
        }
    }

    /// The target's bytes for whoever keeps them: those of the head, shared.
    var targetBytes: HTTPTargetBytes {
        if let target = self.ownTarget { return HTTPTargetBytes(target) }
        return HTTPTargetBytes(self.readFields.block.bytes, self.targetRange)
    }

    /// The head's bytes and lines, for its parser.
    var block: HTTPFieldBlock {
        _read { yield self.readFields.block }
        _modify { yield &self.readFields.block }
    }

    /// Says where the target lies in the bytes of `block`, or what it is instead.
    mutating func setTarget(_ range: Range<Int>, instead text: String?) {
        self.targetRange = UInt32(range.lowerBound)..<UInt32(range.upperBound)
        self.ownTarget = text
    }

    /// Becomes empty and keeps the memory of its head, unless that has grown beyond `bytesMax`.
    mutating func clear(keepingAtMost bytesMax: Int) {
        if !self.body.isEmpty { self.body = [] }
        self.ownTarget = nil
        self.targetRange = 0..<0
        if self.readFields.block.bytes.capacity > bytesMax {
            self.readFields = HTTPFields()
        } else {
            self.readFields.block.clear()
        }
    }
}

/// The bytes of a request's target, in its head or apart.
///
/// Immutable.
struct HTTPTargetBytes: Sendable {
    private let bytes: [UInt8]
    private let range: Range<UInt32>

    init() {
        self.bytes = []
        self.range = 0..<0
    }

    init(_ text: String) {
        self.bytes = Array(text.utf8)
        self.range = 0..<UInt32(self.bytes.count)
    }

    init(_ bytes: [UInt8], _ range: Range<UInt32>) {
        self.bytes = bytes
        self.range = range
    }

    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        self.bytes.withUnsafeBufferPointer { bytes in
            body(UnsafeBufferPointer(rebasing: bytes[Int(self.range.lowerBound)..<Int(self.range.upperBound)]))
        }
    }
}

/// The part of a target after `?`: `name=value` pairs, decoded where they are asked for.
///
/// Immutable.
package struct HTTPQuery: Sendable {
    /// The query, or the target in which it lies.
    private let whole: HTTPTargetBytes
    private let offset: Int

    package init(_ text: String) {
        self.whole = HTTPTargetBytes(text)
        self.offset = 0
    }

    /// The query of a target; empty for a target without one.
    init(behindMarkOf target: HTTPTargetBytes) {
        self.whole = target
        self.offset = target.withBytes { bytes in
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
        self.whole.withBytes { body(UnsafeBufferPointer(rebasing: $0[self.offset...])) }
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

        /// Bytes that lie in memory, unless they are a file's.
        var byteCount: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .none, .file, .upgrade: 0
            }
        }
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
    var isEncoded = false
    var union: UInt8 = 0
    for byte in bytes {
        union |= byte
        isEncoded = isEncoded || byte == UInt8(ascii: "%") || byte == UInt8(ascii: "+")
    }
    guard isEncoded else {
        // The library's validation is generic code that costs a thousand instructions; ASCII needs none.
        return union < 0x80 ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
    }
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
