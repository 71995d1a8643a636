package import TimingleCQL

extension Timestamp: CQLEncodable, CQLDecodable {
    package var cqlValue: CQLValue { .timestamp(CQLTimestamp(milliseconds: self.milliseconds)) }
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Timestamp {
        Timestamp(milliseconds: try CQLTimestamp.decode(cell).milliseconds)
    }
}

extension Identifier128: CQLEncodable, CQLDecodable {
    package var cqlValue: CQLValue { .uuid(CQLUUID(high: self.high, low: self.low)) }
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Identifier128 {
        let value = try CQLUUID.decode(cell)
        return Identifier128(high: value.high, low: value.low)
    }
}

extension IntegerIdentifier where Self: CQLEncodable & CQLDecodable {
    package var cqlValue: CQLValue { .bigint(self.rawValue) }
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Self {
        Self(rawValue: try Int64.decode(cell))
    }
}

extension UserID: CQLEncodable, CQLDecodable {}
extension EventID: CQLEncodable, CQLDecodable {}

extension UUIDIdentifier where Self: CQLEncodable & CQLDecodable {
    package var cqlValue: CQLValue { self.rawValue.cqlValue }
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Self {
        Self(rawValue: try Identifier128.decode(cell))
    }
}

extension MessageID: CQLEncodable, CQLDecodable {}
extension ClientMessageID: CQLEncodable, CQLDecodable {}
extension ChangeID: CQLEncodable, CQLDecodable {}

/// A model's word that is stored as text: `text`, `CONFIRMED`.
package protocol CQLWord: RawRepresentable, CQLEncodable, CQLDecodable where RawValue == String {}

extension CQLWord {
    package var cqlValue: CQLValue { .text(self.rawValue) }
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> Self {
        let text = try String.decode(cell)
        guard let word = Self(rawValue: text) else { throw CQLCodingError(.outOfRange, "\(text) is no \(Self.self)") }
        return word
    }
}

extension MessageType: CQLWord {}
extension ChangeType: CQLWord {}

extension CQLValue {
    /// An empty collection leaves the column as it is: writing one would write a tombstone.
    static func unlessEmpty(_ texts: [String]) -> CQLValue { texts.isEmpty ? .unset : texts.cqlValue }
    static func unlessEmpty(_ texts: [String: String]) -> CQLValue { texts.isEmpty ? .unset : texts.cqlValue }
}
