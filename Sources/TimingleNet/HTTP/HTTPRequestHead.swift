/// What a checked head says about its connection: how to go on, and how to answer.
///
/// A value without references; what the handler may ask for is the `HTTPRequest`.
struct HTTPRequestHead: Equatable, Sendable {
    /// How the end of the body is found (RFC 9112 section 6.3).
    enum Framing: Equatable, Sendable {
        case none
        case length(Int)
        case chunked
    }

    /// The methods that a connection treats in their own way.
    enum Kind: Equatable, Sendable {
        case get
        case head
        case connect
        case any

        init(_ method: HTTPMethod) {
            switch method {
            case .get: self = .get
            case .head: self = .head
            case .connect: self = .connect
            case .post, .put, .patch, .delete, .options, .trace, .other: self = .any
            }
        }
    }

    var kind: Kind
    /// 0 or 1; a higher minor version is spoken to as 1.
    var minorVersion: Int
    var framing: Framing
    /// What version and Connection field say about the next request.
    var keepAlive: Bool
    var expectsContinue: Bool
}

/// What a byte may be in a head.
///
/// Immutable. Sets of ASCII characters are masks of two words, the low one for those below 64.
enum HTTPByteClass {
    /// tchar of RFC 9110 section 5.6.2: ``!#$%&'*+-.^_`|~``, digits and letters.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool { Self.contains(0x03ff_6cfa_0000_0000, 0x57ff_ffff_c7ff_fffe, byte) }

    /// field-vchar, SP and HTAB: all but controls and DEL.
    @inline(__always)
    static func isFieldValue(_ byte: UInt8) -> Bool { (byte >= 0x20 && byte != 0x7f) || byte == 0x09 }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// What may stand in a target; `#`, quotes, angle brackets, backslash and all above 0x7e may not.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool { Self.contains(0xafff_fff2_0000_0000, 0x7fff_ffff_efff_ffff, byte) }

    /// What a host's name may consist of: letters, digits and `-._~`.
    @inline(__always)
    static func isHostName(_ byte: UInt8) -> Bool { Self.contains(0x03ff_6000_0000_0000, 0x47ff_fffe_87ff_fffe, byte) }

    @inline(__always)
    private static func contains(_ low: UInt64, _ high: UInt64, _ byte: UInt8) -> Bool {
        byte < 128 && (byte < 64 ? low : high) & (1 &<< UInt64(byte)) != 0
    }
}
