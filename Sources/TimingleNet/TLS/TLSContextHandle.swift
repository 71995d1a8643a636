internal import COpenSSL

/// Owner of one SSL_CTX: settings, certificate and key of one role, never changed once it is made.
// SAFETY: an SSL_CTX that nobody changes may be used by many threads; OpenSSL counts its references itself.
// TLSContextTests reloads while handshakes run, also under the thread sanitizer.
final class TLSContextHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    /// Keeps what the ticket callback looks up alive for as long as the context.
    private let ticketKeys: TLSTicketKeys?

    private init(_ pointer: OpaquePointer, ticketKeys: TLSTicketKeys?) {
        self.pointer = pointer
        self.ticketKeys = ticketKeys
    }

    deinit { SSL_CTX_free(self.pointer) }

    static func server(
        _ settings: TLSServerSettings,
        ticketKeys: TLSTicketKeys
    ) throws(TLSError) -> TLSContextHandle {
        let handle = TLSContextHandle(try Self.make(TLS_server_method()), ticketKeys: ticketKeys)
        try handle.harden(settings.minimumVersion)
        try handle.use(certificateFile: settings.certificateFile, keyFile: settings.keyFile)
        TLSTicketCallback.install(ticketKeys, on: handle.pointer)
        timingle_ssl_ctx_keep_no_sessions(handle.pointer)
        SSL_CTX_set_timeout(handle.pointer, Int(TLSTicketKeys.ticketLifetime.components.seconds))
        SSL_CTX_set_alpn_select_cb(
            handle.pointer,
            { _, chosen, chosenCount, offered, offeredCount, _ in
                guard let chosen, let chosenCount, let offered else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                // SAFETY: `offered` has `offeredCount` bytes for the whole call, and the choice may point into it.
                let list = UnsafeBufferPointer(start: offered, count: Int(offeredCount))
                guard let range = TLSProtocolList.find(TLSProtocolList.http11, in: list) else {
                    // RFC 7301 3.2: no_application_protocol, rather than a protocol that the client does not speak.
                    return SSL_TLSEXT_ERR_ALERT_FATAL
                }
                chosen.pointee = offered + range.lowerBound
                chosenCount.pointee = UInt8(range.count)
                return SSL_TLSEXT_ERR_OK
            },
            nil
        )
        return handle
    }

    static func client(_ settings: TLSClientSettings) throws(TLSError) -> TLSContextHandle {
        let handle = TLSContextHandle(try Self.make(TLS_client_method()), ticketKeys: nil)
        try handle.harden(settings.minimumVersion)
        switch settings.trust {
        case .file(let path):
            TLSErrorQueue.clear()
            guard SSL_CTX_load_verify_file(handle.pointer, path) == 1 else {
                throw .file(path: path, reason: Self.certificateReason(TLSErrorQueue.take()))
            }
        case .system:
            guard SSL_CTX_set_default_verify_paths(handle.pointer) == 1 else {
                throw .library(operation: "SSL_CTX_set_default_verify_paths", reason: TLSErrorQueue.takeReason())
            }
        case .anybody:
            break
        }
        SSL_CTX_set_verify(handle.pointer, settings.trust == .anybody ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nil)
        if let certificateFile = settings.certificateFile, let keyFile = settings.keyFile {
            try handle.use(certificateFile: certificateFile, keyFile: keyFile)
        }
        let protocols = TLSProtocolList.encode(settings.applicationProtocols)
        // Zero is success here, unlike everywhere else.
        guard
            protocols.isEmpty
                || SSL_CTX_set_alpn_protos(handle.pointer, protocols, UInt32(protocols.count)) == 0
        else { throw .library(operation: "SSL_CTX_set_alpn_protos", reason: TLSErrorQueue.takeReason()) }
        return handle
    }

    private static func make(_ method: OpaquePointer?) throws(TLSError) -> OpaquePointer {
        TLSErrorQueue.clear()
        guard let pointer = SSL_CTX_new(method) else {
            throw .library(operation: "SSL_CTX_new", reason: TLSErrorQueue.takeReason())
        }
        return pointer
    }

    /// Mozilla's intermediate profile without finite-field Diffie-Hellman: forward secrecy and AEAD only.
    private func harden(_ minimumVersion: TLSVersion) throws(TLSError) {
        let suites =
            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
            + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
        SSL_CTX_set_options(self.pointer, timingle_ssl_options())
        timingle_ssl_ctx_release_buffers(self.pointer)
        let version = minimumVersion == .tls12 ? TLS1_2_VERSION : TLS1_3_VERSION
        guard timingle_ssl_ctx_set_min_version(self.pointer, version) == 1,
            SSL_CTX_set_cipher_list(self.pointer, suites) == 1,
            timingle_ssl_ctx_set_groups(self.pointer, "X25519:P-256:P-384") == 1
        else { throw .library(operation: "TLS settings", reason: TLSErrorQueue.takeReason()) }
        // Without it, an encrypted key would have OpenSSL ask for its password on the terminal, and wait.
        SSL_CTX_set_default_passwd_cb(self.pointer) { _, _, _, _ in -1 }
    }

    /// The leaf first, then its chain; then the key, which must be the leaf's.
    private func use(certificateFile: String, keyFile: String) throws(TLSError) {
        TLSErrorQueue.clear()
        guard SSL_CTX_use_certificate_chain_file(self.pointer, certificateFile) == 1 else {
            throw .file(path: certificateFile, reason: Self.certificateReason(TLSErrorQueue.take()))
        }
        TLSErrorQueue.clear()
        guard SSL_CTX_use_PrivateKey_file(self.pointer, keyFile, SSL_FILETYPE_PEM) == 1,
            SSL_CTX_check_private_key(self.pointer) == 1
        else {
            throw .file(path: keyFile, reason: Self.keyReason(TLSErrorQueue.take(), certificateFile: certificateFile))
        }
    }

    private static func certificateReason(_ entries: [TLSErrorQueue.Entry]) -> String {
        if entries.contains(where: { $0.library == CInt(ERR_LIB_PEM) && $0.reason == PEM_R_NO_START_LINE }) {
            return "holds no certificate in PEM form"
        }
        return entries.first?.text ?? "cannot be used as a certificate"
    }

    private static func keyReason(_ entries: [TLSErrorQueue.Entry], certificateFile: String) -> String {
        func has(_ library: CInt, _ reasons: CInt...) -> Bool {
            entries.contains { $0.library == library && reasons.contains($0.reason) }
        }
        // A key of another kind has a place of its own, in which there is no certificate.
        if has(CInt(ERR_LIB_X509), X509_R_KEY_VALUES_MISMATCH, X509_R_KEY_TYPE_MISMATCH)
            || has(CInt(ERR_LIB_SSL), SSL_R_NO_CERTIFICATE_ASSIGNED)
        {
            return "is not the key of the certificate in \(certificateFile)"
        }
        if has(CInt(ERR_LIB_PEM), PEM_R_BAD_PASSWORD_READ) {
            return "is encrypted; give a key without a password, readable by this process only"
        }
        if has(CInt(ERR_LIB_PEM), PEM_R_NO_START_LINE) || has(CInt(ERR_LIB_OSSL_DECODER), CInt(ERR_R_UNSUPPORTED)) {
            return "holds no private key in PEM form"
        }
        return entries.first?.text ?? "cannot be used as a private key"
    }
}

/// Application protocols as they travel (RFC 7301): each name with a byte of length before it.
enum TLSProtocolList {
    static let http11 = Array("http/1.1".utf8)

    static func encode(_ names: [String]) -> [UInt8] {
        names.flatMap { name in
            let bytes = Array(name.utf8)
            precondition((1...255).contains(bytes.count), "a protocol's name has 1 to 255 bytes")
            return [UInt8(bytes.count)] + bytes
        }
    }

    /// Where `name` stands in `list`; nil where it does not, also behind a broken entry.
    static func find(_ name: [UInt8], in list: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        var start = 0
        while start < list.count {
            let end = start + 1 + Int(list[start])
            guard end <= list.count else { return nil }
            if list[(start + 1)..<end].elementsEqual(name) { return (start + 1)..<end }
            start = end
        }
        return nil
    }
}
