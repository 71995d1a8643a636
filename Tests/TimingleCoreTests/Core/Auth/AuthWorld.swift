import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// Everything around `AuthService`, over stores in memory or over real ones.
struct AuthWorld: Sendable {
    let users: any UserStore
    let tokens: any TokenStore
    let tickets: any TicketStore
    let codes: any OTPStore
    let limiter: any RateLimiter
    let sms = RecordingSMSSender()
    let audit = RecordingAuthAudit()
    let clock: ManualWallClock
    let issuer: TokenIssuer
    /// Sets role and status of a user, as an administrator would.
    let administer: @Sendable (UserID, UserRole, UserStatus) async throws -> Void
    /// Own address and numbers, so that scenarios share servers.
    let ip = "10.\(UInt8.random(in: 0...255)).\(UInt8.random(in: 0...255)).\(UInt8.random(in: 0...255))"

    static func inMemory() throws -> AuthWorld {
        let clock = ManualWallClock()
        let users = MemoryUserStore(clock: clock)
        return AuthWorld(
            users: users,
            tokens: MemoryTokenStore(),
            tickets: MemoryTicketStore(),
            codes: MemoryOTPStore(),
            limiter: MemoryRateLimiter(),
            clock: clock,
            issuer: TokenIssuer(current: try JSONWebKey.hs256(secret: SecureRandom.bytes(count: 32))),
            administer: { id, role, status in
                users.change(id) { user in
                    user.role = role
                    user.status = status
                }
            }
        )
    }

    static func real(_ postgres: PostgresClient, _ redis: RedisClient) throws -> AuthWorld {
        AuthWorld(
            users: PostgresUserRepository(client: postgres),
            tokens: RedisTokenRepository(client: redis),
            tickets: RedisTicketRepository(client: redis),
            codes: RedisOTPRepository(client: redis),
            limiter: RedisRateLimiter(client: redis),
            clock: ManualWallClock(),
            issuer: TokenIssuer(current: try JSONWebKey.hs256(secret: SecureRandom.bytes(count: 32))),
            administer: { id, role, status in
                try await postgres.query("UPDATE users SET role = \(role), status = \(status) WHERE id = \(id)")
            }
        )
    }

    func service(_ mode: AuthService.Mode = .strict, isOTPTestMode: Bool = false) -> AuthService {
        AuthService(
            ports: AuthService.Ports(
                users: self.users,
                tokens: self.tokens,
                tickets: self.tickets,
                codes: self.codes,
                limiter: self.limiter,
                sms: self.sms,
                audit: self.audit,
                clock: self.clock
            ),
            issuer: self.issuer,
            configuration: AuthConfiguration(
                mode: mode,
                isOTPTestMode: isOTPTestMode,
                codeHashKey: Array("a key for the hashes of codes".utf8)
            )
        )
    }

    /// The eight digits of a mobile number that nobody has.
    func newDigits() -> String { String(Int.random(in: 10_000_000...99_999_999)) }

    /// Sends a code and returns what the phone got.
    func code(_ service: AuthService, _ phone: String) async throws -> (id: String, code: String) {
        let sent = try await service.sendCode(phone: phone, ipAddress: self.ip, language: .korean)
        let number = try #require(PhoneNumber(phone)?.text)
        return (sent.verificationID.description, try #require(self.sms.code(for: number)))
    }

    /// A user who proved his phone.
    func verifiedUser(_ service: AuthService, name: String? = nil) async throws -> AuthResult {
        let phone = "010" + self.newDigits()
        let proof = try await self.code(service, phone)
        let profile = RegistrationProfile(name: name)
        let result = try await service.verifyCode(
            verificationID: proof.id,
            code: proof.code,
            ipAddress: self.ip,
            profile: profile
        )
        self.clock.advance(by: .seconds(61))
        return result
    }

    /// A user nobody ever asked for a proof.
    func compatUser(_ service: AuthService, phone: String, name: String = "민수") async throws -> AuthResult {
        try await service.register(
            phone: phone,
            name: name,
            verification: nil,
            profile: RegistrationProfile(),
            ipAddress: self.ip
        )
    }
}

/// The `ServiceError` that `body` throws, nil when it does not.
func refusal<Result>(_ body: () async throws -> Result) async -> ServiceError? {
    do {
        _ = try await body()
        return nil
    } catch let error as ServiceError {
        return error
    } catch {
        Issue.record("not a ServiceError: \(error)")
        return nil
    }
}
