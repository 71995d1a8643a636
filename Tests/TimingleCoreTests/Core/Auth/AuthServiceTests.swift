import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

struct AuthServiceTests {
    @Test(arguments: AuthServiceScenario.allCases)
    func overStoresInMemory(scenario: AuthServiceScenario) async throws {
        try await scenario.run(AuthWorld.inMemory())
    }

    @Test(
        .enabled(
            if: TestServices.hasDatabase && PrivateRedis.isAvailable,
            "needs redis-server and TIMINGLE_TEST_DATABASE_URL; make test sets it"
        )
    )
    func overPostgreSQLAndRedis() async throws {
        try await withTestDatabase { postgres, _ in
            try await withRedisClient { redis async throws in
                for scenario in AuthServiceScenario.allCases {
                    let world = try AuthWorld.real(postgres, redis)
                    do {
                        try await scenario.run(world)
                    } catch {
                        Issue.record("\(scenario): \(error)")
                    }
                }
            }
        }
    }

    // MARK: Outages

    private func memoryService() throws -> (AuthService, MemoryWorld) {
        let world = try AuthWorld.inMemory()
        guard
            let users = world.users as? MemoryUserStore, let tokens = world.tokens as? MemoryTokenStore,
            let codes = world.codes as? MemoryOTPStore, let limiter = world.limiter as? MemoryRateLimiter
        else { throw MemoryWorld.Mismatch() }
        return (
            world.service(), MemoryWorld(world: world, users: users, tokens: tokens, codes: codes, limiter: limiter)
        )
    }

    private struct MemoryWorld {
        struct Mismatch: Error {}
        let world: AuthWorld
        let users: MemoryUserStore
        let tokens: MemoryTokenStore
        let codes: MemoryOTPStore
        let limiter: MemoryRateLimiter
    }

    @Test func aStoreThatIsAwayIsNeverA401() async throws {
        let (service, memory) = try self.memoryService()
        let result = try await memory.world.verifiedUser(service)
        memory.tokens.isAway = true
        let refresh = await refusal { try await service.refresh(refreshToken: result.tokens.refreshToken) }
        #expect(refresh?.kind == .unavailable)
        let logout = await refusal { try await service.logout(userID: result.user.id, refreshToken: nil) }
        #expect(logout?.kind == .unavailable)
        memory.tokens.isAway = false
        memory.users.isAway = true
        memory.world.clock.advance(by: .seconds(10))
        let access = await refusal { try await service.authenticate(accessToken: result.tokens.accessToken) }
        #expect(access?.kind == .unavailable)
        let second = await refusal { try await service.refresh(refreshToken: result.tokens.refreshToken) }
        #expect(second?.kind == .unavailable)
        memory.users.isAway = false
        _ = try await service.refresh(refreshToken: result.tokens.refreshToken)
    }

    @Test func codesFailClosedAndLimitsOpen() async throws {
        let (service, memory) = try self.memoryService()
        memory.codes.isAway = true
        let send = await refusal {
            try await service.sendCode(phone: "01012345678", ipAddress: "10.0.0.1", language: .korean)
        }
        #expect(send?.kind == .unavailable)
        let verify = await refusal {
            try await service.verifyCode(
                verificationID: "00000000-0000-7000-8000-000000000000",
                code: "123456",
                ipAddress: "10.0.0.1",
                profile: RegistrationProfile()
            )
        }
        #expect(verify?.kind == .unavailable)
        memory.codes.isAway = false
        memory.limiter.isAway = true
        _ = try await memory.world.verifiedUser(service)
    }

    @Test func aRefusedSMSIsTold() async throws {
        let (service, memory) = try self.memoryService()
        memory.world.sms.isRefusing = true
        let send = await refusal {
            try await service.sendCode(phone: "01012345678", ipAddress: "10.0.0.1", language: .korean)
        }
        #expect(send?.kind == .unavailable)
        #expect(memory.world.audit.kinds == [.smsFailed])
    }

    // MARK: Details

    @Test func theTestModeHasOneCode() async throws {
        let world = try AuthWorld.inMemory()
        let proof = try await world.code(world.service(isOTPTestMode: true), "01012345678")
        #expect(proof.code == "123456")
    }

    @Test func aRequestEachMillisecondReadsTheUserOnceInFiveSeconds() async throws {
        let (service, memory) = try self.memoryService()
        let result = try await memory.world.verifiedUser(service)
        let before = memory.users.reads
        for _ in 0..<4_000 {
            _ = try await service.authenticate(accessToken: result.tokens.accessToken)
            memory.world.clock.advance(by: .milliseconds(1))
        }
        #expect(memory.users.reads - before == 1)
        memory.world.clock.advance(by: .seconds(5))
        _ = try await service.authenticate(accessToken: result.tokens.accessToken)
        #expect(memory.users.reads - before == 2)
        memory.world.clock.advance(by: .seconds(-4))
        _ = try await service.authenticate(accessToken: result.tokens.accessToken)
        #expect(memory.users.reads - before == 3, "a clock that stepped back does not keep users")
    }

    @Test func anAddressIsLimited() async throws {
        let world = try AuthWorld.inMemory()
        let service = world.service(.compat)
        for number in 0..<30 {
            _ = try await world.compatUser(service, phone: "0101234567\(number % 10)\(number / 10)")
        }
        let error = await refusal { try await world.compatUser(service, phone: "01099999999") }
        #expect(error?.kind == .rateLimited(retryAfterSeconds: 60))
    }
}
