internal import TimingleNet

/// Reads the system tables into a topology.
///
/// Pure.
struct ClusterTables {
    static let local =
        "SELECT data_center, rack, host_id, schema_version, partitioner, tokens FROM system.local WHERE key = 'local'"
    /// Of Cassandra from 4.0 on; ScyllaDB and older ones have only the other.
    static let peersV2 =
        "SELECT data_center, rack, host_id, schema_version, tokens, native_address, native_port FROM system.peers_v2"
    static let peers =
        "SELECT data_center, rack, host_id, schema_version, tokens, rpc_address, peer FROM system.peers"
    static let keyspaces = "SELECT keyspace_name, replication FROM system_schema.keyspaces"

    var local: CQLResult
    var peers: CQLResult
    var keyspaces: CQLResult

    /// The node that was asked, at the address where it answered.
    static func localNode(_ result: CQLResult, address: SocketAddress) throws(CQLCodingError) -> CQLNode {
        guard let row = result.first else { throw CQLCodingError(.column, "system.local is empty") }
        return try self.node(row, address: address)
    }

    /// The other nodes; a row that says too little to reach its node is left out, as one is that is just joining.
    ///
    /// Nodes that do not say how they are reached (0.0.0.0) are so at the address by which their peers know them.
    static func peerNodes(
        _ result: CQLResult,
        asked: SocketAddress,
        nodesMax: Int
    ) throws(CQLCodingError) -> [CQLNode] {
        let isV2 = result.columnNames.contains("native_address")
        var nodes: [CQLNode] = []
        for row in result.prefix(nodesMax) {
            let inet: CQLInet?
            var port = asked.port ?? 9_042
            if isV2 {
                inet = try row.decode("native_address")
                if let number: Int32 = try row.decode("native_port"), let given = UInt16(exactly: number), given > 0 {
                    port = given
                }
            } else {
                inet = try row.decode("rpc_address")
            }
            var address = inet?.socketAddress(port: port)
            if address?.isWildcard ?? false, !isV2 {
                address = try row.decode("peer", as: CQLInet?.self)?.socketAddress(port: port)
            }
            guard let address, !address.isWildcard, address != asked else { continue }
            let hasHost = try row.decode("host_id", as: CQLUUID?.self) != nil
            let hasPlace = try row.decode("data_center", as: String?.self) != nil
            guard hasHost, hasPlace else { continue }
            let node = try self.node(row, address: address)
            // A node that was replaced may stand there twice for a while.
            guard !nodes.contains(where: { $0.address == node.address || $0.hostID == node.hostID }) else { continue }
            nodes.append(node)
        }
        return nodes
    }

    private static func node(_ row: CQLRow, address: SocketAddress) throws(CQLCodingError) -> CQLNode {
        let texts: [String]? = try row.decode("tokens")
        return CQLNode(
            hostID: try row.decode("host_id"),
            address: address,
            dataCenter: try row.decode("data_center", as: String?.self) ?? "",
            rack: try row.decode("rack", as: String?.self) ?? "",
            schemaVersion: try row.decode("schema_version"),
            tokens: (texts ?? []).compactMap { Int64($0).map { CQLToken($0) } }
        )
    }

    /// All of it together.
    func topology(
        asked: SocketAddress,
        localDataCenter: String?,
        nodesMax: Int
    ) throws(CQLCodingError) -> ClusterTopology {
        let local = try Self.localNode(self.local, address: asked)
        let peers = try Self.peerNodes(self.peers, asked: asked, nodesMax: nodesMax)
        var keyspaces: [String: ReplicationStrategy] = [:]
        for row in self.keyspaces {
            keyspaces[try row.decode("keyspace_name")] = ReplicationStrategy(try row.decode("replication"))
        }
        let partitioner: String? = try self.local.first?.decode("partitioner")
        return ClusterTopology(
            // In one order, whoever was asked: so nodes take turns in the same order after a change of the connection.
            nodes: ([local] + peers).sorted { $0.address.description < $1.address.description },
            localDataCenter: localDataCenter ?? (local.dataCenter.isEmpty ? nil : local.dataCenter),
            keyspaces: keyspaces,
            hasRing: partitioner.map(Murmur3Partitioner.isNamed) ?? false
        )
    }
}
