/// The header of the PROXY protocol, version 2, by which a proxy in front says whose connection this is.
///
/// A value: bytes in, addresses out. (The PROXY protocol, versions 1 and 2, HAProxy 2020, section 2.2.)
struct ProxyProtocolHeader: Equatable, Sendable {
    /// The client; nil where the proxy speaks for itself (LOCAL) or cannot tell (UNSPEC, a unix socket).
    var source: SocketAddress?
    /// What the client had connected to; nil as above.
    var destination: SocketAddress?

    enum ParseResult: Equatable {
        /// So many bytes are wanted in all before it is worth to look again; never more than the header has.
        case needMoreBytes(total: Int)
        case header(ProxyProtocolHeader, byteCount: Int)
    }

    /// Signature, version and command, family, length.
    static let prefixBytes = 16
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
    private static let version1: [UInt8] = Array("PROXY ".utf8)
    private static let checksumType: UInt8 = 0x03

    /// Decodes the header at the front of `bytes`, which may be the beginning of more.
    ///
    /// Whatever cannot become a header is refused at its first wrong byte. `contentBytesMax` is what may follow the
    /// prefix: addresses and TLVs.
    static func parse(_ bytes: Span<UInt8>, contentBytesMax: Int) throws(ProxyProtocolError) -> ParseResult {
        for index in 0..<min(bytes.count, Self.signature.count) where bytes[index] != Self.signature[index] {
            let isVersion1 = (0..<min(bytes.count, Self.version1.count)).allSatisfy { bytes[$0] == Self.version1[$0] }
            throw isVersion1 ? .version1 : .notAHeader
        }
        if bytes.count > 12, bytes[12] >> 4 != 2 { throw .unknownVersion }
        if bytes.count > 12, bytes[12] & 0xf > 1 { throw .unknownCommand }
        guard bytes.count >= Self.prefixBytes else { return .needMoreBytes(total: Self.prefixBytes) }
        let isLocal = bytes[12] & 0xf == 0
        let length = Int(bytes[14]) << 8 | Int(bytes[15])
        guard length <= contentBytesMax else { throw .tooLong }
        let end = Self.prefixBytes + length
        let family = bytes[13]
        let addressBytes = try Self.addressBytes(family, isLocal: isLocal)
        guard addressBytes <= length else { throw .tooShort }
        guard bytes.count >= end else { return .needMoreBytes(total: end) }
        // LOCAL and UNSPEC may state anything, and none of it means anything.
        if addressBytes > 0 { try Self.checkTLVs(bytes.extracting(0..<end), from: Self.prefixBytes + addressBytes) }
        return .header(isLocal ? ProxyProtocolHeader() : Self.addresses(family, bytes), byteCount: end)
    }

    /// The length of the address block; a family or transport that no stream has is refused.
    private static func addressBytes(_ family: UInt8, isLocal: Bool) throws(ProxyProtocolError) -> Int {
        if isLocal { return 0 }
        switch family {
        case 0x00: return 0
        case 0x11: return 12
        case 0x21: return 36
        case 0x31: return 216
        default: throw .unknownFamily
        }
    }

    private static func addresses(_ family: UInt8, _ bytes: Span<UInt8>) -> ProxyProtocolHeader {
        let start = Self.prefixBytes
        switch family {
        case 0x11:
            return ProxyProtocolHeader(
                source: .ipv4(
                    address: Self.integer(bytes, start, as: UInt32.self),
                    port: Self.integer(bytes, start + 8)
                ),
                destination: .ipv4(address: Self.integer(bytes, start + 4), port: Self.integer(bytes, start + 10))
            )
        case 0x21:
            return ProxyProtocolHeader(
                source: Self.ipv6(bytes, start, port: Self.integer(bytes, start + 32)),
                destination: Self.ipv6(bytes, start + 16, port: Self.integer(bytes, start + 34))
            )
        default:
            return ProxyProtocolHeader()
        }
    }

    private static func ipv6(_ bytes: Span<UInt8>, _ offset: Int, port: UInt16) -> SocketAddress {
        .ipv6(high: Self.integer(bytes, offset), low: Self.integer(bytes, offset + 8), port: port, scope: 0)
    }

    private static func integer<Value: FixedWidthInteger>(
        _ bytes: Span<UInt8>,
        _ offset: Int,
        as type: Value.Type = Value.self
    ) -> Value {
        var value: Value = 0
        for index in offset..<(offset + MemoryLayout<Value>.size) { value = value << 8 | Value(bytes[index]) }
        return value
    }

    /// Walks over the TLVs, which must fill the header exactly, and verifies a checksum if there is one.
    private static func checkTLVs(_ header: Span<UInt8>, from start: Int) throws(ProxyProtocolError) {
        var offset = start
        var checksumOffset: Int?
        while offset < header.count {
            guard offset + 3 <= header.count else { throw .badTLV }
            let type = header[offset]
            let length = Int(header[offset + 1]) << 8 | Int(header[offset + 2])
            let value = offset + 3
            guard value + length <= header.count else { throw .badTLV }
            if type == Self.checksumType {
                guard length == 4, checksumOffset == nil else { throw .badTLV }
                checksumOffset = value
            }
            offset = value + length
        }
        guard let checksumOffset else { return }
        let stated: UInt32 = Self.integer(header, checksumOffset)
        guard Self.checksum(header, zeroed: checksumOffset..<(checksumOffset + 4)) == stated else { throw .badChecksum }
    }

    /// CRC-32C of the header with the checksum's own bytes taken as zero (section 2.2.3).
    ///
    /// Bit by bit: a header has a few dozen bytes, and comes once a connection.
    static func checksum(_ bytes: Span<UInt8>, zeroed: Range<Int>) -> UInt32 {
        var crc = UInt32.max
        for index in 0..<bytes.count {
            crc ^= zeroed.contains(index) ? 0 : UInt32(bytes[index])
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
        }
        return ~crc
    }
}

/// Why the first bytes of a trusted proxy were no PROXY header.
enum ProxyProtocolError: Error, Equatable, Sendable {
    case notAHeader
    /// The text form, which has no length in front and is not spoken here.
    case version1
    case unknownVersion
    case unknownCommand
    case unknownFamily
    /// Longer than the configuration allows.
    case tooLong
    /// Too short for the addresses that it announces.
    case tooShort
    case badTLV
    case badChecksum

    /// For the log: whoever runs the proxy has to be able to act on it.
    var reason: String {
        switch self {
        case .notAHeader: "no PROXY header came; is the PROXY protocol on at the proxy?"
        case .version1: "a PROXY header of version 1 came; set the proxy to version 2"
        case .unknownVersion: "unknown version"
        case .unknownCommand: "unknown command"
        case .unknownFamily: "unknown address family or transport"
        case .tooLong: "longer than the limit"
        case .tooShort: "shorter than its addresses"
        case .badTLV: "malformed TLV"
        case .badChecksum: "wrong checksum"
        }
    }
}
