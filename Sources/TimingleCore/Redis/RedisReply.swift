/// An answer of Redis, copied out of hiredis.
///
/// Immutable.
package enum RedisReply: Sendable, Equatable {
    case null
    case integer(Int64)
    case status(String)
    case bytes([UInt8])
    case error(String)
    indirect case array([RedisReply])
}

extension RedisReply {
    /// The integer, or `unexpectedReply`.
    package func integerValue() throws(RedisError) -> Int64 {
        guard case .integer(let value) = self else { throw self.unexpected("an integer") }
        return value
    }

    /// The bytes, nil for null, or `unexpectedReply`.
    package func bytesValue() throws(RedisError) -> [UInt8]? {
        switch self {
        case .bytes(let value): return value
        case .null: return nil
        case .status(let text): return Array(text.utf8)
        case .integer, .error, .array: throw self.unexpected("a string")
        }
    }

    /// The text, nil for null, or `unexpectedReply` (also for bytes that are not UTF-8).
    package func textValue() throws(RedisError) -> String? {
        guard let bytes = try self.bytesValue() else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw self.unexpected("UTF-8") }
        return text
    }

    /// The elements, or `unexpectedReply`.
    package func arrayValue() throws(RedisError) -> [RedisReply] {
        guard case .array(let elements) = self else { throw self.unexpected("an array") }
        return elements
    }

    private func unexpected(_ wanted: String) -> RedisError {
        let got =
            switch self {
            case .null: "null"
            case .integer: "an integer"
            case .status: "a status"
            case .bytes: "a string"
            case .error: "an error"
            case .array: "an array"
            }
        return RedisError(.unexpectedReply, "expected \(wanted), got \(got)")
    }
}
