package import TimingleNet

/// An address without a port.
///
/// A value.
package enum CQLInet: Hashable, Sendable, CustomStringConvertible {
    /// In reading order.
    case ipv4(UInt32)
    /// Two halves in reading order.
    case ipv6(high: UInt64, low: UInt64)

    /// Parses a literal; nil for anything else.
    package init?(_ text: String) {
        switch SocketAddress(parsing: text, port: 0) {
        case .ipv4(let address, _): self = .ipv4(address)
        case .ipv6(let high, let low, _, _): self = .ipv6(high: high, low: low)
        case .unix, nil: return nil
        }
    }

    /// This address at a port.
    package func socketAddress(port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address): .ipv4(address: address, port: port)
        case .ipv6(let high, let low): .ipv6(high: high, low: low, port: port, scope: 0)
        }
    }

    package var description: String { self.socketAddress(port: 0).host }
}
