/// An algorithm that a key of ours can have (RFC 7518 section 3.1).
///
/// `none` is not one.
package enum JSONWebAlgorithm: String, Sendable {
    case hs256 = "HS256"
}

/// A key with its name and its only algorithm: no header can make it serve another (RFC 8725 section 3.1).
///
/// Immutable.
package struct JSONWebKey: Sendable {
    /// What a key is made of; an asymmetric algorithm adds a case here and one in each switch over it.
    private enum Material: Sendable {
        case secret([UInt8])
    }

    /// The header's `kid`.
    package let id: String
    package let algorithm: JSONWebAlgorithm
    private let material: Material

    private init(id: String, algorithm: JSONWebAlgorithm, material: Material) {
        self.id = id
        self.algorithm = algorithm
        self.material = material
    }

    /// A key for HMAC-SHA-256, named after its secret's hash.
    ///
    /// RFC 7518 section 3.2 wants at least 32 bytes; 32 times the same letter is not what it means.
    package static func hs256(secret: [UInt8]) throws(JSONWebTokenError) -> JSONWebKey {
        guard secret.count >= 32 else { throw .weakKey("an HS256 secret needs 32 bytes, this one has \(secret.count)") }
        guard Set(secret).count >= 8 else { throw .weakKey("an HS256 secret needs at least 8 different bytes") }
        let name = Digest.hmacSHA256(key: secret, Array("timingle key id".utf8)).prefix(6)
        return JSONWebKey(id: Base64URL.encode(Array(name)), algorithm: .hs256, material: .secret(secret))
    }

    func signature(over bytes: [UInt8]) -> [UInt8] {
        switch self.material {
        case .secret(let secret): Digest.hmacSHA256(key: secret, bytes)
        }
    }

    func isValid(signature: [UInt8], over bytes: [UInt8]) -> Bool {
        switch self.material {
        case .secret(let secret): ConstantTime.areEqual(Digest.hmacSHA256(key: secret, bytes), signature)
        }
    }
}

/// The keys that are accepted, by name.
///
/// Immutable.
package struct JSONWebKeySet: Sendable {
    private let keys: [String: JSONWebKey]

    package init(_ keys: [JSONWebKey]) {
        self.keys = Dictionary(keys.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// A look-up in memory and nothing else: a `kid` is never a path, a query or an address.
    func key(id: String) -> JSONWebKey? { self.keys[id] }
}
