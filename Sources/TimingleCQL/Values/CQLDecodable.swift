/// What can be read from a column, straight from the response's bytes.
package protocol CQLDecodable {
    static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Self
    /// Many of it: a list or a set, but for bytes, which are a blob.
    static func decodeArray(_ cell: CQLCell) throws(CQLCodingError) -> [Self]
}

extension CQLDecodable {
    /// A list or a set; null is none, as the server keeps an empty collection that is not frozen.
    package static func decodeArray(_ cell: CQLCell) throws(CQLCodingError) -> [Self] {
        let element: CQLType
        switch cell.type {
        case .list(let type), .set(let type): element = type
        default: throw cell.mismatch("list or set")
        }
        guard !cell.isNull else { return [] }
        var parts = cell.parts
        let count = try parts.readCount(partsPerElement: 1)
        var elements: [Self] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try Self.decode(try parts.next(element))) }
        try parts.requireEnd()
        return elements
    }
}

extension CQLCell {
    /// A column of any integer type.
    func loadInteger() throws(CQLCodingError) -> Int64 {
        switch self.type {
        case .bigint, .counter: return try self.load(Int64.self)
        case .int: return Int64(try self.load(Int32.self))
        case .smallint: return Int64(try self.load(Int16.self))
        case .tinyint: return Int64(try self.load(Int8.self))
        case .varint:
            guard let value = try self.loadVarint().int64 else {
                throw CQLCodingError(.outOfRange, "a varint beyond 64 bits")
            }
            return value
        default: throw self.mismatch("integer")
        }
    }

    func loadVarint() throws(CQLCodingError) -> CQLVarint {
        guard !self.isNull, !self.isEmpty else { throw self.malformed() }
        return CQLVarint(bytes: self.bytes)
    }

    fileprivate func loadInteger<Value: FixedWidthInteger>(within type: Value.Type) throws(CQLCodingError) -> Value {
        let wide = try self.loadInteger()
        guard let value = Value(exactly: wide) else { throw CQLCodingError(.outOfRange, "\(wide) is no \(type)") }
        return value
    }
}

extension Bool: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Bool {
        guard case .boolean = cell.type else { throw cell.mismatch("Bool") }
        return try cell.load(UInt8.self) != 0
    }
}

extension Int8: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Int8 {
        try cell.loadInteger(within: Self.self)
    }
}

extension Int16: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Int16 {
        try cell.loadInteger(within: Self.self)
    }
}

extension Int32: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Int32 {
        try cell.loadInteger(within: Self.self)
    }
}

extension Int64: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Int64 { try cell.loadInteger() }
}

extension Int: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Int { Int(try cell.loadInteger()) }
}

extension UInt8: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> UInt8 {
        try cell.loadInteger(within: Self.self)
    }

    /// The bytes of a blob, or of a type of the server's own.
    package static func decodeArray(_ cell: CQLCell) throws(CQLCodingError) -> [UInt8] {
        switch cell.type {
        case .blob, .custom:
            try cell.requireValue()
            return cell.bytes
        default: throw cell.mismatch("blob")
        }
    }
}

extension Float: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Float {
        guard case .float = cell.type else { throw cell.mismatch("Float") }
        return Float(bitPattern: try cell.load())
    }
}

extension Double: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Double {
        switch cell.type {
        case .double: return Double(bitPattern: try cell.load())
        case .float: return Double(Float(bitPattern: try cell.load()))
        default: throw cell.mismatch("Double")
        }
    }
}

extension String: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> String {
        switch cell.type {
        case .text, .ascii: return try cell.loadText()
        default: throw cell.mismatch("String")
        }
    }
}

extension CQLUUID: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> CQLUUID {
        switch cell.type {
        case .uuid, .timeuuid:
            let both = try cell.load(UInt128.self)
            return CQLUUID(high: UInt64(truncatingIfNeeded: both >> 64), low: UInt64(truncatingIfNeeded: both))
        default: throw cell.mismatch("UUID")
        }
    }
}

extension TimeUUID: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> TimeUUID {
        guard let value = TimeUUID(try CQLUUID.decode(cell)) else {
            throw CQLCodingError(.outOfRange, "a UUID that is not of version 1")
        }
        return value
    }
}

extension CQLTimestamp: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> CQLTimestamp {
        guard case .timestamp = cell.type else { throw cell.mismatch("timestamp") }
        return CQLTimestamp(milliseconds: try cell.load())
    }
}

extension CQLDate: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> CQLDate {
        guard case .date = cell.type else { throw cell.mismatch("date") }
        return CQLDate(wire: try cell.load())
    }
}

extension CQLTime: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> CQLTime {
        guard case .time = cell.type else { throw cell.mismatch("time") }
        let value = CQLTime(nanoseconds: try cell.load())
        guard value.isInDay else { throw CQLCodingError(.outOfRange, "a time of day beyond the day") }
        return value
    }
}

extension CQLDuration: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> CQLDuration {
        guard case .duration = cell.type else { throw cell.mismatch("duration") }
        return try CQLVariableInteger.duration(cell)
    }
}

extension CQLInet: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> CQLInet {
        guard case .inet = cell.type else { throw cell.mismatch("inet") }
        if cell.byteCount == 4 { return .ipv4(try cell.load()) }
        let both = try cell.load(UInt128.self)
        return .ipv6(high: UInt64(truncatingIfNeeded: both >> 64), low: UInt64(truncatingIfNeeded: both))
    }
}

extension CQLVarint: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> CQLVarint {
        if case .varint = cell.type { return try cell.loadVarint() }
        return CQLVarint(try cell.loadInteger())
    }
}

extension CQLDecimal: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> CQLDecimal {
        guard case .decimal = cell.type else { throw cell.mismatch("decimal") }
        let bytes = cell.bytes
        guard bytes.count > 4 else { throw cell.malformed() }
        let scale = bytes[..<4].reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        return CQLDecimal(unscaled: CQLVarint(bytes: Array(bytes[4...])), scale: Int32(bitPattern: scale))
    }
}

extension Optional: CQLDecodable where Wrapped: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Wrapped? {
        cell.isNull ? nil : try Wrapped.decode(cell)
    }
}

extension Array: CQLDecodable where Element: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> [Element] { try Element.decodeArray(cell) }
}

extension Set: CQLDecodable where Element: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Set<Element> {
        Set(try Element.decodeArray(cell))
    }
}

extension Dictionary: CQLDecodable where Key: CQLDecodable, Value: CQLDecodable {
    /// Null is none, as the server keeps an empty map that is not frozen.
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> [Key: Value] {
        guard case .map(let keyType, let valueType) = cell.type else { throw cell.mismatch("map") }
        guard !cell.isNull else { return [:] }
        var parts = cell.parts
        let count = try parts.readCount(partsPerElement: 2)
        var map: [Key: Value] = [:]
        map.reserveCapacity(count)
        for _ in 0..<count {
            let key = try Key.decode(try parts.next(keyType))
            map[key] = try Value.decode(try parts.next(valueType))
        }
        try parts.requireEnd()
        return map
    }
}
