/// Frozen routes: one flat array of nodes, an edge per segment.
///
/// Immutable.
struct RouteTrie: Sendable {
    struct Registration: Sendable {
        var method: HTTPMethod
        var pattern: String
        var handler: Handler
    }

    enum Handler: Sendable {
        case waiting(HTTPHandler)
        case immediate(ImmediateHTTPHandler)
    }

    enum Lookup {
        case found(Handler, RouteParameters)
        /// The path is there, under these methods only.
        case otherMethods([HTTPMethod])
        case notFound
    }

    private struct Endpoint: Sendable {
        var method: HTTPMethod
        var captures: [RouteParameters.Capture]
        var handler: Handler
    }

    private struct Node: Sendable {
        var literals: [(segment: [UInt8], node: Int)] = []
        var capture: Int?
        var endpoints: [Endpoint] = []
        /// Endpoints whose last segment takes the rest.
        var restEndpoints: [Endpoint] = []
    }

    private enum Segment {
        case literal([UInt8])
        case capture(String)
        case rest(String)
    }

    private var nodes = [Node()]

    init(_ registrations: [Registration]) {
        for registration in registrations { self.insert(registration) }
    }

    func look(up method: HTTPMethod, target: String) -> Lookup {
        var bytes = target
        return bytes.withUTF8 { bytes in
            var end = 0
            var isEscaped = false
            while end < bytes.count, bytes[end] != UInt8(ascii: "?") {
                if bytes[end] == UInt8(ascii: "%") { isEscaped = true }
                end += 1
            }
            let path = UnsafeBufferPointer(rebasing: bytes[..<end])
            guard path.first == UInt8(ascii: "/") else {
                let isServer = method == .options && path.count == 1 && path[0] == UInt8(ascii: "*")
                return isServer ? .otherMethods(self.allMethods) : .notFound
            }
            guard let match = self.match(path, from: 1, node: 0) else { return .notFound }
            let node = match.node
            let endpoints = match.takesRest ? self.nodes[node].restEndpoints : self.nodes[node].endpoints
            guard let index = Self.index(of: method, in: endpoints) else {
                return .otherMethods(Self.allowed(endpoints))
            }
            let captures = endpoints[index].captures
            // A broken escape names nothing that exists.
            if isEscaped, captures.contains(where: { RouteParameters.value(of: $0, in: path) == nil }) {
                return .notFound
            }
            return .found(
                endpoints[index].handler,
                captures.isEmpty ? RouteParameters() : RouteParameters(captures, of: target)
            )
        }
    }

    // MARK: Lookup

    private struct Match {
        var node: Int
        var takesRest: Bool
    }

    /// Walks literals before captures before rests, going back where a branch ends in nothing.
    private func match(_ path: UnsafeBufferPointer<UInt8>, from start: Int, node: Int) -> Match? {
        // The end of the path, or the empty segment behind a trailing slash.
        if start >= path.count {
            return self.nodes[node].endpoints.isEmpty ? nil : Match(node: node, takesRest: false)
        }
        var end = start
        while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
        let segment = start..<end
        for index in self.nodes[node].literals.indices
        where Self.equal(self.nodes[node].literals[index].segment, path, segment) {
            let next = self.nodes[node].literals[index].node
            if let found = self.match(path, from: end + 1, node: next) { return found }
        }
        if let next = self.nodes[node].capture, !segment.isEmpty {
            if let found = self.match(path, from: end + 1, node: next) { return found }
        }
        return self.nodes[node].restEndpoints.isEmpty ? nil : Match(node: node, takesRest: true)
    }

    /// HEAD falls back to GET.
    private static func index(of method: HTTPMethod, in endpoints: [Endpoint]) -> Int? {
        for index in endpoints.indices where endpoints[index].method == method { return index }
        return method == .head ? Self.index(of: .get, in: endpoints) : nil
    }

    /// Compares a literal with a raw segment, resolving escapes only where there are some.
    private static func equal(_ literal: [UInt8], _ path: UnsafeBufferPointer<UInt8>, _ segment: Range<Int>) -> Bool {
        if literal.count == segment.count {
            for (offset, byte) in literal.enumerated() where path[segment.lowerBound + offset] != byte {
                return false
            }
            return true
        }
        guard segment.count > literal.count, path[segment].contains(UInt8(ascii: "%")) else { return false }
        return percentDecoded(path[segment], plusIsSpace: false).map { $0.utf8.elementsEqual(literal) } ?? false
    }

    private static func allowed(_ endpoints: [Endpoint]) -> [HTTPMethod] {
        var methods = endpoints.map(\.method)
        if methods.contains(.get), !methods.contains(.head) { methods.append(.head) }
        if !methods.contains(.options) { methods.append(.options) }
        return methods.sorted { $0.rawValue < $1.rawValue }
    }

    private var allMethods: [HTTPMethod] {
        var seen: [Endpoint] = []
        for endpoint in self.nodes.flatMap({ $0.endpoints + $0.restEndpoints })
        where !seen.contains(where: { $0.method == endpoint.method }) {
            seen.append(endpoint)
        }
        return Self.allowed(seen)
    }

    // MARK: Registration

    private mutating func insert(_ registration: Registration) {
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
        let endpoint = Endpoint(method: registration.method, captures: captures, handler: registration.handler)
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
