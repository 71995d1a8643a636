import Testing
import TimingleTestSupport

@testable import TimingleCore

/// Single use and short life, over both stores.
struct TicketStoreContractTests {
    private let alice = UserID(rawValue: 9_007_199_254_740_993)
    private let hash = Digest.sha256("ticket")

    @Test(arguments: StoreKind.available)
    func aTicketIsTakenOnce(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            let now = stores.clock.now()
            try await stores.tickets.keep(ticketHash: self.hash, user: self.alice, lifetime: .seconds(30), now: now)
            let unknown = try await stores.tickets.take(ticketHash: Digest.sha256("another"), now: now)
            #expect(unknown == nil)
            let first = try await stores.tickets.take(ticketHash: self.hash, now: now)
            #expect(first == self.alice)
            let second = try await stores.tickets.take(ticketHash: self.hash, now: now)
            #expect(second == nil)
        }
    }

    @Test(arguments: StoreKind.available)
    func atMostOneOfManyAtTheSameTimeGetsIt(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            let now = stores.clock.now()
            try await stores.tickets.keep(ticketHash: self.hash, user: self.alice, lifetime: .seconds(30), now: now)
            let (tickets, hash) = (stores.tickets, self.hash)
            let winners = try await withThrowingTaskGroup(of: UserID?.self) { group in
                for _ in 0..<20 { group.addTask { try await tickets.take(ticketHash: hash, now: now) } }
                return try await group.reduce(into: [UserID]()) { winners, user in
                    if let user { winners.append(user) }
                }
            }
            #expect(winners == [self.alice])
        }
    }

    @Test(arguments: StoreKind.available)
    func aTicketEndsWithItsLifetime(kind: StoreKind) async throws {
        try await StoresUnderTest.with(kind) { stores async throws in
            let now = stores.clock.now()
            try await stores.tickets.keep(ticketHash: self.hash, user: self.alice, lifetime: .seconds(30), now: now)
            stores.clock.advance(by: .seconds(30))
            let late = try await stores.tickets.take(ticketHash: self.hash, now: stores.clock.now())
            #expect(late == nil)
            let again = try await stores.tickets.take(ticketHash: self.hash, now: now)
            #expect(again == nil, "a late try uses it up, too")
        }
    }

    @Test(.enabled(if: TestServices.hasRedis || PrivateRedis.isAvailable, "needs redis-server"))
    func redisForgetsATicketByItselfAndNeverSeesItsText() async throws {
        try await withRedisClient { client in
            let store = RedisTicketRepository(client: client)
            let now = ManualWallClock().now()
            try await store.keep(ticketHash: self.hash, user: self.alice, lifetime: .seconds(30), now: now)
            let key = RedisArgument("ws:ticket:\(Digest.hexadecimal(self.hash))")
            let life = try await client.command(["PTTL", key]).integerValue()
            #expect(life > 0 && life <= 30_000)
            let count = try await client.command(["DBSIZE"]).integerValue()
            #expect(count == 1)
        }
    }
}
