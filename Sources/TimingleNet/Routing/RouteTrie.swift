/// Frozen routes: nodes, edges and names, each in one flat array.
///
/// Immutable. What a lookup walks holds no references, so that loops which look up at the same time share nothing that
/// is written; a handler is taken out by its number, once.
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
        /// The number of an endpoint.
        case found(Int)
        /// The path is there, under these methods only.
        case otherMethods([HTTPMethod])
        case notFound
    }

    /// One method of one pattern.
    struct Endpoint: Sendable {
        var method: HTTPMethod
        var captures: [RouteParameters.Capture]
        var handler: Handler
    }

    private struct Node: Sendable {
        var edges = 0..<0
        /// The node behind a segment that is captured; 0, the root, is behind none.
        var capture = 0
        /// Endpoints that end here.
        var ends = 0..<0
        /// Endpoints whose last segment takes the rest.
        var rests = 0..<0
    }

    private struct Edge: Sendable {
        /// The segment's place in `names`.
        var nameStart: Int
        var nameCount: Int
        var node: Int
    }

    private var nodes: [Node] = []
    private var edges: [Edge] = []
    private var names: [UInt8] = []
    /// Those of one node stand side by side; `kinds` tells their methods apart without their references.
    private var endpoints: [Endpoint] = []
    private var kinds: [UInt8] = []

    init(_ registrations: [Registration]) {
        var builder = RouteTrieBuilder()
        for registration in registrations { builder.insert(registration) }
        self.freeze(builder)
    }

    private mutating func freeze(_ builder: RouteTrieBuilder) {
        for growing in builder.nodes {
            var node = Node()
            node.edges = self.edges.count..<(self.edges.count + growing.literals.count)
            for (segment, next) in growing.literals {
                self.edges.append(Edge(nameStart: self.names.count, nameCount: segment.count, node: next))
                self.names += segment
            }
            node.capture = growing.capture ?? 0
            node.ends = self.add(growing.endpoints)
            node.rests = self.add(growing.restEndpoints)
            self.nodes.append(node)
        }
    }

    private mutating func add(_ endpoints: [Endpoint]) -> Range<Int> {
        let start = self.endpoints.count
        self.endpoints += endpoints
        self.kinds += endpoints.map { $0.method.kind }
        return start..<self.endpoints.count
    }

    // MARK: Lookup

    func look(up method: HTTPMethod, target: UnsafeBufferPointer<UInt8>) -> Lookup {
        var end = 0
        var isEscaped = false
        while end < target.count, target[end] != UInt8(ascii: "?") {
            if target[end] == UInt8(ascii: "%") { isEscaped = true }
            end += 1
        }
        let path = UnsafeBufferPointer(rebasing: target[..<end])
        guard path.first == UInt8(ascii: "/") else {
            let isServer = method == .options && path.count == 1 && path[0] == UInt8(ascii: "*")
            return isServer ? .otherMethods(Self.allowed(self.endpoints)) : .notFound
        }
        guard let candidates = self.match(path) else { return .notFound }
        guard let index = self.index(of: method, in: candidates) else {
            return .otherMethods(Self.allowed(self.endpoints[candidates]))
        }
        // A broken escape names nothing that exists.
        if isEscaped, self.endpoints[index].captures.contains(where: { RouteParameters.value(of: $0, in: path) == nil })
        {
            return .notFound
        }
        return .found(index)
    }

    func handler(of endpoint: Int) -> Handler { self.endpoints[endpoint].handler }

    func capturesNothing(_ endpoint: Int) -> Bool { self.endpoints[endpoint].captures.isEmpty }

    func parameters(of endpoint: Int, in target: HTTPTargetBytes) -> RouteParameters {
        RouteParameters(self.endpoints[endpoint].captures, of: target)
    }

    private func match(_ path: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        self.nodes.withUnsafeBufferPointer { nodes in
            self.edges.withUnsafeBufferPointer { edges in
                self.names.withUnsafeBufferPointer { names in
                    Walk(nodes: nodes, edges: edges, names: names, path: path).match(from: 1, node: 0)
                }
            }
        }
    }

    /// One lookup, for whose length the arrays are borrowed.
    private struct Walk {
        let nodes: UnsafeBufferPointer<Node>
        let edges: UnsafeBufferPointer<Edge>
        let names: UnsafeBufferPointer<UInt8>
        let path: UnsafeBufferPointer<UInt8>

        /// Walks literals before captures before rests, going back where a branch ends in nothing.
        func match(from start: Int, node index: Int) -> Range<Int>? {
            let node = self.nodes[index]
            // The end of the path, or the empty segment behind a trailing slash.
            if start >= self.path.count { return node.ends.isEmpty ? nil : node.ends }
            var end = start
            while end < self.path.count, self.path[end] != UInt8(ascii: "/") { end += 1 }
            for index in node.edges {
                let edge = self.edges[index]
                guard self.isEqual(edge, start, end) else { continue }
                if let found = self.match(from: end + 1, node: edge.node) { return found }
            }
            if node.capture != 0, start < end {
                if let found = self.match(from: end + 1, node: node.capture) { return found }
            }
            return node.rests.isEmpty ? nil : node.rests
        }

        /// Compares a literal with a raw segment, resolving escapes only where there are some.
        @inline(__always)
        private func isEqual(_ edge: Edge, _ start: Int, _ end: Int) -> Bool {
            guard edge.nameCount == end &- start else {
                return edge.nameCount < end &- start && self.isEscaped(edge, start..<end)
            }
            var offset = 0
            while offset < edge.nameCount {
                guard self.path[start &+ offset] == self.names[edge.nameStart &+ offset] else { return false }
                offset &+= 1
            }
            return true
        }

        private func isEscaped(_ edge: Edge, _ segment: Range<Int>) -> Bool {
            guard self.path[segment].contains(UInt8(ascii: "%")) else { return false }
            let name = self.names[edge.nameStart..<(edge.nameStart + edge.nameCount)]
            let decoded = percentDecoded(self.path[segment], plusIsSpace: false)
            return decoded.map { $0.utf8.elementsEqual(name) } ?? false
        }
    }

    /// HEAD falls back to GET.
    private func index(of method: HTTPMethod, in candidates: Range<Int>) -> Int? {
        let kind = method.kind
        for index in candidates where self.kinds[index] == kind {
            // Methods without a kind of their own are told apart by their names.
            if kind != HTTPMethod.otherKind || self.endpoints[index].method == method { return index }
        }
        return method == .head ? self.index(of: .get, in: candidates) : nil
    }

    private static func allowed(_ endpoints: some Sequence<Endpoint>) -> [HTTPMethod] {
        var methods: [HTTPMethod] = []
        for endpoint in endpoints where !methods.contains(endpoint.method) { methods.append(endpoint.method) }
        if methods.contains(.get), !methods.contains(.head) { methods.append(.head) }
        if !methods.contains(.options) { methods.append(.options) }
        return methods.sorted { $0.rawValue < $1.rawValue }
    }
}

extension HTTPMethod {
    /// The kind of all methods that have none of their own.
    fileprivate static let otherKind: UInt8 = 9

    /// A number for each method of the standards.
    fileprivate var kind: UInt8 {
        switch self {
        case .get: 0
        case .head: 1
        case .post: 2
        case .put: 3
        case .patch: 4
        case .delete: 5
        case .options: 6
        case .connect: 7
        case .trace: 8
        case .other: Self.otherKind
        }
    }
}
