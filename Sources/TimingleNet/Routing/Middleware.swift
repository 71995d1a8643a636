/// The one shape of whatever answers a request.
package typealias HTTPHandler = @Sendable (HTTPRequest, RequestContext) async throws -> HTTPResponse

/// Something around a handler: may answer itself, change what goes in, or change what comes out.
package protocol Middleware: Sendable {
    func handle(
        _ request: HTTPRequest,
        _ context: RequestContext,
        next: HTTPHandler
    ) async throws -> HTTPResponse
}

extension Array where Element == any Middleware {
    /// Puts these around `handler`, the first outermost.
    package func wrapping(_ handler: @escaping HTTPHandler) -> HTTPHandler {
        self.reversed().reduce(handler) { inner, middleware in
            { request, context in try await middleware.handle(request, context, next: inner) }
        }
    }
}
