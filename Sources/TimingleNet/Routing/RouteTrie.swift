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
        var parameterNames: [String]
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
        var target = target
        return target.withUTF8 { bytes in
            let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
            var path = UnsafeBufferPointer(rebasing: bytes[..<mark])
            if method == .options, path.count == 1, path[0] == UInt8(ascii: "*") {
                return .otherMethods(self.allMethods)
            }
            guard path.first == UInt8(ascii: "/") else { return .notFound }
            path = UnsafeBufferPointer(rebasing: path[1...])
            var captured: [Range<Int>] = []
            guard let match = self.match(path, from: 0, node: 0, captured: &captured) else { return .notFound }
            return self.resolve(match, method: method, path: path, captured: captured)
        }
    }

    // MARK: Lookup

    private struct Match {
        var node: Int
        var takesRest: Bool
    }

    /// Walks literals before captures before rests, going back where a branch ends in nothing.
    private func match(
        _ path: UnsafeBufferPointer<UInt8>,
        from start: Int,
        node: Int,
        captured: inout [Range<Int>]
    ) -> Match? {
        // The end of the path, or the empty segment behind a trailing slash.
        if start >= path.count {
            return self.nodes[node].endpoints.isEmpty ? nil : Match(node: node, takesRest: false)
        }
        var end = start
        while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
        let segment = start..<end
        for literal in self.nodes[node].literals where Self.equal(literal.segment, path, segment) {
            if let found = self.match(path, from: end + 1, node: literal.node, captured: &captured) { return found }
        }
        if let next = self.nodes[node].capture, !segment.isEmpty {
            captured.append(segment)
            if let found = self.match(path, from: end + 1, node: next, captured: &captured) { return found }
            captured.removeLast()
        }
        guard !self.nodes[node].restEndpoints.isEmpty else { return nil }
        captured.append(start..<path.count)
        return Match(node: node, takesRest: true)
    }

    private func resolve(
        _ match: Match,
        method: HTTPMethod,
        path: UnsafeBufferPointer<UInt8>,
        captured: [Range<Int>]
    ) -> Lookup {
        let node = self.nodes[match.node]
        let endpoints = match.takesRest ? node.restEndpoints : node.endpoints
        var found = endpoints.first { $0.method == method }
        if found == nil, method == .head { found = endpoints.first { $0.method == .get } }
        guard let found else { return .otherMethods(Self.allowed(endpoints)) }
        var parameters = RouteParameters()
        for (name, range) in zip(found.parameterNames, captured) {
            // A broken escape names nothing that exists.
            guard let value = percentDecoded(path[range], plusIsSpace: false) else { return .notFound }
            parameters.append(name, value)
        }
        return .found(found.handler, parameters)
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
        var names: [String] = []
        var takesRest = false
        for segment in segments {
            precondition(!takesRest, "a rest capture must be the last segment of \(registration.pattern)")
            switch segment {
            case .literal(let bytes): node = self.literalChild(of: node, bytes)
            case .capture(let name):
                names.append(name)
                node = self.captureChild(of: node)
            case .rest(let name):
                names.append(name)
                takesRest = true
            }
        }
        let endpoint = Endpoint(method: registration.method, parameterNames: names, handler: registration.handler)
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
