internal import TimingleNet

/// Which proxies are believed, and what of their words.
///
/// Immutable.
struct ProxyTrust: Sendable {
    /// The field in which trusted proxies say whom they speak for.
    ///
    /// One only: a proxy that writes the one field hands on the other as the client sent it.
    enum Field: String, Sendable {
        case xForwardedFor = "x-forwarded-for"
        case forwarded
        case none
    }

    let proxies: [AddressBlock]
    var field: Field = .xForwardedFor

    func covers(_ address: SocketAddress) -> Bool { self.proxies.contains { $0.contains(address) } }
}
