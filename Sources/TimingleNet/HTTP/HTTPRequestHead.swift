/// A request's head, checked: what the connection needs to go on, and what the handler may ask for.
///
/// Immutable.
struct HTTPRequestHead: Sendable {
    /// How the end of the body is found (RFC 9112 section 6.3).
    enum Framing: Equatable, Sendable {
        case none
        case length(Int)
        case chunked
    }

    var method: HTTPMethod
    /// Origin form, `*`, or for CONNECT the authority.
    var target: String
    /// 0 or 1; a higher minor version is spoken to as 1.
    var minorVersion: Int
    var fields: HTTPFieldBlock
    var framing: Framing
    /// What version and Connection field say about the next request.
    var keepAlive: Bool
    var expectsContinue: Bool
}

/// What a byte may be in a head.
///
/// Immutable.
enum HTTPByteClass {
    /// tchar of RFC 9110 section 5.6.2.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        byte < 64 ? tokenLow & (1 << UInt64(byte)) != 0 : byte < 128 && tokenHigh & (1 << UInt64(byte - 64)) != 0
    }

    /// field-vchar, SP and HTAB: all but controls and DEL.
    @inline(__always)
    static func isFieldValue(_ byte: UInt8) -> Bool { (byte >= 0x20 && byte != 0x7f) || byte == 0x09 }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    @inline(__always)
    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        Self.isDigit(byte) || (asciiLowercased(byte) >= UInt8(ascii: "a") && asciiLowercased(byte) <= UInt8(ascii: "z"))
    }

    /// What may stand in a target; `#`, quotes, angle brackets, backslash and all above 0x7e may not.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool {
        guard byte > 0x20, byte < 0x7f else { return false }
        switch byte {
        case UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"):
            return false
        default:
            return true
        }
    }

    private static let tokenLow = bits("!#$%&'*+-.0123456789", from: 0)
    private static let tokenHigh = bits("ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~", from: 64)

    private static func bits(_ characters: StaticString, from base: UInt8) -> UInt64 {
        characters.withUTF8Buffer { $0.reduce(0) { $0 | 1 << UInt64($1 - base) } }
    }
}
