import Testing

@testable import TimingleNet

struct HTTPResponderTests {
    private struct Failure: Error {}

    /// Says when it was passed, in a field of the answer and in an attachment of the context.
    private struct Marking: Filter {
        let name: String
        var answers = false
        var throwsOnEnter = false
        var throwsOnLeave = false
        var recovers = false

        func enter(_ request: inout HTTPRequest, _ context: inout RequestContext) throws -> HTTPResponse? {
            if self.throwsOnEnter { throw Failure() }
            context.attach((context.attachment(String.self) ?? "") + self.name)
            return self.answers ? HTTPResponse(.accepted, fields: ["Way": "in \(self.name)"]) : nil
        }

        func leave(_ response: inout HTTPResponse, _ request: HTTPRequest, _ context: RequestContext) throws {
            if self.throwsOnLeave { throw Failure() }
            response.fields.append("Way", self.name)
        }

        func recover(
            from error: any Error,
            _ request: HTTPRequest,
            _ context: RequestContext
        ) throws -> HTTPResponse {
            guard self.recovers else { throw error }
            return HTTPResponse(.badRequest, fields: ["Way": "recovered \(self.name)"])
        }
    }

    /// May wait, so that nothing inside of it is immediate.
    private struct Waiting: Middleware {
        func handle(_ request: HTTPRequest, _ context: RequestContext, next: HTTPHandler) async throws -> HTTPResponse {
            await Task.yield()
            return try await next(request, context)
        }
    }

    private static func responder(_ middleware: [any Middleware]) -> HTTPResponder {
        var router = Router()
        router.onImmediate(.get, "/at-once/{id}") { _, context in
            let seen = context.attachment(String.self) ?? ""
            return HTTPResponse(.ok, fields: ["Way": "\(context.parameters["id"] ?? "-") \(seen)"])
        }
        router.onImmediate(.get, "/throws") { _, _ in throw Failure() }
        router.on(.get, "/waits/{id}") { _, context in
            await Task.yield()
            let seen = context.attachment(String.self) ?? ""
            return HTTPResponse(.ok, fields: ["Way": "\(context.parameters["id"] ?? "-") \(seen)"])
        }
        router.on(.get, "/throws-later") { _, _ in
            await Task.yield()
            throw Failure()
        }
        return router.frozen(
            middleware: middleware,
            notFound: { _, _ in HTTPResponse(.notFound) },
            methodNotAllowed: { _ in HTTPResponse(.methodNotAllowed) }
        )
    }

    /// The way of the answer, and whether it came without waiting.
    private static func way(_ target: String, _ middleware: [any Middleware]) async throws -> (String, atOnce: Bool) {
        let responder = Self.responder(middleware)
        var request = HTTPRequest(method: .get, target: target)
        let context = RequestContext(loop: try EventLoop(), requestID: "r", log: .silent)
        var changed = context
        var atOnce = true
        if case .wait = try responder.begin(&request, &changed) { atOnce = false }
        let whole = try await responder(HTTPRequest(method: .get, target: target), context)
        return (whole.fields["Way"] ?? "", atOnce)
    }

    @Test(arguments: [("/at-once/7", true), ("/waits/7", false)])
    func filtersAreAroundBothKinds(target: String, atOnce: Bool) async throws {
        let way = try await Self.way(target, [Marking(name: "a"), Marking(name: "b")])
        #expect(way == ("7 ab, b, a", atOnce))
    }

    @Test(arguments: ["/at-once/7", "/waits/7", "/nothing"])
    func anAnswerOnTheWayInPassesThoseOutsideOnly(target: String) async throws {
        let filters = [Marking(name: "a"), Marking(name: "b", answers: true), Marking(name: "c")]
        let way = try await Self.way(target, filters)
        #expect(way == ("in b, a", true))
    }

    @Test(arguments: [("/throws", true), ("/throws-later", false)])
    func theInnermostThatCanRecovers(target: String, atOnce: Bool) async throws {
        let filters = [Marking(name: "a"), Marking(name: "b", recovers: true), Marking(name: "c")]
        let way = try await Self.way(target, filters)
        #expect(way == ("recovered b, a", atOnce))
    }

    @Test(arguments: ["/at-once/7", "/waits/7"])
    func whatFiltersThrowGoesOutwards(target: String) async throws {
        let leaving = [Marking(name: "a", recovers: true), Marking(name: "b", throwsOnLeave: true)]
        #expect(try await Self.way(target, leaving).0 == "recovered a")
        let entering = [Marking(name: "a", recovers: true), Marking(name: "b", throwsOnEnter: true, recovers: true)]
        #expect(try await Self.way(target, entering).0 == "recovered a")
        await #expect(throws: Failure.self) {
            _ = try await Self.way(target, [Marking(name: "b", throwsOnEnter: true, recovers: true)])
        }
    }

    @Test func behindMiddlewareThatMayWaitNothingIsImmediate() async throws {
        let way = try await Self.way("/at-once/7", [Marking(name: "a"), Waiting(), Marking(name: "b")])
        #expect(way == ("7 ab, b, a", false))
    }

    @Test func whatIsNotThereIsAnsweredAtOnce() async throws {
        let way = try await Self.way("/nothing", [Marking(name: "a")])
        #expect(way == ("a", true))
    }

    @Test func aFilterAloneIsMiddleware() async throws {
        let context = RequestContext(loop: try EventLoop(), requestID: "r", log: .silent)
        let request = HTTPRequest(method: .get, target: "/")
        let answered = try await Marking(name: "a").handle(request, context) { _, context in
            HTTPResponse(.ok, fields: ["Way": context.attachment(String.self) ?? "-"])
        }
        #expect(answered.fields["Way"] == "a, a")
        let early = try await Marking(name: "a", answers: true).handle(request, context) { _, _ in throw Failure() }
        #expect(early.fields["Way"] == "in a")
        let recovered = try await Marking(name: "a", recovers: true).handle(request, context) { _, _ in throw Failure()
        }
        #expect(recovered.fields["Way"] == "recovered a")
    }
}
