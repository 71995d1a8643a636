/// Routes while they are registered; `frozen` turns them into the handler that serves.
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
            RouteTrie.Registration(method: method, pattern: pattern, handler: middleware.wrapping(handler))
        )
    }

    /// The handler over all routes, with `middleware` around everything, also around 404, 405 and OPTIONS.
    ///
    /// A trailing slash is accepted; HEAD falls back to GET; OPTIONS without a route answers 204 with Allow;
    /// a path that exists under other methods goes to `methodNotAllowed`, and Allow is set on its answer; a method
    /// that is none of RFC 9110's gets 501.
    package func frozen(
        middleware: [any Middleware],
        notFound: @escaping HTTPHandler,
        methodNotAllowed: @escaping @Sendable (_ allowed: [HTTPMethod]) -> HTTPResponse
    ) -> HTTPHandler {
        let trie = RouteTrie(self.routes)
        let dispatch: HTTPHandler = { request, context in
            switch trie.look(up: request.method, target: request.target) {
            case .found(let handler, let parameters):
                var context = context
                context.parameters = parameters
                return try await handler(request, context)
            case .otherMethods(let allowed):
                let list = allowed.map(\.rawValue).joined(separator: ", ")
                if request.method == .options { return HTTPResponse(.noContent, fields: ["Allow": list]) }
                var response = methodNotAllowed(allowed)
                if !request.method.isKnown { response.status = .notImplemented }
                response.fields["Allow"] = list
                return response
            case .notFound:
                return try await notFound(request, context)
            }
        }
        return middleware.wrapping(dispatch)
    }
}
