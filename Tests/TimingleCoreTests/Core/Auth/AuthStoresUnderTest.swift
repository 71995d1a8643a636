import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// Which stores a contract runs over: the memory twins always, the real ones where there is a server.
enum StoreKind: String, CaseIterable, Sendable {
    case memory
    case redis

    static var available: [StoreKind] {
        TestServices.hasRedis || PrivateRedis.isAvailable ? [.memory, .redis] : [.memory]
    }
}

/// Stores of one kind, whatever they are made of.
struct StoresUnderTest: Sendable {
    let tokens: any TokenStore
    let tickets: any TicketStore
    let codes: any OTPStore
    let limiter: any RateLimiter
    /// Users are in memory in both kinds here; the real ones have a suite of their own.
    let users: MemoryUserStore
    let clock: ManualWallClock

    static func with(
        _ kind: StoreKind,
        policy: RefreshTokenPolicy = RefreshTokenPolicy(),
        otp: OTPPolicy = OTPPolicy(),
        _ body: (StoresUnderTest) async throws -> Void
    ) async throws {
        let clock = ManualWallClock()
        switch kind {
        case .memory:
            try await body(
                StoresUnderTest(
                    tokens: MemoryTokenStore(policy: policy),
                    tickets: MemoryTicketStore(),
                    codes: MemoryOTPStore(policy: otp),
                    limiter: MemoryRateLimiter(),
                    users: MemoryUserStore(clock: clock),
                    clock: clock
                )
            )
        case .redis:
            try await withRedisClient { client async throws in
                try await body(
                    StoresUnderTest(
                        tokens: RedisTokenRepository(client: client, policy: policy),
                        tickets: RedisTicketRepository(client: client),
                        codes: RedisOTPRepository(client: client, policy: otp),
                        limiter: RedisRateLimiter(client: client),
                        users: MemoryUserStore(clock: clock),
                        clock: clock
                    )
                )
            }
        }
    }
}

/// A client of a fresh, empty server of its own.
func withRedisClient(_ body: (RedisClient) async throws -> Void) async throws {
    try await PrivateRedis.with { server in
        let configuration = try RedisConfiguration(url: server.url)
        try await withEventLoopGroup(count: 2) { group in
            let client = RedisClient(configuration: configuration, group: group, log: .silent)
            do {
                try await body(client)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        }
    }
}
