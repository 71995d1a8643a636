/// An identifier that PostgreSQL gave out: a positive 64-bit integer.
package protocol IntegerIdentifier: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible
where RawValue == Int64 {
    init(rawValue: Int64)
}

extension IntegerIdentifier {
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(self.rawValue) }

    /// Parses 1 to 19 ASCII digits without sign or leading zero; nil for anything else, zero and overflow included.
    package init?(text: some StringProtocol) {
        var value: Int64 = 0
        for byte in text.utf8 {
            guard case UInt8(ascii: "0")...UInt8(ascii: "9") = byte else { return nil }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
            guard !overflow, !carry, sum > 0 else { return nil }
            value = sum
        }
        guard value > 0 else { return nil }
        self.init(rawValue: value)
    }
}

/// A person; `users.id`.
package struct UserID: IntegerIdentifier {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    /// The sender of system lines; no row has it.
    package static let system = UserID(rawValue: 0)
}

/// An appointment and its room; `events.id`.
package struct EventID: IntegerIdentifier {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// An identifier with the text form of a UUID.
package protocol UUIDIdentifier: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible
where RawValue == Identifier128 {
    init(rawValue: Identifier128)
}

extension UUIDIdentifier {
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { self.rawValue.description }

    package init?(text: some StringProtocol) {
        guard let value = Identifier128(text) else { return nil }
        self.init(rawValue: value)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Identifier128(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a UUID")
        }
        self.init(rawValue: value)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.description)
    }
}

/// A chat message; a UUIDv7 made by the server.
package struct MessageID: UUIDIdentifier {
    package let rawValue: Identifier128
    package init(rawValue: Identifier128) { self.rawValue = rawValue }
}

/// What a client calls its own message, so that sending it twice is sending it once.
package struct ClientMessageID: UUIDIdentifier {
    package let rawValue: Identifier128
    package init(rawValue: Identifier128) { self.rawValue = rawValue }
}

/// One recorded change or one history entry; a UUIDv7 made by the server.
package struct ChangeID: UUIDIdentifier {
    package let rawValue: Identifier128
    package init(rawValue: Identifier128) { self.rawValue = rawValue }
}
