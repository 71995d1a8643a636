internal import COpenSSL
internal import Synchronization

/// The keys that seal session tickets: one that seals, and its predecessor, which still opens.
///
/// Any thread (Mutex). They belong to the process, not to a certificate: tickets survive a reload. A stolen key opens
/// recorded tickets of TLS 1.2 sessions, so none lives for long: a key seals for `sealingPeriod`, then opens for as
/// long as a ticket lasts, and is wiped when the next key takes its place or is found outdated.
final class TLSTicketKeys: Sendable {
    /// How long a key seals new tickets.
    static let sealingPeriod: Duration = .seconds(6 * 3600)
    /// How long a ticket is good for; OpenSSL checks the age of each.
    static let ticketLifetime: Duration = .seconds(2 * 3600)

    struct Key: Sendable {
        static let nameBytes = 16
        static let secretBytes = 32

        fileprivate(set) var name: [UInt8]
        fileprivate(set) var encryption: [UInt8]
        fileprivate(set) var authentication: [UInt8]
        fileprivate let madeAt: MonotonicInstant

        fileprivate mutating func wipe() {
            for index in self.encryption.indices { self.encryption[index] = 0 }
            for index in self.authentication.indices { self.authentication[index] = 0 }
        }
    }

    /// How a ticket's key was found.
    enum Opening: Sendable {
        case current(Key)
        /// The ticket is good, but its key is on the way out: a new ticket is due.
        case previous(Key)
        case unknown
    }

    private struct State {
        var current: Key?
        var previous: Key?
    }

    private let state = Mutex(State())
    /// The time by which keys age.
    let clock: @Sendable () -> MonotonicInstant

    init(clock: @escaping @Sendable () -> MonotonicInstant = { .now }) { self.clock = clock }

    /// The key that seals now; a new one where the last has sealed for long enough.
    ///
    /// Nil when the system gives no random bytes: then no ticket is given out.
    func sealing(now: MonotonicInstant) -> Key? {
        self.state.withLock { state in
            Self.retire(&state, now: now)
            if state.current == nil { state.current = Self.make(now: now) }
            return state.current
        }
    }

    func opening(name: [UInt8], now: MonotonicInstant) -> Opening {
        self.state.withLock { state in
            Self.retire(&state, now: now)
            if let key = state.current, key.name == name { return .current(key) }
            if let key = state.previous, key.name == name { return .previous(key) }
            return .unknown
        }
    }

    private static func retire(_ state: inout State, now: MonotonicInstant) {
        if let key = state.current, key.madeAt + Self.sealingPeriod <= now {
            state.previous?.wipe()
            state.previous = key
            state.current = nil
        }
        if let key = state.previous, key.madeAt + Self.sealingPeriod + Self.ticketLifetime <= now {
            state.previous?.wipe()
            state.previous = nil
        }
    }

    private static func make(now: MonotonicInstant) -> Key? {
        var bytes = [UInt8](repeating: 0, count: Key.nameBytes + 2 * Key.secretBytes)
        // SAFETY: fills exactly the array's bytes.
        guard RAND_bytes(&bytes, CInt(bytes.count)) == 1 else { return nil }
        return Key(
            name: Array(bytes[..<Key.nameBytes]),
            encryption: Array(bytes[Key.nameBytes..<(Key.nameBytes + Key.secretBytes)]),
            authentication: Array(bytes[(Key.nameBytes + Key.secretBytes)...]),
            madeAt: now
        )
    }
}

/// OpenSSL's question for a ticket's key, answered from the context's `TLSTicketKeys`.
enum TLSTicketCallback {
    /// Installs the callback; `keys` must outlive `context`.
    static func install(_ keys: TLSTicketKeys, on context: OpaquePointer) {
        // SAFETY: unretained; TLSContextHandle owns both and frees the context first.
        SSL_CTX_set_ex_data(context, 0, Unmanaged.passUnretained(keys).toOpaque())
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context) { ssl, name, vector, cipher, mac, isSealing in
            guard let ssl, let name, let vector, let cipher, let mac,
                let pointer = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0)
            else { return -1 }
            // SAFETY: what `install` put there; it lives as long as the context, and so as `ssl`.
            let keys = Unmanaged<TLSTicketKeys>.fromOpaque(pointer).takeUnretainedValue()
            return isSealing == 1
                ? TLSTicketCallback.seal(keys, name, vector, cipher, mac)
                : TLSTicketCallback.open(keys, name, vector, cipher, mac)
        }
    }

    /// 1: sealed; 0: no ticket this time.
    private static func seal(
        _ keys: TLSTicketKeys,
        _ name: UnsafeMutablePointer<UInt8>,
        _ vector: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer,
        _ mac: OpaquePointer
    ) -> CInt {
        guard let key = keys.sealing(now: keys.clock()),
            // SAFETY: OpenSSL gives 16 bytes for the name and EVP_MAX_IV_LENGTH (16) for the vector.
            RAND_bytes(vector, 16) == 1
        else { return 0 }
        for (index, byte) in key.name.enumerated() { name[index] = byte }
        guard EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.encryption, vector) == 1,
            Self.setAuthentication(key, mac)
        else { return -1 }
        return 1
    }

    /// 1: opened; 2: opened, a new ticket is due; 0: unknown, a full handshake follows.
    private static func open(
        _ keys: TLSTicketKeys,
        _ name: UnsafeMutablePointer<UInt8>,
        _ vector: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer,
        _ mac: OpaquePointer
    ) -> CInt {
        // SAFETY: the name has 16 bytes, taken from the ticket.
        let wanted = Array(UnsafeBufferPointer(start: name, count: TLSTicketKeys.Key.nameBytes))
        let key: TLSTicketKeys.Key
        let verdict: CInt
        switch keys.opening(name: wanted, now: keys.clock()) {
        case .current(let found): (key, verdict) = (found, 1)
        case .previous(let found): (key, verdict) = (found, 2)
        case .unknown: return 0
        }
        guard EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.encryption, vector) == 1,
            Self.setAuthentication(key, mac)
        else { return -1 }
        return verdict
    }

    private static func setAuthentication(_ key: TLSTicketKeys.Key, _ mac: OpaquePointer) -> Bool {
        var secret = key.authentication
        var digest = Array("SHA256".utf8CString)
        // The parameters keep the pointers to their names, too.
        let names = (key: Array(OSSL_MAC_PARAM_KEY.utf8CString), digest: Array(OSSL_MAC_PARAM_DIGEST.utf8CString))
        // SAFETY: the parameters point into four arrays that live until the library has copied from them.
        return secret.withUnsafeMutableBytes { secret in
            digest.withUnsafeMutableBufferPointer { digest in
                names.key.withUnsafeBufferPointer { keyName in
                    names.digest.withUnsafeBufferPointer { digestName in
                        var parameters = [
                            OSSL_PARAM_construct_octet_string(keyName.baseAddress, secret.baseAddress, secret.count),
                            OSSL_PARAM_construct_utf8_string(digestName.baseAddress, digest.baseAddress, 0),
                            OSSL_PARAM_construct_end(),
                        ]
                        return EVP_MAC_CTX_set_params(mac, &parameters) == 1
                    }
                }
            }
        }
    }
}
