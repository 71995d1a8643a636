import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCQL

@Suite(.timeLimit(.minutes(1)))
struct NodePoolTests {
    /// A server and a pool on one loop.
    private final class World {
        let server: CQLScriptedServer
        let pool: NodePool
        private(set) var changes = 0

        init(
            _ loop: EventLoop,
            configuration: CQLConfiguration,
            script: @escaping CQLScriptedServer.Script = CQLScriptedServer.handshake
        ) throws {
            let server = try CQLScriptedServer(loop, script: script)
            self.server = server
            var told: () -> Void = {}
            self.pool = NodePool(
                loop: loop,
                address: .ipv4(address: 0x7F00_0001, port: server.port),
                configuration: configuration,
                log: .silent,
                journal: NodeJournal(log: .silent)
            ) { _ in told() }
            told = { [unowned self] in self.changes += 1 }
        }

        func end() {
            self.pool.close()
            self.server.close()
        }
    }

    /// Waits on the loop until `condition` holds.
    private func wait(on world: LoopBound<World>, _ condition: @escaping @Sendable (World) -> Bool) async throws {
        try await waitUntil { try await world.loop.enter { condition(world.value) } }
    }

    private func withWorld(
        _ configuration: CQLConfiguration,
        script: @escaping @Sendable (CQLHeader, [UInt8]) -> [UInt8] = { CQLScriptedServer.handshake($0, $1) },
        prepare: @escaping @Sendable (World) -> Void = { _ in },
        _ body: @escaping (LoopBound<World>) async throws -> Void
    ) async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let world = try await loop.enter {
                LoopBound(try World(loop, configuration: configuration, script: script), on: loop)
            }
            try await loop.enter {
                prepare(world.value)
                world.value.pool.start()
            }
            try await body(world)
            try await loop.enter { world.value.end() }
        }
    }

    @Test func connectionsOfANodeShareTheWork() async throws {
        var configuration = CQLConfiguration(hosts: [])
        configuration.connectionsPerNode = 3
        try await self.withWorld(configuration) { world in
            try await self.wait(on: world) { $0.pool.openCount == 3 }
            try await world.loop.enter {
                let pool = world.value.pool
                #expect(pool.standing == .ready && !pool.isRefusing)
                #expect(pool.connection(for: nil) != nil)
                pool.timedOut()
                #expect(pool.standing == .suspect)
                pool.answered()
                #expect(pool.standing == .ready)
            }
        }
    }

    /// Two shards: the second connection reaches its own by the port that it comes from.
    @Test func eachShardGetsAConnectionThroughTheShardAwarePort() async throws {
        let served = Locked((port: UInt16(0), count: 0))
        let configuration = CQLConfiguration(hosts: [])
        try await self.withWorld(
            configuration,
            script: { header, body in
                guard header.opcode == .options else { return CQLScriptedServer.handshake(header, body) }
                let (port, shard) = served.withLock { served in
                    defer { served.count += 1 }
                    return (served.port, served.count)
                }
                var writer = ByteWriter()
                let options: [(String, String)] = [
                    ("SCYLLA_SHARD", "\(shard)"), ("SCYLLA_NR_SHARDS", "2"), ("SCYLLA_SHARDING_IGNORE_MSB", "0"),
                    ("SCYLLA_PARTITIONER", "org.apache.cassandra.dht.Murmur3Partitioner"),
                    ("SCYLLA_SHARDING_ALGORITHM", "biased-token-round-robin"),
                    ("SCYLLA_SHARD_AWARE_PORT", "\(port)"),
                ]
                writer.writeUInt16(UInt16(options.count))
                for (name, value) in options {
                    try? writer.writeCQLString(name)
                    try? writer.writeCQLStringList([value])
                }
                return CQLFixture.frame(.supported, writer.bytes, stream: header.stream)
            },
            // The port is told in the first answer already.
            prepare: { world in served.withLock { $0.port = world.server.port } }
        ) { world in
            try await self.wait(on: world) { $0.pool.openCount == 2 }
            try await world.loop.enter {
                let pool = world.value.pool
                let ports = world.value.server.peerAddresses.compactMap(\.port)
                #expect(ports.count == 2 && ports[1] % 2 == 1 && ports[1] >= 49_152)
                let low = pool.connection(for: CQLToken(.min))
                let high = pool.connection(for: CQLToken(.max))
                #expect(low != nil && high != nil && low !== high)
                // The same token always goes to the same shard.
                #expect(pool.connection(for: CQLToken(.min + 1)) === low)
            }
        }
    }

    @Test func lostConnectionsComeBack() async throws {
        var configuration = CQLConfiguration(hosts: [])
        configuration.reconnectBackoffBase = .milliseconds(1)
        try await self.withWorld(configuration) { world in
            for round in 1...3 {
                try await self.wait(on: world) { $0.pool.openCount == 1 && $0.server.peerAddresses.count >= round }
                try await world.loop.enter { world.value.server.cut() }
                try await self.wait(on: world) { $0.pool.openCount == 0 || $0.server.peerAddresses.count > round }
            }
            try await world.loop.enter { #expect(world.value.changes >= 3) }
        }
    }

    @Test func aNodeThatIsNotThereIsRefusedAfterSomeAttempts() async throws {
        var configuration = CQLConfiguration(hosts: [])
        configuration.reconnectBackoffBase = .milliseconds(1)
        configuration.reconnectBackoffMax = .milliseconds(200)
        try await self.withWorld(configuration) { world in
            try await self.wait(on: world) { $0.pool.openCount == 1 }
            try await world.loop.enter { world.value.server.close() }
            try await self.wait(on: world) { $0.pool.isRefusing }
            try await world.loop.enter {
                #expect(world.value.pool.standing == .down)
                #expect(world.value.pool.lastFailure != nil)
                #expect(world.value.pool.connection(for: nil) == nil)
            }
        }
    }
}
