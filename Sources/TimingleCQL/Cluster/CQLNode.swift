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
