/// An address, or all addresses with the same first bits (CIDR).
///
/// Immutable.
package struct AddressBlock: Sendable, Equatable {
    private let high: UInt64
    private let low: UInt64
    private let bits: Int

    /// The addresses by which a machine speaks to itself.
    package static let loopback: [AddressBlock] = [
        AddressBlock(high: 0, low: 0xffff_7f00_0000, bits: 104), AddressBlock(high: 0, low: 1, bits: 128),
    ]

    private init(high: UInt64, low: UInt64, bits: Int) {
        self.high = high
        self.low = low
        self.bits = bits
    }

    /// Parses `10.0.0.0/8`, `::1`, `fd00::/8`; IPv4 is taken as its mapped IPv6 address.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard
            parts.count <= 2,
            let first = parts.first,
            let address = SocketAddress(parsing: String(first), port: 0),
            let (high, low, width) = Self.halves(address)
        else { return nil }
        var bits = width
        if parts.count == 2 {
            guard parts[1].utf8.count <= 3, let prefix = Int(parts[1]), 0...width ~= prefix else { return nil }
            bits = prefix
        }
        self.high = high
        self.low = low
        self.bits = 128 - width + bits
    }

    package func contains(_ address: SocketAddress) -> Bool {
        guard let (high, low, _) = Self.halves(address) else { return false }
        let highMask = self.bits >= 64 ? UInt64.max : Self.mask(self.bits)
        let lowMask = self.bits >= 64 ? Self.mask(self.bits - 64) : 0
        return (high ^ self.high) & highMask == 0 && (low ^ self.low) & lowMask == 0
    }

    private static func mask(_ bits: Int) -> UInt64 { bits == 0 ? 0 : ~UInt64(0) << UInt64(64 - bits) }

    private static func halves(_ address: SocketAddress) -> (high: UInt64, low: UInt64, width: Int)? {
        switch address {
        case .ipv4(let address, _): (0, 0xffff_0000_0000 | UInt64(address), 32)
        case .ipv6(let high, let low, _, _): (high, low, 128)
        case .unix: nil
        }
    }
}
