import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// The network between client and server swallows everything, or breaks; seen from outside, through a proxy.
@Suite(
    .enabled(if: TestServices.hasDatabase, "needs PostgreSQL: set TIMINGLE_TEST_DATABASE_URL; make test does"),
    .timeLimit(.minutes(2))
)
struct PostgresOutageTests {
    private func withProxy(_ body: (PostgresClient, PausableProxy) async throws -> Void) async throws {
        let url = try PostgresURL(try #require(TestServices.databaseURL))
        let host = url["host"] == "localhost" ? "127.0.0.1" : url["host"] ?? "127.0.0.1"
        let proxy = try PausableProxy(toHost: host, port: UInt16(url["port"] ?? "5432") ?? 5_432)
        defer { proxy.close() }
        var configuration = PostgresConfiguration(url: url)
        configuration.url["host"] = "127.0.0.1"
        configuration.url["port"] = String(proxy.port)
        configuration.maxConnections = 2
        configuration.connectTimeout = .milliseconds(1_500)
        configuration.acquireTimeout = .seconds(3)
        configuration.queryTimeout = .milliseconds(1_500)
        configuration.pingTimeout = .milliseconds(500)
        configuration.reconnectBackoffBase = .milliseconds(20)
        try await withEventLoopGroup(count: 1) { group in
            try await withTestClient(configuration, group: group) { client in try await body(client, proxy) }
        }
    }

    private func failure(_ body: () async throws -> Void) async -> PostgresError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? PostgresError
        }
    }

    @Test func aSilentNetworkEndsInADeadlineAndHeals() async throws {
        try await self.withProxy { client, proxy in
            try await client.query("SELECT 1")
            proxy.pause()
            let start = MonotonicInstant.now
            let ping = await self.failure { try await client.ping() }
            #expect(ping?.code == .queryTimeout)
            // Now the connection is gone, and connecting hangs instead.
            let connect = await self.failure { try await client.ping() }
            #expect(connect?.code == .connectionFailed || connect?.code == .acquireTimeout)
            #expect(!client.isHealthy)
            #expect(MonotonicInstant.now - start < .seconds(8))
            proxy.resume()
            try await self.heals(client)
            #expect(client.isHealthy)
        }
    }

    @Test func brokenConnectionsAreTransientErrorsAndHeal() async throws {
        try await self.withProxy { client, proxy in
            for _ in 0..<5 {
                let running = Task { await self.failure { try await client.query("SELECT pg_sleep(0.3)") } }
                try await Task.sleep(for: .milliseconds(100))
                proxy.dropAll()
                let lost = await running.value
                #expect(lost.map(\.isTransient) ?? true)
                try await self.heals(client)
            }
        }
    }

    /// A few failures may come until the pool has noticed; then it must work again.
    private func heals(_ client: PostgresClient) async throws {
        for _ in 0..<100 {
            if await self.failure({ try await client.ping() }) == nil { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        try await client.ping()
    }
}
