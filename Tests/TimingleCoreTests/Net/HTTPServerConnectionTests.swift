import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

struct HTTPServerConnectionTests {
    private func withListener(
        _ limits: HTTPLimits = HTTPLimits(),
        responder: @escaping HTTPHandler,
        _ body: (Listener) async throws -> Void
    ) async throws {
        try await self.withListener(limits, responder: HTTPResponder(responder), body)
    }

    private func withListener(
        _ limits: HTTPLimits = HTTPLimits(),
        responder: HTTPResponder,
        _ body: (Listener) async throws -> Void
    ) async throws {
        try await withEventLoopGroup(count: 1) { group in
            var configuration = HTTPServerConfiguration(responder: responder)
            configuration.limits = limits
            try configuration.useTestTransport()
            try await TimingleTestSupport.withListener(configuration, group: group, body)
        }
    }

    @Test func aPeerThatClosedItsHalfSeesTheEndBehindALongAnswer() async throws {
        // More than the kernel takes at once, and than may be queued before the next request.
        let content = [UInt8](repeating: UInt8(ascii: "x"), count: 6_000_000)
        try await self.withListener(responder: { _, _ in HTTPResponse(.ok, body: .bytes(content)) }) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try await client.finishSending()
            // The client's reads give up after five seconds; an idle connection would be kept for 75.
            let answer = try await client.receiveAll()
            #expect(answer.utf8.count > content.count)
        }
    }

    @Test func whatIsRefusedBehindALongAnswerComesBehindAllOfIt() async throws {
        let content = [UInt8](repeating: UInt8(ascii: "x"), count: 20_000)
        var limits = HTTPLimits()
        // The content does not fit behind its head: the head is written before it is queued.
        limits.outboxBytes = 100
        let responder: HTTPHandler = { _, _ in HTTPResponse(.ok, body: .bytes(content)) }
        try await self.withListener(limits, responder: responder) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nno request\r\n\r\n")
            let answers = try await client.receiveAll()
            #expect(answers.contains(String(decoding: content, as: UTF8.self) + "HTTP/1.1 400 "))
        }
    }

    @Test func aHandshakeThatMeetsTheDrainIsToldToComeAgain() async throws {
        let running = Mutex<CheckedContinuation<Void, Never>?>(nil)
        let responder: HTTPHandler = { _, _ in
            await withCheckedContinuation { continuation in running.withLock { $0 = continuation } }
            return .upgrade(WebSocketUpgrade { SilentSocket() })
        }
        try await self.withListener(responder: responder) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            try await waitUntil { running.withLock { $0 != nil } }
            _ = await listener.drain(deadline: .zero)
            running.withLock { $0 }?.resume()
            let answer = try await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Retry-After: "))
            #expect(answer.contains("Connection: close"))
        }
    }

    @Test func bodiesOfAllConnectionsShareABudget() async throws {
        var limits = HTTPLimits()
        limits.bodyBytes = 40_000
        limits.bodyBytesPerLoop = 40_000
        let echo: HTTPHandler = { request, _ in HTTPResponse(.ok, body: .bytes(Array("\(request.body.count)".utf8))) }
        func head(_ count: Int) -> [UInt8] {
            Array("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: \(count)\r\n\r\n".utf8)
        }
        func content(_ count: Int) -> [UInt8] { [UInt8](repeating: 1, count: count) }
        try await self.withListener(limits, responder: echo) { listener in
            let slow = try RawClient(port: listener.port)
            try await slow.send(head(40_000) + content(30_000))
            // Only what the server has taken counts: it answers this behind those bytes, on the same loop.
            let small = try RawClient(port: listener.port)
            try await small.send(head(8_000) + content(8_000))
            #expect(try await small.receiveAll().hasSuffix("8000"))
            let large = try RawClient(port: listener.port)
            try await large.send(head(40_000) + content(40_000))
            #expect(try await large.receiveAll().hasPrefix("HTTP/1.1 503 "))
            try await slow.send(content(10_000))
            #expect(try await slow.receiveAll().hasSuffix("40000"))
            // What the first ones held was given back: answered, refused, and left by its peer in the middle.
            for _ in 0..<3 {
                let gone = try RawClient(port: listener.port)
                try await gone.send(head(40_000) + content(30_000))
                try await gone.finishSending()
                #expect(try await gone.receiveAll() == "")
            }
            let again = try RawClient(port: listener.port)
            try await again.send(head(40_000) + content(40_000))
            #expect(try await again.receiveAll().hasSuffix("40000"))
        }
    }

    // MARK: Empty lines before a request (RFC 9112 section 2.2)

    /// Gives `body` a connection over a socket in memory that has answered one request and then got `rest`.
    private func afterARequest(
        _ rest: String,
        _ body: @escaping @Sendable (HTTPServerConnection, MemorySocket) -> Void
    ) async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            try await loop.enter {
                let responder = HTTPResponder(immediate: { _, _ in HTTPResponse(.noContent) })
                let shard = HTTPServerShard(
                    loop: loop,
                    configuration: HTTPServerConfiguration(responder: responder),
                    load: ShardLoad(),
                    connectionEnded: {}
                )
                let socket = MemorySocket()
                let connection = HTTPServerConnection(shard: shard)
                let stream = StreamConnection(
                    io: try socket.io(),
                    loop: loop,
                    peerAddress: .unspecified,
                    handler: connection
                )
                try stream.open()
                connection.begin(on: stream, refusal: nil)
                socket.feed(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
                let idle = connection.deadline
                for byte in rest.utf8 { socket.feed([byte]) }
                #expect(connection.machine.isIdle && connection.deadline == idle, "\(rest.debugDescription)")
                body(connection, socket)
                stream.abort()
            }
        }
    }

    @Test(arguments: ["", "\r", "\r\n", "\r\n\r", "\r\n\r\n", "\r\n\r\n\r"])
    func aConnectionWithEmptyLinesIsIdle(lines: String) async throws {
        try await self.afterARequest(lines) { connection, socket in
            connection.drain()
            #expect(connection.machine.wantsHead == false)
        }
        try await self.afterARequest(lines) { connection, socket in
            socket.feedEnd()
            #expect(connection.machine.wantsHead == false)
        }
        try await self.afterARequest(lines) { connection, socket in
            let idle = connection.deadline
            socket.feed(Array((lines.hasSuffix("\r") ? "\nGET" : "GET").utf8))
            // A third line is one too many.
            #expect(connection.machine.isIdle == false)
            if lines != "\r\n\r\n\r" { #expect(connection.deadline != idle && connection.machine.wantsHead) }
        }
    }

    // MARK: Handlers of both kinds

    private struct Failure: Error {}

    /// `/now…` is answered at once, `/later…` after a few turns, `/fail…` not at all.
    private static func bothKinds() -> HTTPResponder {
        var router = Router()
        router.onImmediate(.get, "/now/{n}") { request, _ in
            HTTPResponse(.ok, body: .bytes(Array("<\(request.target)>".utf8)))
        }
        router.onImmediate(.post, "/now/{n}") { request, _ in
            HTTPResponse(.ok, body: .bytes(Array("<\(request.target)=".utf8) + request.body + Array(">".utf8)))
        }
        router.on(.get, "/ready/{n}") { request, _ in
            HTTPResponse(.ok, body: .bytes(Array("<\(request.target)>".utf8)))
        }
        router.on(.get, "/later/{n}") { request, context in
            for _ in 0..<3 { await Task.yield() }
            context.loop.preconditionInLoop()
            return HTTPResponse(.ok, body: .bytes(Array("<\(request.target)>".utf8)))
        }
        router.onImmediate(.get, "/fail/{n}") { _, _ in throw Failure() }
        router.on(.get, "/fail-later/{n}") { _, _ in
            await Task.yield()
            throw Failure()
        }
        router.onImmediate(.get, "/socket") { _, _ in .upgrade(WebSocketUpgrade { GreetingSocket() }) }
        return router.frozen(
            middleware: [],
            notFound: { _, _ in HTTPResponse(.notFound) },
            methodNotAllowed: { _ in HTTPResponse(.methodNotAllowed) }
        )
    }

    private static func requests(_ targets: [String]) -> String {
        targets.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
    }

    private static func order(_ answers: String) -> [String] {
        answers.split(separator: "<").dropFirst().map { String($0.prefix { $0 != ">" }) }
    }

    @Test func bothKindsOfHandlersAreAnsweredInOrder() async throws {
        var random = SeededGenerator(seed: 5)
        let kinds = ["/now/", "/ready/", "/later/"]
        let targets = (0..<300).map { kinds[Int.random(in: 0..<3, using: &random)] + "\($0)" }
        try await self.withListener(responder: Self.bothKinds()) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(Self.requests(targets))
            try await client.finishSending()
            #expect(Self.order(try await client.receiveAll()) == targets)
        }
    }

    @Test func pipelinedAnswersAreWholeAtEverySplit() async throws {
        let targets = ["/now/1", "/later/2", "/ready/3", "/now/4"]
        let bytes = Array(Self.requests(targets).utf8)
        try await self.withListener(responder: Self.bothKinds()) { listener in
            for cut in stride(from: 1, to: bytes.count, by: 3) {
                let client = try RawClient(port: listener.port)
                try await client.send(Array(bytes[..<cut]))
                await Task.yield()
                try await client.send(Array(bytes[cut...]))
                try await client.finishSending()
                #expect(Self.order(try await client.receiveAll()) == targets, "cut at \(cut)")
            }
        }
    }

    @Test func bodiesReachImmediateHandlers() async throws {
        try await self.withListener(responder: Self.bothKinds()) { listener in
            let client = try RawClient(port: listener.port)
            let post = "POST /now/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
            try await client.send(post + Self.requests(["/now/2"]) + post)
            try await client.finishSending()
            #expect(Self.order(try await client.receiveAll()) == ["/now/1=abc", "/now/2", "/now/1=abc"])
        }
    }

    @Test func whatThrowsIsA500AndTheConnectionGoesOn() async throws {
        try await self.withListener(responder: Self.bothKinds()) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(Self.requests(["/fail/1", "/fail-later/2", "/now/3"]))
            try await client.finishSending()
            let answers = try await client.receiveAll()
            #expect(answers.split(separator: "HTTP/1.1 500 ").count == 2)
            #expect(Self.order(answers) == ["/now/3"])
        }
    }

    @Test func aHandshakeBehindOtherRequestsIsAnsweredBehindThem() async throws {
        try await self.withListener(responder: Self.bothKinds()) { listener in
            let client = try RawClient(port: listener.port)
            // The first byte of a frame comes in the same packet.
            try await client.send(
                Self.requests(["/now/1", "/later/2"]) + "GET /socket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                    + "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    + "Sec-WebSocket-Version: 13\r\n\r\n\u{1}"
            )
            let answers = try await client.receive(until: "hello")
            #expect(Self.order(answers).first == "/now/1")
            #expect(answers.contains("</later/2>HTTP/1.1 101 "))
        }
    }

    @Test func manyLargeAnswersAreHeldBackUntilTheyAreRead() async throws {
        let content = [UInt8](repeating: UInt8(ascii: "x"), count: 5_000)
        let responder = HTTPResponder(immediate: { _, _ in HTTPResponse(.ok, body: .bytes(content)) })
        var limits = HTTPLimits()
        limits.pipelinedAnswerBytes = 20_000
        try await self.withListener(limits, responder: responder) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(Self.requests((0..<2_000).map { "/\($0)" }))
            try await client.finishSending()
            let answers = try await client.receiveAll()
            #expect(answers.utf8.count(where: { $0 == UInt8(ascii: "x") }) == 2_000 * 5_000)
        }
    }

    private final class GreetingSocket: WebSocketHandler {
        func opened(_ socket: WebSocketConnection) { socket.send(text: "hello") }
        func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {}
        func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {}
        func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {}
    }

    private final class SilentSocket: WebSocketHandler {
        func opened(_ socket: WebSocketConnection) {}
        func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {}
        func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {}
        func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {}
    }
}
