internal import COpenSSL

/// Proof that we speak WebSocket: SHA-1 of the client's key and a fixed text, in base64 (RFC 6455 section 4.2.2).
///
/// SHA-1 protects nothing here; the RFC prescribes it.
enum WebSocketAcceptKey {
    static func make(for key: String) -> String {
        let input = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        var digest = [UInt8](repeating: 0, count: 20)
        var length: UInt32 = 0
        // SAFETY: `digest` has the 20 bytes that SHA-1 writes; all buffers live during the calls.
        let result = input.withUnsafeBytes { EVP_Digest($0.baseAddress, $0.count, &digest, &length, EVP_sha1(), nil) }
        precondition(result == 1 && length == 20, "OpenSSL cannot compute SHA-1")
        // 28 characters of base64 and the NUL that OpenSSL adds.
        var text = [UInt8](repeating: 0, count: 29)
        let count = EVP_EncodeBlock(&text, digest, 20)
        return String(decoding: text[..<Int(count)], as: UTF8.self)
    }
}
