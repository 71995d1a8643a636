import Testing
import TimingleTestSupport

@testable import TimingleCore

struct OTPStoreContractTests {
    private let right = Digest.sha256("right")
    private let wrong = Digest.sha256("wrong")

    private func id(_ low: UInt64) -> Identifier128 { Identifier128(high: 7, low: low) }

    private func begin(
        _ stores: StoresUnderTest,
        _ low: UInt64,
        phone: String = "+821000000001",
        ip: String = "10.0.0.1"
    ) async throws -> OTPBeginOutcome {
        try await stores.codes.begin(
            verificationID: self.id(low),
            phone: phone,
            codeHash: self.right,
            ipAddress: ip,
            now: stores.clock.now()
        )
    }

    private func check(_ stores: StoresUnderTest, _ low: UInt64, _ hash: [UInt8]) async throws -> OTPCheckOutcome {
        try await stores.codes.check(verificationID: self.id(low), codeHash: hash, now: stores.clock.now())
    }

    @Test(arguments: StoreKind.available)
    func aRightCodeWorksOnce(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            #expect(try await self.begin(stores, 1) == .begun)
            #expect(try await self.check(stores, 1, self.right) == .verified(phone: "+821000000001"))
            #expect(try await self.check(stores, 1, self.right) == .expired)
            #expect(try await self.check(stores, 99, self.right) == .expired)
        }
    }

    @Test(arguments: StoreKind.available)
    func fiveWrongCodesEndIt(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            _ = try await self.begin(stores, 1)
            for left in [4, 3, 2, 1] {
                #expect(try await self.check(stores, 1, self.wrong) == .wrong(attemptsLeft: left))
            }
            #expect(try await self.check(stores, 1, self.wrong) == .exhausted)
            #expect(try await self.check(stores, 1, self.right) == .expired)
        }
    }

    @Test(arguments: StoreKind.available)
    func guessesAtOnceAreCountedOneByOne(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            _ = try await self.begin(stores, 1)
            let wrong = self.wrong
            let id = self.id(1)
            let outcomes = try await withThrowingTaskGroup(of: OTPCheckOutcome.self) { tasks in
                for _ in 0..<50 {
                    tasks.addTask {
                        try await stores.codes.check(verificationID: id, codeHash: wrong, now: stores.clock.now())
                    }
                }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 == .exhausted }.count == 1)
            #expect(outcomes.filter { $0 == .expired }.count == 45)
        }
    }

    @Test(arguments: StoreKind.available)
    func aCodeEndsAfterFiveMinutes(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            _ = try await self.begin(stores, 1)
            stores.clock.advance(by: .seconds(299))
            #expect(try await self.check(stores, 1, self.wrong) == .wrong(attemptsLeft: 4))
            stores.clock.advance(by: .seconds(1))
            #expect(try await self.check(stores, 1, self.right) == .expired)
        }
    }

    @Test(arguments: StoreKind.available)
    func aNewCodeReplacesTheOldOne(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            _ = try await self.begin(stores, 1)
            stores.clock.advance(by: .seconds(60))
            #expect(try await self.begin(stores, 2) == .begun)
            #expect(try await self.check(stores, 1, self.right) == .expired)
            #expect(try await self.check(stores, 2, self.right) == .verified(phone: "+821000000001"))
        }
    }

    @Test(arguments: StoreKind.available)
    func onePerMinuteAndFivePerDayPerPhone(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            for sent in 1...5 {
                #expect(try await self.begin(stores, UInt64(sent), ip: "10.0.0.\(sent)") == .begun)
                #expect(try await self.begin(stores, 50, ip: "10.0.1.\(sent)") != .begun)
                stores.clock.advance(by: .seconds(30))
                let second = try await self.begin(stores, 51, ip: "10.0.2.\(sent)")
                if sent < 5 { #expect(second == .limited(retryAfterSeconds: 30)) }
                stores.clock.advance(by: .seconds(30))
            }
            #expect(try await self.begin(stores, 6) == .limited(retryAfterSeconds: 86_400 - 300))
            #expect(try await self.begin(stores, 7, phone: "+821000000002") == .begun, "another phone is not limited")
            stores.clock.advance(by: .seconds(86_400))
            #expect(try await self.begin(stores, 8) == .begun)
        }
    }

    @Test(arguments: StoreKind.available)
    func twentyPerHourPerAddress(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            for sent in 1...20 {
                #expect(try await self.begin(stores, UInt64(sent), phone: "+8210000001\(sent)") == .begun)
            }
            #expect(try await self.begin(stores, 21, phone: "+82100000999") == .limited(retryAfterSeconds: 3_600))
            #expect(try await self.begin(stores, 22, phone: "+82100000999", ip: "10.9.9.9") == .begun)
        }
    }

    @Test(arguments: StoreKind.available)
    func theVeryCodeProvesThePhoneForTenMinutes(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            func proven(_ hash: [UInt8]) async throws -> String? {
                try await stores.codes.provenPhone(
                    verificationID: self.id(1),
                    codeHash: hash,
                    now: stores.clock.now()
                )
            }
            _ = try await self.begin(stores, 1)
            #expect(try await proven(self.right) == nil, "not before it was checked")
            _ = try await self.check(stores, 1, self.right)
            stores.clock.advance(by: .seconds(599))
            #expect(try await proven(self.right) == "+821000000001")
            stores.clock.advance(by: .seconds(1))
            #expect(try await proven(self.right) == nil)
            stores.clock.advance(by: .seconds(60))
            _ = try await self.begin(stores, 1)
            _ = try await self.check(stores, 1, self.right)
            #expect(try await proven(self.wrong) == nil)
            #expect(try await proven(self.right) == nil, "one wrong code ends it")
        }
    }

    @Test(arguments: StoreKind.available)
    func theLimiterTellsWhatIsLeft(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            let limit = RateLimit(count: 3, windowSeconds: 60)
            let reset = stores.clock.now().milliseconds / 1_000 + 60
            for remaining in [2, 1, 0] {
                let verdict = await stores.limiter.take(
                    scope: "s",
                    subject: "a",
                    limit: limit,
                    now: stores.clock.now()
                )
                #expect(
                    verdict
                        == RateLimitVerdict(allowed: true, limit: 3, remaining: Int64(remaining), resetAt: reset)
                )
            }
            stores.clock.advance(by: .seconds(59))
            var verdict = await stores.limiter.take(scope: "s", subject: "a", limit: limit, now: stores.clock.now())
            #expect(verdict == RateLimitVerdict(allowed: false, limit: 3, remaining: 0, resetAt: reset))
            verdict = await stores.limiter.take(scope: "s", subject: "b", limit: limit, now: stores.clock.now())
            #expect(verdict?.allowed == true)
            stores.clock.advance(by: .seconds(1))
            verdict = await stores.limiter.take(scope: "s", subject: "a", limit: limit, now: stores.clock.now())
            #expect(verdict?.remaining == 2)
        }
    }

    @Test(.enabled(if: PrivateRedis.isAvailable, "needs redis-server"))
    func withoutRedisCodesAndTokensFailClosedAndLimitsOpen() async throws {
        try await withRedisClient { client async throws in
            await client.close()
            let now = ManualWallClock().now()
            let codes = RedisOTPRepository(client: client)
            await #expect(throws: StoreError.self) {
                try await codes.check(verificationID: self.id(1), codeHash: self.right, now: now)
            }
            let tokens = RedisTokenRepository(client: client)
            do throws(StoreError) {
                _ = try await tokens.rotate(tokenHash: self.right, childHash: self.wrong, now: now)
                Issue.record("rotated without Redis")
            } catch {
                guard case .unavailable = error else {
                    Issue.record("\(error)")
                    return
                }
            }
            let limiter = RedisRateLimiter(client: client)
            let verdict = await limiter.take(
                scope: "s",
                subject: "a",
                limit: RateLimit(count: 1, windowSeconds: 1),
                now: now
            )
            #expect(verdict == nil)
        }
    }
}
