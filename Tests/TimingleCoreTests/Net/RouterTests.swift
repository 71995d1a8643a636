import Testing
import TimingleNet

struct RouterTests {
    /// Answers with its name and the parameters that it was given.
    private static func named(_ name: String, _ parameters: String...) -> HTTPHandler {
        { _, context in
            let values = parameters.map { "\($0)=\(context.parameters[$0] ?? "-")" }
            return HTTPResponse(.ok, fields: ["X": ([name] + values).joined(separator: " ")])
        }
    }

    private struct Marking: Middleware {
        let name: String
        func handle(_ request: HTTPRequest, _ context: RequestContext, next: HTTPHandler) async throws -> HTTPResponse {
            var context = context
            context.attach(self.name)
            var response = try await next(request, context)
            response.fields.append("M", self.name)
            return response
        }
    }

    private static func router() -> Router {
        var router = Router()
        router.on(.get, "/", Self.named("root"))
        router.on(.get, "/api/v1/events", Self.named("list"))
        router.on(.post, "/api/v1/events", Self.named("create"))
        router.on(.get, "/api/v1/events/{id}", Self.named("event", "id"))
        router.on(.get, "/api/v1/events/mine", Self.named("mine"))
        router.on(.delete, "/api/v1/events/{id}/participants/{user}", Self.named("remove", "id", "user"))
        router.on(.get, "/api/v1/events/{event}/messages", Self.named("messages", "event"))
        router.on(.get, "/files/{path...}", Self.named("files", "path"))
        router.on(.options, "/own", Self.named("own"))
        router.on(.get, "/guarded", middleware: [Marking(name: "inner")]) { _, context in
            HTTPResponse(.ok, fields: ["X": context.attachment(String.self) ?? "-"])
        }
        return router
    }

    private static func answer(_ method: HTTPMethod, _ target: String) async throws -> HTTPResponse {
        try await withEventLoopGroup(count: 1) { group in
            let handler = Self.router().frozen(
                middleware: [Marking(name: "outer")],
                notFound: { _, _ in HTTPResponse(.notFound) },
                methodNotAllowed: { _ in HTTPResponse(.methodNotAllowed) }
            )
            let context = RequestContext(loop: group.loops[0], requestID: "r", log: .silent)
            return try await handler(HTTPRequest(method: method, target: target), context)
        }
    }

    @Test(arguments: [
        (HTTPMethod.get, "/", "root"), (.get, "/?x=1", "root"), (.get, "/api/v1/events", "list"),
        (.get, "/api/v1/events/", "list"), (.get, "/api/v1/events?limit=5", "list"),
        (.post, "/api/v1/events/", "create"), (.get, "/api/v1/events/7", "event id=7"),
        (.get, "/api/v1/events/mine", "mine"), (.get, "/api/v1/events/mine/messages", "messages event=mine"),
        (.get, "/api/v1/events/a%2Fb%20c", "event id=a/b c"), (.get, "/api/v1/events/%6Dine", "mine"),
        (.delete, "/api/v1/events/7/participants/9", "remove id=7 user=9"),
        (.get, "/files/a/b/c.txt", "files path=a/b/c.txt"), (.head, "/api/v1/events", "list"),
        (.options, "/own", "own"),
    ])
    func theRouteIsFound(method: HTTPMethod, target: String, expected: String) async throws {
        let response = try await Self.answer(method, target)
        #expect(response.fields["X"] == expected)
        #expect(response.fields["M"] == "outer")
    }

    @Test(arguments: [
        (HTTPMethod.get, "/nothing"), (.get, "/api/v1/events//"), (.get, "/api//v1/events"), (.get, "//"),
        (.get, "/api/v1/events/7/messages/8"), (.get, "/api/v1"), (.get, "/api/v1/events/%FF"), (.get, "/files"),
        (.get, "*"), (.get, "/API/v1/events"),
    ])
    func whatIsNotThereIsNotFound(method: HTTPMethod, target: String) async throws {
        let response = try await Self.answer(method, target)
        #expect(response.status == .notFound)
        #expect(response.fields["M"] == "outer")
    }

    @Test func otherMethodsAreNamedInAllow() async throws {
        let response = try await Self.answer(.delete, "/api/v1/events")
        #expect(response.status == .methodNotAllowed)
        #expect(response.fields["Allow"] == "GET, HEAD, OPTIONS, POST")
        let options = try await Self.answer(.options, "/api/v1/events/7")
        #expect(options.status == .noContent)
        #expect(options.fields["Allow"] == "GET, HEAD, OPTIONS")
        let all = try await Self.answer(.options, "*")
        #expect(all.fields["Allow"] == "DELETE, GET, HEAD, OPTIONS, POST")
        let unknown = try await Self.answer(HTTPMethod(rawValue: "BREW"), "/api/v1/events")
        #expect(unknown.status == .notImplemented)
    }

    @Test func middlewareOfARouteIsInside() async throws {
        let response = try await Self.answer(.get, "/guarded")
        #expect(response.fields["X"] == "inner")
        #expect(response.fields.values("M") == ["inner", "outer"])
    }
}
