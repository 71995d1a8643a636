import Testing
import TimingleCore
import TimingleNet
@testable import TimingleServer

struct ErrorResponderTests {
    private func answer(
        _ error: any Error,
        _ fields: HTTPFields = HTTPFields(),
        log: Log = .silent
    ) async throws -> HTTPResponse {
        let context = try ServerRequest.context(log: log)
        return try await ErrorResponder().handle(ServerRequest.get("/", fields), context) { _, _ in throw error }
    }

    @Test(arguments: [
        (ServiceError.Kind.badRequest, 400), (.unauthenticated, 401), (.forbidden, 403), (.notFound, 404),
        (.conflict, 409), (.gone, 410), (.invalid, 422), (.rateLimited(retryAfterSeconds: 7), 429), (.unavailable, 503),
    ])
    func everyKindHasItsStatus(kind: ServiceError.Kind, status: Int) async throws {
        let error = ServiceError(kind, code: "CODE", field: "f", ko: "가", en: "a", underlying: "secret")
        let response = try await self.answer(error)
        #expect(response.status.code == status)
        #expect(response.fields["Content-Type"] == "application/json; charset=utf-8")
        #expect(response.error("code") == "CODE")
        #expect(response.error("message") == "가")
        #expect(response.error("field") == "f")
        #expect(!response.bodyText.contains("secret"))
        #expect(response.fields.contains("Retry-After") == (status == 429 || status == 503))
        #expect(response.fields.contains("WWW-Authenticate") == (status == 401))
    }

    @Test func rateLimitSaysWhenToComeBack() async throws {
        let response = try await self.answer(ServiceError.rateLimited(retryAfterSeconds: 42))
        #expect(response.fields["Retry-After"] == "42")
        #expect(response.bodyText.contains(#""details":{"retry_after":42}"#))
    }

    @Test func theClientsLanguageBeatsTheUsersBeatsKorean() async throws {
        let error = ServiceError(.conflict, code: "C", ko: "가", en: "a")
        var annotated = AnnotatedError(error)
        annotated.language = .english
        let own = try await self.answer(annotated)
        #expect(own.error("message") == "a")
        let asked = try await self.answer(annotated, ["Accept-Language": "ko"])
        #expect(asked.error("message") == "가")
        let plain = try await self.answer(error, ["Accept-Language": "fr"])
        #expect(plain.error("message") == "가")
    }

    @Test func whatIsUnknownIsOursAndStaysOurs() async throws {
        struct DriverError: Error { let text = "FATAL: password authentication failed" }
        let sink = RecordingSink()
        let log = Log(label: "http", level: .debug, sink: sink)
        let response = try await self.answer(DriverError(), ["Accept-Language": "en"], log: log)
        #expect(response.status.code == 500)
        #expect(response.error("code") == "INTERNAL_ERROR")
        #expect(!response.bodyText.contains("password"))
        let lines = sink.lines
        #expect(lines.count == 1)
        #expect(lines.first?.level == .error)
        #expect(lines.first?.metadata.contains { $0.key == "request_id" && $0.value == .text("made-here") } == true)
    }

    @Test func annotatedFieldsReachTheAnswer() async throws {
        var annotated = AnnotatedError(ServiceError.eventNotFound)
        annotated.fields["X-RateLimit-Limit"] = "100"
        let response = try await self.answer(annotated)
        #expect(response.status == .notFound)
        #expect(response.fields["X-RateLimit-Limit"] == "100")
    }

    @Test(arguments: HTTPParseError.allCases)
    func everyParseErrorIsReadable(error: HTTPParseError) {
        let korean = ErrorResponder.response(to: error, fields: nil)
        let english = ErrorResponder.response(to: error, fields: ["Accept-Language": "en"])
        #expect(korean.status == error.status)
        #expect(korean.error("code")?.isEmpty == false)
        #expect(korean.error("message")?.isEmpty == false)
        #expect(english.error("message") == error.reason)
    }
}
