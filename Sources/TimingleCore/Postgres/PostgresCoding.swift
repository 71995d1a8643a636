/// A value that can be a parameter of a statement.
package protocol PostgresEncodable: Sendable {
    static var postgresType: PostgresType { get }
    /// The binary form, as the type's `…send` function would write it; nil for NULL.
    var postgresBytes: [UInt8]? { get }
}

/// A value that can be read from a column.
package protocol PostgresDecodable: Sendable {
    static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Self
}

/// One cell of a result: its type and its binary form.
package struct PostgresValue: Sendable {
    package let type: PostgresType
    /// Nil for NULL.
    package let bytes: ArraySlice<UInt8>?

    package init(type: PostgresType, bytes: ArraySlice<UInt8>?) {
        self.type = type
        self.bytes = bytes
    }

    /// The bytes of a cell that must not be NULL.
    func required() throws(PostgresDecodingError) -> ArraySlice<UInt8> {
        guard let bytes = self.bytes else { throw .unexpectedNull }
        return bytes
    }

    /// A big-endian integer of exactly the size of `Integer`.
    func integer<Integer: FixedWidthInteger>(_: Integer.Type) throws(PostgresDecodingError) -> Integer {
        try PostgresBinary.integer(self.required())
    }

    /// An int2, int4 or int8 column, widened.
    func anyInteger() throws(PostgresDecodingError) -> Int64 {
        switch self.type {
        case .int8: try self.integer(Int64.self)
        case .int4: Int64(try self.integer(Int32.self))
        case .int2: Int64(try self.integer(Int16.self))
        case .oid: Int64(try self.integer(UInt32.self))
        default: throw .unexpectedType(self.type)
        }
    }
}

/// Big-endian integers, in and out.
enum PostgresBinary {
    static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) }
    }

    static func integer<Integer: FixedWidthInteger>(
        _ bytes: ArraySlice<UInt8>
    ) throws(PostgresDecodingError) -> Integer {
        guard bytes.count == Integer.bitWidth / 8 else { throw .malformed("\(bytes.count) bytes for an integer") }
        var value: Integer = 0
        for byte in bytes { value = value << 8 | Integer(truncatingIfNeeded: byte) }
        return value
    }
}

extension Int64: PostgresEncodable, PostgresDecodable {
    package static var postgresType: PostgresType { .int8 }
    package var postgresBytes: [UInt8]? { PostgresBinary.bytes(self) }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Int64 {
        try value.anyInteger()
    }
}

extension Int: PostgresEncodable, PostgresDecodable {
    package static var postgresType: PostgresType { .int8 }
    package var postgresBytes: [UInt8]? { PostgresBinary.bytes(Int64(self)) }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Int {
        guard let result = Int(exactly: try value.anyInteger()) else { throw .outOfRange }
        return result
    }
}

extension Int32: PostgresEncodable, PostgresDecodable {
    package static var postgresType: PostgresType { .int4 }
    package var postgresBytes: [UInt8]? { PostgresBinary.bytes(self) }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Int32 {
        guard let result = Int32(exactly: try value.anyInteger()) else { throw .outOfRange }
        return result
    }
}

extension Int16: PostgresEncodable, PostgresDecodable {
    package static var postgresType: PostgresType { .int2 }
    package var postgresBytes: [UInt8]? { PostgresBinary.bytes(self) }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Int16 {
        guard let result = Int16(exactly: try value.anyInteger()) else { throw .outOfRange }
        return result
    }
}

extension Bool: PostgresEncodable, PostgresDecodable {
    package static var postgresType: PostgresType { .bool }
    package var postgresBytes: [UInt8]? { [self ? 1 : 0] }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Bool {
        guard value.type == .bool else { throw .unexpectedType(value.type) }
        return try value.integer(UInt8.self) != 0
    }
}

extension Double: PostgresEncodable, PostgresDecodable {
    package static var postgresType: PostgresType { .float8 }
    package var postgresBytes: [UInt8]? { PostgresBinary.bytes(self.bitPattern) }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Double {
        switch value.type {
        case .float8: Double(bitPattern: try value.integer(UInt64.self))
        case .float4: Double(Float(bitPattern: try value.integer(UInt32.self)))
        default: throw .unexpectedType(value.type)
        }
    }
}

extension String: PostgresEncodable, PostgresDecodable {
    package static var postgresType: PostgresType { .text }
    package var postgresBytes: [UInt8]? { [UInt8](self.utf8) }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> String {
        let bytes = value.type == .jsonb ? try PostgresJSON.text(value) : try value.required()
        guard value.type.isTextual || value.type == .jsonb else { throw .unexpectedType(value.type) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed("not UTF-8") }
        return text
    }
}

/// A JSON document as text: `jsonb` on the way in, `jsonb` or `json` on the way out.
package struct PostgresJSON: Hashable, Sendable, PostgresEncodable, PostgresDecodable {
    package let text: String
    package init(_ text: String) { self.text = text }

    /// The version of jsonb's binary format: JSON text behind one byte.
    private static let version: UInt8 = 1

    package static var postgresType: PostgresType { .jsonb }
    package var postgresBytes: [UInt8]? { [Self.version] + self.text.utf8 }
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> PostgresJSON {
        guard value.type == .jsonb || value.type == .json else { throw .unexpectedType(value.type) }
        return PostgresJSON(try String.decode(value))
    }

    fileprivate static func text(_ value: PostgresValue) throws(PostgresDecodingError) -> ArraySlice<UInt8> {
        let bytes = try value.required()
        guard bytes.first == Self.version else { throw .malformed("unknown version of jsonb") }
        return bytes.dropFirst()
    }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    package static var postgresType: PostgresType { Wrapped.postgresType }
    package var postgresBytes: [UInt8]? { self.flatMap { $0.postgresBytes } }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package static func decode(_ value: PostgresValue) throws(PostgresDecodingError) -> Wrapped? {
        guard value.bytes != nil else { return nil }
        return try Wrapped.decode(value)
    }
}
