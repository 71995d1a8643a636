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
        try await withEventLoopGroup(count: 1) { group in
            var configuration = HTTPServerConfiguration(responder: responder)
            configuration.limits = limits
            let listener = try await Listener.bind(configuration, group: group)
            do {
                try await body(listener)
            } catch {
                await listener.close()
                throw error
            }
            await listener.close()
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
            while running.withLock({ $0 == nil }) { try await Task.sleep(for: .milliseconds(1)) }
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

    private final class SilentSocket: WebSocketHandler {
        func opened(_ socket: WebSocketConnection) {}
        func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {}
        func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {}
        func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {}
    }
}
