/// What a login hands out.
package struct AuthTokens: Sendable, Equatable {
    package let accessToken: String
    package let refreshToken: String
    /// Seconds until the access token ends.
    package let expiresInSeconds: Int64

    package init(accessToken: String, refreshToken: String, expiresInSeconds: Int64) {
        self.accessToken = accessToken
        self.refreshToken = refreshToken
        self.expiresInSeconds = expiresInSeconds
    }
}

/// Tokens and the person they belong to.
package struct AuthResult: Sendable, Equatable {
    package let user: User
    package let tokens: AuthTokens
    package let isNewUser: Bool

    package init(user: User, tokens: AuthTokens, isNewUser: Bool) {
        self.user = user
        self.tokens = tokens
        self.isNewUser = isNewUser
    }
}
