/// Makes access tokens and reads them back: JWTs of 15 minutes, signed by the current key, accepted from two.
///
/// Immutable.
package struct TokenIssuer: Sendable {
    /// RFC 8725 section 3.11: a token of another kind, even by the same key, is not an access token (RFC 9068's name).
    static let type = "at+jwt"

    package let lifetimeSeconds: Int64
    private let leewaySeconds: Int64
    private let current: JSONWebKey
    private let keys: JSONWebKeySet

    /// Signs by `current`; a token by `previous` is still good until it expires.
    package init(
        current: JSONWebKey,
        previous: JSONWebKey? = nil,
        lifetime: Duration = .seconds(900),
        leeway: Duration = .seconds(5)
    ) {
        precondition(
            leeway >= .zero && leeway <= .seconds(60),
            "a leeway beyond a minute is a longer token in disguise"
        )
        precondition(
            lifetime >= .seconds(1) && lifetime <= .seconds(AccessTokenClaims.lifetimeSecondsMax),
            "an access token lives from a second to a week"
        )
        self.current = current
        self.keys = JSONWebKeySet([current] + (previous.map { [$0] } ?? []))
        self.lifetimeSeconds = lifetime.components.seconds
        self.leewaySeconds = leeway.components.seconds
    }

    package func issue(for user: User, now: Timestamp) -> String {
        let seconds = max(now.milliseconds / 1_000, 0)
        let claims = AccessTokenClaims(
            userID: user.id,
            phone: user.phone,
            role: user.role,
            issuedAt: seconds,
            expiresAt: seconds + self.lifetimeSeconds
        )
        let payload = claims.payload(tokenID: Base64URL.encode(SecureRandom.bytes(count: 12)))
        return JSONWebSignature.sign(payload: payload, type: Self.type, key: self.current)
    }

    package func verify(_ token: String, now: Timestamp) throws(JSONWebTokenError) -> AccessTokenClaims {
        let claims = try JSONWebSignature.verify(token, type: Self.type, keys: self.keys)
        return try AccessTokenClaims(claims, now: now.milliseconds / 1_000, leeway: self.leewaySeconds)
    }

    /// Whether a token that was good once still is.
    func isExpired(_ claims: AccessTokenClaims, now: Timestamp) -> Bool {
        now.milliseconds / 1_000 >= claims.expiresAt + self.leewaySeconds
    }
}
