/// Which of its cores a ScyllaDB node gives a token to, by what it says in SUPPORTED.
///
/// A value. ScyllaDB, docs/dev/protocol-extensions.md, "Intranode sharding".
struct ShardMap: Hashable, Sendable {
    /// The shard that the connection which asked is served by.
    let shard: Int
    let shardCount: Int
    let ignoredBits: Int
    /// Where a connection chooses its shard by its own port; nil where there is no such port.
    let shardAwarePort: UInt16?
    let shardAwarePortTLS: UInt16?

    init(
        shard: Int,
        shardCount: Int,
        ignoredBits: Int,
        shardAwarePort: UInt16? = nil,
        shardAwarePortTLS: UInt16? = nil
    ) {
        self.shard = shard
        self.shardCount = shardCount
        self.ignoredBits = ignoredBits
        self.shardAwarePort = shardAwarePort
        self.shardAwarePortTLS = shardAwarePortTLS
    }

    /// Nil for a server that has no shards, or none that we can compute.
    init?(supported: [String: [String]]) {
        func value(_ name: String) -> String? { supported[name]?.first }
        guard value("SCYLLA_SHARDING_ALGORITHM") == "biased-token-round-robin",
            let partitioner = value("SCYLLA_PARTITIONER"), Murmur3Partitioner.isNamed(partitioner),
            let shard = value("SCYLLA_SHARD").flatMap({ Int($0) }),
            let shardCount = value("SCYLLA_NR_SHARDS").flatMap({ Int($0) }),
            let ignoredBits = value("SCYLLA_SHARDING_IGNORE_MSB").flatMap({ Int($0) }),
            (1...Self.shardsMax).contains(shardCount), (0..<shardCount).contains(shard), (0..<64).contains(ignoredBits)
        else { return nil }
        self.init(
            shard: shard,
            shardCount: shardCount,
            ignoredBits: ignoredBits,
            shardAwarePort: value("SCYLLA_SHARD_AWARE_PORT").flatMap { UInt16($0) },
            shardAwarePortTLS: value("SCYLLA_SHARD_AWARE_PORT_SSL").flatMap { UInt16($0) }
        )
    }

    func shard(of token: CQLToken) -> Int {
        // From the least token on, without the bits that say which round it is, as a share of all shards.
        let biased = (UInt64(bitPattern: token.value) &+ 1 << 63) << UInt64(self.ignoredBits)
        return Int(biased.multipliedFullWidth(by: UInt64(self.shardCount)).high)
    }

    /// A local port that reaches `shard` through the shard-aware port: its rest by the number of shards is the shard.
    ///
    /// `turn` goes round among those that there are, from 49,152 to 65,535 (RFC 6335).
    func sourcePort(for shard: Int, turn: Int) -> UInt16 {
        let first = 49_152
        let rest = first % self.shardCount
        let start = first + (shard - rest + self.shardCount) % self.shardCount
        let choices = (65_535 - start) / self.shardCount + 1
        return UInt16(start + (turn % choices) * self.shardCount)
    }

    /// More than any machine has; a source port must be left for each.
    private static let shardsMax = 4_096
}
