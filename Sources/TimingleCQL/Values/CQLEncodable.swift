/// What can be bound to a marker.
package protocol CQLEncodable {
    var cqlValue: CQLValue { get }
    /// Many of it: a list, but for bytes, which are a blob.
    static func cqlValue(of elements: [Self]) -> CQLValue
}

extension CQLEncodable {
    package static func cqlValue(of elements: [Self]) -> CQLValue { .list(elements.map(\.cqlValue)) }
}

extension CQLValue: CQLEncodable {
    package var cqlValue: CQLValue { self }
}

extension Bool: CQLEncodable {
    package var cqlValue: CQLValue { .boolean(self) }
}

extension Int8: CQLEncodable {
    package var cqlValue: CQLValue { .tinyint(self) }
}

extension Int16: CQLEncodable {
    package var cqlValue: CQLValue { .smallint(self) }
}

extension Int32: CQLEncodable {
    package var cqlValue: CQLValue { .int(self) }
}

extension Int64: CQLEncodable {
    package var cqlValue: CQLValue { .bigint(self) }
}

extension Int: CQLEncodable {
    package var cqlValue: CQLValue { .bigint(Int64(self)) }
}

extension UInt8: CQLEncodable {
    package var cqlValue: CQLValue { .smallint(Int16(self)) }
    package static func cqlValue(of elements: [UInt8]) -> CQLValue { .blob(elements) }
}

extension Float: CQLEncodable {
    package var cqlValue: CQLValue { .float(self) }
}

extension Double: CQLEncodable {
    package var cqlValue: CQLValue { .double(self) }
}

extension String: CQLEncodable {
    package var cqlValue: CQLValue { .text(self) }
}

extension CQLUUID: CQLEncodable {
    package var cqlValue: CQLValue { .uuid(self) }
}

extension TimeUUID: CQLEncodable {
    package var cqlValue: CQLValue { .timeuuid(self) }
}

extension CQLTimestamp: CQLEncodable {
    package var cqlValue: CQLValue { .timestamp(self) }
}

extension CQLDate: CQLEncodable {
    package var cqlValue: CQLValue { .date(self) }
}

extension CQLTime: CQLEncodable {
    package var cqlValue: CQLValue { .time(self) }
}

extension CQLDuration: CQLEncodable {
    package var cqlValue: CQLValue { .duration(self) }
}

extension CQLInet: CQLEncodable {
    package var cqlValue: CQLValue { .inet(self) }
}

extension CQLVarint: CQLEncodable {
    package var cqlValue: CQLValue { .varint(self) }
}

extension CQLDecimal: CQLEncodable {
    package var cqlValue: CQLValue { .decimal(self) }
}

extension Optional: CQLEncodable where Wrapped: CQLEncodable {
    package var cqlValue: CQLValue { self?.cqlValue ?? .null }
}

extension Array: CQLEncodable where Element: CQLEncodable {
    package var cqlValue: CQLValue { Element.cqlValue(of: self) }
}

extension Set: CQLEncodable where Element: CQLEncodable {
    package var cqlValue: CQLValue { .set(self.map(\.cqlValue)) }
}

extension Dictionary: CQLEncodable where Key: CQLEncodable, Value: CQLEncodable {
    package var cqlValue: CQLValue { .map(self.map { CQLMapEntry($0.key.cqlValue, $0.value.cqlValue) }) }
}
