/// When and how answers are compressed on their way out (RFC 9110 section 8.4).
///
/// Immutable.
///
/// Level 2: 64 KiB of chat history take 0.45 ms and shrink to 23 %; level 6 takes 1.1 ms for 19.5 %. A loop serves
/// nobody else meanwhile, so what is larger than `bytesMax` (1.8 ms) goes out as it is.
///
/// Compression tells an eavesdropper the size of what was compressed: where an answer holds both a secret and what an
/// attacker may choose, the secret can be guessed byte by byte (BREACH). Tokens are answers of their own, below
/// `bytesMin`; any handler keeps its answer as it is by `Cache-Control: no-transform` or a Content-Encoding of its own.
package struct HTTPContentCoding: Sendable {
    /// Content below this many bytes would gain nothing: it fits into one packet anyway.
    package var bytesMin = 1024
    /// Content beyond this many bytes would hold up its loop.
    package var bytesMax = 256 * 1024
    package var level = 2

    package init() {}
}

/// Compresses answers of one loop, with one deflater for all of them.
///
/// Loop-confined.
final class HTTPContentCoder {
    private let coding: HTTPContentCoding
    /// Made for the first answer that is compressed (264 KiB), reset for each further one.
    private var deflater: Deflater?

    init(_ coding: HTTPContentCoding) { self.coding = coding }

    /// Compresses the answer where it is worth it and the client takes it; says by Vary that it hangs on the request.
    func encode(_ response: inout HTTPResponse, for request: HTTPRequest) {
        guard case .bytes(let bytes) = response.body, bytes.count >= self.coding.bytesMin else { return }
        guard bytes.count <= self.coding.bytesMax, Self.mayBeEncoded(response) else { return }
        response.fields.vary(on: "Accept-Encoding")
        guard HTTPAcceptEncoding(request.fields["Accept-Encoding"]).prefersGzip else { return }
        let encoded = self.gzip(bytes)
        guard encoded.count < bytes.count else { return }
        response.body = .bytes(encoded)
        response.fields["Content-Encoding"] = "gzip"
        // Other bytes under a strong validator would be a lie; what they mean is still the same.
        if let tag = response.fields["ETag"], !tag.hasPrefix("W/") { response.fields["ETag"] = "W/" + tag }
    }

    private func gzip(_ bytes: [UInt8]) -> [UInt8] {
        let deflater = self.deflater ?? Deflater(.gzip, level: self.coding.level)
        self.deflater = deflater
        deflater.reset()
        var encoded: [UInt8] = []
        bytes.withUnsafeBytes { deflater.compress($0, .finish, into: &encoded) }
        return encoded
    }

    private static func mayBeEncoded(_ response: HTTPResponse) -> Bool {
        // A part of a representation is a part of its bytes; what has no content is not looked at by anybody.
        guard response.status != .partialContent, response.status != .resetContent else { return false }
        guard !response.status.forbidsContent, !response.fields.contains("Content-Encoding") else { return false }
        guard let type = response.fields["Content-Type"], Self.isText(type) else { return false }
        return !response.fields.hasMember("Cache-Control", "no-transform")
    }

    /// True for media types that are text in fact: what is compressed already would only cost time.
    static func isText(_ contentType: String) -> Bool {
        let type = contentType.utf8.prefix { $0 != UInt8(ascii: ";") }.trimmingHTTPWhitespace()
        let bytes = type.map(asciiLowercased)
        if bytes.starts(with: "text/".utf8) { return true }
        if bytes.suffix(5).elementsEqual("+json".utf8) || bytes.suffix(4).elementsEqual("+xml".utf8) { return true }
        return Self.texts.contains { bytes.elementsEqual($0.utf8) }
    }

    private static let texts = [
        "application/json", "application/javascript", "application/xml", "application/wasm", "application/x-ndjson",
        "application/yaml", "application/openapi+yaml",
    ]
}
