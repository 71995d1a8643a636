internal import COpenSSL

/// Where an engine's records come from and go to.
///
/// Loop-confined.
package protocol TLSTransport: AnyObject {
    /// Brings received bytes: their number, 0 at the end of the stream, nil when there are none right now.
    func pull(into buffer: UnsafeMutableRawBufferPointer) -> Int?
    /// Takes all of `bytes`, which are valid during the call only.
    func push(_ bytes: UnsafeRawBufferPointer)
}

/// One TLS session over OpenSSL: plain bytes on one side, records on the other, no socket.
///
/// Loop-confined, or a test's own thread. Since `push` takes everything, OpenSSL never waits for room: a record that
/// was begun is always finished, and the rules for a repeated SSL_write never apply.
package final class TLSEngine {
    /// What a step of the handshake, or a read, came to.
    package enum Step: Equatable {
        case done
        case wantsRead
        case failed(TLSFailure)
    }

    package enum ReadResult: Equatable {
        case bytes(Int)
        case wantsRead
        /// The peer's close_notify.
        case finished
        case failed(TLSFailure)
    }

    private let ssl: OpaquePointer
    // SAFETY: the owner of this engine is its transport and outlives every call into it.
    private unowned(unsafe) let transport: any TLSTransport

    /// Makes a session of the context's role; a client names the server that it means.
    ///
    /// Nil when memory is out or the name cannot be one.
    package init?(_ context: TLSContext, serverName: String? = nil, transport: any TLSTransport) {
        TLSErrorQueue.clear()
        // SAFETY: SSL_new takes a reference of its own on the context.
        let handle = context.handle
        guard let ssl = withExtendedLifetime(handle, { SSL_new(handle.pointer) }) else { return nil }
        self.ssl = ssl
        self.transport = transport
        guard let method = TLSRecordMethod.pointer, let bio = BIO_new(method) else { return nil }
        // SAFETY: unretained; the BIO belongs to `ssl`, which ends in this object's deinit.
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        SSL_set_bio(ssl, bio, bio)
        if context.isServer {
            SSL_set_accept_state(ssl)
        } else {
            SSL_set_connect_state(ssl)
            if let serverName, !self.expect(serverName) { return nil }
        }
    }

    deinit { SSL_free(self.ssl) }

    /// The peer must prove that name, or that address (RFC 6125, RFC 9525).
    private func expect(_ name: String) -> Bool {
        if SocketAddress(parsing: name, port: 0)?.port != nil {
            // An address is not sent as a server name (RFC 6066 3).
            return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(self.ssl), name) == 1
        }
        SSL_set_hostflags(self.ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        return SSL_set1_host(self.ssl, name) == 1 && timingle_ssl_set_server_name(self.ssl, name) == 1
    }

    // MARK: Steps

    package func handshake() -> Step {
        TLSErrorQueue.clear()
        let result = SSL_do_handshake(self.ssl)
        guard result != 1 else { return .done }
        switch SSL_get_error(self.ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case let code: return .failed(self.failure(code))
        }
    }

    /// Decrypts one record, or what fits of it.
    package func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
        precondition(!buffer.isEmpty, "a read into nothing")
        TLSErrorQueue.clear()
        var count = 0
        // SAFETY: OpenSSL writes at most `buffer.count` bytes, within this call.
        guard SSL_read_ex(self.ssl, buffer.baseAddress, buffer.count, &count) != 1 else { return .bytes(count) }
        switch SSL_get_error(self.ssl, 0) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_ZERO_RETURN: return .finished
        case let code: return .failed(self.failure(code))
        }
    }

    /// Encrypts all of `bytes`; nil when it is done.
    package func write(_ bytes: UnsafeRawBufferPointer) -> TLSFailure? {
        precondition(!bytes.isEmpty, "a record of nothing")
        TLSErrorQueue.clear()
        var count = 0
        // SAFETY: OpenSSL reads `bytes` within this call only: the transport takes each record whole.
        guard SSL_write_ex(self.ssl, bytes.baseAddress, bytes.count, &count) == 1 else {
            return self.failure(SSL_get_error(self.ssl, 0))
        }
        precondition(count == bytes.count, "a transport that takes everything left something")
        return nil
    }

    /// Tells the peer that no more will come.
    package func closeNotify() {
        TLSErrorQueue.clear()
        _ = SSL_shutdown(self.ssl)
    }

    private func failure(_ code: CInt) -> TLSFailure {
        // The transport ended or failed: it knows why.
        guard code == SSL_ERROR_SSL else { return TLSFailure(kind: .transport, reason: "the connection ended") }
        let entries = TLSErrorQueue.take()
        let isHTTP = entries.contains { $0.isSSL(SSL_R_HTTP_REQUEST) || $0.isSSL(SSL_R_HTTPS_PROXY_REQUEST) }
        if isHTTP { return TLSFailure(kind: .plainHTTP, reason: "plain HTTP on a TLS port") }
        // A peer that does not believe us, or one that we do not believe.
        if entries.contains(where: { $0.isSSL(SSL_R_CERTIFICATE_VERIFY_FAILED) }) {
            // SAFETY: a constant text of the library.
            let reason = X509_verify_cert_error_string(SSL_get_verify_result(self.ssl)).map { String(cString: $0) }
            return TLSFailure(kind: .protocol, reason: "certificate not trusted: \(reason ?? "no reason given")")
        }
        return TLSFailure(kind: .protocol, reason: entries.first?.text ?? "no reason given")
    }

    // MARK: Facts, after the handshake

    /// `TLSv1.2` or `TLSv1.3`.
    package var version: String { String(cString: SSL_get_version(self.ssl)) }
    /// The suite, by OpenSSL's name.
    package var cipher: String { String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(self.ssl))) }
    package var isResumed: Bool { SSL_session_reused(self.ssl) == 1 }

    /// What ALPN agreed on; nil when nothing was offered.
    package var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(self.ssl, &name, &count)
        // SAFETY: borrowed from the session, copied at once.
        return name.map { String(decoding: UnsafeBufferPointer(start: $0, count: Int(count)), as: UTF8.self) }
    }

    // MARK: For the BIO

    fileprivate func pull(into buffer: UnsafeMutableRawBufferPointer) -> Int? { self.transport.pull(into: buffer) }
    fileprivate func push(_ bytes: UnsafeRawBufferPointer) { self.transport.push(bytes) }
}

/// Why a session cannot begin or go on.
package struct TLSFailure: Error, Equatable, Sendable {
    package enum Kind: Sendable, Equatable {
        /// A record, a message or a certificate that cannot be accepted.
        case `protocol`
        /// Not TLS at all, but a request in plain HTTP.
        case plainHTTP
        /// The transport ended or failed.
        case transport
    }

    package let kind: Kind
    package let reason: String
}

/// The BIO between OpenSSL and an engine's transport.
private enum TLSRecordMethod {
    // SAFETY: made once, never changed or freed; OpenSSL only reads it.
    nonisolated(unsafe) static let pointer: OpaquePointer? = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "timingle") else { return nil }
        BIO_meth_set_read_ex(method) { bio, buffer, count, read in
            timingle_bio_clear_retry(bio)
            // SAFETY: OpenSSL's own buffer of `count` bytes; the data is the engine that owns this BIO.
            guard let buffer, let read, let engine = TLSRecordMethod.engine(bio) else { return 0 }
            let area = UnsafeMutableRawBufferPointer(start: buffer, count: count)
            switch engine._withUnsafeGuaranteedRef({ $0.pull(into: area) }) {
            case nil:
                timingle_bio_set_retry_read(bio)
                return 0
            case 0:
                return 0
            case let pulled?:
                read.pointee = pulled
                return 1
            }
        }
        BIO_meth_set_write_ex(method) { bio, bytes, count, written in
            timingle_bio_clear_retry(bio)
            // SAFETY: OpenSSL's own `count` bytes, read within this call.
            guard let bytes, let written, let engine = TLSRecordMethod.engine(bio) else { return 0 }
            engine._withUnsafeGuaranteedRef { $0.push(UnsafeRawBufferPointer(start: bytes, count: count)) }
            written.pointee = count
            return 1
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in
            // Nothing is buffered here, so a flush is done at once. The end of the stream is told by the transport:
            // said here, OpenSSL would answer it by an alert.
            command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0
        }
        return method
    }()

    private static func engine(_ bio: OpaquePointer?) -> Unmanaged<TLSEngine>? {
        // SAFETY: `TLSEngine.init` put itself there; the BIO does not outlive it, and each of its calls comes out of
        // one of the engine's own, which keeps the engine.
        BIO_get_data(bio).map { Unmanaged<TLSEngine>.fromOpaque($0) }
    }
}
