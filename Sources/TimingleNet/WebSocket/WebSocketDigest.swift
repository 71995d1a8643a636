internal import COpenSSL

/// Computes the SHA-1 of handshakes, one after the other: OpenSSL would make and free a context for each.
///
/// Confined to one thread at a time. SHA-1 protects nothing here; RFC 6455 section 4.2.2 prescribes it.
final class WebSocketDigest {
    // SAFETY: made here and freed by `deinit`, never handed out; nobody else uses it meanwhile, as promised above.
    private let context: OpaquePointer
    static let byteCount = 20

    init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for a digest") }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(self.context) }

    /// Writes the digest of `input` to the first 20 bytes of `output`; the two may not overlap.
    func write(_ input: UnsafeRawBufferPointer, to output: UnsafeMutableBufferPointer<UInt8>) {
        precondition(output.count >= Self.byteCount, "a digest has 20 bytes")
        var length: UInt32 = 0
        let isDone =
            EVP_DigestInit_ex(self.context, SHA1.algorithm, nil) == 1
            && EVP_DigestUpdate(self.context, input.baseAddress, input.count) == 1
            && EVP_DigestFinal_ex(self.context, output.baseAddress, &length) == 1
        precondition(isDone && length == Self.byteCount, "OpenSSL cannot compute SHA-1")
    }
}

private enum SHA1 {
    // SAFETY: an algorithm is immutable once it was fetched, which OpenSSL would else do for each digest; it lives as
    // long as the process. WebSocketKeyTests computes digests on many threads.
    nonisolated(unsafe) static let algorithm = EVP_MD_fetch(nil, "SHA1", nil)
}
