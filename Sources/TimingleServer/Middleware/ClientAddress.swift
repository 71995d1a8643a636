internal import TimingleNet

/// Where a request came from, as far as it can be believed.
///
/// Immutable.
struct ClientAddress: Sendable, Equatable {
    let text: String
    /// What limits count: the address, or the /64 of an IPv6 one, since whoever has one of it has all of them.
    let network: String

    /// The peer; if that is a trusted proxy, the right-most address of X-Forwarded-For that is not one.
    ///
    /// What stands left of it was written by somebody whom nobody vouches for.
    init(_ request: HTTPRequest, trustedProxies: [AddressBlock]) {
        func isTrusted(_ address: SocketAddress) -> Bool { trustedProxies.contains { $0.contains(address) } }
        var address = request.peerAddress
        if isTrusted(address) {
            for member in request.fields.members("X-Forwarded-For").suffix(32).reversed() {
                guard let hop = Self.parse(member) else { break }
                address = hop
                guard isTrusted(hop) else { break }
            }
        }
        self.text = address.host
        guard case .ipv6(let high, _, _, _) = address, self.text.contains(":") else {
            self.network = self.text
            return
        }
        self.network = SocketAddress.ipv6(high: high, low: 0, port: 0, scope: 0).host + "/64"
    }

    /// An address, with or without a port, an IPv6 one perhaps in brackets.
    private static func parse(_ text: String) -> SocketAddress? {
        guard !text.contains("/") else { return nil }
        if let address = SocketAddress(parsing: text, port: 0) { return address }
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            return SocketAddress(parsing: String(text[...end]), port: 0)
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        return SocketAddress(parsing: String(text[..<colon]), port: 0)
    }
}
