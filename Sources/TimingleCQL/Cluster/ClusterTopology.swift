/// What is known of a cluster at one time: its nodes, its ring, its keyspaces.
///
/// Immutable. The control connection makes a new one whenever something changed.
package final class ClusterTopology: Sendable {
    package let nodes: [CQLNode]
    /// The data centre whose nodes are asked first; nil where it does not matter.
    package let localDataCenter: String?
    let ring: TokenRing
    let keyspaces: [String: ReplicationStrategy]

    init(
        nodes: [CQLNode],
        localDataCenter: String?,
        keyspaces: [String: ReplicationStrategy],
        hasRing: Bool = true
    ) {
        self.nodes = nodes
        self.localDataCenter = localDataCenter
        self.keyspaces = keyspaces
        self.ring = TokenRing(hasRing ? nodes : [])
    }

    package func isLocal(_ node: Int) -> Bool {
        self.localDataCenter == nil || self.nodes[node].dataCenter == self.localDataCenter
    }

    /// The same with only other schema versions, which change with each CREATE.
    func hasSamePlaces(as other: ClusterTopology) -> Bool {
        func places(_ topology: ClusterTopology) -> [CQLNode] {
            topology.nodes.map { node in
                var node = node
                node.schemaVersion = nil
                return node
            }
        }
        return self.localDataCenter == other.localDataCenter && self.keyspaces == other.keyspaces
            && self.ring.isEmpty == other.ring.isEmpty && places(self) == places(other)
    }
}

/// Remembers which nodes hold which part of the ring, a part at a time.
///
/// Loop-confined.
final class ReplicaCache {
    private let topology: ClusterTopology
    private var known: [String: [[Int]?]] = [:]

    init(_ topology: ClusterTopology) { self.topology = topology }

    /// The nodes that hold `token` in `keyspace`, the first one first; none where nobody can tell.
    func replicas(of token: CQLToken, keyspace: String) -> [Int] {
        guard !self.topology.ring.isEmpty, let strategy = self.topology.keyspaces[keyspace] else { return [] }
        let position = self.topology.ring.position(of: token)
        if let replicas = self.known[keyspace]?[position] { return replicas }
        let replicas = self.topology.ring.replicas(at: position, strategy)
        let empty = [[Int]?](repeating: nil, count: self.topology.ring.tokens.count)
        self.known[keyspace, default: empty][position] = replicas
        return replicas
    }
}
