package import TimingleNet

/// What a server tells whoever has registered for it (native protocol v4 section 4.2.6).
///
/// Immutable.
package enum CQLServerEvent: Hashable, Sendable {
    /// What happened to a node's place in the ring.
    package enum TopologyChange: String, Sendable {
        case newNode = "NEW_NODE"
        case removedNode = "REMOVED_NODE"
        case movedNode = "MOVED_NODE"
    }

    /// What the server thinks of a node's health.
    package enum StatusChange: String, Sendable {
        case up = "UP"
        case down = "DOWN"
    }

    case topology(TopologyChange, SocketAddress)
    case status(StatusChange, SocketAddress)
    case schema(CQLSchemaChange)
    /// An event, or a change, that we do not know.
    case unknown(String)

    init(from reader: inout ByteReader) throws(WireError) {
        switch try reader.readCQLString() {
        case "TOPOLOGY_CHANGE":
            let name = try reader.readCQLString()
            let address = try reader.readCQLInet()
            self = TopologyChange(rawValue: name).map { .topology($0, address) } ?? .unknown(name)
        case "STATUS_CHANGE":
            let name = try reader.readCQLString()
            let address = try reader.readCQLInet()
            self = StatusChange(rawValue: name).map { .status($0, address) } ?? .unknown(name)
        case "SCHEMA_CHANGE":
            self = .schema(try CQLSchemaChange(from: &reader))
        case let name:
            self = .unknown(name)
        }
    }
}

/// What one can register for.
package enum CQLEventType: String, Sendable, CaseIterable {
    case topologyChange = "TOPOLOGY_CHANGE"
    case statusChange = "STATUS_CHANGE"
    case schemaChange = "SCHEMA_CHANGE"
}

/// What a statement did to the schema: the answer to the statement, and an event (section 4.2.5.5).
///
/// Immutable.
package struct CQLSchemaChange: Hashable, Sendable {
    /// What is changed.
    package enum Target: Hashable, Sendable {
        case keyspace
        case table(String)
        case type(String)
        case function(String, argumentTypes: [String])
        case aggregate(String, argumentTypes: [String])
    }

    /// `CREATED`, `UPDATED` or `DROPPED`.
    package let change: String
    package let keyspace: String
    package let target: Target

    package init(change: String, keyspace: String, target: Target) {
        self.change = change
        self.keyspace = keyspace
        self.target = target
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.change = try reader.readCQLString()
        let target = try reader.readCQLString()
        self.keyspace = try reader.readCQLString()
        switch target {
        case "KEYSPACE": self.target = .keyspace
        case "TABLE": self.target = .table(try reader.readCQLString())
        case "TYPE": self.target = .type(try reader.readCQLString())
        case "FUNCTION":
            self.target = .function(try reader.readCQLString(), argumentTypes: try reader.readCQLStringList())
        case "AGGREGATE":
            self.target = .aggregate(try reader.readCQLString(), argumentTypes: try reader.readCQLStringList())
        default: throw .malformed("target of a schema change")
        }
    }
}

extension ByteReader {
    /// An `[inet]`: size, address, port.
    @_lifetime(self: copy self)
    fileprivate mutating func readCQLInet() throws(WireError) -> SocketAddress {
        let inet: CQLInet
        switch try self.readUInt8() {
        case 4: inet = .ipv4(try self.readUInt32())
        case 16: inet = .ipv6(high: try self.readUInt64(), low: try self.readUInt64())
        default: throw .malformed("size of an address")
        }
        guard let port = UInt16(exactly: try self.readInt32()) else { throw .malformed("port") }
        return inet.socketAddress(port: port)
    }
}
