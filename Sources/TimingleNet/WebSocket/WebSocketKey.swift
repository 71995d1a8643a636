internal import COpenSSL

/// The client's Sec-WebSocket-Key: 16 bytes in base64, which are 22 characters and two of padding.
///
/// A value.
struct WebSocketKey: Equatable, Sendable {
    /// The text as it came.
    private let words: (UInt64, UInt64, UInt64)

    /// Nil for what is no such text.
    init?(_ text: Span<UInt8>) {
        guard text.count == Self.count, text[22] == UInt8(ascii: "="), text[23] == UInt8(ascii: "=") else { return nil }
        for index in 0..<22 where !Self.isBase64(text[index]) { return nil }
        self.words = text.withUnsafeBytes { bytes in
            // SAFETY: there are 24 bytes; the loads need no alignment.
            (
                bytes.loadUnaligned(as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
            )
        }
    }

    static func == (left: WebSocketKey, right: WebSocketKey) -> Bool { left.words == right.words }

    private static let count = 24
    /// 20 bytes in base64.
    static let acceptBytes = 28

    /// Writes the proof that we speak WebSocket: SHA-1 of the key and a fixed text, in base64 (RFC 6455 section 4.2.2).
    ///
    /// `accept` has 28 bytes.
    func writeAccept(to accept: UnsafeMutableBufferPointer<UInt8>, by digest: WebSocketDigest) {
        precondition(accept.count == Self.acceptBytes, "Sec-WebSocket-Accept has 28 characters")
        let text: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        let inputBytes = Self.count + text.utf8CodeUnitCount
        // The input, its digest, and the base64 with the NUL that OpenSSL adds.
        withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { memory in
            guard let base = memory.baseAddress else { return }
            base.storeBytes(of: self.words.0, as: UInt64.self)
            base.storeBytes(of: self.words.1, toByteOffset: 8, as: UInt64.self)
            base.storeBytes(of: self.words.2, toByteOffset: 16, as: UInt64.self)
            (base + Self.count).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
            // SAFETY: 60 bytes of input, 20 of digest and 29 of base64 lie one behind the other in the 128.
            let sum = (base + inputBytes).assumingMemoryBound(to: UInt8.self)
            let encoded = sum + WebSocketDigest.byteCount
            digest.write(
                UnsafeRawBufferPointer(start: base, count: inputBytes),
                to: UnsafeMutableBufferPointer(start: sum, count: WebSocketDigest.byteCount)
            )
            EVP_EncodeBlock(encoded, sum, CInt(WebSocketDigest.byteCount))
            accept.baseAddress?.update(from: encoded, count: Self.acceptBytes)
        }
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }
}
