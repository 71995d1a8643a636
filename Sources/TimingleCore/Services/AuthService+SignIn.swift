/// The steps that registering, verifying and logging in share.
extension AuthService {
    /// Signs the phone's owner in, or makes the account when nobody has the phone.
    func signInOrCreate(
        phone: String,
        profile: RegistrationProfile,
        ipAddress: String,
        isProven: Bool
    ) async throws(ServiceError) -> AuthResult {
        let (user, created) = try await self.create(phone: phone, profile: profile, isProven: isProven)
        guard created else { return try await self.signIn(user, ipAddress: ipAddress, isProven: isProven) }
        self.ports.audit.record(AuthAuditEvent(.registered, userID: user.id, ipAddress: ipAddress))
        return try await self.signedIn(user, isNewUser: true)
    }

    /// The user of `phone`, made if need be; what is stored of an existing one is not touched.
    func create(
        phone: String,
        profile: RegistrationProfile,
        isProven: Bool
    ) async throws(ServiceError) -> (user: User, created: Bool) {
        let user = NewUser(
            phone: phone,
            name: profile.name,
            timezone: profile.timezone ?? "UTC",
            language: profile.language ?? Language.korean.rawValue,
            phoneVerifiedAt: isProven ? self.ports.clock.now() : nil
        )
        do throws(StoreError) {
            return try await self.ports.users.createUser(user)
        } catch {
            throw error.asServiceError
        }
    }

    func signIn(_ user: User, ipAddress: String, isProven: Bool) async throws(ServiceError) -> AuthResult {
        guard user.status == .active else { throw .accountSuspended }
        guard isProven else {
            // The shipped app signs in by the number alone. Accounts that have more to lose, or whose owner has a way
            // to prove himself, are not opened like that.
            guard user.role == .user || user.role == .business, user.phoneVerifiedAt == nil else {
                self.audit(.compatSignInRefused, user, ipAddress)
                throw .verificationRequired
            }
            self.audit(.compatSignIn, user, ipAddress)
            return try await self.signedIn(user, isNewUser: false)
        }
        let now = self.ports.clock.now()
        do throws(StoreError) {
            try await self.ports.users.markPhoneVerified(id: user.id, at: now)
        } catch {
            throw error.asServiceError
        }
        self.audit(.verified, user, ipAddress)
        var proven = user
        proven.phoneVerifiedAt = max(user.phoneVerifiedAt ?? now, now)
        return try await self.signedIn(proven, isNewUser: false)
    }

    /// Begins a family of refresh tokens and hands out the first pair.
    func signedIn(_ user: User, isNewUser: Bool) async throws(ServiceError) -> AuthResult {
        let now = self.ports.clock.now()
        let refreshToken = Self.newRefreshToken()
        let grant = RefreshGrant(userID: user.id, familyID: self.identifiers.next())
        do throws(StoreError) {
            try await self.ports.tokens.begin(grant, tokenHash: Digest.sha256(refreshToken), now: now)
        } catch {
            throw error.asServiceError
        }
        self.userCache.insert(CachedUser(user: user, loadedAt: now), for: user.id)
        return AuthResult(
            user: user,
            tokens: self.tokens(for: user, refreshToken: refreshToken, now: now),
            isNewUser: isNewUser
        )
    }

    func tokens(for user: User, refreshToken: String, now: Timestamp) -> AuthTokens {
        AuthTokens(
            accessToken: self.issuer.issue(for: user, now: now),
            refreshToken: refreshToken,
            expiresInSeconds: self.issuer.lifetimeSeconds
        )
    }

    func checked(_ profile: RegistrationProfile) throws(ServiceError) -> RegistrationProfile {
        var result = profile
        if let name = profile.name { result.name = try UserRules.text("name", name, max: 100) }
        if let timezone = profile.timezone { result.timezone = try UserRules.timezone(timezone) }
        if let language = profile.language { result.language = try UserRules.language(language) }
        return result
    }

    /// Counts one call of this address.
    func limit(_ ipAddress: String) async throws(ServiceError) {
        guard let limit = self.configuration.perAddress else { return }
        try await self.limit(scope: "auth-ip", subject: ipAddress, limit)
    }

    func limit(scope: String, subject: String, _ limit: RateLimit) async throws(ServiceError) {
        let now = self.ports.clock.now()
        guard
            let verdict = await self.ports.limiter.take(scope: scope, subject: subject, limit: limit, now: now),
            !verdict.allowed
        else { return }
        throw .rateLimited(retryAfterSeconds: max(verdict.resetAt - now.milliseconds / 1_000, 1))
    }

    /// What is stored of a code.
    ///
    /// Keyed, and bound to its verification: equal codes have different hashes.
    func hash(_ code: String, of verificationID: Identifier128) -> [UInt8] {
        Digest.hmacSHA256(key: self.configuration.codeHashKey, Array("\(verificationID):\(code)".utf8))
    }

    static func randomCode() -> String {
        let digits = String(SecureRandom.number(below: 1_000_000))
        return String(repeating: "0", count: 6 - digits.count) + digits
    }

    static func newRefreshToken() -> String { Base64URL.encode(SecureRandom.bytes(count: 32)) }

    private func audit(_ kind: AuthAuditEvent.Kind, _ user: User, _ ipAddress: String) {
        self.ports.audit.record(AuthAuditEvent(kind, userID: user.id, ipAddress: ipAddress))
    }
}
