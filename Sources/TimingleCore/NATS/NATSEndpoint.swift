/// Host and port of a server, and the path where the URL has one; never its credentials.
struct NATSEndpoint: Sendable, Equatable {
    let host: String
    let port: UInt16
    let path: String

    /// Takes a URL apart: `nats://user:password@host:4222`, `http://[::1]:8222/base`.
    init?(url: String, defaultPort: UInt16) {
        var rest = Substring(url)
        if let colon = rest.firstIndex(of: ":"), rest[colon...].hasPrefix("://") {
            rest = rest[rest.index(colon, offsetBy: 3)...]
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var path = String(rest[slash...])
        while path.hasSuffix("/") { path.removeLast() }
        rest = rest[..<slash]
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        var port: UInt16? = defaultPort
        if let colon = rest.lastIndex(of: ":"), !rest.hasSuffix("]"), !rest[..<colon].contains(":") || rest.first == "["
        {
            port = UInt16(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
        }
        if rest.first == "[", rest.last == "]" { rest = rest.dropFirst().dropLast() }
        // What goes into a request line and to the resolver has no room for surprises.
        guard let port, !rest.isEmpty, (rest + path).utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        self.host = String(rest)
        self.port = port
        self.path = path
    }

    /// The form of a Host field.
    var authority: String { self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)" }
}
