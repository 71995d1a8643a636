import Testing
import TimingleNet

@testable import TimingleCQL

struct TokenRingTests {
    @Test(arguments: CQLDriverVectors.rings.indices)
    func replicasAreThoseOfTheDriver(index: Int) {
        let ring = CQLDriverVectors.rings[index]
        let tokens = TokenRing(self.nodes(ring))
        let strategy: ReplicationStrategy =
            ring.factors[""].map { .simple(factor: $0) } ?? .networkTopology(factors: ring.factors)
        for position in ring.owners.indices {
            // The driver lists data centre by data centre, and some nodes twice.
            let ours = tokens.replicas(at: position, strategy)
            let theirs = ring.replicas[position].map { Int(String($0), radix: 36) ?? -1 }
            #expect(Set(ours) == Set(theirs), "position \(position)")
            #expect(ours.count == Set(theirs).count)
            #expect(ours.first == theirs.first || !ring.factors.keys.contains(""))
        }
    }

    @Test(arguments: [
        (Int64.min, 0), (-1, 0), (0, 0), (1, 1), (100, 1), (101, 2), (200, 2), (201, 0), (.max, 0),
    ])
    func aTokenBelongsToTheNextOneOnTheRing(token: Int64, position: Int) {
        let ring = TokenRing([self.node("a", tokens: [200, 0]), self.node("b", tokens: [100])])
        #expect(ring.position(of: CQLToken(token)) == position)
    }

    @Test func nodesWithoutTokensHoldNothing() {
        let ring = TokenRing([self.node("a", tokens: [0]), self.node("b", tokens: [])])
        #expect(ring.replicas(at: 0, .simple(factor: 3)) == [0])
        #expect(ring.replicas(at: 0, .networkTopology(factors: ["dc": 3])) == [0])
        #expect(ring.replicas(at: 0, .everywhere) == [0])
    }

    @Test func aDataCentreThatIsNotThereIsLeftOut() {
        let ring = TokenRing([self.node("a", tokens: [0])])
        #expect(ring.replicas(at: 0, .networkTopology(factors: ["dc": 1, "gone": 3])) == [0])
    }

    @Test func nobodyKnowsTheReplicasOfAnUnknownStrategy() {
        let ring = TokenRing([self.node("a", tokens: [0])])
        #expect(ring.replicas(at: 0, .unknown) == [])
        #expect(ring.replicas(at: 0, .local) == [])
        #expect(TokenRing([]).replicas(at: 0, .simple(factor: 1)) == [])
    }

    @Test func aTokenOfTwoOwnersCountsOnce() {
        let ring = TokenRing([self.node("a", tokens: [0, 5]), self.node("b", tokens: [5])])
        #expect(ring.tokens.count == 2)
    }

    private func node(_ rack: String, tokens: [Int64]) -> CQLNode {
        CQLNode(address: .unspecified, dataCenter: "dc", rack: rack, tokens: tokens.map { CQLToken($0) })
    }

    private func nodes(_ ring: CQLDriverVectors.Ring) -> [CQLNode] {
        ring.nodes.enumerated().map { index, place in
            let parts = place.split(separator: "/").map(String.init)
            let tokens = ring.owners.indices.filter { ring.owners[$0] == index }.map { CQLToken(Int64($0) * 100) }
            return CQLNode(address: .unspecified, dataCenter: parts[0], rack: parts[1], tokens: tokens)
        }
    }
}

struct ReplicationStrategyTests {
    @Test(arguments: [
        (
            ["class": "org.apache.cassandra.locator.SimpleStrategy", "replication_factor": "3"],
            ReplicationStrategy.simple(factor: 3)
        ),
        (["class": "SimpleStrategy", "replication_factor": "3/1"], .simple(factor: 3)),
        (["class": "SimpleStrategy"], .simple(factor: 1)),
        (
            ["class": "org.apache.cassandra.locator.NetworkTopologyStrategy", "a": "3", "b": "0", "c": "1"],
            .networkTopology(factors: ["a": 3, "c": 1])
        ),
        (["class": "org.apache.cassandra.locator.LocalStrategy"], .local),
        (["class": "org.apache.cassandra.locator.EverywhereStrategy"], .everywhere),
        (["class": "com.example.Mine"], .unknown), ([:], .unknown),
    ])
    func mapsOfTheSchemaAreRead(map: [String: String], strategy: ReplicationStrategy) {
        #expect(ReplicationStrategy(map) == strategy)
    }
}

struct ReplicaCacheTests {
    @Test func answersAreThoseOfTheRing() {
        let nodes = (0..<3).map { index in
            CQLNode(address: .unspecified, dataCenter: "dc", rack: "r", tokens: [CQLToken(Int64(index) * 100)])
        }
        let topology = ClusterTopology(nodes: nodes, localDataCenter: nil, keyspaces: ["k": .simple(factor: 2)])
        let cache = ReplicaCache(topology)
        for _ in 0..<2 {
            #expect(cache.replicas(of: CQLToken(50), keyspace: "k") == [1, 2])
            #expect(cache.replicas(of: CQLToken(250), keyspace: "k") == [0, 1])
        }
        #expect(cache.replicas(of: CQLToken(50), keyspace: "stranger") == [])
    }
}
