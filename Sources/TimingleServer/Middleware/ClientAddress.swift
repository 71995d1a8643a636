internal import TimingleNet

/// Where a request came from, as far as it can be believed.
///
/// Immutable.
struct ClientAddress: Sendable, Equatable {
    let text: String
    /// What limits count: the address, or the /64 of an IPv6 one, since whoever has one of it has all of them.
    let network: String
    /// `http` or `https` where a trusted proxy said how the client came to it.
    let scheme: String?

    /// Hops that are looked at; a chain of trusted proxies is shorter.
    private static let hopsMax = 32

    /// One hop of a chain of proxies; the address is nil where none is given.
    private struct Hop {
        let address: SocketAddress?
        let scheme: String?
    }

    /// The peer; if that is a trusted proxy, the right-most address of its field that is not one.
    ///
    /// What stands left of it was written by somebody whom nobody vouches for. Where the PROXY protocol is on, the peer
    /// is whom its header named.
    init(_ request: HTTPRequest, _ trust: ProxyTrust) {
        var address = request.peerAddress
        var scheme: String?
        if trust.covers(address) {
            for hop in Self.hops(of: request, trust.field).suffix(Self.hopsMax).reversed() {
                guard let next = hop.address else { break }
                address = next
                scheme = hop.scheme
                guard trust.covers(next) else { break }
            }
            if trust.field == .xForwardedFor { scheme = request.fields.members("X-Forwarded-Proto").last?.lowercased() }
        }
        self.scheme = scheme == "http" || scheme == "https" ? scheme : nil
        self.text = address.host
        guard case .ipv6(let high, _, _, _) = address, self.text.contains(":") else {
            self.network = self.text
            return
        }
        self.network = SocketAddress.ipv6(high: high, low: 0, port: 0, scope: 0).host + "/64"
    }

    private static func hops(of request: HTTPRequest, _ field: ProxyTrust.Field) -> [Hop] {
        switch field {
        case .none:
            return []
        case .xForwardedFor:
            return request.fields.members("X-Forwarded-For").map { Hop(address: Self.parse($0), scheme: nil) }
        case .forwarded:
            let elements = ForwardedElement.parse(request.fields.values("Forwarded")) ?? []
            return elements.map { Hop(address: $0.node.flatMap(Self.parse), scheme: $0.proto) }
        }
    }

    /// An address, with or without a port, an IPv6 one perhaps in brackets; nil for `unknown`, `_hidden` and garbage.
    private static func parse(_ text: String) -> SocketAddress? {
        guard text.utf8.count < 64, !text.contains("/") else { return nil }
        if let address = SocketAddress(parsing: text, port: 0) { return address }
        // No address has a single colon, and an IPv6 one has a port only behind brackets.
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let host = text[..<colon]
        guard host.hasSuffix("]") || !host.contains(":"), Self.isPort(text[colon...].dropFirst()) else { return nil }
        return SocketAddress(parsing: String(host), port: 0)
    }

    /// Digits, or an obfuscated port as RFC 7239 has them.
    private static func isPort(_ text: Substring) -> Bool {
        1...63 ~= text.utf8.count
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): text.utf8.count <= 5 || text.hasPrefix("_")
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
                    text.hasPrefix("_")
                default: false
                }
            }
    }
}
