/// A value of any type, with its type in it.
///
/// Immutable. What is encoded becomes what the prepared column wants, where that can be without loss: an integer of
/// any size, for one, where it fits.
package enum CQLValue: Hashable, Sendable {
    case null
    /// Leaves the column as it is; only for what is bound, at the top.
    case unset
    /// No bytes, where a type has no such value by itself; a relic of Thrift that servers still store.
    case empty
    case ascii(String)
    case bigint(Int64)
    case blob([UInt8])
    case boolean(Bool)
    case counter(Int64)
    case date(CQLDate)
    case decimal(CQLDecimal)
    case double(Double)
    case duration(CQLDuration)
    case float(Float)
    case inet(CQLInet)
    case int(Int32)
    case smallint(Int16)
    case text(String)
    case time(CQLTime)
    case timestamp(CQLTimestamp)
    case timeuuid(TimeUUID)
    case tinyint(Int8)
    case uuid(CQLUUID)
    case varint(CQLVarint)
    case list([CQLValue])
    case set([CQLValue])
    case map([CQLMapEntry])
    case tuple([CQLValue])
    case udt([CQLFieldValue])
    /// Bytes of a type of the server's own.
    case custom([UInt8])

    /// What a value is called in errors.
    var kind: String {
        switch self {
        case .null: "null"
        case .unset: "an unset value"
        case .empty: "an empty value"
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
        case .list: "list"
        case .set: "set"
        case .map: "map"
        case .tuple: "tuple"
        case .udt: "user-defined type"
        case .custom: "custom type"
        }
    }
}

/// A key and its value.
///
/// A value.
package struct CQLMapEntry: Hashable, Sendable {
    package let key: CQLValue
    package let value: CQLValue

    package init(_ key: CQLValue, _ value: CQLValue) {
        self.key = key
        self.value = value
    }
}

/// A field of a user-defined type and its value.
///
/// A value.
package struct CQLFieldValue: Hashable, Sendable {
    package let name: String
    package let value: CQLValue

    package init(_ name: String, _ value: CQLValue) {
        self.name = name
        self.value = value
    }
}
