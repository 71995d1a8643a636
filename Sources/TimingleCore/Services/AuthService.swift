/// How accounts are proven, and the secrets that takes.
///
/// Immutable.
package struct AuthConfiguration: Sendable {
    package var mode: AuthService.Mode
    /// Every code is 123456: for tests and store reviews, never where real people are.
    package var isOTPTestMode: Bool
    /// Keys the hashes of codes, so that a copy of Redis does not give the codes away.
    package var codeHashKey: [UInt8]
    package var codeLifetime: Duration = .seconds(300)
    /// Of numbers that are typed with a leading 0.
    package var countryCode = "82"
    /// All calls that take a phone or a code, per address; nil for none.
    ///
    /// Refresh tokens cannot be guessed.
    package var perAddress: RateLimit? = RateLimit(count: 30, windowSeconds: 60)
    /// Signing in by knowing a phone number, per phone.
    package var compatPerPhone: RateLimit? = RateLimit(count: 10, windowSeconds: 60)
    /// How long a user may be remembered between two requests.
    package var userCacheLifetime: Duration = .seconds(5)
    package var userCacheCapacity = 20_000

    package init(mode: AuthService.Mode, isOTPTestMode: Bool = false, codeHashKey: [UInt8]) {
        self.mode = mode
        self.isOTPTestMode = isOTPTestMode
        self.codeHashKey = codeHashKey
    }
}

/// Proves who somebody is: codes to phones, sign-in, tokens, the own profile (`contract.md` 4.8, 4.10).
///
/// Any thread.
package struct AuthService: Sendable {
    package enum Mode: String, Sendable {
        /// Registering and signing in need a code that was sent to the phone.
        case strict
        /// Knowing a phone number is enough where nobody ever proved it: what the shipped app can do, and no more.
        case compat
    }

    /// What the service needs of the world.
    package struct Ports: Sendable {
        package var users: any UserStore
        package var tokens: any TokenStore
        package var tickets: any TicketStore
        package var codes: any OTPStore
        package var limiter: any RateLimiter
        package var sms: any SMSSender
        package var audit: any AuthAudit
        package var clock: any WallClock

        package init(
            users: any UserStore,
            tokens: any TokenStore,
            tickets: any TicketStore,
            codes: any OTPStore,
            limiter: any RateLimiter,
            sms: any SMSSender,
            audit: any AuthAudit,
            clock: any WallClock
        ) {
            self.users = users
            self.tokens = tokens
            self.tickets = tickets
            self.codes = codes
            self.limiter = limiter
            self.sms = sms
            self.audit = audit
            self.clock = clock
        }
    }

    let ports: Ports
    let configuration: AuthConfiguration
    let issuer: TokenIssuer
    let verified: VerifiedTokenCache
    let identifiers: IdentifierGenerator
    let userCache: BoundedCache<UserID, CachedUser>

    package init(ports: Ports, issuer: TokenIssuer, configuration: AuthConfiguration) {
        precondition(configuration.codeHashKey.count >= 16, "the key of the codes' hashes is too short")
        self.ports = ports
        self.configuration = configuration
        self.issuer = issuer
        self.verified = VerifiedTokenCache(issuer: issuer)
        self.identifiers = IdentifierGenerator(clock: ports.clock)
        self.userCache = BoundedCache(capacity: configuration.userCacheCapacity)
    }

    // MARK: Codes

    /// Sends a code to a phone; the answer is the same whether somebody has the number or not.
    package func sendCode(
        phone: String,
        ipAddress: String,
        language: Language
    ) async throws(ServiceError) -> PhoneVerification {
        let phone = try UserRules.phone(phone, countryCode: self.configuration.countryCode)
        try await self.limit(ipAddress)
        let now = self.ports.clock.now()
        let verificationID = self.identifiers.next()
        let code = self.configuration.isOTPTestMode ? "123456" : Self.randomCode()
        let outcome: OTPBeginOutcome
        do throws(StoreError) {
            outcome = try await self.ports.codes.begin(
                verificationID: verificationID,
                phone: phone.text,
                codeHash: self.hash(code, of: verificationID),
                ipAddress: ipAddress,
                now: now
            )
        } catch {
            throw error.asServiceError
        }
        if case .limited(let seconds) = outcome { throw .rateLimited(retryAfterSeconds: seconds) }
        do {
            try await self.ports.sms.send(code: code, to: phone.text, language: language)
        } catch {
            self.ports.audit.record(AuthAuditEvent(.smsFailed, ipAddress: ipAddress))
            throw .unavailable("sms: \(error)")
        }
        return PhoneVerification(
            verificationID: verificationID,
            expiresAt: now + self.configuration.codeLifetime
        )
    }

    /// Takes the code, and signs its phone's owner in or makes the account.
    package func verifyCode(
        verificationID: String,
        code: String,
        ipAddress: String,
        profile: RegistrationProfile
    ) async throws(ServiceError) -> AuthResult {
        let checked = try self.checked(profile)
        try await self.limit(ipAddress)
        let phone = try await self.phone(provenBy: (verificationID, code), mayBeUsed: false)
        return try await self.signInOrCreate(phone: phone, profile: checked, ipAddress: ipAddress, isProven: true)
    }

    // MARK: Register and log in

    package func register(
        phone: String,
        name: String,
        verification: (id: String, code: String)?,
        profile: RegistrationProfile,
        ipAddress: String
    ) async throws(ServiceError) -> AuthResult {
        let phone = try UserRules.phone(phone, countryCode: self.configuration.countryCode)
        var profile = profile
        profile.name = name
        let checked = try self.checked(profile)
        try await self.limit(ipAddress)
        let isProven = try await self.prove(phone, by: verification)
        guard self.configuration.mode == .strict else {
            return try await self.signInOrCreate(
                phone: phone.text,
                profile: checked,
                ipAddress: ipAddress,
                isProven: isProven
            )
        }
        let (user, created) = try await self.create(phone: phone.text, profile: checked, isProven: true)
        guard created else { throw .userAlreadyExists }
        self.ports.audit.record(AuthAuditEvent(.registered, userID: user.id, ipAddress: ipAddress))
        return try await self.signedIn(user, isNewUser: true)
    }

    package func login(
        phone: String,
        verification: (id: String, code: String)?,
        ipAddress: String
    ) async throws(ServiceError) -> AuthResult {
        let phone = try UserRules.phone(phone, countryCode: self.configuration.countryCode)
        try await self.limit(ipAddress)
        let isProven = try await self.prove(phone, by: verification)
        let found: User?
        do throws(StoreError) {
            found = try await self.ports.users.user(phone: phone.text)
        } catch {
            throw error.asServiceError
        }
        guard let user = found, user.status != .deleted else { throw .unknownCredentials }
        return try await self.signIn(user, ipAddress: ipAddress, isProven: isProven)
    }

    // MARK: Steps

    /// True when the phone was proven by the code; in compat mode it need not be, false then.
    private func prove(
        _ phone: PhoneNumber,
        by verification: (id: String, code: String)?
    ) async throws(ServiceError) -> Bool {
        guard let verification else {
            guard self.configuration.mode == .compat else {
                throw .invalid(
                    "verification_id",
                    ko: "전화번호 인증이 필요합니다. 인증번호를 먼저 요청해 주세요.",
                    en: "verification_id and code are required: ask for a code first"
                )
            }
            if let limit = self.configuration.compatPerPhone {
                try await self.limit(scope: "auth-phone", subject: phone.text, limit)
            }
            return false
        }
        // Whoever knows the number of somebody who just proved it must not get in on that: the proof is the pair.
        guard try await self.phone(provenBy: verification, mayBeUsed: true) == phone.text else {
            throw .wrongCode(attemptsLeft: nil)
        }
        return true
    }

    /// The phone behind a verification and its code; `mayBeUsed` takes one that was right within ten minutes, too.
    private func phone(
        provenBy verification: (id: String, code: String),
        mayBeUsed: Bool
    ) async throws(ServiceError) -> String {
        let code = try UserRules.code(verification.code)
        guard let id = Identifier128(verification.id) else { throw .codeExpired }
        let now = self.ports.clock.now()
        let hash = self.hash(code, of: id)
        let outcome: OTPCheckOutcome
        var proven: String?
        do throws(StoreError) {
            outcome = try await self.ports.codes.check(verificationID: id, codeHash: hash, now: now)
            if outcome == .expired, mayBeUsed {
                proven = try await self.ports.codes.provenPhone(verificationID: id, codeHash: hash, now: now)
            }
        } catch {
            throw error.asServiceError
        }
        switch outcome {
        case .verified(let phone): return phone
        case .wrong(let attemptsLeft): throw .wrongCode(attemptsLeft: attemptsLeft)
        case .exhausted: throw .codeExhausted
        case .expired:
            guard let proven else { throw .codeExpired }
            return proven
        }
    }
}
