import Synchronization
import Testing
import TimingleCore
import TimingleNet
@testable import TimingleServer

/// Keeps log lines.
final class RecordingSink: LogSink {
    private let state = Mutex<[LogLine]>([])
    var lines: [LogLine] { self.state.withLock { $0 } }
    func write(_ line: LogLine) { self.state.withLock { $0.append(line) } }
}

/// A limiter with one verdict.
struct FixedLimiter: RateLimiter {
    let verdict: RateLimitVerdict?
    func take(scope: String, subject: String, limit: RateLimit, now: Timestamp) async -> RateLimitVerdict? {
        self.verdict
    }
}

struct MiddlewareTests {
    private let answer: HTTPHandler = { _, _ in HTTPResponse(.ok) }

    // MARK: RequestIdentity

    @Test(arguments: [
        ("abc-1._Z", "abc-1._Z"), ("", "made-here"), ("a b", "made-here"), ("a\"b", "made-here"),
        (String(repeating: "a", count: 64), String(repeating: "a", count: 64)),
        (String(repeating: "a", count: 65), "made-here"),
    ])
    func onlyASaneRequestIDIsTakenOver(given: String, used: String) async throws {
        let request = ServerRequest.get("/", ["X-Request-Id": given])
        let context = try ServerRequest.context()
        let response = try await RequestIdentity(proxyTrust: ProxyTrust(proxies: [])).handle(
            request,
            context,
            next: self.answer
        )
        #expect(response.fields["X-Request-Id"] == used)
        #expect(response.fields["X-Content-Type-Options"] == "nosniff")
        #expect(response.fields["Cache-Control"] == "no-store")
    }

    // MARK: CORS

    @Test func onlyListedOriginsAreAllowed() async throws {
        let cors = CORS(origins: ["https://a.example"])
        let context = try ServerRequest.context()
        let good = try await cors.handle(
            ServerRequest.get("/", ["Origin": "https://a.example"]),
            context,
            next: self.answer
        )
        #expect(good.fields["Access-Control-Allow-Origin"] == "https://a.example")
        #expect(good.fields["Access-Control-Allow-Credentials"] == "true")
        #expect(good.fields["Vary"] == "Origin")
        let bad = try await cors.handle(
            ServerRequest.get("/", ["Origin": "https://b.example"]),
            context,
            next: self.answer
        )
        #expect(!bad.fields.contains("Access-Control-Allow-Origin"))
        #expect(bad.fields["Vary"] == "Origin")
    }

    @Test func everyAnswerSaysThatItHangsOnOriginWhereAnyMayCall() async throws {
        let context = try ServerRequest.context()
        func vary(_ origins: [String], _ fields: HTTPFields, _ own: HTTPFields = HTTPFields()) async throws -> [String]
        {
            let response = try await CORS(origins: origins).handle(ServerRequest.get("/", fields), context) { _, _ in
                HTTPResponse(.notModified, fields: own)
            }
            return response.fields.values("Vary")
        }
        for origins in [["https://a.example"], ["*"]] {
            #expect(try await vary(origins, [:]) == ["Origin"])
            #expect(try await vary(origins, ["Origin": "https://b.example"]) == ["Origin"])
            #expect(
                try await vary(origins, [:], ["Vary": "Accept-Encoding", "Age": "1"]) == ["Accept-Encoding, Origin"]
            )
            #expect(try await vary(origins, [:], ["Vary": "*"]) == ["*"])
            #expect(try await vary(origins, [:], ["Vary": "x, origin"]) == ["x, origin"])
        }
        #expect(try await vary([], ["Origin": "https://a.example"]) == [])
    }

    @Test func aWildcardNeverComesWithCredentials() async throws {
        let context = try ServerRequest.context()
        let request = ServerRequest.get("/", ["Origin": "https://b.example"])
        let response = try await CORS(origins: ["*"]).handle(request, context, next: self.answer)
        #expect(response.fields["Access-Control-Allow-Origin"] == "*")
        #expect(!response.fields.contains("Access-Control-Allow-Credentials"))
    }

    @Test func preflightIsAnsweredWithoutTheHandler() async throws {
        var request = ServerRequest.get("/", ["Origin": "https://a.example", "Access-Control-Request-Method": "PATCH"])
        request.method = .options
        let context = try ServerRequest.context()
        let response = try await CORS(origins: ["https://a.example"]).handle(request, context) { _, _ in
            Issue.record("the handler was called")
            return HTTPResponse(.ok)
        }
        #expect(response.status == .noContent)
        #expect(response.fields["Access-Control-Allow-Methods"]?.contains("PATCH") == true)
        #expect(response.fields["Vary"] == "Origin")
        request.fields["Origin"] = "https://b.example"
        let foreign = try await CORS(origins: ["https://a.example"]).handle(request, context, next: self.answer)
        #expect(!foreign.fields.contains("Access-Control-Allow-Methods") && foreign.fields["Vary"] == "Origin")
    }

    // MARK: BearerToken

    @Test(arguments: [
        ("Bearer abc", "abc" as String?), ("bearer abc", "abc"), ("BEARER   abc", "abc"), (" Bearer abc ", "abc"),
        ("Bearer", nil), ("Bearer a b", nil), ("Basic abc", nil), ("", nil), ("abc", nil),
    ])
    func bearerIsReadWithTolerance(field: String, token: String?) {
        #expect(BearerToken.parse(field) == token)
    }

    @Test(arguments: [
        ("chat, Bearer, t.o.k", "t.o.k" as String?), ("Bearer, t", "t"), ("bearer,t", "t"), ("chat", nil),
        ("Bearer", nil),
    ])
    func subprotocolPairIsACredential(offered: String, token: String?) throws {
        let credential = try BearerToken.forSocket(ServerRequest.get("/", ["Sec-WebSocket-Protocol": offered]))
        #expect(credential == token.map { .accessToken($0) })
    }

    @Test func aTicketCountsOnlyWhereThereIsNoToken() throws {
        let both = try BearerToken.forSocket(ServerRequest.get("/ws?ticket=t", ["Authorization": "Bearer a"]))
        #expect(both == .accessToken("a"))
        let ticket = try BearerToken.forSocket(ServerRequest.get("/ws?event_id=1&ticket=t"))
        #expect(ticket == .ticket("t"))
        #expect(throws: ServiceError.self) { try BearerToken.forSocket(ServerRequest.get("/ws?ticket=%ff")) }
        let empty = try BearerToken.forSocket(ServerRequest.get("/ws?ticket="))
        #expect(empty == nil)
    }

    // MARK: RateLimiting

    private func limited(_ verdict: RateLimitVerdict?) -> RateLimiting {
        RateLimiting(
            limiter: FixedLimiter(verdict: verdict),
            clock: FixedClock(),
            subject: .address(scope: "auth", RateLimit(count: 30, windowSeconds: 60))
        )
    }

    @Test func whoIsWithinTheLimitIsToldHowMuchIsLeft() async throws {
        var context = try ServerRequest.context()
        context.attach(ClientAddress(ServerRequest.get("/"), ProxyTrust(proxies: [])))
        let limiting = self.limited(RateLimitVerdict(allowed: true, limit: 30, remaining: 29, resetAt: 130))
        let response = try await limiting.handle(ServerRequest.get("/"), context, next: self.answer)
        #expect(response.fields["X-RateLimit-Limit"] == "30")
        #expect(response.fields["X-RateLimit-Remaining"] == "29")
        #expect(response.fields["X-RateLimit-Reset"] == "130")
    }

    @Test func whoIsBeyondIsRefusedWithTheSameFields() async throws {
        var context = try ServerRequest.context()
        context.attach(ClientAddress(ServerRequest.get("/"), ProxyTrust(proxies: [])))
        let limiting = self.limited(RateLimitVerdict(allowed: false, limit: 30, remaining: 0, resetAt: 130))
        let chain = [ErrorResponder() as any Middleware, limiting].wrapping(self.answer)
        let response = try await chain(ServerRequest.get("/"), context)
        #expect(response.status == .tooManyRequests)
        #expect(response.fields["Retry-After"] == "30")
        #expect(response.fields["X-RateLimit-Remaining"] == "0")
    }

    @Test func anAbsentCounterLetsEverythingThrough() async throws {
        var context = try ServerRequest.context()
        context.attach(ClientAddress(ServerRequest.get("/"), ProxyTrust(proxies: [])))
        let response = try await self.limited(nil).handle(ServerRequest.get("/"), context, next: self.answer)
        #expect(response.status == .ok)
        #expect(!response.fields.contains("X-RateLimit-Limit"))
    }

    // MARK: AccessLog

    @Test func theAccessLogShowsNoQuery() async throws {
        let sink = RecordingSink()
        let context = try ServerRequest.context(log: Log(label: "http", level: .info, sink: sink))
        _ = try await AccessLog().handle(ServerRequest.get("/api/v1/ws?ticket=secret"), context, next: self.answer)
        let lines = sink.lines
        #expect(lines.count == 1)
        #expect(lines.first?.metadata.contains { $0.key == "path" && $0.value == .text("/api/v1/ws") } == true)
    }
}

/// 100 seconds after the epoch.
struct FixedClock: WallClock {
    func now() -> Timestamp { Timestamp(milliseconds: 100_000) }
}
