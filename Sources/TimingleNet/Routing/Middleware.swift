/// The one shape of whatever answers a request and may wait.
package typealias HTTPHandler = @Sendable (HTTPRequest, RequestContext) async throws -> HTTPResponse

/// The shape of what answers a request without ever waiting: no task is made for it.
package typealias ImmediateHTTPHandler = @Sendable (HTTPRequest, RequestContext) throws -> HTTPResponse

/// Something around a handler: may answer itself, change what goes in, or change what comes out.
package protocol Middleware: Sendable {
    func handle(
        _ request: HTTPRequest,
        _ context: RequestContext,
        next: HTTPHandler
    ) async throws -> HTTPResponse
}

/// Middleware that never waits: one step on the way in, one on the way out, around both kinds of handlers.
package protocol Filter: Middleware {
    /// On the way in; an answer from here is not seen by those further in, nor by this filter's own `leave`.
    func enter(_ request: inout HTTPRequest, _ context: inout RequestContext) throws -> HTTPResponse?
    /// On the way out, with the answer of those further in.
    func leave(_ response: inout HTTPResponse, _ request: HTTPRequest, _ context: RequestContext) throws
    /// On the way out, where those further in threw.
    func recover(from error: any Error, _ request: HTTPRequest, _ context: RequestContext) throws -> HTTPResponse
}

extension Filter {
    package func enter(_ request: inout HTTPRequest, _ context: inout RequestContext) throws -> HTTPResponse? { nil }

    package func leave(_ response: inout HTTPResponse, _ request: HTTPRequest, _ context: RequestContext) throws {}

    package func recover(
        from error: any Error,
        _ request: HTTPRequest,
        _ context: RequestContext
    ) throws -> HTTPResponse { throw error }

    package func handle(
        _ request: HTTPRequest,
        _ context: RequestContext,
        next: HTTPHandler
    ) async throws -> HTTPResponse {
        var request = request
        var context = context
        if let answer = try self.enter(&request, &context) { return answer }
        var response: HTTPResponse
        do {
            response = try await next(request, context)
        } catch {
            return try self.recover(from: error, request, context)
        }
        try self.leave(&response, request, context)
        return response
    }
}

extension Array where Element == any Middleware {
    /// Puts these around `handler`, the first outermost.
    package func wrapping(_ handler: @escaping HTTPHandler) -> HTTPHandler {
        self.reversed().reduce(handler) { inner, middleware in
            { request, context in try await middleware.handle(request, context, next: inner) }
        }
    }
}
