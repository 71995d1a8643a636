import Dispatch
import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

struct ListenerTests {
    /// Echoes what it understood: `METHOD target body`.
    private static let echo: HTTPHandler = { request, context in
        #expect(context.loop.inLoop)
        let text = "\(request.method) \(request.target) \(String(decoding: request.body, as: UTF8.self))"
        return HTTPResponse(.ok, body: .bytes(Array(text.utf8)))
    }

    private func withListener(
        _ limits: HTTPLimits = HTTPLimits(),
        responder: @escaping HTTPHandler = echo,
        loops: Int = 2,
        _ body: (Listener) async throws -> Void
    ) async throws {
        try await withEventLoopGroup(count: loops) { group in
            var configuration = HTTPServerConfiguration(responder: responder)
            configuration.limits = limits
            try configuration.useTestTransport()
            try await TimingleTestSupport.withListener(configuration, group: group, body)
        }
    }

    @Test func aRequestIsAnswered() async throws {
        try await self.withListener { listener in
            let client = try RawClient(port: listener.port)
            try await client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            let answer = try await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
            #expect(answer.contains("\r\nContent-Length: 13\r\nConnection: close\r\n\r\nPOST /x hello"))
        }
    }

    @Test func everySplitOfARequestIsAnsweredTheSame() async throws {
        let request = Array(
            "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".utf8
        )
        try await self.withListener { listener in
            let client = try RawClient(port: listener.port)
            for cut in 1..<request.count {
                try await client.send(Array(request[..<cut]))
                try await client.send(Array(request[cut...]))
                let answer = try await client.receive(until: "POST /x abc")
                #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && !answer.contains("Connection"))
            }
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        let slowFirst: HTTPHandler = { request, _ in
            if request.target == "/0" { try await Task.sleep(for: .milliseconds(20)) }
            return HTTPResponse(.ok, body: .bytes(Array("<\(request.target)>".utf8)))
        }
        try await self.withListener(responder: slowFirst) { listener in
            let client = try RawClient(port: listener.port)
            let requests = (0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
            try await client.send(requests)
            // An end of our half does not lose what waits.
            try await client.finishSending()
            let answers = try await client.receiveAll()
            let order = answers.split(separator: "<").dropFirst().map { $0.prefix { $0 != ">" } }
            #expect(order == (0..<50).map { "/\($0)" })
        }
    }

    @Test func continueIsSaidBeforeTheBodyAndNotWhenTheBodyIsRefused() async throws {
        try await self.withListener { listener in
            let client = try RawClient(port: listener.port)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            let interim = try await client.receive(until: "\r\n\r\n")
            #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("ok")
            let answer = try await client.receive(until: "POST / ok")
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            try await client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n"
            )
            let refused = try await client.receiveAll()
            #expect(refused.hasPrefix("HTTP/1.1 413 ") && refused.contains("Connection: close"))
        }
    }

    @Test func aBodyThatIsTooLargeIsToldSoAlthoughItIsStillBeingSent() async throws {
        var limits = HTTPLimits()
        limits.bodyBytes = 1_000
        try await self.withListener(limits) { listener in
            let client = try RawClient(port: listener.port)
            let size = 2_000_000
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
            try await client.send([UInt8](repeating: 1, count: size))
            let answer = try await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test(
        arguments: [
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            ("GET /\(String(repeating: "a", count: 9_000)) HTTP/1.1\r\n", 414),
            ("GET / HTTP/1.1\r\nX: \(String(repeating: "a", count: 17_000))\r\n", 431),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            ("\u{16}\u{3}\u{1}\r\n", 400),
        ] as [(TextArgument, Int)]
    )
    func whatIsRefusedIsAnsweredAndClosed(request: TextArgument, status: Int) async throws {
        try await self.withListener { listener in
            let client = try RawClient(port: listener.port)
            // A request behind it must not be run.
            try await client.send(request.value + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && answer.contains("Connection: close"))
            #expect(!answer.contains("smuggled"))
        }
    }

    @Test func headHasNoContentAndHTTP10Closes() async throws {
        try await self.withListener { listener in
            let client = try RawClient(port: listener.port)
            try await client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.0\r\n\r\n")
            let answers = try await client.receiveAll()
            #expect(answers.contains("Content-Length: 8\r\n\r\nHTTP/1.1 200 OK"))
            #expect(answers.hasSuffix("Connection: close\r\n\r\nGET /y "))
            let old = try RawClient(port: listener.port)
            try await old.send("GET /y HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try await old.receive(until: "GET /y ").contains("Connection: keep-alive"))
            try await old.send("GET /z HTTP/1.0\r\n\r\n")
            #expect(try await old.receiveAll().hasSuffix("GET /z "))
        }
    }

    @Test func aHeadThatDripsMeetsItsDeadline() async throws {
        var limits = HTTPLimits()
        limits.headDeadline = .milliseconds(60)
        try await self.withListener(limits) { listener in
            let client = try RawClient(port: listener.port)
            let begin = MonotonicInstant.now
            let dripping = Task {
                for byte in "GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".utf8 {
                    try await client.send([byte])
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            try? await dripping.value
            let answer = try await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
            #expect(MonotonicInstant.now - begin >= .milliseconds(60))
        }
    }

    @Test func aBodyThatDripsFallsBelowTheRate() async throws {
        var limits = HTTPLimits()
        limits.bodyGrace = .milliseconds(40)
        limits.bodyBytesPerSecondMin = 1_000_000
        try await self.withListener(limits) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
            let answer = try await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test func anIdleConnectionIsClosedWithoutAWord() async throws {
        var limits = HTTPLimits()
        limits.keepAliveIdle = .milliseconds(300)
        try await self.withListener(limits) { listener in
            let client = try RawClient(port: listener.port)
            #expect(try await client.receiveAll() == "")
            let used = try RawClient(port: listener.port)
            try await used.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await used.receiveAll().hasSuffix("GET /x "))
        }
    }

    @Test func theLastRequestOfAConnectionSaysClose() async throws {
        var limits = HTTPLimits()
        limits.requestsPerConnection = 2
        try await self.withListener(limits) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(String(repeating: "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", count: 3))
            let answers = try await client.receiveAll()
            #expect(answers.split(separator: "HTTP/1.1 200").count == 2)
            #expect(answers.split(separator: "Connection: close").count == 2)
        }
    }

    @Test func aHandlerThatThrowsIsABareFiveHundred() async throws {
        struct Failure: Error {}
        try await self.withListener(responder: { _, _ in throw Failure() }) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(try await client.receiveAll().hasPrefix("HTTP/1.1 500 Internal Server Error\r\n"))
        }
    }

    @Test func aClientThatGoesAwayCancelsItsRequest() async throws {
        let cancelled = Mutex(0)
        var limits = HTTPLimits()
        limits.halfCloseGrace = .milliseconds(10)
        let waiting: HTTPHandler = { _, _ in
            do {
                try await Task.sleep(for: .seconds(60))
            } catch {
                cancelled.withLock { $0 += 1 }
            }
            return HTTPResponse(.ok)
        }
        try await self.withListener(limits, responder: waiting) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            try await client.finishSending()
            // The answer of the cancelled task still comes: only our half is closed.
            #expect(try await client.receiveAll().hasPrefix("HTTP/1.1 200"))
            #expect(cancelled.withLock { $0 } == 1)
            let other = try RawClient(port: listener.port)
            try await other.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            // Left running: `close` of the listener cancels it.
        }
    }

    @Test func drainingFinishesWhatRunsAndClosesWhatIsIdle() async throws {
        let running = Mutex<CheckedContinuation<Void, Never>?>(nil)
        let slow: HTTPHandler = { request, _ in
            if request.target == "/slow" {
                await withCheckedContinuation { continuation in running.withLock { $0 = continuation } }
            }
            return HTTPResponse(.ok, body: .bytes(Array("done".utf8)))
        }
        try await self.withListener(responder: slow) { listener in
            let idle = try RawClient(port: listener.port)
            try await idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await idle.receive(until: "done")
            let busy = try RawClient(port: listener.port)
            try await busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            try await waitUntil { running.withLock { $0 != nil } }
            async let drained = listener.drain(deadline: .seconds(30))
            #expect(try await idle.receiveAll() == "")
            running.withLock { $0 }?.resume()
            let answer = try await busy.receiveAll()
            #expect(answer.contains("Connection: close") && answer.hasSuffix("done"))
            // Both peers must go before nothing is left.
            try await idle.finishSending()
            try await busy.finishSending()
            let isIdle = await drained
            #expect(isIdle)
            #expect(throws: RawClient.Failure.self) { _ = try RawClient(port: listener.port) }
        }
    }

    /// A client that the kernel has connected already must not be reset because the process goes down.
    @Test func whoWaitsToBeAcceptedIsServedBeforeTheListenerCloses() async throws {
        try await withEventLoopGroup(count: 1) { group in
            // In plain text: a handshake would wait for the loop.
            let configuration = HTTPServerConfiguration(responder: Self.echo)
            try await TimingleTestSupport.withListener(configuration, group: group) { listener in
                let isHeld = Mutex(false)
                let mayGoOn = DispatchSemaphore(value: 0)
                // The loop accepts nobody meanwhile.
                group.loops[0].execute {
                    isHeld.withLock { $0 = true }
                    _ = mayGoOn.wait(timeout: .now() + 30)
                }
                try await waitUntil { isHeld.withLock { $0 } }
                let clients = try (0..<300).map { _ in try RawClient(port: listener.port, transport: .plain) }
                for client in clients { try await client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n") }
                async let drained = listener.drain(deadline: .seconds(60))
                // Behind the beginning of the drain, in all likelihood.
                try await Task.sleep(for: .milliseconds(50))
                mayGoOn.signal()
                for client in clients {
                    #expect(try await client.receiveAll().hasSuffix("GET /x "))
                    try await client.finishSending()
                }
                let isIdle = await drained
                #expect(isIdle)
            }
        }
    }

    @Test func connectionsAreSpreadEvenlyOverTheLoops() async throws {
        let counts = Mutex<[Int: Int]>([:])
        let counting: HTTPHandler = { _, context in
            counts.withLock { $0[context.loop.index, default: 0] += 1 }
            return HTTPResponse(.noContent)
        }
        try await self.withListener(responder: counting) { listener in
            var clients: [RawClient] = []
            for _ in 0..<20 {
                let client = try RawClient(port: listener.port)
                try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                _ = try await client.receive(until: "204")
                clients.append(client)
            }
            #expect(counts.withLock { $0 } == [0: 10, 1: 10])
            #expect(listener.connectionCount == 20)
        }
    }

    @Test func beyondTheConnectionLimitTheAnswerIs503() async throws {
        var limits = HTTPLimits()
        limits.connections = 1
        try await self.withListener(limits) { listener in
            let first = try RawClient(port: listener.port)
            try await first.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await first.receive(until: "GET /1 ")
            let second = try RawClient(port: listener.port)
            #expect(try await second.receiveAll().hasPrefix("HTTP/1.1 503 "))
            try await first.send("GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(try await first.receiveAll().hasSuffix("GET /2 "))
        }
    }

    /// Echoes text messages.
    private final class EchoSocket: WebSocketHandler {
        func opened(_ socket: WebSocketConnection) { socket.send(text: "hello") }
        func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {
            socket.send(text: text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
        }
        func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {}
        func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {}
    }

    private static let socketHandler: HTTPHandler = { _, _ in
        .upgrade(WebSocketUpgrade(subprotocol: "chat") { EchoSocket() }, fields: ["X-Own": "1"])
    }

    /// RFC 6455 section 1.3.
    private static let handshake =
        "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, superchat\r\n"
        + "Sec-WebSocket-Version: 13\r\n\r\n"

    @Test func anUpgradeHandsTheConnectionAndItsBytesOver() async throws {
        try await self.withListener(responder: Self.socketHandler) { listener in
            let client = try RawClient(port: listener.port)
            // A masked "Hi" comes in the same segment, before anyone could have answered.
            let frame: [UInt8] = [0x81, 0x82, 1, 2, 3, 4, UInt8(ascii: "H") ^ 1, UInt8(ascii: "i") ^ 2]
            try await client.send(Array(Self.handshake.utf8) + frame)
            let answer = try await client.receive(until: "Hi")
            #expect(answer.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
            #expect(answer.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
            #expect(answer.contains("\r\nSec-WebSocket-Protocol: chat\r\n") && answer.contains("X-Own: 1"))
            #expect(!answer.contains("Content-Length") && answer.contains("hello"))
        }
    }

    @Test func drainingClosesWebSocketsWith1012() async throws {
        try await self.withListener(responder: Self.socketHandler) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(Self.handshake)
            _ = try await client.receive(until: "hello")
            async let drained = listener.drain(deadline: .seconds(5))
            let close = try await client.receive()
            #expect(close.count >= 4 && close[0] == 0x88 && Array(close[2..<4]) == [0x03, 0xf4])
            // Our Close in answer, masked with zeros.
            try await client.send([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf4])
            #expect(try await client.receive() == [])
            try await client.finishSending()
            let isIdle = await drained
            #expect(isIdle)
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (handshake.replacing("Version: 13", with: "Version: 12"), 426),
        (handshake.replacing("\r\n\r\n", with: "\r\nContent-Length: 2\r\n\r\nab"), 400),
        (handshake.replacing("GET", with: "POST"), 400), (handshake.replacing("HTTP/1.1", with: "HTTP/1.0"), 400),
    ])
    func aHandshakeThatCannotBeIsRefusedAndClosed(request: String, status: Int) async throws {
        try await self.withListener(responder: Self.socketHandler) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request)
            let answer = try await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            // RFC 9110 section 7.8: who sends Upgrade names it here.
            #expect(answer.contains(status == 426 ? "\r\nConnection: Upgrade, close\r\n" : "\r\nConnection: close\r\n"))
            #expect(answer.contains("\r\nUpgrade: websocket\r\n") == (status == 426))
        }
    }

    @Test func aBadAddressAndATakenPortAreErrors() async throws {
        try await self.withListener { listener in
            try await withEventLoopGroup(count: 1) { group in
                var configuration = HTTPServerConfiguration(address: "nowhere", responder: Self.echo)
                await #expect(throws: ListenerError.self) { _ = try await Listener.bind(configuration, group: group) }
                configuration.address = "127.0.0.1"
                configuration.port = listener.port
                let taken = configuration
                await #expect(throws: ListenerError.self) { _ = try await Listener.bind(taken, group: group) }
            }
        }
    }

    /// Reads an answer of 12 MB with a pause behind each portion, and says how much came until the end.
    private func readSlowly(_ portion: Int, pause: Duration, limits: HTTPLimits) async throws -> Int {
        let content = [UInt8](repeating: UInt8(ascii: "x"), count: 12_000_000)
        let responder: HTTPHandler = { _, _ in HTTPResponse(.ok, body: .bytes(content)) }
        let seen = Mutex(0)
        try await self.withListener(limits, responder: responder, loops: 1) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            do {
                while true {
                    let bytes = try await client.receive(atMost: portion)
                    guard !bytes.isEmpty else { return }
                    seen.withLock { $0 += bytes.count }
                    try await Task.sleep(for: pause)
                }
            } catch is RawClient.Failure {
                // Reset.
            }
        }
        return seen.withLock { $0 }
    }

    @Test func whoReadsTooSlowlyIsCutOff() async throws {
        var limits = HTTPLimits()
        limits.outboxBytes = 16_000_000
        limits.writeDeadline = .milliseconds(400)
        // Some 4 MB a second at most are read, and progress never stops.
        limits.writeBytesPerSecondMin = 20_000_000
        #expect(try await self.readSlowly(8_192, pause: .milliseconds(2), limits: limits) < 12_000_000)
        // Longer than the deadline in all, and far above the rate; a pause that the machine makes is no end.
        limits.writeDeadline = .seconds(3)
        limits.writeBytesPerSecondMin = 50_000
        #expect(try await self.readSlowly(32_768, pause: .milliseconds(10), limits: limits) > 12_000_000)
    }

    private final class SilentSocket: WebSocketHandler {
        func opened(_ socket: WebSocketConnection) {}
        func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {}
        func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {}
        func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {}
    }

    @Test func webSocketsAreToldOfTheEndOneAfterTheOther() async throws {
        let responder: HTTPHandler = { _, _ in .upgrade(WebSocketUpgrade { SilentSocket() }) }
        try await self.withListener(responder: responder, loops: 1) { listener in
            var clients: [RawClient] = []
            for _ in 0..<10 {
                let client = try RawClient(port: listener.port)
                try await client.send(
                    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                )
                _ = try await client.receive(until: "\r\n\r\n")
                clients.append(client)
            }
            let begun = ContinuousClock.now
            async let drained = listener.drain(deadline: .seconds(30), closingOver: .milliseconds(200))
            var delays: Set<String> = []
            for client in clients {
                let close = try await client.receive(until: "retry-after=")
                #expect(close.contains("server restart; "))
                delays.insert(String(close.split(separator: "=")[1]))
                try await client.send(WebSocketClientFrame.close(1012))
                _ = try await client.receiveAll()
            }
            #expect(await drained)
            // One in each interval of 20 milliseconds.
            #expect(begun.duration(to: .now) >= .milliseconds(180))
            #expect(delays.count > 1)
        }
    }
}
