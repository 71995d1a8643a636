/// What a received Close says (RFC 6455 section 5.5.1): nothing, or a code and a reason in UTF-8.
enum WebSocketClosePayload {
    /// The code; `noStatus` for an empty payload.
    static func code(_ payload: [UInt8]) throws(WebSocketProtocolError) -> WebSocketCloseCode {
        guard !payload.isEmpty else { return .noStatus }
        guard payload.count >= 2 else { throw .closeTruncated }
        let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
        guard code.isAllowedOnTheWire else { throw .closeCodeInvalid }
        var validator = UTF8Validator()
        let isValid = payload.withUnsafeBytes { bytes in
            validator.validate(UnsafeRawBufferPointer(rebasing: bytes[2...]))
        }
        guard isValid, validator.isComplete else { throw .invalidUTF8 }
        return code
    }
}
