import Testing
import TimingleTestSupport

@testable import TimingleCQL

/// ScyllaDB is not at hand in tests: what it says is taken from its protocol extensions page and its drivers' tests.
struct ShardMapTests {
    private let supported: [String: [String]] = [
        "SCYLLA_SHARD": ["3"], "SCYLLA_NR_SHARDS": ["12"], "SCYLLA_SHARDING_IGNORE_MSB": ["12"],
        "SCYLLA_PARTITIONER": ["org.apache.cassandra.dht.Murmur3Partitioner"],
        "SCYLLA_SHARDING_ALGORITHM": ["biased-token-round-robin"],
        "SCYLLA_SHARD_AWARE_PORT": ["19042"], "SCYLLA_SHARD_AWARE_PORT_SSL": ["19142"],
        "CQL_VERSION": ["3.3.1"], "COMPRESSION": ["lz4", "snappy"],
    ]

    @Test func parametersAreReadFromSupported() throws {
        let map = try #require(ShardMap(supported: self.supported))
        #expect(map.shard == 3 && map.shardCount == 12 && map.ignoredBits == 12)
        #expect(map.shardAwarePort == 19_042 && map.shardAwarePortTLS == 19_142)
    }

    @Test(arguments: [
        ("SCYLLA_SHARD", "12"), ("SCYLLA_SHARD", "-1"), ("SCYLLA_SHARD", "x"), ("SCYLLA_NR_SHARDS", "0"),
        ("SCYLLA_NR_SHARDS", "100000"), ("SCYLLA_SHARDING_IGNORE_MSB", "64"),
        ("SCYLLA_PARTITIONER", "RandomPartitioner"), ("SCYLLA_SHARDING_ALGORITHM", "other"),
    ])
    func whatCannotBeTrueIsNoShardMap(name: String, value: String) {
        var supported = self.supported
        supported[name] = [value]
        #expect(ShardMap(supported: supported) == nil)
        supported[name] = nil
        #expect(ShardMap(supported: supported) == nil)
    }

    @Test func cassandraHasNoShards() {
        #expect(ShardMap(supported: ["CQL_VERSION": ["3.4.7"], "COMPRESSION": ["lz4"]]) == nil)
    }

    /// scylla-rust-driver, `routing/sharding.rs`, `test_shard_of`: these keys with 12 shards and 12 bits.
    @Test(
        arguments: [
            (-9_219_783_007_514_621_794, 3), (9_222_582_454_147_032_830, 3),
        ] as [(Int64, Int)]
    )
    func shardsAreThoseOfTheRustDriver(token: Int64, shard: Int) {
        #expect(ShardMap(shard: 0, shardCount: 4, ignoredBits: 12).shard(of: CQLToken(token)) == shard)
    }

    @Test func withoutIgnoredBitsTheRingIsCutInEqualParts() {
        let map = ShardMap(shard: 0, shardCount: 4, ignoredBits: 0)
        #expect(map.shard(of: CQLToken(.min)) == 0)
        #expect(map.shard(of: CQLToken(-1)) == 1)
        #expect(map.shard(of: CQLToken(0)) == 2)
        #expect(map.shard(of: CQLToken(.max)) == 3)
    }

    @Test(arguments: [1, 2, 3, 7, 12, 64, 100, 4_096])
    func aSourcePortHasTheShardAsItsRest(shardCount: Int) {
        let map = ShardMap(shard: 0, shardCount: shardCount, ignoredBits: 12)
        for shard in [0, shardCount / 2, shardCount - 1] {
            var ports: Set<UInt16> = []
            for turn in 0..<20 {
                let port = map.sourcePort(for: shard, turn: turn)
                #expect(Int(port) % shardCount == shard && port >= 49_152)
                ports.insert(port)
            }
            #expect(ports.count == min(20, (65_536 - 49_152) / shardCount))
        }
        #expect(Int(map.sourcePort(for: 0, turn: .max)) % shardCount == 0)
    }
}

struct ReconnectBackoffTests {
    @Test(arguments: [(1, 100), (2, 200), (3, 400), (7, 5_000), (1_000, 5_000)])
    func pausesDoubleUpToTheirLimit(failures: Int, milliseconds: Int) {
        var backoff = ReconnectBackoff(base: .milliseconds(100), max: .seconds(5))
        var pause = Duration.zero
        for _ in 0..<failures { pause = backoff.failed(jitter: 1) }
        #expect(pause == .milliseconds(milliseconds))
    }

    @Test func chanceTakesUpToHalfAway() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<100 {
            var backoff = ReconnectBackoff(base: .milliseconds(100), max: .seconds(5))
            let pause = backoff.failed(jitter: Double.random(in: 0..<1, using: &random))
            #expect(pause >= .milliseconds(50) && pause < .milliseconds(100))
        }
    }

    @Test func successStartsOver() {
        var backoff = ReconnectBackoff(base: .milliseconds(100), max: .seconds(5))
        _ = backoff.failed(jitter: 0)
        _ = backoff.failed(jitter: 0)
        backoff.succeeded()
        #expect(backoff.failed(jitter: 0) == .milliseconds(50))
    }
}
