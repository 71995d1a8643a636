import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// Over a redis-server of its own, because it is paused and killed here.
@Suite(.enabled(if: PrivateRedis.isAvailable, "needs redis-server: apt-get install redis-server"))
struct RedisClientTests {
    private func withClient(
        _ server: PrivateRedis,
        loops: Int = 1,
        change: (inout RedisConfiguration) -> Void = { _ in },
        _ body: (RedisClient) async throws -> Void
    ) async throws {
        var configuration = try RedisConfiguration(url: server.url)
        change(&configuration)
        let final = configuration
        try await withEventLoopGroup(count: loops) { group in
            let client = RedisClient(configuration: final, group: group, log: .silent)
            do {
                try await body(client)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        }
    }

    private func failure(_ body: () async throws(RedisError) -> RedisReply) async -> RedisError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error
        }
    }

    @Test func allKindsOfRepliesAreCopied() async throws {
        try await PrivateRedis.with { server in
            try await self.withClient(server) { client in
                #expect(try await client.command(["SET", "k", RedisArgument([0, 255, 10])]) == .status("OK"))
                #expect(try await client.command(["GET", "k"]) == .bytes([0, 255, 10]))
                #expect(try await client.command(["GET", "nothing"]) == .null)
                #expect(try await client.command(["INCRBY", "n", "-41"]) == .integer(-41))
                let nested = try await client.command(["EVAL", "return {1,{'a',{}},false}", "0"])
                #expect(nested == .array([.integer(1), .array([.bytes([97]), .array([])]), .null]))
                let error = await self.failure { () throws(RedisError) in try await client.command(["INCR", "k"]) }
                #expect(error?.code == .server)
                #expect(error?.isTransient == false)
                let banned = await self.failure { () throws(RedisError) in try await client.command(["SUBSCRIBE", "x"])
                }
                #expect(banned?.code == .configuration)
            }
        }
    }

    @Test func aThousandCommandsAtOnceEachGetTheirOwnAnswer() async throws {
        try await PrivateRedis.with { server in
            try await self.withClient(server, loops: 2) { client in
                try await withThrowingTaskGroup(of: Bool.self) { tasks in
                    for number in 0..<1_000 {
                        tasks.addTask {
                            let reply = try await client.command(["ECHO", RedisArgument(number)])
                            return try reply.textValue() == "\(number)"
                        }
                    }
                    for try await isRight in tasks { #expect(isRight) }
                }
                // More than a socket buffer holds, both ways.
                let big = RedisArgument([UInt8](repeating: 7, count: 900_000))
                try await withThrowingTaskGroup(of: Bool.self) { tasks in
                    for _ in 0..<20 { tasks.addTask { try await client.command(["ECHO", big]) == .bytes(big.bytes) } }
                    for try await isRight in tasks { #expect(isRight) }
                }
            }
        }
    }

    @Test func aScriptIsSentOnceAndAgainAfterTheServerForgotIt() async throws {
        try await PrivateRedis.with { server in
            try await self.withClient(server) { client in
                let script = RedisScript("return {KEYS[1], ARGV[1]}")
                for _ in 0..<2 {
                    #expect(
                        try await client.script(script, keys: ["a"], arguments: ["b"])
                            == .array([.bytes([97]), .bytes([98])])
                    )
                    _ = try await client.command(["SCRIPT", "FLUSH"])
                }
            }
        }
    }

    @Test func passwordAndDatabaseAreUsed() async throws {
        try await PrivateRedis.with(password: "geheim") { server in
            try await self.withClient(server, change: { $0.database = 5 }) { client in
                _ = try await client.command(["SET", "five", "5"])
                let info = try await client.command(["CLIENT", "INFO"]).textValue()
                #expect(info?.contains("db=5") == true)
            }
            try await self.withClient(server, change: { $0.password = "falsch" }) { client in
                let error = await self.failure { () throws(RedisError) in try await client.command(["PING"]) }
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("WRONGPASS") == true)
            }
        }
    }

    @Test func aHostNameIsResolvedAndEachAddressTried() async throws {
        try await PrivateRedis.with { server in
            try await self.withClient(server, change: { $0.host = "localhost" }) { try await $0.ping() }
            // Too long for a label, so that no name server is asked (RFC 1035 section 2.3.4).
            let unknown = String(repeating: "a", count: 64) + ".invalid"
            try await self.withClient(server, change: { $0.host = unknown }) { client in
                let error = await self.failure { () throws(RedisError) in try await client.command(["PING"]) }
                #expect(error?.code == .unavailable)
            }
        }
    }

    @Test func aServerThatIsAwayFailsAtOnceAndHealsByItself() async throws {
        try await PrivateRedis.with(started: false) { server in
            try await self.withClient(server, change: { $0.backoffMax = .milliseconds(100) }) { client in
                for _ in 0..<20 {
                    let error = await self.failure { () throws(RedisError) in try await client.command(["PING"]) }
                    #expect(error?.code == .unavailable)
                    #expect(error?.message.contains("deadline") == false, "it does not wait until the deadline")
                }
                try await server.start()
                try await self.eventually { try await client.ping() }
            }
        }
    }

    @Test func aKilledServerFailsWhatIsUnderWayAndARestartHeals() async throws {
        try await PrivateRedis.with { server in
            try await self.withClient(server, change: { $0.backoffMax = .milliseconds(100) }) { client in
                try await client.ping()
                server.pause()
                let running = (0..<50).map { _ in
                    Task { await self.failure { () throws(RedisError) in try await client.command(["PING"]) } }
                }
                try await Task.sleep(for: .milliseconds(50))
                server.kill()
                for task in running {
                    let error = await task.value
                    #expect(error?.isTransient == true)
                }
                for _ in 0..<3 {
                    try await server.start()
                    try await self.eventually { try await client.ping() }
                    server.kill()
                }
                let error = await self.failure { () throws(RedisError) in try await client.command(["PING"]) }
                #expect(error?.isTransient == true)
            }
        }
    }

    @Test func aPausedServerMeetsTheDeadlineAndTheConnectionIsDropped() async throws {
        try await PrivateRedis.with { server in
            try await self.withClient(
                server,
                change: {
                    $0.commandTimeout = .seconds(1)
                    $0.connectTimeout = .seconds(1)
                    $0.backoffMax = .milliseconds(50)
                },
                { client in
                    try await client.ping()
                    server.pause()
                    let start = MonotonicInstant.now
                    let error = await self.failure { () throws(RedisError) in try await client.command(["PING"]) }
                    #expect(error?.code == .timeout)
                    #expect(MonotonicInstant.now - start >= .seconds(1))
                    // Once known to be silent nobody waits for it.
                    let next = await self.failure { () throws(RedisError) in try await client.command(["PING"]) }
                    #expect(next?.code == .unavailable)
                    #expect(next?.message.hasPrefix("no connection to") == true)
                    server.resume()
                    try await self.eventually { try await client.ping() }
                }
            )
        }
    }

    @Test func aSilentConnectionIsFoundByPingWithoutAnyCommand() async throws {
        try await PrivateRedis.with { server in
            try await self.withClient(
                server,
                change: {
                    $0.commandTimeout = .milliseconds(500)
                    $0.connectTimeout = .milliseconds(500)
                    $0.pingInterval = .milliseconds(100)
                    $0.backoffMin = .seconds(60)
                    $0.backoffMax = .seconds(60)
                },
                { client in
                    try await client.ping()
                    server.pause()
                    try await Task.sleep(for: .seconds(3))
                    let error = await self.failure { () throws(RedisError) in try await client.command(["PING"]) }
                    #expect(error?.code == .unavailable, "the pause of the back-off shows that PING found it")
                    server.resume()
                }
            )
        }
    }

    @Test func tooManyCommandsAreRefusedNotQueued() async throws {
        try await PrivateRedis.with { server in
            let change: (inout RedisConfiguration) -> Void = { configuration in
                configuration.commandsMax = 10
                configuration.commandTimeout = .seconds(30)
            }
            try await self.withClient(server, change: change) { client in
                try await client.ping()
                server.pause()
                await withTaskGroup(of: RedisError.Code?.self) { tasks in
                    for _ in 0..<11 {
                        tasks.addTask {
                            await self.failure { () throws(RedisError) in try await client.command(["PING"]) }?.code
                        }
                    }
                    // While the server is silent only the refused one can be answered.
                    let first = await tasks.next()
                    #expect(first == .overloaded)
                    server.resume()
                    for await code in tasks { #expect(code == nil) }
                }
            }
        }
    }

    @Test func aClosedClientFailsWhoAsks() async throws {
        try await PrivateRedis.with { server in
            try await self.withClient(server) { client in
                try await client.ping()
                await client.close()
                let error = await self.failure { () throws(RedisError) in try await client.command(["PING"]) }
                #expect(error?.code == .closed)
            }
        }
    }

    private func eventually(_ body: () async throws -> Void) async throws {
        for _ in 0..<1_000 {
            do {
                try await body()
                return
            } catch {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        try await body()
    }
}
