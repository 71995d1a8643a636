import Testing
import TimingleTestSupport

@testable import TimingleCore

/// Lazy rotation as `contract.md` 4.10 has it, over both stores.
struct TokenStoreContractTests {
    private let alice = UserID(rawValue: 1)
    private let bob = UserID(rawValue: 2)
    private let family = Identifier128(high: 1, low: 1)

    private func hash(_ name: String) -> [UInt8] { Digest.sha256(name) }

    private func grant(_ low: UInt64 = 1, _ user: UserID? = nil) -> RefreshGrant {
        RefreshGrant(userID: user ?? self.alice, familyID: Identifier128(high: 1, low: low))
    }

    @Test(arguments: StoreKind.available)
    func theShippedAppKeepsItsFirstToken(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            try await stores.tokens.begin(self.grant(), tokenHash: self.hash("first"), now: stores.clock.now())
            // It never uses a child, starts every five days, and goes on until the cap of 90 days.
            for start in 1...17 {
                stores.clock.advance(by: .seconds(5 * 86_400))
                let outcome = try await stores.tokens.rotate(
                    tokenHash: self.hash("first"),
                    childHash: self.hash("unused \(start)"),
                    now: stores.clock.now()
                )
                #expect(outcome == .granted(self.grant()), "start \(start)")
            }
            stores.clock.advance(by: .seconds(5 * 86_400))
            let outcome = try await stores.tokens.rotate(
                tokenHash: self.hash("first"),
                childHash: self.hash("late"),
                now: stores.clock.now()
            )
            #expect(outcome == .unknown)
        }
    }

    @Test(arguments: StoreKind.available)
    func theParentIsGoodUntilTheChildIsUsed(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            let now = stores.clock.now()
            try await stores.tokens.begin(self.grant(), tokenHash: self.hash("a"), now: now)
            var outcome = try await stores.tokens.rotate(tokenHash: self.hash("a"), childHash: self.hash("b"), now: now)
            #expect(outcome == .granted(self.grant()))
            outcome = try await stores.tokens.rotate(tokenHash: self.hash("a"), childHash: self.hash("b2"), now: now)
            #expect(outcome == .granted(self.grant()), "an answer may be lost: the parent still works")
            outcome = try await stores.tokens.rotate(tokenHash: self.hash("b"), childHash: self.hash("x"), now: now)
            #expect(outcome == .unknown, "a new refresh replaces the unused child")
            outcome = try await stores.tokens.rotate(tokenHash: self.hash("b2"), childHash: self.hash("c"), now: now)
            #expect(outcome == .granted(self.grant()), "and an unknown token revokes nothing")
            outcome = try await stores.tokens.rotate(tokenHash: self.hash("a"), childHash: self.hash("y"), now: now)
            #expect(outcome == .reused(self.grant()), "the parent is retired now")
            for name in ["a", "b2", "c"] {
                outcome = try await stores.tokens.rotate(
                    tokenHash: self.hash(name),
                    childHash: self.hash("z"),
                    now: now
                )
                #expect(outcome == .unknown, "\(name): the family is revoked")
            }
        }
    }

    @Test(arguments: StoreKind.available)
    func aThiefWhoUsesTheParentRevokesTheFamily(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            let now = stores.clock.now()
            try await stores.tokens.begin(self.grant(), tokenHash: self.hash("a"), now: now)
            try await stores.tokens.begin(self.grant(2), tokenHash: self.hash("other device"), now: now)
            var last = "a"
            for step in 0..<10 {
                let outcome = try await stores.tokens.rotate(
                    tokenHash: self.hash(last),
                    childHash: self.hash("c\(step)"),
                    now: now
                )
                #expect(outcome == .granted(self.grant()))
                last = "c\(step)"
            }
            let theft = try await stores.tokens.rotate(tokenHash: self.hash("c3"), childHash: self.hash("t"), now: now)
            #expect(theft == .reused(self.grant()))
            let victim = try await stores.tokens.rotate(tokenHash: self.hash(last), childHash: self.hash("v"), now: now)
            #expect(victim == .unknown)
            let other = try await stores.tokens.rotate(
                tokenHash: self.hash("other device"),
                childHash: self.hash("o"),
                now: now
            )
            #expect(other == .granted(self.grant(2)), "other families live on")
        }
    }

    @Test(arguments: StoreKind.available)
    func refreshesAtOnceLeaveOneUsableChild(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            let now = stores.clock.now()
            try await stores.tokens.begin(self.grant(), tokenHash: self.hash("a"), now: now)
            try await withThrowingTaskGroup(of: RefreshOutcome.self) { tasks in
                for number in 0..<50 {
                    tasks.addTask {
                        try await stores.tokens.rotate(
                            tokenHash: Digest.sha256("a"),
                            childHash: Digest.sha256("n\(number)"),
                            now: now
                        )
                    }
                }
                for try await outcome in tasks { #expect(outcome == .granted(self.grant())) }
            }
            var usable = 0
            for number in 0..<50 {
                let outcome = try await stores.tokens.rotate(
                    tokenHash: self.hash("n\(number)"),
                    childHash: self.hash("m\(number)"),
                    now: now
                )
                if outcome != .unknown { usable += 1 }
            }
            #expect(usable == 1)
        }
    }

    @Test(arguments: StoreKind.available)
    func anUnusedTokenExpiresAfterAWeek(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            try await stores.tokens.begin(self.grant(), tokenHash: self.hash("a"), now: stores.clock.now())
            stores.clock.advance(by: .seconds(7 * 86_400))
            let outcome = try await stores.tokens.rotate(
                tokenHash: self.hash("a"),
                childHash: self.hash("b"),
                now: stores.clock.now()
            )
            #expect(outcome == .unknown)
        }
    }

    @Test(arguments: StoreKind.available)
    func withoutSlidingTheParentKeepsItsEnd(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind, policy: RefreshTokenPolicy(isSliding: false)) { stores async throws in
            try await stores.tokens.begin(self.grant(), tokenHash: self.hash("a"), now: stores.clock.now())
            stores.clock.advance(by: .seconds(4 * 86_400))
            var outcome = try await stores.tokens.rotate(
                tokenHash: self.hash("a"),
                childHash: self.hash("b"),
                now: stores.clock.now()
            )
            #expect(outcome == .granted(self.grant()))
            stores.clock.advance(by: .seconds(4 * 86_400))
            outcome = try await stores.tokens.rotate(
                tokenHash: self.hash("a"),
                childHash: self.hash("c"),
                now: stores.clock.now()
            )
            #expect(outcome == .unknown)
            outcome = try await stores.tokens.rotate(
                tokenHash: self.hash("b"),
                childHash: self.hash("c"),
                now: stores.clock.now()
            )
            #expect(outcome == .granted(self.grant()), "the child has a week of its own")
        }
    }

    @Test(arguments: StoreKind.available)
    func logoutEndsOneFamilyOrAll(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            let now = stores.clock.now()
            let tokens = stores.tokens
            for (low, name) in [(1, "phone"), (2, "tablet"), (3, "laptop")] {
                try await tokens.begin(self.grant(UInt64(low)), tokenHash: self.hash(name), now: now)
            }
            try await tokens.begin(self.grant(9, self.bob), tokenHash: self.hash("bob"), now: now)
            try await tokens.revoke(tokenHash: self.hash("tablet"), user: self.bob)
            try await tokens.revoke(tokenHash: self.hash("nobody's"), user: self.alice)
            var outcome = try await tokens.rotate(tokenHash: self.hash("tablet"), childHash: self.hash("t2"), now: now)
            #expect(outcome == .granted(self.grant(2)), "nobody logs out somebody else")
            try await tokens.revoke(tokenHash: self.hash("t2"), user: self.alice)
            outcome = try await tokens.rotate(tokenHash: self.hash("tablet"), childHash: self.hash("t3"), now: now)
            #expect(outcome == .unknown)
            outcome = try await tokens.rotate(tokenHash: self.hash("phone"), childHash: self.hash("p2"), now: now)
            #expect(outcome == .granted(self.grant(1)))
            try await tokens.revokeAll(user: self.alice)
            for name in ["phone", "p2", "laptop"] {
                outcome = try await tokens.rotate(tokenHash: self.hash(name), childHash: self.hash("x"), now: now)
                #expect(outcome == .unknown)
            }
            outcome = try await tokens.rotate(tokenHash: self.hash("bob"), childHash: self.hash("b2"), now: now)
            #expect(outcome == .granted(self.grant(9, self.bob)))
        }
    }

    @Test(.enabled(if: PrivateRedis.isAvailable, "needs redis-server"))
    func theOldestLoginMakesRoomAndNothingStaysForEver() async throws {
        try await withRedisClient { client async throws in
            let clock = ManualWallClock()
            let tokens = RedisTokenRepository(client: client, policy: RefreshTokenPolicy(familiesPerUserMax: 3))
            for low in 1...5 {
                clock.advance(by: .milliseconds(1))
                try await tokens.begin(
                    self.grant(UInt64(low)),
                    tokenHash: self.hash("\(low)"),
                    now: clock.now()
                )
            }
            for low in 1...5 {
                let outcome = try await tokens.rotate(
                    tokenHash: self.hash("\(low)"),
                    childHash: self.hash("c\(low)"),
                    now: clock.now()
                )
                #expect((outcome == .unknown) == (low <= 2), "login \(low)")
            }
            let keys = try await client.command(["KEYS", "*"]).arrayValue()
            #expect(keys.count > 5)
            for key in keys {
                let name = try #require(try key.textValue())
                let life = try await client.command(["PTTL", RedisArgument(name)]).integerValue()
                #expect(life > 0, "\(name) has no expiry")
                #expect(!name.contains("first"))
            }
        }
    }
}
