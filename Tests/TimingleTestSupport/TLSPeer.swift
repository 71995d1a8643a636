internal import COpenSSL

/// A TLS client of OpenSSL's own, between two buffers, that does what ours never does: keeps sessions, speaks the
/// older version, renegotiates, renews its keys.
///
/// Used from one thread, or loop, at a time. It believes any certificate.
package final class TLSPeer {
    /// Something to resume; any thread may have it.
    // SAFETY: OpenSSL counts references by itself, and nothing in it is changed.
    package final class Session: @unchecked Sendable {
        fileprivate let pointer: OpaquePointer
        fileprivate init(_ pointer: OpaquePointer) { self.pointer = pointer }
        deinit { SSL_SESSION_free(self.pointer) }

        package var isResumable: Bool { SSL_SESSION_is_resumable(self.pointer) == 1 }
        /// What the server said its ticket is good for.
        package var lifetimeSeconds: Int { Int(SSL_SESSION_get_ticket_lifetime_hint(self.pointer)) }
    }

    package enum Version: Sendable {
        case tls12
        case tls13
    }

    private let ssl: OpaquePointer
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    package private(set) var isDone = false
    /// What was received and decrypted.
    package private(set) var received: [UInt8] = []
    package private(set) var hasCloseNotify = false
    /// Why it went no further.
    package private(set) var failure: String?
    /// Descriptions of alerts that came (RFC 8446 6).
    package private(set) var alerts: [UInt8] = []

    // SAFETY: made once, and changed by nobody afterwards.
    private nonisolated(unsafe) static let context: OpaquePointer? = {
        let context = SSL_CTX_new(TLS_client_method())
        SSL_CTX_set_info_callback(context) { ssl, place, value in
            guard let ssl, place & SSL_CB_READ_ALERT == SSL_CB_READ_ALERT, let data = SSL_get_ex_data(ssl, 0) else {
                return
            }
            // SAFETY: `init` put the peer there, which owns `ssl`.
            Unmanaged<TLSPeer>.fromOpaque(data).takeUnretainedValue().alerts.append(UInt8(value & 0xFF))
        }
        return context
    }()

    package init(_ newest: Version = .tls13, serverName: String? = "localhost", resuming session: Session? = nil) {
        guard let ssl = SSL_new(Self.context), let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem())
        else { preconditionFailure("OpenSSL has no memory") }
        (self.ssl, self.incoming, self.outgoing) = (ssl, incoming, outgoing)
        // SAFETY: `ssl` owns both from here on, and ends with this object.
        SSL_set_bio(ssl, incoming, outgoing)
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        SSL_set_connect_state(ssl)
        SSL_ctrl(ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(newest == .tls12 ? TLS1_2_VERSION : TLS1_3_VERSION), nil)
        if let serverName {
            var name = Array(serverName.utf8CString)
            SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), &name)
        }
        if let session { SSL_set_session(ssl, session.pointer) }
    }

    deinit { SSL_free(self.ssl) }

    // MARK: Bytes of the wire

    /// Takes what came from the server, and goes on as far as it can.
    package func feed(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { BIO_write(self.incoming, $0.baseAddress, CInt(min($0.count, 1 << 20))) }
            precondition(count > 0, "a BIO in memory takes everything")
            rest = rest.dropFirst(Int(count))
        }
        self.goOn()
    }

    /// What is to be sent to the server.
    package func takeOutgoing() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(self.outgoing))
        guard !bytes.isEmpty else { return [] }
        let count = BIO_read(self.outgoing, &bytes, CInt(bytes.count))
        return Array(bytes.prefix(Int(max(0, count))))
    }

    package var hasOutgoing: Bool { BIO_ctrl_pending(self.outgoing) > 0 }

    package func takeReceived() -> [UInt8] {
        defer { self.received = [] }
        return self.received
    }

    /// Shakes hands and reads; at the beginning, it makes the first flight.
    package func goOn() {
        guard self.failure == nil else { return }
        ERR_clear_error()
        if !self.isDone {
            let result = SSL_do_handshake(self.ssl)
            guard result == 1 else { return self.note(result) }
            self.isDone = true
        }
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            var count = 0
            guard SSL_read_ex(self.ssl, &buffer, buffer.count, &count) == 1 else { return self.note(0) }
            self.received += buffer[..<count]
        }
    }

    private func note(_ result: CInt) {
        switch SSL_get_error(self.ssl, result) {
        case SSL_ERROR_WANT_READ: break
        case SSL_ERROR_ZERO_RETURN: self.hasCloseNotify = true
        default: self.failure = ERR_reason_error_string(ERR_peek_error()).map { String(cString: $0) } ?? "unknown"
        }
    }

    // MARK: What it may do

    package func write(_ bytes: [UInt8]) {
        var count = 0
        guard !bytes.isEmpty else { return }
        let result = SSL_write_ex(self.ssl, bytes, bytes.count, &count)
        precondition(result == 1 && count == bytes.count, "a BIO in memory takes everything")
    }

    package func closeNotify() { SSL_shutdown(self.ssl) }

    /// Asks for new keys of both directions (RFC 8446 4.6.3).
    package func updateKeys() {
        SSL_key_update(self.ssl, SSL_KEY_UPDATE_REQUESTED)
        SSL_do_handshake(self.ssl)
    }

    /// Begins another handshake inside the first (RFC 5246 7.4.1.1).
    package func renegotiate() {
        SSL_renegotiate(self.ssl)
        SSL_do_handshake(self.ssl)
    }

    // MARK: Facts

    package var version: String { String(cString: SSL_get_version(self.ssl)) }
    package var isResumed: Bool { SSL_session_reused(self.ssl) == 1 }
    package var session: Session? { SSL_get1_session(self.ssl).map { Session($0) } }

    /// The SHA-256 of the server's certificate.
    package var certificateDigest: [UInt8]? {
        guard let certificate = SSL_get1_peer_certificate(self.ssl) else { return nil }
        defer { X509_free(certificate) }
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        guard X509_digest(certificate, EVP_sha256(), &digest, &count) == 1, count == 32 else { return nil }
        return digest
    }

    /// Makes the tickets of a server's context look as old as that when they are opened.
    package static func backdateTickets(of context: OpaquePointer) {
        SSL_CTX_set_session_ticket_cb(
            context,
            { ssl, _ in
                let session = SSL_get_session(ssl)
                SSL_SESSION_set_time(session, SSL_SESSION_get_time(session) - SSL_SESSION_get_timeout(session) - 1)
                return 1
            },
            { _, _, _, _, status, _ in
                status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW
                    ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_IGNORE_RENEW
            },
            nil
        )
    }
}
