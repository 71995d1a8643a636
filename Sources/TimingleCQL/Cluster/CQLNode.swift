package import TimingleNet

/// One server of a cluster, as the system tables describe it.
///
/// Immutable.
package struct CQLNode: Hashable, Sendable {
    /// Stays the same when the address changes; nil for a node of which only the address is known.
    package var hostID: CQLUUID?
    package var address: SocketAddress
    package var dataCenter: String
    package var rack: String
    package var schemaVersion: CQLUUID?
    package var tokens: [CQLToken]

    package init(
        hostID: CQLUUID? = nil,
        address: SocketAddress,
        dataCenter: String = "",
        rack: String = "",
        schemaVersion: CQLUUID? = nil,
        tokens: [CQLToken] = []
    ) {
        self.hostID = hostID
        self.address = address
        self.dataCenter = dataCenter
        self.rack = rack
        self.schemaVersion = schemaVersion
        self.tokens = tokens
    }
}

extension SocketAddress {
    /// The same host at another port.
    func at(port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address, _): .ipv4(address: address, port: port)
        case .ipv6(let high, let low, _, let scope): .ipv6(high: high, low: low, port: port, scope: scope)
        case .unix: self
        }
    }

    /// 0.0.0.0 or ::, which a node says that does not know how others reach it.
    var isWildcard: Bool {
        switch self {
        case .ipv4(let address, _): address == 0
        case .ipv6(let high, let low, _, _): high == 0 && low == 0
        case .unix: false
        }
    }
}
