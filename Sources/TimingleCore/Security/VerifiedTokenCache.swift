/// Verifies each access token once and remembers its claims until it expires.
///
/// Any thread. Bad tokens are not remembered: they would let strangers fill the cache.
package final class VerifiedTokenCache: Sendable {
    private let issuer: TokenIssuer
    private let cache: BoundedCache<String, AccessTokenClaims>

    package init(issuer: TokenIssuer, capacity: Int = 65_536) {
        self.issuer = issuer
        self.cache = BoundedCache(capacity: capacity)
    }

    package func verify(_ token: String, now: Timestamp) throws(JSONWebTokenError) -> AccessTokenClaims {
        guard token.utf8.count <= JSONWebSignature.tokenBytesMax else { throw .tooLong }
        if let claims = self.cache.value(for: token) {
            guard !self.issuer.isExpired(claims, now: now) else {
                self.cache.remove(token)
                throw .expired
            }
            return claims
        }
        let claims = try self.issuer.verify(token, now: now)
        self.cache.insert(claims, for: token)
        return claims
    }
}
