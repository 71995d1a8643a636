/// Routes while they are registered; `frozen` turns them into what serves.
///
/// A value.
package struct Router: Sendable {
    private var routes: [RouteTrie.Registration] = []

    package init() {}

    /// Registers `handler` for a method and a pattern such as `/api/v1/events/{id}/messages`.
    ///
    /// `{name}` captures one segment, `{name...}` at the end captures the rest. `middleware` is around this route
    /// only, first outermost, and sees the captured parameters. Registering a pair twice is our own bug and traps.
    package mutating func on(
        _ method: HTTPMethod,
        _ pattern: String,
        middleware: [any Middleware] = [],
        _ handler: @escaping HTTPHandler
    ) {
        self.routes.append(
            RouteTrie.Registration(method: method, pattern: pattern, handler: .waiting(middleware.wrapping(handler)))
        )
    }

    /// Registers a handler that never waits; it is called where the request was parsed, and costs no task.
    ///
    /// It holds up its loop while it runs: it computes or looks up, and no more.
    package mutating func onImmediate(
        _ method: HTTPMethod,
        _ pattern: String,
        _ handler: @escaping ImmediateHTTPHandler
    ) {
        self.routes.append(RouteTrie.Registration(method: method, pattern: pattern, handler: .immediate(handler)))
    }

    /// The responder over all routes, with `middleware` around everything, also around 404, 405 and OPTIONS.
    ///
    /// A trailing slash is accepted; HEAD falls back to GET; OPTIONS without a route answers 204 with Allow;
    /// a path that exists under other methods goes to `methodNotAllowed`, and Allow is set on its answer; a method
    /// that is none of RFC 9110's gets 501 for whatever path, and so does CONNECT. Where all of `middleware` are
    /// filters, immediate handlers stay immediate.
    package func frozen(
        middleware: [any Middleware],
        notFound: @escaping ImmediateHTTPHandler,
        methodNotAllowed: @escaping @Sendable (_ allowed: [HTTPMethod]) -> HTTPResponse
    ) -> HTTPResponder {
        let trie = RouteTrie(self.routes)
        let route: HTTPResponder.Route = { request, context in
            // Apart: inside the closure it would be a copy of the request.
            let method = request.method
            switch request.withTarget({ trie.look(up: method, target: $0) }) {
            case .found(let endpoint):
                if !trie.capturesNothing(endpoint) {
                    context.parameters = trie.parameters(of: endpoint, in: request.targetBytes)
                }
                switch trie.handler(of: endpoint) {
                case .immediate(let handler): return .answer(try handler(request, context))
                case .waiting(let handler): return .wait(handler)
                }
            case .otherMethods(let allowed):
                return .answer(Self.answer(request, allowed, methodNotAllowed))
            case .notFound:
                guard request.method.isKnown, request.method != .connect else {
                    var response = methodNotAllowed([])
                    response.status = .notImplemented
                    return .answer(response)
                }
                return .answer(try notFound(request, context))
            }
        }
        let filters = middleware.map { $0 as? any Filter }.prefix { $0 != nil }.compactMap { $0 }
        if filters.count == middleware.count { return HTTPResponder(filters: filters, route: route) }
        // From the first one that may wait, all is a matter of a task.
        let inner = HTTPResponder(filters: [], route: route)
        let handler = Array(middleware[filters.count...]).wrapping { try await inner($0, $1) }
        return HTTPResponder(filters: filters) { _, _ in .wait(handler) }
    }

    private static func answer(
        _ request: HTTPRequest,
        _ allowed: [HTTPMethod],
        _ methodNotAllowed: (_ allowed: [HTTPMethod]) -> HTTPResponse
    ) -> HTTPResponse {
        let list = allowed.map(\.rawValue).joined(separator: ", ")
        if request.method == .options { return HTTPResponse(.noContent, fields: ["Allow": list]) }
        var response = methodNotAllowed(allowed)
        if !request.method.isKnown { response.status = .notImplemented }
        response.fields["Allow"] = list
        return response
    }
}
