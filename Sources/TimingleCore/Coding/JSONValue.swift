/// A parsed JSON text (RFC 8259).
///
/// Immutable.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits.
    case integer(Int64)
    /// Any other finite number; one that only rounds to an integer is the next one beside it.
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// A name that came twice has its last value.
    case object([String: JSONValue])
}

extension JSONValue {
    /// The integer that this number is; `332.0` and `3.32e2` are integers too, `0.5` and what no Int64 holds are not.
    ///
    /// Nor is what went through a Double beyond 2^53: there it may have become a neighbour, and another's id.
    package var integerValue: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): abs(value) <= 9_007_199_254_740_991 ? Int64(exactly: value) : nil
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// What kind of value this is, in the words of a message to the client.
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer, .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

/// How large a JSON text may be in all its dimensions but bytes, which the caller limits.
package struct JSONLimits: Sendable, Equatable {
    /// Arrays and objects within each other.
    package var depthMax: Int
    /// Values of all kinds in the whole text.
    package var valuesMax: Int
    /// Bytes of one number.
    package var numberBytesMax: Int

    package init(depthMax: Int = 32, valuesMax: Int = 10_000, numberBytesMax: Int = 64) {
        self.depthMax = depthMax
        self.valuesMax = valuesMax
        self.numberBytesMax = numberBytesMax
    }
}

/// Why a text is not JSON that we read; the offset counts bytes from 0.
package enum JSONError: Error, Sendable, Equatable {
    case unexpectedEnd
    case unexpectedByte(UInt8, offset: Int)
    case invalidUTF8(offset: Int)
    /// An escape that is none, or half of a surrogate pair.
    case invalidEscape(offset: Int)
    case numberOutOfRange(offset: Int)
    /// Two readers of one text must not see two meanings (RFC 8259 section 4).
    case duplicateName(offset: Int)
    case tooDeep(max: Int)
    case tooManyValues(max: Int)
}
