internal import TimingleNet

/// Where a request came from, as far as it can be believed.
///
/// Immutable.
struct ClientAddress: Sendable, Equatable {
    let text: String

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
