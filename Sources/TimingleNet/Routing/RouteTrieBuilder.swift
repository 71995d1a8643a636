/// A trie of routes while it grows.
///
/// A value; `RouteTrie` is what it becomes.
struct RouteTrieBuilder {
    struct Node {
        var literals: [(segment: [UInt8], node: Int)] = []
        var capture: Int?
        var endpoints: [RouteTrie.Endpoint] = []
        /// Endpoints whose last segment takes the rest.
        var restEndpoints: [RouteTrie.Endpoint] = []
    }

    private enum Segment {
        case literal([UInt8])
        case capture(String)
        case rest(String)
    }

    /// The root is the first.
    private(set) var nodes = [Node()]

    /// Adds a route; one that is there already is our own bug and traps.
    mutating func insert(_ registration: RouteTrie.Registration) {
        let segments = Self.segments(registration.pattern)
        var node = 0
        var captures: [RouteParameters.Capture] = []
        var takesRest = false
        for (place, segment) in segments.enumerated() {
            precondition(!takesRest, "a rest capture must be the last segment of \(registration.pattern)")
            switch segment {
            case .literal(let bytes): node = self.literalChild(of: node, bytes)
            case .capture(let name):
                captures.append(RouteParameters.Capture(name: name, segment: place, takesRest: false))
                node = self.captureChild(of: node)
            case .rest(let name):
                captures.append(RouteParameters.Capture(name: name, segment: place, takesRest: true))
                takesRest = true
            }
        }
        let endpoint = RouteTrie.Endpoint(
            method: registration.method,
            captures: captures,
            handler: registration.handler
        )
        let existing = takesRest ? self.nodes[node].restEndpoints : self.nodes[node].endpoints
        precondition(
            !existing.contains { $0.method == endpoint.method },
            "\(registration.method) \(registration.pattern) is registered twice"
        )
        if takesRest {
            self.nodes[node].restEndpoints.append(endpoint)
        } else {
            self.nodes[node].endpoints.append(endpoint)
        }
    }

    private mutating func literalChild(of node: Int, _ segment: [UInt8]) -> Int {
        if let existing = self.nodes[node].literals.first(where: { $0.segment == segment }) { return existing.node }
        self.nodes.append(Node())
        self.nodes[node].literals.append((segment, self.nodes.count - 1))
        return self.nodes.count - 1
    }

    private mutating func captureChild(of node: Int) -> Int {
        if let existing = self.nodes[node].capture { return existing }
        self.nodes.append(Node())
        self.nodes[node].capture = self.nodes.count - 1
        return self.nodes.count - 1
    }

    private static func segments(_ pattern: String) -> [Segment] {
        precondition(pattern.hasPrefix("/"), "a pattern starts with a slash: \(pattern)")
        return pattern.utf8.split(separator: UInt8(ascii: "/")).map { bytes in
            let text = String(Substring(bytes))
            guard text.hasPrefix("{"), text.hasSuffix("}") else { return .literal(Array(bytes)) }
            let name = text.dropFirst().dropLast()
            return name.hasSuffix("...") ? .rest(String(name.dropLast(3))) : .capture(String(name))
        }
    }
}
