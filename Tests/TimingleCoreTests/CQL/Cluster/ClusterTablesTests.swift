import Testing
import TimingleNet

@testable import TimingleCQL

struct ClusterTablesTests {
    private static let host = CQLUUID(high: 1, low: 1)
    private let asked = SocketAddress.ipv4(address: 0x7F00_0001, port: 9_142)

    /// A result as a server sends it, for these columns.
    private static func rows(
        _ columns: [(name: String, type: CQLType)],
        _ rows: [[CQLValue]]
    ) throws -> CQLResult {
        let known = CQLResultMetadata(
            columns: columns.map {
                CQLResultMetadata.Column(keyspace: "system", table: "t", name: $0.name, type: $0.type)
            }
        )
        var writer = ByteWriter(reserving: 256)
        // No metadata, for those are known.
        writer.writeInt32(0x04)
        writer.writeInt32(Int32(columns.count))
        writer.writeInt32(Int32(rows.count))
        for row in rows {
            for (value, column) in zip(row, columns) { try value.write(to: &writer, as: column.type) }
        }
        let bytes = writer.bytes
        var reader = ByteReader(bytes.span.bytes)
        return try CQLResult(from: &reader, known: known)
    }

    private static let common: [(name: String, type: CQLType)] = [
        ("data_center", .text), ("rack", .text), ("host_id", .uuid), ("schema_version", .uuid),
    ]

    private static func local(partitioner: String = "org.apache.cassandra.dht.Murmur3Partitioner") throws -> CQLResult {
        try self.rows(
            self.common + [("partitioner", .text), ("tokens", .set(.text))],
            [[.text("dc1"), .text("r1"), .uuid(self.host), .uuid(self.host), .text(partitioner), .set([.text("-5")])]]
        )
    }

    /// Host number, address, port; a zero is null.
    private static func peersV2(_ peers: [(host: UInt64, address: UInt32, port: Int32)]) throws -> CQLResult {
        try self.rows(
            self.common + [("tokens", .set(.text)), ("native_address", .inet), ("native_port", .int)],
            peers.map { peer in
                [
                    .text("dc1"), .text("r1"), peer.host == 0 ? .null : .uuid(CQLUUID(high: 0, low: peer.host)), .null,
                    .set([.text("\(peer.host * 100)")]), peer.address == 0 ? .null : .inet(.ipv4(peer.address)),
                    peer.port == 0 ? .null : .int(peer.port),
                ]
            }
        )
    }

    private static func peers(_ peers: [(host: UInt64, rpc: UInt32, peer: UInt32)]) throws -> CQLResult {
        try self.rows(
            self.common + [("tokens", .set(.text)), ("rpc_address", .inet), ("peer", .inet)],
            peers.map { peer in
                [
                    .text("dc2"), .text("r1"), .uuid(CQLUUID(high: 0, low: peer.host)), .null, .null,
                    .inet(.ipv4(peer.rpc)), .inet(.ipv4(peer.peer)),
                ]
            }
        )
    }

    private static func keyspaces() throws -> CQLResult {
        let replication: [CQLMapEntry] = [
            CQLMapEntry(.text("class"), .text("org.apache.cassandra.locator.SimpleStrategy")),
            CQLMapEntry(.text("replication_factor"), .text("2")),
        ]
        return try self.rows(
            [("keyspace_name", .text), ("replication", .map(.text, .text))],
            [[.text("chat"), .map(replication)]]
        )
    }

    private func topology(_ peers: CQLResult, local: CQLResult? = nil) throws -> ClusterTopology {
        let tables = ClusterTables(
            local: try local ?? Self.local(),
            peers: peers,
            keyspaces: try Self.keyspaces()
        )
        return try tables.topology(asked: self.asked, localDataCenter: nil, nodesMax: 3)
    }

    @Test func allNodesAreFoundWithTheirPorts() throws {
        let topology = try self.topology(try Self.peersV2([(2, 0x0A00_0002, 9_042), (3, 0x0A00_0003, 0)]))
        #expect(topology.nodes.map(\.address.description) == ["10.0.0.2:9042", "10.0.0.3:9142", "127.0.0.1:9142"])
        #expect(topology.nodes.map { $0.tokens.map(\.value) } == [[200], [300], [-5]])
        #expect(topology.localDataCenter == "dc1")
        #expect(topology.keyspaces == ["chat": .simple(factor: 2)])
        #expect(topology.ring.tokens.count == 3)
    }

    @Test func rowsThatSayTooLittleAndRepetitionsAreLeftOut() throws {
        let peers = try Self.peersV2([
            (0, 0x0A00_0002, 9_042), (2, 0, 9_042), (3, 0x7F00_0001, 9_142), (4, 0x0A00_0004, 9_042),
            (4, 0x0A00_0005, 9_042), (5, 0x0A00_0004, 9_042),
        ])
        let nodes = try ClusterTables.peerNodes(peers, asked: self.asked, nodesMax: 10)
        #expect(nodes.map(\.address.description) == ["10.0.0.4:9042"])
    }

    /// A wildcard is where a node listens, not where others reach it.
    @Test func aNodeWithoutAnAddressOfItsOwnIsReachedWhereItsPeersReachIt() throws {
        let topology = try self.topology(try Self.peers([(2, 0, 0x0A00_0002), (3, 0x0A00_0003, 0x0B00_0003)]))
        #expect(topology.nodes.map(\.address.description) == ["10.0.0.2:9142", "10.0.0.3:9142", "127.0.0.1:9142"])
        #expect(topology.nodes.indices.map { topology.isLocal($0) } == [false, false, true])
    }

    @Test func noMoreNodesAreBelievedThanAllowed() throws {
        let many = try Self.peersV2((2..<50).map { ($0, 0x0A00_0000 + UInt32($0), 9_042) })
        #expect(try self.topology(many).nodes.count == 4)
    }

    @Test func tokensOfAnotherPartitionerPlaceNothing() throws {
        let local = try Self.local(partitioner: "org.apache.cassandra.dht.RandomPartitioner")
        #expect(try self.topology(try Self.peersV2([]), local: local).ring.isEmpty)
    }

    @Test func anEmptyTableIsAnError() throws {
        let empty = try Self.rows(Self.common + [("partitioner", .text), ("tokens", .set(.text))], [])
        #expect(throws: CQLCodingError.self) { try self.topology(try Self.peersV2([]), local: empty) }
    }

    @Test func aNewSchemaVersionIsNoNewPlace() throws {
        let peers = try Self.peersV2([(2, 0x0A00_0002, 9_042)])
        let first = try self.topology(peers)
        var nodes = first.nodes
        nodes[0].schemaVersion = CQLUUID(high: 9, low: 9)
        let second = ClusterTopology(nodes: nodes, localDataCenter: "dc1", keyspaces: first.keyspaces)
        #expect(second.hasSamePlaces(as: first))
        nodes[0].rack = "r2"
        let third = ClusterTopology(nodes: nodes, localDataCenter: "dc1", keyspaces: first.keyspaces)
        #expect(!third.hasSamePlaces(as: first))
    }
}
