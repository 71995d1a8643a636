/// A user as he was a moment ago.
///
/// Immutable.
struct CachedUser: Sendable {
    let user: User
    let loadedAt: Timestamp
}

/// What becomes of tokens once they are handed out.
extension AuthService {
    /// A new access token and a child of the refresh token; the presented one stays good until the child is used.
    package func refresh(refreshToken: String) async throws(ServiceError) -> AuthResult {
        guard let tokenHash = Self.hash(ofRefreshToken: refreshToken) else { throw .tokenInvalid }
        let now = self.ports.clock.now()
        let child = Self.newRefreshToken()
        let outcome: RefreshOutcome
        do throws(StoreError) {
            outcome = try await self.ports.tokens.rotate(
                tokenHash: tokenHash,
                childHash: Digest.sha256(child),
                now: now
            )
        } catch {
            throw error.asServiceError
        }
        switch outcome {
        case .granted(let grant):
            let user = try await self.activeUser(grant.userID, fresh: true)
            guard let user else {
                // Not worth failing over: without an active user no token of his opens anything.
                await self.revokeAllQuietly(grant.userID)
                throw .tokenInvalid
            }
            return AuthResult(
                user: user,
                tokens: self.tokens(for: user, refreshToken: child, now: now),
                isNewUser: false
            )
        case .reused(let grant):
            self.ports.audit.record(AuthAuditEvent(.refreshTokenReused, userID: grant.userID))
            throw .tokenInvalid
        case .unknown:
            throw .tokenInvalid
        }
    }

    /// Ends the family of `refreshToken`, or without one all of the user's; access tokens live to their end (D22).
    package func logout(userID: UserID, refreshToken: String?) async throws(ServiceError) {
        do throws(StoreError) {
            guard let refreshToken else {
                try await self.ports.tokens.revokeAll(user: userID)
                return
            }
            guard let tokenHash = Self.hash(ofRefreshToken: refreshToken) else { return }
            try await self.ports.tokens.revoke(tokenHash: tokenHash, user: userID)
        } catch {
            throw error.asServiceError
        }
    }

    /// The active user whom an access token names.
    package func authenticate(accessToken: String) async throws(ServiceError) -> User {
        let claims: AccessTokenClaims
        do throws(JSONWebTokenError) {
            claims = try self.verified.verify(accessToken, now: self.ports.clock.now())
        } catch {
            throw error == .expired ? .tokenExpired : .tokenInvalid
        }
        guard let user = try await self.activeUser(claims.userID, fresh: false) else { throw .tokenInvalid }
        return user
    }

    /// Nil when there is no such user or he is not active.
    func activeUser(_ id: UserID, fresh: Bool) async throws(ServiceError) -> User? {
        let now = self.ports.clock.now()
        if !fresh, let cached = self.userCache.value(for: id),
            // A clock that stepped back must not keep a user for hours.
            cached.loadedAt <= now, now - cached.loadedAt < self.configuration.userCacheLifetime
        {
            return cached.user.status == .active ? cached.user : nil
        }
        let found: User?
        do throws(StoreError) {
            found = try await self.ports.users.user(id: id)
        } catch {
            throw error.asServiceError
        }
        guard let found else { return nil }
        self.userCache.insert(CachedUser(user: found, loadedAt: now), for: id)
        return found.status == .active ? found : nil
    }

    private func revokeAllQuietly(_ user: UserID) async {
        do throws(StoreError) {
            try await self.ports.tokens.revokeAll(user: user)
        } catch {
            return
        }
    }

    /// Nil for what cannot be a token of ours: 32 bytes in base64url, with the one padding sign that Go's had.
    private static func hash(ofRefreshToken token: String) -> [UInt8]? {
        var bytes = token.utf8.prefix(45)
        if bytes.count == 44, bytes.last == UInt8(ascii: "=") { bytes = bytes.dropLast() }
        guard bytes.count == 43, Base64URL.decode(bytes) != nil else { return nil }
        return Digest.sha256(token)
    }
}
