/// A model's word that is stored as text: `PROPOSED`, `FRIEND`.
package protocol PostgresWord: RawRepresentable, PostgresArrayElement where RawValue == String {}

extension PostgresWord {
    package static var postgresType: PostgresType { .text }
    package static var postgresArrayType: PostgresType { .textArray }
    package var postgresBytes: [UInt8]? { self.rawValue.postgresBytes }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Self {
        guard let word = Self(rawValue: try String.decode(value)) else { throw .outOfRange }
        return word
    }
}

extension EventStatus: PostgresWord {}
extension ParticipantStatus: PostgresWord {}
extension InviteMethod: PostgresWord {}
extension MessageType: PostgresWord {}
extension ChangeType: PostgresWord {}
extension Language: PostgresWord {}
extension UserRole: PostgresWord {}
extension UserStatus: PostgresWord {}

extension Timestamp: PostgresArrayElement {
    /// 2000-01-01T00:00:00Z, where PostgreSQL counts from, in milliseconds since 1970.
    private static let postgresEpoch: Int64 = 946_684_800_000

    package static var postgresType: PostgresType { .timestamptz }
    package static var postgresArrayType: PostgresType { .timestamptzArray }
    package var postgresBytes: [UInt8]? {
        // Years 0 to 9999 fit by far; beyond them the value is the nearest that PostgreSQL can hold.
        let clamped = min(max(self.milliseconds, Self.range.lowerBound), Self.range.upperBound)
        return PostgresBinary.bytes((clamped - Self.postgresEpoch) * 1_000)
    }

    /// Microseconds are cut to the millisecond before; `infinity` is out of range.
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Timestamp {
        guard value.type == .timestamptz else { throw .unexpectedType(value.type) }
        let microseconds = try value.integer(Int64.self)
        var milliseconds = microseconds / 1_000
        if microseconds % 1_000 < 0 { milliseconds -= 1 }
        let (sum, overflow) = milliseconds.addingReportingOverflow(Self.postgresEpoch)
        guard !overflow, Self.range.contains(sum) else { throw .outOfRange }
        return Timestamp(milliseconds: sum)
    }
}

extension Identifier128: PostgresArrayElement {
    package static var postgresType: PostgresType { .uuid }
    package static var postgresArrayType: PostgresType { .uuidArray }
    package var postgresBytes: [UInt8]? { PostgresBinary.bytes(self.high) + PostgresBinary.bytes(self.low) }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Identifier128 {
        guard value.type == .uuid else { throw .unexpectedType(value.type) }
        let bytes = try value.required()
        guard bytes.count == 16 else { throw .malformed("\(bytes.count) bytes for a uuid") }
        return Identifier128(
            high: try PostgresBinary.integer(bytes.prefix(8)),
            low: try PostgresBinary.integer(bytes.suffix(8))
        )
    }
}

extension IntegerIdentifier where Self: PostgresArrayElement {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }
    package var postgresBytes: [UInt8]? { self.rawValue.postgresBytes }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Self {
        Self(rawValue: try Int64.decode(value))
    }
}

extension UserID: PostgresArrayElement {}
extension EventID: PostgresArrayElement {}

extension UUIDIdentifier where Self: PostgresArrayElement {
    package static var postgresType: PostgresType { .uuid }
    package static var postgresArrayType: PostgresType { .uuidArray }
    package var postgresBytes: [UInt8]? { self.rawValue.postgresBytes }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Self {
        Self(rawValue: try Identifier128.decode(value))
    }
}

extension MessageID: PostgresArrayElement {}
extension ClientMessageID: PostgresArrayElement {}
extension ChangeID: PostgresArrayElement {}
