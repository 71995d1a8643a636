import Foundation
import Testing
import TimingleTestSupport

@testable import TimingleNet

/// WebSockets whose home is another loop than the one that their connection came in on.
struct UpgradeMoveTests {
    /// Says where it lives, then echoes; the loop's index is the first text.
    private final class HomeSocket: WebSocketHandler {
        func opened(_ socket: WebSocketConnection) {
            socket.loop.preconditionInLoop()
            socket.send(text: "loop \(socket.loop.index).")
        }
        func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {
            socket.loop.preconditionInLoop()
            socket.send(text: text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
        }
        func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {}
        func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {}
    }

    /// `/home/N` wants the loop N; `/foreign` one of another group; `/big` is an answer of 4 MB, all else "other".
    private static func handler(_ group: EventLoopGroup, foreign: EventLoop?, waits: Bool) -> HTTPHandler {
        let big = [UInt8](repeating: UInt8(ascii: "x"), count: 4_000_000)
        return { request, _ in
            if waits { await Task.yield() }
            let parts = request.path.split(separator: "/")
            switch parts.first {
            case "home":
                let loop = group.loops[Int(parts[1]) ?? 0]
                return .upgrade(WebSocketUpgrade(home: loop) { HomeSocket() }, fields: ["X-Own": "1"])
            case "foreign":
                return .upgrade(WebSocketUpgrade(home: foreign) { HomeSocket() })
            case "big":
                return HTTPResponse(.ok, body: .bytes(big))
            default:
                return HTTPResponse(.ok, body: .bytes(Array("other".utf8)))
            }
        }
    }

    private static func withListener(
        loops: Int = 3,
        waits: Bool = false,
        change: (inout HTTPServerConfiguration) -> Void = { _ in },
        _ body: (Listener) async throws -> Void
    ) async throws {
        try await withEventLoopGroup(count: 1) { other in
            try await withEventLoopGroup(count: loops) { group in
                let handler = Self.handler(group, foreign: other.loops[0], waits: waits)
                var configuration = HTTPServerConfiguration(responder: handler)
                configuration.webSocketDeflate = PerMessageDeflate()
                change(&configuration)
                try configuration.useTestTransport()
                try await TimingleTestSupport.withListener(configuration, group: group, body)
            }
        }
    }

    private static func handshake(_ path: String, extensions: String? = nil) -> [UInt8] {
        let offer = extensions.map { "Sec-WebSocket-Extensions: \($0)\r\n" } ?? ""
        return Array(
            ("GET \(path) HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\(offer)"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").utf8
        )
    }

    private static func get(_ path: String) -> [UInt8] { Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8) }

    /// Connections are spread, so of three with the same home two have to move.
    @Test(arguments: [false, true])
    func everySocketLivesWhereItsHomeIs(waits: Bool) async throws {
        try await Self.withListener(waits: waits) { listener in
            var clients: [RawClient] = []
            for index in 0..<9 {
                let client = try RawClient(port: listener.port)
                try await client.send(Self.handshake("/home/\(index / 3)"))
                let answer = try await client.receive(until: "loop \(index / 3).")
                #expect(answer.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n") && answer.contains("X-Own: 1"))
                clients.append(client)
            }
            #expect(listener.connectionCount == 9)
            for (index, client) in clients.enumerated() {
                try await client.send(WebSocketClientFrame.text("echo \(index)"))
                #expect(try await client.receive(until: "echo \(index)").count < 20)
                try await client.send(WebSocketClientFrame.close(1000))
                _ = try await client.receiveAll()
            }
            clients = []
            try await waitUntil { listener.connectionCount == 0 }
        }
    }

    /// What is behind the handshake in the same segment, and what comes while the connection is between two loops.
    @Test func noByteBehindTheHandshakeIsLost() async throws {
        let first = WebSocketClientFrame.text("first")
        let rest = first + WebSocketClientFrame.text("second") + WebSocketClientFrame.text("third")
        try await Self.withListener { listener in
            for home in 0..<3 {
                let request = Self.handshake("/home/\(home)")
                let all = request + rest
                for cut in request.count - 3...all.count {
                    let client = try RawClient(port: listener.port)
                    try await client.send(Array(all[..<cut]))
                    if cut < all.count { try await client.send(Array(all[cut...])) }
                    let answer = try await client.receive(until: "third")
                    let parts = ["HTTP/1.1 101 ", "loop \(home).", "first", "second", "third"]
                    let places = parts.map { answer.firstRange(of: $0)?.lowerBound ?? answer.endIndex }
                    #expect(places == places.sorted() && !places.contains(answer.endIndex))
                }
            }
            try await waitUntil { listener.connectionCount == 0 }
        }
    }

    @Test func answersBeforeTheHandshakeComeFirst() async throws {
        try await Self.withListener { listener in
            for home in 0..<3 {
                let client = try RawClient(port: listener.port)
                try await client.send(Self.get("/1") + Self.get("/2") + Self.handshake("/home/\(home)"))
                let answer = try await client.receive(until: "loop \(home).")
                let bodies = answer.components(separatedBy: "other").count - 1
                #expect(bodies == 2 && answer.hasPrefix("HTTP/1.1 200 "))
            }
        }
    }

    /// An answer that the peer does not read keeps the connection where it is; the WebSocket is there, too.
    @Test func aConnectionThatCannotLeaveStays() async throws {
        func change(_ configuration: inout HTTPServerConfiguration) {
            configuration.limits.outboxBytes = 8_000_000
            configuration.limits.pipelinedAnswerBytes = 8_000_000
            configuration.webSocketLimits.outboxBytes = 8_000_000
        }
        try await Self.withListener(change: change) { listener in
            var stayed = 0
            for home in 0..<3 {
                let client = try RawClient(port: listener.port, receiveBufferBytes: 4_096)
                try await client.send(
                    Self.get("/big") + Self.handshake("/home/\(home)") + WebSocketClientFrame.text("hello")
                )
                var answer: [UInt8] = []
                while !answer.suffix(5).elementsEqual("hello".utf8) {
                    let portion = try await client.receive()
                    try #require(!portion.isEmpty)
                    answer += portion
                }
                #expect(answer.count > 4_000_000)
                let end = String(decoding: answer.suffix(400), as: UTF8.self)
                #expect(end.contains("HTTP/1.1 101 "))
                if !end.contains("loop \(home).") { stayed += 1 }
            }
            #expect(stayed > 0)
        }
    }

    @Test func aLoopOfAnotherGroupIsNoHome() async throws {
        try await Self.withListener { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(Self.handshake("/foreign") + WebSocketClientFrame.text("hello"))
            #expect(try await client.receive(until: "hello").contains("loop "))
        }
    }

    @Test func messagesAreCompressedOnTheNewLoop() async throws {
        try await Self.withListener { listener in
            for home in 0..<3 {
                let client = try RawClient(port: listener.port)
                try await client.send(Self.handshake("/home/\(home)", extensions: "permessage-deflate"))
                let answer = try await client.receive(until: "\r\n\r\n")
                #expect(answer.contains("\r\nSec-WebSocket-Extensions: permessage-deflate"))
                let text = String(repeating: "again and ", count: 200)
                try await client.send(WebSocketClientFrame.text(text))
                try await client.send(WebSocketClientFrame.close(1000))
                var bytes: [UInt8] = []
                while true {
                    let portion = try await client.receive()
                    guard !portion.isEmpty else { break }
                    bytes += portion
                }
                let frames = try #require(WebSocketServerFrame.all(in: bytes))
                let echo = try #require(frames.first { $0.isCompressed })
                #expect(echo.payload.count < 100)
                #expect(NaiveInflate.inflate(echo.payload + [0, 0, 0xFF, 0xFF])?.bytes == Array(text.utf8))
            }
        }
    }

    /// Peers that are gone before, while, and after their connection moves.
    @Test func peersThatGoMeanwhileLeaveNothingBehind() async throws {
        try await Self.withListener { listener in
            for round in 0..<60 {
                let client = try RawClient(port: listener.port)
                try await client.send(Self.handshake("/home/\(round % 3)") + WebSocketClientFrame.text("x"))
                switch round % 4 {
                case 0: client.resetOnClose()
                case 1: try await client.cut()
                case 2: _ = try await client.receive()
                default: break
                }
            }
            try await waitUntil { listener.connectionCount == 0 }
        }
    }

    /// The counts of connections by network and in all see a move as what it is: one connection.
    @Test func aMoveIsOneConnection() async throws {
        func change(_ configuration: inout HTTPServerConfiguration) {
            configuration.limits.connections = 4
            configuration.limits.connectionsPerNetwork = 4
        }
        try await Self.withListener(change: change) { listener in
            for _ in 0..<3 {
                var clients: [RawClient] = []
                for _ in 0..<4 {
                    let client = try RawClient(port: listener.port)
                    try await client.send(Self.handshake("/home/1"))
                    _ = try await client.receive(until: "loop 1.")
                    clients.append(client)
                }
                #expect(listener.connectionCount == 4)
                clients = []
                try await waitUntil { listener.connectionCount == 0 }
            }
        }
    }

    /// All that comes; a Close is answered.
    private static func untilTheEnd(_ client: RawClient) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var isAnswered = false
        while true {
            let portion = try await client.receive()
            guard !portion.isEmpty else { return bytes }
            bytes += portion
            guard !isAnswered, Self.hasRestartClose(bytes) else { continue }
            isAnswered = true
            try await client.send(WebSocketClientFrame.close(1012))
        }
    }

    private static func hasRestartClose(_ bytes: [UInt8]) -> Bool {
        bytes.indices.dropLast(3).contains { bytes[$0] == 0x88 && bytes[$0 + 2] == 0x03 && bytes[$0 + 3] == 0xF4 }
    }

    /// The server goes down while connections move: each is told so or ends, and none is left.
    @Test(arguments: [false, true])
    func goingDownMeanwhileLeavesNothingBehind(drains: Bool) async throws {
        for _ in 0..<10 {
            try await Self.withListener { listener in
                let clients = try (0..<24).map { _ in try RawClient(port: listener.port) }
                for client in clients {
                    try await client.send(Self.get("/"))
                    _ = try await client.receive(until: "other")
                }
                await withTaskGroup(of: Void.self) { tasks in
                    for (index, client) in clients.enumerated() {
                        tasks.addTask {
                            do {
                                try await client.send(Self.handshake("/home/\(index % 3)"))
                                let bytes = try await Self.untilTheEnd(client)
                                let wasOpened = String(decoding: bytes, as: UTF8.self).contains("HTTP/1.1 101 ")
                                try await client.finishSending()
                                if drains, wasOpened { #expect(Self.hasRestartClose(bytes)) }
                            } catch {
                                // Cut: also an end.
                            }
                        }
                    }
                    tasks.addTask {
                        if drains {
                            #expect(await listener.drain(deadline: .seconds(20)))
                        } else {
                            await listener.close()
                        }
                    }
                }
                #expect(listener.connectionCount == 0)
            }
        }
    }
}
