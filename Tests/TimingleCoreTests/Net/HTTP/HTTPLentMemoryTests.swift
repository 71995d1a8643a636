import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

/// A loop lends one request after the other the same memory: nobody who keeps a request, a context or an answer may see
/// another's bytes in it.
struct HTTPLentMemoryTests {
    private typealias Kept = Mutex<[(request: HTTPRequest, context: RequestContext)]>
    private typealias Waiting = Mutex<[String: CheckedContinuation<Void, Never>]>

    /// What the handlers of a test keep.
    private final class Shelf: Sendable {
        let kept = Kept([])
        let waiting = Waiting([:])

        func keep(_ request: HTTPRequest, _ context: RequestContext) {
            self.kept.withLock { $0.append((request, context)) }
        }

        /// Every request that was kept still says what its client said.
        func check(count: Int) {
            let kept = self.kept.withLock { $0 }
            #expect(kept.count == count)
            for (request, context) in kept {
                let name = context.parameters["name"] ?? "?"
                #expect(request.path == "/\(request.fields["X-Kind"] ?? "?")/\(Self.escaped(name))")
                #expect(request.fields["X-Name"] == name)
                #expect(request.fields.values("x-name") == [name])
                #expect(request.fields.count == 4)
                #expect(request.query.first("name") == name)
                #expect(
                    request.fields["X-Fill"] == String(repeating: String(name.suffix(1)), count: 10 + name.utf8.count)
                )
            }
            #expect(Set(kept.map(\.context.requestID)).count == count)
        }

        /// The end of the name is written as an escape, so that only the decoded form is equal.
        static func escaped(_ name: String) -> String {
            guard let last = name.utf8.last else { return name }
            return name.dropLast() + "%" + String(last, radix: 16)
        }
    }

    private static func request(_ kind: String, _ name: String, _ more: String = "") -> String {
        "GET /\(kind)/\(Shelf.escaped(name))?name=\(name) HTTP/1.1\r\nHost: a\r\nX-Kind: \(kind)\r\nX-Name: \(name)\r\n"
            + "X-Fill: \(String(repeating: String(name.suffix(1)), count: 10 + name.utf8.count))\r\n\(more)\r\n"
    }

    private static func router(_ shelf: Shelf) -> HTTPResponder {
        @Sendable func answer(_ context: RequestContext) -> HTTPResponse {
            let name = context.parameters["name"] ?? "?"
            return HTTPResponse(.ok, fields: ["X-Answer": name], body: .bytes(Array("<\(name)>".utf8)))
        }
        var router = Router()
        router.onImmediate(.get, "/now/{name}") { request, context in
            shelf.keep(request, context)
            return answer(context)
        }
        router.on(.get, "/task/{name}") { request, context in
            shelf.keep(request, context)
            return answer(context)
        }
        router.on(.get, "/wait/{name}") { request, context in
            let name = context.parameters["name"] ?? "?"
            await withCheckedContinuation { continuation in
                shelf.waiting.withLock { $0[name] = continuation }
            }
            // Only now: other requests were parsed and answered meanwhile.
            shelf.keep(request, context)
            return answer(context)
        }
        router.onImmediate(.get, "/throw/{name}") { request, context in
            shelf.keep(request, context)
            throw CancellationError()
        }
        router.onImmediate(.get, "/upgrade/{name}") { request, context in
            shelf.keep(request, context)
            return .upgrade(WebSocketUpgrade { SilentSocket() })
        }
        return router.frozen(
            middleware: [],
            notFound: { _, _ in HTTPResponse(.notFound) },
            methodNotAllowed: { _ in HTTPResponse(.methodNotAllowed) }
        )
    }

    private func withListener(_ shelf: Shelf, _ body: (Listener) async throws -> Void) async throws {
        try await withEventLoopGroup(count: 1) { group in
            var configuration = HTTPServerConfiguration(responder: Self.router(shelf))
            try configuration.useTestTransport()
            try await TimingleTestSupport.withListener(configuration, group: group, body)
        }
    }

    /// The bodies of all answers, in order.
    private static func contents(_ answers: String) -> [String] {
        answers.split(separator: "<").dropFirst().map { String($0.prefix { $0 != ">" }) }
    }

    @Test(arguments: ["now", "task"])
    func pipelinedRequestsThatAreKeptStayTheirOwn(kind: String) async throws {
        let shelf = Shelf()
        try await self.withListener(shelf) { listener in
            let client = try RawClient(port: listener.port)
            // Shorter and longer ones by turns: memory of another size is not taken back as it was.
            let names = (0..<200).map { "n\($0)" + String(repeating: "x", count: $0 * 37 % 400) + "e" }
            try await client.send(names.map { Self.request(kind, $0) }.joined())
            let answers = try await client.receive(until: "<\(names[199])>")
            #expect(Self.contents(answers) == names)
            shelf.check(count: 200)
        }
    }

    @Test func kindsThatAlternateOnOneConnectionStayTheirOwn() async throws {
        let shelf = Shelf()
        try await self.withListener(shelf) { listener in
            let client = try RawClient(port: listener.port)
            let kinds = ["now", "task", "throw"]
            let requests = (0..<99).map { Self.request(kinds[$0 % 3], "k\($0)") }
            try await client.send(requests.joined() + Self.request("now", "last"))
            let answers = try await client.receive(until: "<last>")
            #expect(Self.contents(answers) == (0..<99).filter { $0 % 3 != 2 }.map { "k\($0)" } + ["last"])
            #expect(answers.components(of: "HTTP/1.1 500 ") == 33)
            shelf.check(count: 100)
        }
    }

    @Test func whoWaitsKeepsItsRequestWhileOthersAreServed() async throws {
        let shelf = Shelf()
        try await self.withListener(shelf) { listener in
            let waiting = try (0..<5).map { _ in try RawClient(port: listener.port) }
            for (index, client) in waiting.enumerated() {
                // What comes behind the one that waits waits with it.
                try await client.send(Self.request("wait", "w\(index)") + Self.request("now", "b\(index)"))
            }
            try await waitUntil { shelf.waiting.withLock { $0.count } == 5 }
            let busy = try RawClient(port: listener.port)
            try await busy.send((0..<50).map { Self.request($0 % 2 == 0 ? "now" : "task", "o\($0)") }.joined())
            #expect(Self.contents(try await busy.receive(until: "<o49>")) == (0..<50).map { "o\($0)" })
            // A head that is half there holds memory of its own.
            let half = Self.request("now", "half")
            try await busy.send(String(half.prefix(40)))
            for index in [3, 1, 4, 0, 2] {
                shelf.waiting.withLock { $0.removeValue(forKey: "w\(index)") }?.resume()
                #expect(
                    Self.contents(try await waiting[index].receive(until: "<b\(index)>")) == ["w\(index)", "b\(index)"]
                )
            }
            try await busy.send(String(half.dropFirst(40)))
            #expect(Self.contents(try await busy.receive(until: "<half>")) == ["half"])
            shelf.check(count: 61)
        }
    }

    @Test func whatIsRefusedLeavesNothingToTheNext() async throws {
        let shelf = Shelf()
        try await self.withListener(shelf) { listener in
            for index in 0..<20 {
                let client = try RawClient(port: listener.port)
                let bad = [
                    "GET / HTTP/1.1\r\nHost: a\r\nX-Left: \(index)\r\nbad field\r\n\r\n", "GET /\r\n\r\n", "\n",
                ][index % 3]
                try await client.send(Self.request("now", "r\(index)") + bad)
                let answers = try await client.receiveAll()
                #expect(Self.contents(answers).first == "r\(index)")
                #expect(answers.contains("HTTP/1.1 400 "))
            }
            // One that goes away in the middle of a head.
            let gone = try RawClient(port: listener.port)
            try await gone.send("GET / HTTP/1.1\r\nX-Gone: 1\r\n")
            try await gone.finishSending()
            _ = try await gone.receiveAll()
            let client = try RawClient(port: listener.port)
            try await client.send(Self.request("now", "after"))
            _ = try await client.receive(until: "<after>")
            shelf.check(count: 21)
        }
    }

    @Test func anUpgradeTakesItsRequestAlong() async throws {
        let shelf = Shelf()
        try await self.withListener(shelf) { listener in
            let handshake =
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            var sockets: [RawClient] = []
            for index in 0..<5 {
                let client = try RawClient(port: listener.port)
                try await client.send(
                    Self.request("now", "u\(index)") + Self.request("upgrade", "v\(index)", handshake)
                )
                let answers = try await client.receive(until: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
                #expect(Self.contents(answers) == ["u\(index)"])
                sockets.append(client)
            }
            // The fields of an upgrade are four more: looked at here, and taken out of what is checked below.
            let upgraded = shelf.kept.withLock { kept in
                let upgraded = kept.filter { $0.request.fields["X-Kind"] == "upgrade" }
                kept.removeAll { $0.request.fields["X-Kind"] == "upgrade" }
                return upgraded
            }
            for (index, kept) in upgraded.enumerated() {
                #expect(kept.request.fields["X-Name"] == "v\(index)" && kept.context.parameters["name"] == "v\(index)")
                #expect(kept.request.fields["Sec-WebSocket-Key"] == "dGhlIHNhbXBsZSBub25jZQ==")
                #expect(kept.request.fields.count == 8)
            }
            #expect(upgraded.count == 5)
            shelf.check(count: 5)
        }
    }

    private final class SilentSocket: WebSocketHandler {
        func opened(_ socket: WebSocketConnection) {}
        func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {}
        func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {}
        func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {}
    }

    @Test func theBufferOfAnswersIsLentOnceAtATime() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            try await loop.enter {
                let configuration = HTTPServerConfiguration(responder: HTTPResponder { _, _ in HTTPResponse(.ok) })
                let shard = HTTPServerShard(loop: loop, configuration: configuration, load: ShardLoad()) {}
                var first = shard.lendOutput()
                var second = shard.lendOutput()
                first.write(atMost: 8) { $0.write("first") }
                second.write(atMost: 8) { $0.write("second") }
                #expect(first.bytes == Array("first".utf8) && second.bytes == Array("second".utf8))
                first.removeAll()
                shard.takeBackOutput(first)
                #expect(second.bytes == Array("second".utf8))
                let third = shard.lendOutput()
                #expect(third.isEmpty && third.capacity >= 1_024)
                // One that grew large is let go.
                var large = shard.lendOutput()
                let count = 8 * HTTPServerShard.outputBytes
                large.write(atMost: count) { $0.write([UInt8](repeating: 1, count: count)) }
                large.removeAll()
                shard.takeBackOutput(large)
                #expect(shard.lendOutput().capacity == 0)
                // Who keeps a request has it for good.
                let slot = shard.slot
                slot.request.fields.append("X", "kept")
                let kept = slot.request
                shard.clear(slot)
                #expect(slot.request.fields.count == 0)
                slot.request.fields.append("Y", "next")
                #expect(kept.fields["X"] == "kept" && kept.fields["Y"] == nil)
                #expect(slot.request.fields["Y"] == "next" && slot.request.fields["X"] == nil)
            }
        }
    }
}

extension String {
    fileprivate func components(of part: String) -> Int { self.ranges(of: part).count }
}
