package import TimingleNet

/// The type of a column, a bind marker, or a part of one (native protocol v4 section 4.2.5.2).
///
/// Immutable.
package indirect enum CQLType: Hashable, Sendable {
    case ascii
    case bigint
    case blob
    case boolean
    case counter
    case date
    case decimal
    case double
    case duration
    case float
    case inet
    case int
    case smallint
    case text
    case time
    case timestamp
    case timeuuid
    case tinyint
    case uuid
    case varint
    case list(CQLType)
    case set(CQLType)
    case map(CQLType, CQLType)
    case tuple([CQLType])
    case udt(CQLUserType)
    /// The server's own class.
    case custom(String)

    /// How deep types may stand in each other; ours have two levels.
    package static let depthMax = 16
}

/// A type that a schema defines: named fields in their order.
///
/// Immutable.
package struct CQLUserType: Hashable, Sendable {
    /// One field.
    package struct Field: Hashable, Sendable {
        package let name: String
        package let type: CQLType

        package init(_ name: String, _ type: CQLType) {
            self.name = name
            self.type = type
        }
    }

    package let keyspace: String
    package let name: String
    package let fields: [Field]

    package init(keyspace: String, name: String, fields: [Field]) {
        self.keyspace = keyspace
        self.name = name
        self.fields = fields
    }
}

extension CQLType: CustomStringConvertible {
    /// As CQL writes it.
    package var description: String {
        switch self {
        case .ascii: "ascii"
        case .bigint: "bigint"
        case .blob: "blob"
        case .boolean: "boolean"
        case .counter: "counter"
        case .date: "date"
        case .decimal: "decimal"
        case .double: "double"
        case .duration: "duration"
        case .float: "float"
        case .inet: "inet"
        case .int: "int"
        case .smallint: "smallint"
        case .text: "text"
        case .time: "time"
        case .timestamp: "timestamp"
        case .timeuuid: "timeuuid"
        case .tinyint: "tinyint"
        case .uuid: "uuid"
        case .varint: "varint"
        case .list(let element): "list<\(element)>"
        case .set(let element): "set<\(element)>"
        case .map(let key, let value): "map<\(key), \(value)>"
        case .tuple(let parts): "tuple<\(parts.map(\.description).joined(separator: ", "))>"
        case .udt(let type): "\(type.keyspace).\(type.name)"
        case .custom(let name): "'\(name)'"
        }
    }
}

extension ByteReader {
    /// A type's `[option]`, however deep within the limit.
    @_lifetime(self: copy self)
    package mutating func readCQLType() throws(WireError) -> CQLType {
        try self.readCQLType(depthLeft: CQLType.depthMax)
    }

    @_lifetime(self: copy self)
    private mutating func readCQLType(depthLeft: Int) throws(WireError) -> CQLType {
        guard depthLeft > 0 else { throw .limitExceeded("depth of a type") }
        switch try self.readUInt16() {
        case 0x00: return Self.type(ofClass: try self.readCQLString())
        case 0x01: return .ascii
        case 0x02: return .bigint
        case 0x03: return .blob
        case 0x04: return .boolean
        case 0x05: return .counter
        case 0x06: return .decimal
        case 0x07: return .double
        case 0x08: return .float
        case 0x09: return .int
        case 0x0B: return .timestamp
        case 0x0C: return .uuid
        case 0x0D: return .text
        case 0x0E: return .varint
        case 0x0F: return .timeuuid
        case 0x10: return .inet
        case 0x11: return .date
        case 0x12: return .time
        case 0x13: return .smallint
        case 0x14: return .tinyint
        // Of version 5; some servers send it in 4 as well.
        case 0x15: return .duration
        case 0x20: return .list(try self.readCQLType(depthLeft: depthLeft - 1))
        case 0x21:
            let key = try self.readCQLType(depthLeft: depthLeft - 1)
            return .map(key, try self.readCQLType(depthLeft: depthLeft - 1))
        case 0x22: return .set(try self.readCQLType(depthLeft: depthLeft - 1))
        case 0x30: return .udt(try self.readCQLUserType(depthLeft: depthLeft - 1))
        case 0x31:
            var parts: [CQLType] = []
            let count = try self.readCQLCount(elementBytesMin: 2)
            guard count > 0 else { throw .malformed("type of a column") }
            parts.reserveCapacity(count)
            for _ in 0..<count { parts.append(try self.readCQLType(depthLeft: depthLeft - 1)) }
            return .tuple(parts)
        default: throw .malformed("type of a column")
        }
    }

    @_lifetime(self: copy self)
    private mutating func readCQLUserType(depthLeft: Int) throws(WireError) -> CQLUserType {
        let keyspace = try self.readCQLString()
        let name = try self.readCQLString()
        let count = try self.readCQLCount(elementBytesMin: 4)
        guard count > 0 else { throw .malformed("type of a column") }
        var fields: [CQLUserType.Field] = []
        fields.reserveCapacity(count)
        for _ in 0..<count {
            let name = try self.readCQLString()
            fields.append(CQLUserType.Field(name, try self.readCQLType(depthLeft: depthLeft)))
        }
        return CQLUserType(keyspace: keyspace, name: name, fields: fields)
    }

    /// Version 4 has no code for `duration`: it travels by the name of its class.
    private static func type(ofClass name: String) -> CQLType {
        name == "org.apache.cassandra.db.marshal.DurationType" ? .duration : .custom(name)
    }
}
