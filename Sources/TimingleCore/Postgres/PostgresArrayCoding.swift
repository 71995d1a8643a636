/// An element of an array parameter or column.
///
/// `UInt8` makes a bytea of its array.
package protocol PostgresArrayElement: PostgresEncodable, PostgresDecodable {
    static var postgresArrayType: PostgresType { get }
    static func encodeArray(_ elements: [Self]) -> [UInt8]
    static func decodeArray(_ value: PostgresValue) throws(PostgresDecodingError) -> [Self]
}

extension PostgresArrayElement {
    /// One dimension, lower bound 1; the layout of `array_send`.
    package static func encodeArray(_ elements: [Self]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes += PostgresBinary.bytes(Int32(elements.isEmpty ? 0 : 1))
        bytes += PostgresBinary.bytes(Int32(0))
        bytes += PostgresBinary.bytes(Self.postgresType.rawValue)
        guard !elements.isEmpty else { return bytes }
        bytes += PostgresBinary.bytes(Int32(clamping: elements.count))
        bytes += PostgresBinary.bytes(Int32(1))
        for element in elements {
            guard let cell = element.postgresBytes else {
                bytes += PostgresBinary.bytes(Int32(-1))
                continue
            }
            bytes += PostgresBinary.bytes(Int32(clamping: cell.count))
            bytes += cell
        }
        return bytes
    }

    package static func decodeArray(_ value: PostgresValue) throws(PostgresDecodingError) -> [Self] {
        var rest = try value.required()
        let dimensions = try Self.takeInt32(&rest)
        _ = try Self.takeInt32(&rest)
        let elementType = PostgresType(rawValue: UInt32(bitPattern: try Self.takeInt32(&rest)))
        if dimensions == 0 { return [] }
        guard dimensions == 1 else { throw .malformed("array of \(dimensions) dimensions") }
        let count = try Self.takeInt32(&rest)
        _ = try Self.takeInt32(&rest)
        // Each element takes four bytes at least, so a lying count cannot reserve more than there is.
        guard count >= 0, Int(count) <= rest.count / 4 else { throw .malformed("array length \(count)") }
        var elements: [Self] = []
        elements.reserveCapacity(Int(count))
        for _ in 0..<count {
            let length = try Self.takeInt32(&rest)
            guard length >= 0 else {
                elements.append(try Self.decode(PostgresValue(type: elementType, bytes: nil)))
                continue
            }
            guard Int(length) <= rest.count else { throw .malformed("array is cut off") }
            elements.append(try Self.decode(PostgresValue(type: elementType, bytes: rest.prefix(Int(length)))))
            rest = rest.dropFirst(Int(length))
        }
        guard rest.isEmpty else { throw .malformed("bytes behind an array") }
        return elements
    }

    private static func takeInt32(_ rest: inout ArraySlice<UInt8>) throws(PostgresDecodingError) -> Int32 {
        guard rest.count >= 4 else { throw .malformed("array is cut off") }
        defer { rest = rest.dropFirst(4) }
        return try PostgresBinary.integer(rest.prefix(4))
    }
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    package static var postgresType: PostgresType { Element.postgresArrayType }
    package var postgresBytes: [UInt8]? { Element.encodeArray(self) }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> [Element] {
        try Element.decodeArray(value)
    }
}

extension Int64: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .int8Array }
}

extension Int: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .int8Array }
}

extension Bool: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .boolArray }
}

extension Double: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .float8Array }
}

extension PostgresJSON: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .jsonbArray }
}

/// An array with NULL elements: what `unnest` of a batch's columns needs.
extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }
}

extension Int32: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .int4Array }
}

extension String: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .textArray }
}

extension UInt8: PostgresArrayElement {
    package static var postgresType: PostgresType { .bytea }
    package static var postgresArrayType: PostgresType { .bytea }
    package var postgresBytes: [UInt8]? { [self] }

    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> UInt8 {
        guard let byte = UInt8(exactly: try value.anyInteger()) else { throw .outOfRange }
        return byte
    }

    package static func encodeArray(_ elements: [UInt8]) -> [UInt8] { elements }

    package static func decodeArray(_ value: PostgresValue) throws(PostgresDecodingError) -> [UInt8] {
        guard value.type == .bytea else { throw .unexpectedType(value.type) }
        return [UInt8](try value.required())
    }
}
