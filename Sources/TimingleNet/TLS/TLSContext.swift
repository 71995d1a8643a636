internal import COpenSSL
internal import Synchronization

/// One role's TLS settings with certificate and key, exchangeable while connections run.
///
/// Any thread (Mutex). A connection keeps what it began with; `reload` counts from the next one on.
package final class TLSContext: Sendable {
    private enum Role: Sendable {
        case server(TLSServerSettings, TLSTicketKeys)
        case client(TLSClientSettings)
    }

    private let role: Role
    private let current: Mutex<TLSContextHandle>

    /// Reads certificate and key; session tickets' keys age by `ticketClock`.
    ///
    /// Blocks on the files: not on a loop.
    package init(
        server settings: TLSServerSettings,
        ticketClock: @escaping @Sendable () -> MonotonicInstant = { .now }
    ) throws(TLSError) {
        let keys = TLSTicketKeys(clock: ticketClock)
        self.role = .server(settings, keys)
        self.current = Mutex(try TLSContextHandle.server(settings, ticketKeys: keys))
    }

    /// Reads the authorities.
    ///
    /// Blocks on the files: not on a loop.
    package init(client settings: TLSClientSettings) throws(TLSError) {
        self.role = .client(settings)
        self.current = Mutex(try TLSContextHandle.client(settings))
    }

    package var isServer: Bool {
        switch self.role {
        case .server: true
        case .client: false
        }
    }

    /// Reads the files again; after an error everything stays as it was.
    ///
    /// Session tickets stay good: they are sealed by keys of their own. Blocks on the files: not on a loop.
    package func reload() throws(TLSError) {
        let fresh: TLSContextHandle
        switch self.role {
        case .server(let settings, let keys): fresh = try TLSContextHandle.server(settings, ticketKeys: keys)
        case .client(let settings): fresh = try TLSContextHandle.client(settings)
        }
        // The old one is freed after the lock, or with its last connection.
        let old = self.current.withLock { current in
            let old = current
            current = fresh
            return old
        }
        _ = consume old
    }

    /// When the certificate that new connections are shown ends, as a Unix time; nil for a client without one.
    package var certificateEnd: Int64? {
        let handle = self.handle
        // SAFETY: borrowed from the context, which `handle` keeps.
        guard let certificate = SSL_CTX_get0_certificate(handle.pointer) else { return nil }
        return withExtendedLifetime(handle) {
            // SAFETY: an epoch made here and freed below; ASN1_TIME_diff only reads.
            guard let epoch = ASN1_TIME_set(nil, 0) else { return nil }
            defer { ASN1_TIME_free(epoch) }
            var days: CInt = 0
            var seconds: CInt = 0
            guard ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate)) == 1 else { return nil }
            return Int64(days) * 86_400 + Int64(seconds)
        }
    }

    var handle: TLSContextHandle { self.current.withLock { $0 } }
}
