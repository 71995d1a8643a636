/// What answers the requests of a listener: at once where nothing has to be waited for, else by a handler that waits.
///
/// Immutable.
package struct HTTPResponder: Sendable {
    /// How far a request came without waiting.
    enum Step {
        case answer(HTTPResponse)
        /// The rest is to be run as a task: `finish` with this handler.
        case wait(HTTPHandler)
    }

    // Both by reference: handing a copy on would count all their references.
    typealias Route = @Sendable (_ request: inout HTTPRequest, _ context: inout RequestContext) throws -> Step

    /// Around everything, the first outermost.
    private let filters: [any Filter]
    private let route: Route

    init(filters: [any Filter], route: @escaping Route) {
        self.filters = filters
        self.route = route
    }

    /// Leaves every request to one handler.
    package init(_ handler: @escaping HTTPHandler) {
        self.init(filters: []) { _, _ in .wait(handler) }
    }

    /// Leaves every request to one handler that never waits.
    package init(immediate handler: @escaping ImmediateHTTPHandler) {
        self.init(filters: []) { request, context in .answer(try handler(request, context)) }
    }

    /// Answers a request, waiting where need be.
    package func callAsFunction(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        var request = request
        var context = context
        switch try self.begin(&request, &context) {
        case .answer(let response): return response
        case .wait(let handler): return try await self.finish(handler, request, context)
        }
    }

    /// Takes a request in through the filters and, unless it has to wait, its answer out again.
    func begin(_ request: inout HTTPRequest, _ context: inout RequestContext) throws -> Step {
        if self.filters.isEmpty { return try self.route(&request, &context) }
        var entered = 0
        let answer: HTTPResponse
        do {
            switch try self.enter(&request, &context, &entered) {
            case .wait(let handler): return .wait(handler)
            case .answer(let response): answer = response
            }
        } catch {
            return .answer(try self.leave(.failure(error), entered, request, context))
        }
        return .answer(try self.leave(.success(answer), entered, request, context))
    }

    /// The part of a request that waits.
    func finish(
        _ handler: HTTPHandler,
        _ request: HTTPRequest,
        _ context: RequestContext
    ) async throws -> HTTPResponse {
        if self.filters.isEmpty { return try await handler(request, context) }
        let outcome: Result<HTTPResponse, any Error>
        do {
            outcome = .success(try await handler(request, context))
        } catch {
            outcome = .failure(error)
        }
        return try self.leave(outcome, self.filters.count, request, context)
    }

    private func enter(
        _ request: inout HTTPRequest,
        _ context: inout RequestContext,
        _ entered: inout Int
    ) throws -> Step {
        for filter in self.filters {
            if let answer = try filter.enter(&request, &context) { return .answer(answer) }
            entered += 1
        }
        return try self.route(&request, &context)
    }

    /// Takes an answer or an error out through the first `entered` filters, the innermost of them first.
    private func leave(
        _ outcome: Result<HTTPResponse, any Error>,
        _ entered: Int,
        _ request: HTTPRequest,
        _ context: RequestContext
    ) throws -> HTTPResponse {
        var outcome = outcome
        for filter in self.filters[..<entered].reversed() {
            do {
                switch outcome {
                case .success(var response):
                    try filter.leave(&response, request, context)
                    outcome = .success(response)
                case .failure(let error):
                    outcome = .success(try filter.recover(from: error, request, context))
                }
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get()
    }
}
